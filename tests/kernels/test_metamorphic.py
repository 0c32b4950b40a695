"""How results change when inputs do: relations that hold without knowing any value."""

from dataclasses import replace

import pytest
import torch
from hypothesis import strategies as st
from tests.kernels.cases import Batch, Reach, batch, batches, explore, same_bits

from mmjudge.kernels import (
    late_interaction_matrix,
    late_interaction_pairs,
    token_image_reward,
)

POOLS = [("max", None), ("mean", None), ("softmax", 0.1)]
EVERYTHING = {"return_tokens": True, "return_argmax": True}


def one_pair(tokens: int = 5, patches: int = 37, dim: int = 16, seed: int = 0) -> Batch:
    return batch([tokens], [patches], dim, seed=seed)


@pytest.mark.parametrize(("pool", "tau"), POOLS)
def test_the_length_of_a_row_does_not_matter(
    kernel_backend: Reach, pool: str, tau: float | None
) -> None:
    given = batch([4, 3], [5, 6], 96, masked=True)
    factors = torch.logspace(-8, 8, 11)[:, None]
    scaled = replace(given, image=given.image * factors, text=given.text * factors[:7])
    one = given(token_image_reward, pool=pool, tau=tau).values
    other = scaled(token_image_reward, pool=pool, tau=tau).values
    torch.testing.assert_close(one, other, atol=2e-5 if tau else 2e-6, rtol=0.0)


@pytest.mark.parametrize(("pool", "tau"), POOLS)
def test_a_power_of_two_changes_no_bit(kernel_backend: Reach, pool: str, tau: float | None) -> None:
    given = batch([4, 3], [5, 6], 96, masked=True)
    scaled = replace(given, text=given.text * 2.0**20, image=given.image / 2.0**11)
    one = given(token_image_reward, pool=pool, tau=tau).values
    assert same_bits(one, scaled(token_image_reward, pool=pool, tau=tau).values)


@pytest.mark.parametrize("operation", [late_interaction_pairs, late_interaction_matrix])
def test_patches_in_another_order_are_chosen_there(
    kernel_backend: Reach, operation: object
) -> None:
    given = one_pair()
    order = torch.randperm(37, generator=torch.Generator().manual_seed(4))
    turned = replace(given, image=given.image[order])
    one, other = given(operation, **EVERYTHING), turned(operation, **EVERYTHING)  # type: ignore[arg-type]
    assert same_bits(one.token_max, other.token_max)
    assert torch.equal(order[other.token_argmax.long()], one.token_argmax.long())
    torch.testing.assert_close(one.i2t, other.i2t, atol=1e-6, rtol=0.0)
    if one.patch_max is not None:
        assert same_bits(one.patch_max[order], other.patch_max)
        assert torch.equal(one.patch_argmax[order], other.patch_argmax)


def test_patches_that_come_twice_are_chosen_where_they_came_first(kernel_backend: Reach) -> None:
    def holds(drawn: Batch) -> None:
        masks = None if drawn.patch_mask is None else drawn.patch_mask.repeat(2)
        runs = [drawn.image[run] for run in drawn.images]
        kept = [drawn.kept_patches[run] for run in drawn.images]
        nothing = drawn.image[:0]
        twice = replace(
            drawn,
            image=torch.cat([nothing, *(torch.cat([run, run]) for run in runs)]),
            patches=tuple(2 * length for length in drawn.patches),
            patch_mask=None
            if masks is None
            else torch.cat([masks[:0], *(torch.cat([run, run]) for run in kept)]),
        )
        one = drawn(late_interaction_pairs, **EVERYTHING)
        other = twice(late_interaction_pairs, **EVERYTHING)
        assert same_bits(one.token_max, other.token_max)
        assert torch.equal(one.token_argmax, other.token_argmax)

    explore(kernel_backend, holds, batches(kernel_backend), share=0.5)


def test_ties_among_many_patches_go_to_the_lowest(kernel_backend: Reach) -> None:
    """Wherever in a tile, and in whichever tile, the copies lie."""
    given = one_pair(tokens=3, patches=1, dim=72)
    for length in (2, 33, 290):
        image = given.image.expand(length, -1)
        mask = torch.ones(length, dtype=torch.bool)
        first = length // 3
        mask[:first] = False
        same = replace(given, image=image, patches=(length,), patch_mask=mask)
        for found in (
            same(late_interaction_pairs, return_argmax=True).token_argmax,
            same(late_interaction_matrix, return_argmax=True).token_argmax[:, 0],
            same(token_image_reward, return_argmax=True).argmax,
            same(token_image_reward, pool="mean", return_argmax=True).argmax,
        ):
            assert found.tolist() == [first] * 3


def test_ties_among_many_tokens_go_to_the_lowest(kernel_backend: Reach) -> None:
    given = one_pair(tokens=1, patches=3, dim=72)
    for length in (2, 33, 150):
        mask = torch.ones(length, dtype=torch.bool)
        first = length // 3
        mask[:first] = False
        same = replace(given, text=given.text.expand(length, -1), tokens=(length,), token_mask=mask)
        found = same(late_interaction_pairs, return_argmax=True)
        assert found.patch_argmax.tolist() == [first] * 3


def test_zeros_of_either_sign_tie(kernel_backend: Reach) -> None:
    text = torch.tensor([[[0.0, 0.0], [-1.0, 0.0], [0.0, -1.0]]])
    image = torch.tensor([[[0.0, 1.0], [0.0, -1.0], [1.0, 0.0], [0.0, 0.0]]])
    # Similarities, up to the sign of zero: 0 0 0 0, 0 0 -1 0 and -1 1 0 0.
    for operation in (late_interaction_pairs, late_interaction_matrix):
        found = operation(text, image, return_argmax=True)
        assert found.token_argmax is not None
        assert found.token_argmax.flatten().tolist() == [0, 0, 1]


def test_zeros_of_either_sign_tie_across_tiles(kernel_backend: Reach) -> None:
    """Patches too faint for a direction on one side of the token, then on the other."""
    text = torch.tensor([[[1.0, 0.0]]])
    faint = torch.tensor([[-1e-20, 0.0]] * 64 + [[1e-20, 0.0]] * 64)
    for image in (faint[None], -faint[None]):
        for operation in (late_interaction_pairs, late_interaction_matrix):
            found = operation(text, image, return_argmax=True)
            assert found.token_argmax is not None
            assert found.token_argmax.flatten().tolist() == [0]


def test_one_more_patch_never_lowers_a_maximum(kernel_backend: Reach) -> None:
    given = one_pair(patches=12, seed=5)
    held = torch.full((5,), -1.0)
    for length in range(1, 13, 3):
        fewer = given.take([0], [0])
        fewer = replace(fewer, image=given.image[:length], patches=(length,))
        values = fewer(token_image_reward).values
        assert bool((values >= held).all())
        held = values


def test_a_rotation_of_all_features_leaves_cosines(kernel_backend: Reach) -> None:
    given = batch([4, 3], [5, 6], 72, masked=True)
    random = torch.randn(72, 72, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    rotation = torch.linalg.qr(random).Q
    turned = replace(
        given,
        text=(given.text.double() @ rotation).float(),
        image=(given.image.double() @ rotation).float(),
    )
    one, other = given(late_interaction_pairs), turned(late_interaction_pairs)
    torch.testing.assert_close(one.t2i, other.t2i, atol=2e-6, rtol=0.0)
    torch.testing.assert_close(one.i2t, other.i2t, atol=2e-6, rtol=0.0)


def test_softmax_lies_between_mean_and_maximum(kernel_backend: Reach) -> None:
    def holds(drawn: Batch, tau: float) -> None:
        soft = drawn(token_image_reward, pool="softmax", tau=tau).values
        assert bool((soft <= drawn(token_image_reward).values + 1e-6).all())
        assert bool((soft >= drawn(token_image_reward, pool="mean").values - 1e-6).all())

    drawn = batches(kernel_backend, spoils=("zero", "copy"))
    explore(kernel_backend, holds, drawn, st.floats(1e-3, 1e3), share=0.5)


def test_a_token_is_most_like_itself(kernel_backend: Reach) -> None:
    given = one_pair(tokens=9, patches=9, dim=96)
    itself = replace(given, image=given.text)
    reward = itself(token_image_reward, return_argmax=True)
    assert reward.argmax.tolist() == list(range(9))
    torch.testing.assert_close(reward.values, torch.ones(9), atol=2e-6, rtol=0.0)
