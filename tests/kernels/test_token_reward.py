"""Token rewards: maximum, mean and softmax over the patches of a text's own image."""

from dataclasses import replace

import pytest
import torch
from hypothesis import strategies as st
from tests.kernels.cases import (
    DIMS_AND_DTYPES,
    LAYOUTS,
    SPOILS,
    Batch,
    Reach,
    batch,
    batches,
    explore,
    laid_out,
    offsets,
    same_bits,
    spoil,
    unpadded,
)
from tests.kernels.expected import Side, check_maxima, check_values, sides
from torch import Tensor

from mmjudge.kernels import Margin, TokenReward, token_image_reward
from mmjudge.kernels.rows import LARGEST_DIM

LAYOUT = st.sampled_from(list(LAYOUTS))
POOLS = [("mean", None), ("softmax", 0.05), ("softmax", 3.0)]


def check(drawn: Batch, reward: TokenReward, normalize: bool = True) -> None:
    assert reward.argmax is not None
    for i, run in enumerate(drawn.texts):
        tokens, _ = sides(drawn, i, i, normalize)
        check_maxima(tokens, reward.values[run], reward.argmax[run])


def pooled(side: Side, tau: float | None) -> Tensor:
    """The mean, or the mean weighted by softmax, over the candidates that count."""
    among = side.similarity[:, side.columns]
    if not among.shape[1]:
        return torch.zeros(len(among), dtype=torch.float64)
    if tau is None:
        return among.mean(1).masked_fill(~side.rows, 0.0)
    weights = torch.softmax(among / tau, 1)
    return (weights * among).sum(1).masked_fill(~side.rows, 0.0)


def test_rewards_are_the_best_cosines(kernel_backend: Reach) -> None:
    def holds(drawn: Batch, text: str, image: str) -> None:
        given = laid_out(drawn, text, image)
        check(drawn, given(token_image_reward, return_argmax=True))

    explore(kernel_backend, holds, batches(kernel_backend), LAYOUT, LAYOUT)


def test_rewards_are_the_best_dot_products_where_not_normalised(kernel_backend: Reach) -> None:
    # Longer rows than these would leave float32 in their products.
    spoils = [kind for kind in SPOILS if kind != "lost"]

    def holds(drawn: Batch, text: str, image: str) -> None:
        given = laid_out(drawn, text, image)
        reward = given(token_image_reward, normalize=False, return_argmax=True)
        check(drawn, reward, normalize=False)

    explore(kernel_backend, holds, batches(kernel_backend, spoils=spoils), LAYOUT, LAYOUT)


@pytest.mark.parametrize(("dim", "dtype"), DIMS_AND_DTYPES)
def test_every_dimension(kernel_backend: Reach, dim: int, dtype: torch.dtype) -> None:
    given = batch([3, 0, 1], [4, 2, 5], dim, dtype, masked=True)
    check(given, given(token_image_reward, return_argmax=True))
    check(given, given(token_image_reward, normalize=False, return_argmax=True), normalize=False)


def test_the_largest_dimension(kernel_backend: Reach) -> None:
    given = batch([1, 1], [1, 2], LARGEST_DIM)
    check(given, given(token_image_reward, return_argmax=True))


def test_texts_and_images_longer_than_any_tile(kernel_backend: Reach) -> None:
    given = batch([2, 150], [3, 290], 16, masked=True)
    check(given, given(token_image_reward, return_argmax=True))


@pytest.mark.parametrize(("pool", "tau"), POOLS)
def test_rewards_are_means_of_cosines(kernel_backend: Reach, pool: str, tau: float | None) -> None:
    def holds(drawn: Batch, text: str, image: str) -> None:
        given = laid_out(drawn, text, image)
        values = given(token_image_reward, pool=pool, tau=tau).values
        for i, run in enumerate(drawn.texts):
            side, _ = sides(drawn, i, i)
            # An error of a cosine is multiplied by up to 1 / tau in its weight.
            atol = 2e-6 * (1 + 1 / (tau or torch.inf))
            check_values(values[run], pooled(side, tau), side.scale, atol)

    explore(kernel_backend, holds, batches(kernel_backend), LAYOUT, LAYOUT, share=0.7)


@pytest.mark.parametrize(("pool", "tau"), [*POOLS, ("max", None)])
def test_means_may_be_of_dot_products_and_name_the_best_patch(
    kernel_backend: Reach, pool: str, tau: float | None
) -> None:
    given = batch([4, 0, 1, 35], [7, 2, 0, 40], 72, masked=True)
    reward = given(token_image_reward, pool=pool, tau=tau, normalize=False, return_argmax=True)
    best = given(token_image_reward, normalize=False, return_argmax=True)
    assert torch.equal(reward.argmax, best.argmax)
    if pool != "max":
        for i, run in enumerate(given.texts):
            side, _ = sides(given, i, i, normalize=False)
            atol = 2e-6 * (1 + 10 / (tau or torch.inf))
            check_values(reward.values[run], pooled(side, tau), side.scale, atol)


def test_softmax_of_a_low_temperature_is_the_maximum(kernel_backend: Reach) -> None:
    given = batch([5, 3], [6, 1], 16, masked=True)
    soft = given(token_image_reward, pool="softmax", tau=1e-5).values
    torch.testing.assert_close(soft, given(token_image_reward).values, atol=1e-6, rtol=0.0)


def test_softmax_of_a_high_temperature_is_the_mean(kernel_backend: Reach) -> None:
    given = batch([5, 3], [6, 1], 16, masked=True)
    soft = given(token_image_reward, pool="softmax", tau=1e7).values
    mean = given(token_image_reward, pool="mean").values
    torch.testing.assert_close(soft, mean, atol=1e-6, rtol=0.0)


@pytest.mark.parametrize("normalize", [True, False])
def test_a_global_embedding_is_an_image_of_one_patch(
    kernel_backend: Reach, normalize: bool
) -> None:
    for dim in (1, 96, 768):
        given = batch([3, 0, 1, 8], [1, 1, 1, 1], dim, masked=True)
        given = Batch(given.text, given.image, given.tokens, given.patches, given.token_mask)
        reward = token_image_reward(
            given.text,
            given.image,
            cu_tokens=torch.tensor([0, 3, 3, 4, 12]),
            token_mask=given.token_mask,
            source="global",
            normalize=normalize,
        )
        assert reward.argmax is None
        for i, run in enumerate(given.texts):
            check_maxima(sides(given, i, i, normalize)[0], reward.values[run], None)


def test_global_rewards_are_the_cosines(kernel_backend: Reach) -> None:
    def holds(drawn: Batch, kind: str, text: str, normalize: bool) -> None:
        texts = len(drawn.tokens)
        one = batch([], [1] * texts, drawn.text.shape[1], drawn.text.dtype, seed=1)
        if texts:
            spoil(one.image, 0, kind, 0)
        given = replace(drawn, image=one.image, patches=one.patches, patch_mask=None)
        reward = token_image_reward(
            laid_out(given, text, "plain").text,
            given.image,
            cu_tokens=offsets(given.tokens),
            token_mask=given.token_mask,
            source="global",
            normalize=normalize,
        )
        for i, run in enumerate(given.texts):
            check_maxima(sides(given, i, i, normalize)[0], reward.values[run], None)

    kinds = [kind for kind in SPOILS if kind != "lost"]  # whose dot products leave float32
    drawn = batches(kernel_backend, spoils=kinds)
    explore(kernel_backend, holds, drawn, st.sampled_from(kinds), LAYOUT, st.booleans())


def test_padded_rewards_come_padded(kernel_backend: Reach) -> None:
    given = batch([3, 0, 5], [2, 4, 1], 16, torch.float16, masked=True)
    ragged = given(token_image_reward, return_argmax=True)
    padded = given.padded(2)(token_image_reward, return_argmax=True)
    assert padded.values.shape == padded.argmax.shape == (3, 7)
    assert torch.equal(unpadded(padded.values, given.tokens), ragged.values)
    assert torch.equal(unpadded(padded.argmax, given.tokens), ragged.argmax)
    absent = ~given.padded(2).token_mask
    assert not padded.values[absent].any()
    assert bool((padded.argmax[absent] == -1).all())


def test_one_side_may_be_ragged_and_the_other_padded(kernel_backend: Reach) -> None:
    given = batch([3, 0, 5], [2, 4, 1], 16, masked=True)
    padded, both = given.padded(1), given(token_image_reward).values
    mixed = token_image_reward(
        given.text,
        padded.image,
        cu_tokens=offsets(given.tokens),
        token_mask=given.token_mask,
        patch_mask=padded.patch_mask,
    )
    assert same_bits(mixed.values, both)
    mixed = token_image_reward(
        padded.text,
        given.image,
        token_mask=padded.token_mask,
        cu_patches=offsets(given.patches),
        patch_mask=given.patch_mask,
    )
    assert same_bits(unpadded(mixed.values, given.tokens), both)


def test_global_rewards_keep_every_bit_in_any_batch(kernel_backend: Reach) -> None:
    given = batch([3, 33, 1], [1, 1, 1], 96)
    tokens = given.padded(2).text
    together = token_image_reward(tokens.nan_to_num(), given.image, source="global").values
    for i, run in enumerate(given.texts):
        alone = token_image_reward(given.text[None, run], given.image[i : i + 1], source="global")
        assert same_bits(alone.values[0], together[i, : given.tokens[i]])


def test_the_argmax_comes_where_it_is_asked_for(kernel_backend: Reach) -> None:
    given = batch([3], [4], 16)
    assert given(token_image_reward).argmax is None
    assert given.leaves()(token_image_reward).argmax is None
    with torch.no_grad():
        assert given.leaves()(token_image_reward, return_argmax=True).argmax is not None


def test_a_transform_reaches_the_rewards_that_there_are(kernel_backend: Reach) -> None:
    given = batch([4, 2], [3, 0], 16, masked=True)
    raw = given(token_image_reward, return_argmax=True)
    shifted = given(token_image_reward, transform=lambda s: s + 5.0).values
    wanted = torch.where(raw.argmax == -1, 0.0, raw.values + 5.0)
    assert torch.equal(shifted, wanted)
    margin = Margin(-0.1, 0.1, "sign")
    assert torch.equal(
        given(token_image_reward, transform=margin).values,
        torch.where(raw.argmax == -1, 0.0, margin(raw.values)),
    )


def test_rewards_of_absent_tokens_stay_zero_under_a_mean_s_transform(kernel_backend: Reach) -> None:
    given = batch([4, 2], [3, 0], 16, masked=True)
    present = given(token_image_reward, return_argmax=True).argmax >= 0
    for pool, tau in POOLS:
        values = given(token_image_reward, pool=pool, tau=tau, transform=lambda s: s + 5.0).values
        assert torch.equal(values != 0.0, present)
