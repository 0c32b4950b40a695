"""NaN and infinity reach exactly the results that they took part in; 0 where nothing did."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.kernels.cases import Batch, Reach, batch
from tests.kernels.dense import gradients
from torch import Tensor, inf, nan

from mmjudge.kernels import (
    late_interaction_matrix,
    late_interaction_pairs,
    token_image_reward,
)

EVERYTHING = {"return_tokens": True, "return_argmax": True}
TOKENS, PATCHES = [3, 2], [4, 3]
BAD = [nan, inf, -inf, "lost"]
POOLS = [("max", None), ("mean", None), ("softmax", 0.1)]


def spoiled(side: str, row: int, value: float | str, *, whole: bool = False) -> Batch:
    """Two pairs with something bad in one row, in its last feature alone or in all of them."""
    given = batch(TOKENS, PATCHES, 72)
    rows = given.text if side == "text" else given.image
    where = slice(None) if whole else slice(-1, None)
    rows[row, where] = 1e30 if value == "lost" else float(value)
    return given


def only(length: int, *places: int) -> Tensor:
    """True at these places."""
    return torch.isin(torch.arange(length), torch.tensor(places))


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool[0])
def test_of_a_token(
    kernel_backend: Reach, pool: tuple[str, float | None], value: float | str
) -> None:
    given = spoiled("text", 1, value)
    reward = given(token_image_reward, pool=pool[0], tau=pool[1], return_argmax=True)
    assert torch.equal(reward.values.isnan(), only(5, 1))
    assert torch.equal(reward.argmax == -1, only(5, 1))


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool[0])
def test_of_a_patch(
    kernel_backend: Reach, pool: tuple[str, float | None], value: float | str
) -> None:
    """All tokens that the patch was compared with are lost, those of the other text are not."""
    given = spoiled("image", 2, value)
    reward = given(token_image_reward, pool=pool[0], tau=pool[1], return_argmax=True)
    assert torch.equal(reward.values.isnan(), only(5, 0, 1, 2))
    assert torch.equal(reward.argmax == -1, only(5, 0, 1, 2))


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("value", BAD[:3])
def test_of_a_token_in_pairs(
    kernel_backend: Reach, value: float, whole: bool, normalize: bool
) -> None:
    given = spoiled("text", 1, value, whole=whole)
    found = given(late_interaction_pairs, normalize=normalize, **EVERYTHING)
    assert found.t2i.isnan().tolist() == found.i2t.isnan().tolist() == [True, False]
    assert torch.equal(found.token_max.isnan(), only(5, 1))
    assert torch.equal(found.token_argmax == -1, only(5, 1))
    assert torch.equal(found.patch_max.isnan(), only(7, 0, 1, 2, 3))
    assert torch.equal(found.patch_argmax == -1, only(7, 0, 1, 2, 3))


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("value", BAD[:3])
def test_of_a_patch_in_pairs(
    kernel_backend: Reach, value: float, whole: bool, normalize: bool
) -> None:
    given = spoiled("image", 5, value, whole=whole)
    found = given(late_interaction_pairs, normalize=normalize, **EVERYTHING)
    assert found.t2i.isnan().tolist() == found.i2t.isnan().tolist() == [False, True]
    assert torch.equal(found.token_max.isnan(), only(5, 3, 4))
    assert torch.equal(found.token_argmax == -1, only(5, 3, 4))
    assert torch.equal(found.patch_max.isnan(), only(7, 5))
    assert torch.equal(found.patch_argmax == -1, only(7, 5))


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("value", BAD[:3])
def test_in_a_matrix(kernel_backend: Reach, value: float, whole: bool, normalize: bool) -> None:
    given = spoiled("text", 1, value, whole=whole)
    found = given(late_interaction_matrix, normalize=normalize, **EVERYTHING)
    row = [[True, True], [False, False]]
    assert found.t2i.isnan().tolist() == found.i2t.isnan().tolist() == row
    assert torch.equal(found.token_max.isnan(), only(5, 1)[:, None].expand(5, 2))
    assert torch.equal(found.token_argmax == -1, only(5, 1)[:, None].expand(5, 2))
    given = spoiled("image", 5, value, whole=whole)
    found = given(late_interaction_matrix, normalize=normalize, **EVERYTHING)
    column = [[False, True], [False, True]]
    assert found.t2i.isnan().tolist() == found.i2t.isnan().tolist() == column
    assert torch.equal(found.token_max.isnan(), torch.tensor([False, True]).expand(5, 2))


@pytest.mark.parametrize("operation", [late_interaction_pairs, late_interaction_matrix])
def test_gradients_beside_it_are_finite_and_its_own_are_not(
    kernel_backend: Reach, operation: Callable[..., Any]
) -> None:
    def loss(given: Batch) -> Tensor:
        found = given(operation)
        return torch.as_tensor(found.t2i.sum() + found.i2t.sum())

    text, image = gradients(loss, spoiled("text", 1, nan))
    clean = gradients(loss, batch(TOKENS, PATCHES, 72))
    assert bool(text[1].isnan().all())
    assert torch.equal(text[3:], clean[0][3:])
    if operation is late_interaction_pairs:  # a matrix compares the other image with it too
        assert torch.equal(image[4:], clean[1][4:])


@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool[0])
def test_masked_rows_may_be_lost(kernel_backend: Reach, pool: tuple[str, float | None]) -> None:
    given = batch(TOKENS, PATCHES, 16)
    given.text[1], given.image[2] = nan, inf
    given = Batch(given.text, given.image, given.tokens, given.patches, ~only(5, 1), ~only(7, 2))
    values = given(token_image_reward, pool=pool[0], tau=pool[1]).values
    assert bool(values.isfinite().all())
    assert values[1] == 0.0

    def loss(ours: Batch) -> Tensor:
        rewards = ours(token_image_reward, pool=pool[0], tau=pool[1]).values
        return torch.as_tensor(rewards.sum())

    text, image = gradients(loss, given)
    assert bool(text.isfinite().all()) and bool(image.isfinite().all())
    assert not text[1].any() and not image[2].any()


def test_huge_features_have_cosines(kernel_backend: Reach) -> None:
    """As long as float32 can hold a row's squared length."""
    given = batch(TOKENS, PATCHES, 96)
    huge = Batch(given.text * 1e17, given.image * 1e17, given.tokens, given.patches)
    torch.testing.assert_close(
        huge(token_image_reward).values, given(token_image_reward).values, atol=2e-6, rtol=0.0
    )
    lost = Batch(given.text * 1e20, given.image, given.tokens, given.patches)
    assert bool(lost(token_image_reward).values.isnan().all())


def test_faint_features_have_cosines_down_to_eps(kernel_backend: Reach) -> None:
    given = batch(TOKENS, PATCHES, 96)
    faint = Batch(given.text * 1e-11, given.image * 1e-11, given.tokens, given.patches)
    wanted = given(token_image_reward).values
    torch.testing.assert_close(faint(token_image_reward).values, wanted, atol=2e-6, rtol=0.0)
    assert not faint(token_image_reward, eps=1e-6).values.any()
    smaller = Batch(given.text * 1e-15, given.image, given.tokens, given.patches)
    assert not smaller(token_image_reward).values.any()
    found = smaller(token_image_reward, eps=1e-18).values
    torch.testing.assert_close(found, wanted, atol=2e-6, rtol=0.0)


def test_rows_without_direction_have_no_gradient(kernel_backend: Reach) -> None:
    given = batch(TOKENS, PATCHES, 16)
    given.text[1], given.image[2] = 0.0, 1e-20

    def loss(ours: Batch) -> Tensor:
        found = ours(late_interaction_pairs)
        return torch.as_tensor(found.t2i.sum() + found.i2t.sum())

    text, image = gradients(loss, given)
    assert not text[1].any() and not image[2].any()
    assert bool(text[0].any()) and bool(image[0].any())


@pytest.mark.parametrize("operation", [late_interaction_pairs, late_interaction_matrix])
def test_candidates_without_direction_tie_at_the_first(
    kernel_backend: Reach, operation: Callable[..., Any]
) -> None:
    """A token without direction is as similar, 0, to every patch: the lowest that counts."""
    for faint in (0.0, 1e-20):
        given = batch([2], [5], 16)
        given.text[1] = faint
        given = Batch(given.text, given.image, (2,), (5,), None, ~only(5, 0))
        found = given(operation, **EVERYTHING)
        assert int(found.token_argmax.flatten()[1]) == 1
        assert float(found.token_max.flatten()[1]) == 0.0


def test_dot_products_beyond_float32_are_infinite(kernel_backend: Reach) -> None:
    """Without normalisation they may be: neither nothing nor NaN, but what they round to."""
    text = torch.tensor([[[1e30, 0.0]], [[-1e30, 0.0]]])
    image = torch.tensor([[[1e30, 1.0]], [[1e30, 1.0]]])
    reward = token_image_reward(text, image, normalize=False, return_argmax=True)
    assert reward.values.flatten().tolist() == [inf, -inf]
    assert reward.argmax is not None and reward.argmax.flatten().tolist() == [0, 0]
    matrix = late_interaction_matrix(text, image, normalize=False)
    assert matrix.t2i is not None and matrix.t2i.tolist() == [[inf, inf], [-inf, -inf]]
