"""Gradients keep every bit, whatever else is in the batch and however it is padded."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import strategies as st
from tests.kernels.cases import (
    Batch,
    Padded,
    Reach,
    batch,
    batches,
    explore,
    same_bits,
    unpadded,
)
from torch import Tensor, inf, nan

from mmjudge.kernels import (
    late_interaction_matrix,
    late_interaction_pairs,
    token_image_reward,
)

Upstream = Callable[[int], Tensor]
Loss = Callable[[Any], Tensor]


def rewards(pool: str, tau: float | None) -> Loss:
    def loss(given: Batch | Padded) -> Tensor:
        values = given(token_image_reward, pool=pool, tau=tau).values
        # Curved, so that what comes from above differs from row to row by its value alone.
        return torch.as_tensor((values * (1.5 + values)).sum())

    return loss


def scores(given: Batch | Padded) -> Tensor:
    found = given(late_interaction_pairs)
    return torch.as_tensor((found.t2i * (1.5 + found.t2i) + 0.7 * found.i2t).sum())


LOSSES = {
    "maximum": rewards("max", None),
    "mean": rewards("mean", None),
    "softmax": rewards("softmax", 0.1),
    "scores": scores,
}


def gradients(loss: Loss, given: Batch | Padded) -> tuple[Tensor, Tensor]:
    leaves = given.leaves()
    loss(leaves).backward()
    assert leaves.text.grad is not None and leaves.image.grad is not None
    return leaves.text.grad, leaves.image.grad


@pytest.mark.parametrize("name", LOSSES)
def test_a_pair_alone_is_a_pair_in_a_batch(kernel_backend: Reach, name: str) -> None:
    def holds(drawn: Batch) -> None:
        text, image = gradients(LOSSES[name], drawn)
        for i in range(len(drawn.tokens)):
            alone = gradients(LOSSES[name], drawn.take([i], [i]))
            assert same_bits(alone[0], text[drawn.texts[i]])
            assert same_bits(alone[1], image[drawn.images[i]])

    explore(kernel_backend, holds, batches(kernel_backend), share=0.5)


@pytest.mark.parametrize("name", LOSSES)
def test_order_in_the_batch_does_not_matter(kernel_backend: Reach, name: str) -> None:
    given = batch([3, 0, 1, 8], [5, 2, 4, 1], 72, torch.bfloat16, masked=True)
    text, image = gradients(LOSSES[name], given)
    order = [2, 0, 3, 1]
    turned = gradients(LOSSES[name], given.take(order, order))
    wanted = Batch(text, image, given.tokens, given.patches).take(order, order)
    assert same_bits(turned[0], wanted.text)
    assert same_bits(turned[1], wanted.image)


@pytest.mark.parametrize("name", LOSSES)
def test_padding_does_not_matter_and_has_no_gradient(kernel_backend: Reach, name: str) -> None:
    def holds(drawn: Batch, more: int, garbage: float) -> None:
        ragged = gradients(LOSSES[name], drawn)
        padded = drawn.padded(more, garbage)
        found = gradients(LOSSES[name], padded)
        for one, other, lengths, mask in zip(
            ragged,
            found,
            (drawn.tokens, drawn.patches),
            (padded.token_mask, padded.patch_mask),
            strict=True,
        ):
            assert same_bits(one, unpadded(other, lengths))
            assert not other[~mask].any()

    more, garbage = st.sampled_from([0, 2, 35]), st.sampled_from([nan, inf, 0.0, 6e4])
    # How NaN spreads is another test's; here no row outside the padding is lost.
    drawn = batches(kernel_backend, spoils=("zero", "faint", "copy", "huge"))
    explore(kernel_backend, holds, drawn, more, garbage, share=0.5)


@pytest.mark.parametrize("name", LOSSES)
def test_runs_repeat_themselves(kernel_backend: Reach, name: str) -> None:
    given = batch([3, 0, 40], [5, 2, 40], 16, torch.float16, masked=True)
    first = gradients(LOSSES[name], given)
    second = gradients(LOSSES[name], given)
    assert all(map(same_bits, first, second))


def matrix_loss(texts: slice, images: slice) -> Loss:
    """Of the scores of these texts with these images alone."""

    def loss(given: Batch | Padded) -> Tensor:
        found = given(late_interaction_matrix)
        mixed = found.t2i * (1.5 + found.t2i) + 0.7 * found.i2t
        return torch.as_tensor(mixed[texts, images].sum())

    return loss


EVERY = slice(None)


def test_a_text_of_a_matrix_does_not_see_the_others(kernel_backend: Reach) -> None:
    """A text's gradient is a sum over all images, an image's one over all texts: each in order."""
    given = batch([3, 0, 35, 2], [5, 33, 1], 16, masked=True)
    text, image = gradients(matrix_loss(EVERY, EVERY), given)
    fewer_texts = given.take([3, 2], [0, 1, 2])
    found = gradients(matrix_loss(EVERY, EVERY), fewer_texts)[0]
    assert same_bits(found, Batch(text, image, given.tokens, given.patches).take([3, 2], [0]).text)
    fewer_images = given.take([0, 1, 2, 3], [2, 1])
    found = gradients(matrix_loss(EVERY, EVERY), fewer_images)[1]
    assert same_bits(found, Batch(text, image, given.tokens, given.patches).take([0], [2, 1]).image)


def test_scores_without_a_gradient_of_their_own_change_no_bit(kernel_backend: Reach) -> None:
    given = batch([3, 5, 2], [5, 4], 16, masked=True)
    text, image = gradients(matrix_loss(slice(1, 2), slice(0, 1)), given)
    alone = gradients(matrix_loss(EVERY, EVERY), given.take([1], [0]))
    assert torch.equal(alone[0], text[given.texts[1]])
    assert torch.equal(alone[1], image[given.images[0]])
    assert not text[given.texts[0]].any() and not text[given.texts[2]].any()
    assert not image[given.images[1]].any()


def test_a_matrix_repeats_itself_and_padding_does_not_matter(kernel_backend: Reach) -> None:
    given = batch([3, 0, 35], [5, 33], 16, torch.bfloat16, masked=True)
    loss = matrix_loss(EVERY, EVERY)
    first = gradients(loss, given)
    assert all(map(same_bits, first, gradients(loss, given)))
    padded = gradients(loss, given.padded(3, nan))
    assert same_bits(unpadded(padded[0], given.tokens), first[0])
    assert same_bits(unpadded(padded[1], given.patches), first[1])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dim", [96, 768])
def test_of_sizes_that_matter_to_matrix_libraries(
    blocked_backend: None, threads: None, dim: int, name: str
) -> None:
    given = batch([77, 1, 300, 20], [196, 577, 50, 3], dim)
    text, image = gradients(LOSSES[name], given)
    for i in range(4):
        alone = gradients(LOSSES[name], given.take([i], [i]))
        assert same_bits(alone[0], text[given.texts[i]])
        assert same_bits(alone[1], image[given.images[i]])
    padded = gradients(LOSSES[name], given.padded(23))
    assert same_bits(unpadded(padded[0], given.tokens), text)
    assert same_bits(unpadded(padded[1], given.patches), image)


@pytest.mark.parametrize("name", LOSSES)
def test_of_pairs_of_more_than_one_block(blocked_backend: None, name: str) -> None:
    """2 million products, whose blocks are of other tokens once there are more patches."""
    given = batch([5000], [400], 8)
    text, image = gradients(LOSSES[name], given)
    for more in (1, 100):
        padded = gradients(LOSSES[name], given.padded(more))
        assert same_bits(unpadded(padded[0], given.tokens), text)
        assert same_bits(unpadded(padded[1], given.patches), image)
