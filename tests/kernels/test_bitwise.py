"""Forward results keep every bit, whatever else is in the batch and however it is padded."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import strategies as st
from tests.kernels.cases import (
    LAYOUTS,
    Batch,
    Reach,
    batch,
    batches,
    explore,
    laid_out,
    same_bits,
    unpadded,
)
from torch import Tensor, inf, nan

from mmjudge.kernels import (
    late_interaction_matrix,
    late_interaction_pairs,
    token_image_reward,
)

EVERYTHING = {"return_tokens": True, "return_argmax": True}

# Every operation on pairs: what it gives per text, per token, per image and per patch.
Results = tuple[Tensor, ...]


def maximum(given: Any) -> Results:
    return tuple(given(token_image_reward, return_argmax=True))


def mean(given: Any) -> Results:
    return tuple(given(token_image_reward, pool="mean", return_argmax=True))


def softmax(given: Any) -> Results:
    return tuple(given(token_image_reward, pool="softmax", tau=0.1, return_argmax=True))


def scores(given: Any) -> Results:
    found = given(late_interaction_pairs, **EVERYTHING)
    return found.t2i, found.i2t, *found[2:]


PAIRS: dict[str, Callable[[Any], Results]] = {
    "maximum": maximum,
    "mean": mean,
    "softmax": softmax,
    "scores": scores,
}
# What results are per, in order.
PER = {
    "maximum": ("token", "token"),
    "mean": ("token", "token"),
    "softmax": ("token", "token"),
    "scores": ("pair", "pair", "token", "token", "patch", "patch"),
}


def part(results: Results, name: str, given: Batch, i: int) -> Results:
    """What belongs to pair i."""
    runs = {"token": given.texts[i], "patch": given.images[i], "pair": slice(i, i + 1)}
    return tuple(result[runs[per]] for result, per in zip(results, PER[name], strict=True))


def alike(one: Results, other: Results) -> bool:
    return all(map(same_bits, one, other)) and len(one) == len(other)


@pytest.mark.parametrize("name", PAIRS)
def test_a_pair_alone_is_a_pair_in_a_batch(kernel_backend: Reach, name: str) -> None:
    def holds(drawn: Batch) -> None:
        together = PAIRS[name](drawn)
        for i in range(len(drawn.tokens)):
            alone = PAIRS[name](drawn.take([i], [i]))
            assert alike(alone, part(together, name, drawn, i))

    explore(kernel_backend, holds, batches(kernel_backend), share=0.7)


@pytest.mark.parametrize("dim", [16, 96, 768, 1152, 4096])
def test_in_batches_of_any_size(threads: None, blocked_backend: None, dim: int) -> None:
    """Matrix libraries choose how to sum by the sizes of a product: there must be no sign of it."""
    lengths = [1, 2, 15, 16, 17, 40, 77, 130]
    patches = [1, 577, 3, 16, 50, 196, 7, 33]
    given = batch(lengths, patches, dim)
    for name in PAIRS:
        together = PAIRS[name](given)
        for i in range(len(lengths)):
            alone = PAIRS[name](given.take([i], [i]))
            assert alike(alone, part(together, name, given, i)), (name, lengths[i], patches[i])
    matrix = given(late_interaction_matrix, **EVERYTHING)
    for i, j in [(0, 1), (3, 4), (5, 1), (7, 2), (6, 6)]:
        one = given.take([i], [j])(late_interaction_matrix, **EVERYTHING)
        assert same_bits(one.t2i[0, 0], matrix.t2i[i, j])
        assert same_bits(one.i2t[0, 0], matrix.i2t[i, j])
        assert same_bits(one.token_max[:, 0], matrix.token_max[given.texts[i], j])


@pytest.mark.parametrize("dim", [96, 768])
def test_in_matrices_of_more_than_one_block(threads: None, blocked_backend: None, dim: int) -> None:
    given = batch([77] * 30 + [1, 500], [577, 5, 196], dim)
    whole = given(late_interaction_matrix, **EVERYTHING)
    for i, j in [(0, 0), (23, 0), (24, 2), (29, 1), (30, 0), (31, 2)]:
        one = given.take([i], [j])(late_interaction_matrix, **EVERYTHING)
        assert same_bits(one.t2i[0, 0], whole.t2i[i, j])
        assert same_bits(one.i2t[0, 0], whole.i2t[i, j])
        assert same_bits(one.token_max[:, 0], whole.token_max[given.texts[i], j])


@pytest.mark.parametrize("name", PAIRS)
def test_order_in_the_batch_does_not_matter(kernel_backend: Reach, name: str) -> None:
    given = batch([3, 0, 1, 8], [5, 2, 4, 1], 72, masked=True)
    together = PAIRS[name](given)
    order = [2, 0, 3, 1]
    permuted = PAIRS[name](given.take(order, order))
    for place, i in enumerate(order):
        here = part(permuted, name, given.take(order, order), place)
        assert alike(here, part(together, name, given, i))


@pytest.mark.parametrize("name", PAIRS)
def test_padding_does_not_matter(kernel_backend: Reach, name: str) -> None:
    """Neither its width nor what it holds, be it NaN or huge."""

    def holds(drawn: Batch, more: int, garbage: float) -> None:
        ragged = PAIRS[name](drawn)
        padded = PAIRS[name](drawn.padded(more, garbage))
        for one, other, per in zip(ragged, padded, PER[name], strict=True):
            lengths = {"token": drawn.tokens, "patch": drawn.patches}.get(per)
            assert same_bits(one, other if lengths is None else unpadded(other, lengths))

    more, garbage = st.sampled_from([0, 1, 3, 35]), st.sampled_from([nan, inf, 0.0, 6e4, -1.0])
    explore(kernel_backend, holds, batches(kernel_backend), more, garbage, share=0.7)


@pytest.mark.parametrize("name", PAIRS)
def test_masked_rows_may_hold_anything(kernel_backend: Reach, name: str) -> None:
    given = batch([6, 3, 9], [8, 2, 5], 16, masked=True)
    clean = PAIRS[name](given)
    for garbage in (nan, inf, -inf, 3e38, 0.0):
        text, image = given.text.clone(), given.image.clone()
        text[~given.kept_tokens] = garbage
        image[~given.kept_patches] = garbage
        assert alike(PAIRS[name](replace(given, text=text, image=image)), clean)


@pytest.mark.parametrize("name", ["maximum", "scores"])
def test_a_masked_patch_among_the_others_changes_nothing(kernel_backend: Reach, name: str) -> None:
    """Maxima alone: means may add in another order once a patch lies elsewhere."""
    given = batch([4, 3], [5, 6], 16)
    clean = PAIRS[name](given)
    extra = torch.full((1, 16), nan)
    image = torch.cat([given.image[:2], extra, given.image[2:]])
    mask = torch.arange(12) != 2
    found = PAIRS[name](replace(given, image=image, patches=(6, 6), patch_mask=mask))
    token_argmax = 1 if name == "maximum" else 3
    for place, (one, other, per) in enumerate(zip(found, clean, PER[name], strict=True)):
        wanted = other
        if place == token_argmax:
            first = torch.arange(7) < 4
            wanted = torch.where(first & (other >= 2), other + 1, other)
        kept = one[mask] if per == "patch" else one
        assert torch.equal(kept, wanted)


@pytest.mark.parametrize("name", PAIRS)
def test_runs_repeat_themselves(kernel_backend: Reach, name: str) -> None:
    given = batch([3, 0, 40], [5, 2, 40], 96, torch.bfloat16, masked=True)
    first = PAIRS[name](given)
    for _ in range(2):
        assert alike(PAIRS[name](given), first)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_in_memory_does_not_matter(kernel_backend: Reach, name: str, layout: str) -> None:
    given = batch([3, 20], [5, 18], 96, masked=True)
    plain = PAIRS[name](given)
    assert alike(PAIRS[name](laid_out(given, layout, "plain")), plain)
    assert alike(PAIRS[name](laid_out(given, "plain", layout)), plain)


def test_a_text_and_an_image_of_a_matrix_are_alone_in_it(kernel_backend: Reach) -> None:
    def holds(drawn: Batch) -> None:
        whole = drawn(late_interaction_matrix, **EVERYTHING)
        for i in range(len(drawn.tokens)):
            for j in range(len(drawn.patches)):
                one = drawn.take([i], [j])(late_interaction_matrix, **EVERYTHING)
                assert same_bits(one.t2i[0, 0], whole.t2i[i, j])
                assert same_bits(one.i2t[0, 0], whole.i2t[i, j])
                assert same_bits(one.token_max[:, 0], whole.token_max[drawn.texts[i], j])
                assert same_bits(one.token_argmax[:, 0], whole.token_argmax[drawn.texts[i], j])

    explore(kernel_backend, holds, batches(kernel_backend, matrix=True), share=0.5)


def test_a_matrix_may_be_permuted_and_padded(kernel_backend: Reach) -> None:
    given = batch([3, 35, 0], [5, 33], 16, masked=True)
    whole = given(late_interaction_matrix, **EVERYTHING)
    turned = given.take([2, 0, 1], [1, 0])(late_interaction_matrix, **EVERYTHING)
    assert same_bits(turned.t2i, whole.t2i[[2, 0, 1]][:, [1, 0]])
    assert same_bits(turned.i2t, whole.i2t[[2, 0, 1]][:, [1, 0]])
    for more, garbage in ((0, nan), (5, 3e38)):
        padded = given.padded(more, garbage)(late_interaction_matrix, **EVERYTHING)
        assert same_bits(padded.t2i, whole.t2i)
        assert same_bits(padded.i2t, whole.i2t)
        assert same_bits(unpadded(padded.token_max, given.tokens), whole.token_max)
        assert same_bits(unpadded(padded.token_argmax, given.tokens), whole.token_argmax)


def test_a_matrix_repeats_itself(kernel_backend: Reach) -> None:
    given = batch([3, 35, 0], [5, 33], 16, masked=True)
    first = given(late_interaction_matrix, **EVERYTHING)
    second = given(late_interaction_matrix, **EVERYTHING)
    assert all(map(same_bits, first, second))
