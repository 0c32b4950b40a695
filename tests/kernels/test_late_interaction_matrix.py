"""Late interaction of every text with every image."""

from itertools import product
from typing import Any

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
    same_bits,
    unpadded,
)
from tests.kernels.expected import check_maxima, check_score, sides

from mmjudge.kernels import (
    LateInteraction,
    late_interaction_matrix,
    late_interaction_pairs,
)

LAYOUT = st.sampled_from(list(LAYOUTS))
REDUCE = st.sampled_from(["mean", "sum"])
EVERYTHING: dict[str, Any] = {"return_tokens": True, "return_argmax": True}


def check(drawn: Batch, found: LateInteraction, reduce: str, normalize: bool = True) -> None:
    """Both directions' scores, and the maxima and winners of the tokens, which are there."""
    shape = len(drawn.tokens), len(drawn.patches)
    t2i, i2t, token_max, token_argmax, *none = found
    assert t2i is not None and t2i.shape == shape
    assert i2t is not None and i2t.shape == shape
    assert token_max is not None and token_max.shape == (len(drawn.text), shape[1])
    assert token_argmax is not None and token_argmax.shape == token_max.shape
    assert none == [None, None]
    for i, j in product(*map(range, shape)):
        tokens, patches = sides(drawn, i, j, normalize)
        check_maxima(tokens, token_max[drawn.texts[i], j], token_argmax[drawn.texts[i], j])
        check_score(t2i[i, j], tokens, reduce)
        check_score(i2t[i, j], patches, reduce)


def test_every_text_is_scored_with_every_image(kernel_backend: Reach) -> None:
    def holds(drawn: Batch, reduce: str, text: str, image: str) -> None:
        given = laid_out(drawn, text, image)
        check(drawn, given(late_interaction_matrix, reduce=reduce, **EVERYTHING), reduce)

    drawn = batches(kernel_backend, matrix=True)
    explore(kernel_backend, holds, drawn, REDUCE, LAYOUT, LAYOUT)


def test_scores_are_of_dot_products_where_not_normalised(kernel_backend: Reach) -> None:
    spoils = [kind for kind in SPOILS if kind != "lost"]

    def holds(drawn: Batch, reduce: str) -> None:
        found = drawn(late_interaction_matrix, reduce=reduce, normalize=False, **EVERYTHING)
        check(drawn, found, reduce, normalize=False)

    explore(kernel_backend, holds, batches(kernel_backend, spoils=spoils, matrix=True), REDUCE)


@pytest.mark.parametrize(("dim", "dtype"), DIMS_AND_DTYPES)
def test_every_dimension(kernel_backend: Reach, dim: int, dtype: torch.dtype) -> None:
    given = batch([3, 0, 1], [4, 5], dim, dtype, masked=True)
    check(given, given(late_interaction_matrix, **EVERYTHING), "mean")


def test_texts_across_and_within_tiles(kernel_backend: Reach) -> None:
    """Texts that share a tile of tokens, that end with it, that span several, and empty ones."""
    given = batch([3, 29, 70, 0, 1, 1], [2, 100, 33], 16, masked=True)
    check(given, given(late_interaction_matrix, **EVERYTHING), "mean")


@pytest.mark.parametrize("directions", ["t2i", "i2t"])
@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_one_direction_alone(kernel_backend: Reach, directions: str, reduce: str) -> None:
    given = batch([3, 0, 6], [4, 1], 72, torch.float16, masked=True)
    both = given(late_interaction_matrix, reduce=reduce, **EVERYTHING)
    if directions == "t2i":
        one = given(late_interaction_matrix, directions="t2i", reduce=reduce, **EVERYTHING)
        assert one.i2t is None
        check(given, one._replace(i2t=both.i2t), reduce)
    else:
        one = given(late_interaction_matrix, directions="i2t", reduce=reduce)
        assert (one.t2i, *one[2:]) == (None,) * 5
        check(given, both._replace(i2t=one.i2t), reduce)


def test_only_what_is_asked_for_comes(kernel_backend: Reach) -> None:
    given = batch([3, 2], [4, 1], 16)
    everything = given(late_interaction_matrix, **EVERYTHING)
    assert given(late_interaction_matrix)[2:] == (None,) * 4
    assert given.leaves()(late_interaction_matrix)[2:] == (None,) * 4
    for name, option in (("token_max", "return_tokens"), ("token_argmax", "return_argmax")):
        found = given(late_interaction_matrix, **{option: True})
        assert [value is not None for value in found[2:]] == [
            field == name for field in LateInteraction._fields[2:]
        ]
        assert torch.equal(getattr(found, name), getattr(everything, name))
        assert torch.equal(found.t2i, everything.t2i)


def test_asking_for_winners_or_gradients_changes_no_bit(kernel_backend: Reach) -> None:
    given = batch([5, 40], [3, 37], 16, masked=True)
    plain = given(late_interaction_matrix)
    for other in (
        given(late_interaction_matrix, return_argmax=True),
        given(late_interaction_matrix, return_tokens=True),
        given.leaves()(late_interaction_matrix),
    ):
        assert same_bits(other.t2i.detach(), plain.t2i)
        assert same_bits(other.i2t.detach(), plain.i2t)


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_computing_images_by_chunks_changes_no_bit(kernel_backend: Reach, chunk: int) -> None:
    given = batch([3, 0, 36], [2, 40, 0, 1, 5], 16, masked=True)
    whole = given(late_interaction_matrix, **EVERYTHING)
    chunked = given(late_interaction_matrix, image_chunk=chunk, **EVERYTHING)
    for one, other in zip(whole, chunked, strict=True):
        assert same_bits(one, other)


def test_pairs_are_the_diagonal(kernel_backend: Reach) -> None:
    def holds(drawn: Batch, reduce: str) -> None:
        matrix = drawn(late_interaction_matrix, reduce=reduce, **EVERYTHING)
        pairs = drawn(late_interaction_pairs, reduce=reduce, **EVERYTHING)
        # A sum over 40 rows has 40 times the error of one.
        tolerance: dict[str, Any] = {
            "atol": 2e-6 if reduce == "mean" else 8e-5,
            "rtol": 0.0,
            "equal_nan": True,
        }
        torch.testing.assert_close(matrix.t2i.diagonal(), pairs.t2i, **tolerance)
        torch.testing.assert_close(matrix.i2t.diagonal(), pairs.i2t, **tolerance)
        for i, run in enumerate(drawn.texts):
            torch.testing.assert_close(matrix.token_max[run, i], pairs.token_max[run], **tolerance)

    explore(kernel_backend, holds, batches(kernel_backend), REDUCE, share=0.5)


def test_padded_results_come_padded(kernel_backend: Reach) -> None:
    given = batch([3, 0, 5], [2, 4], 16, torch.float16, masked=True)
    ragged = given(late_interaction_matrix, **EVERYTHING)
    padded = given.padded(2)(late_interaction_matrix, **EVERYTHING)
    assert padded.token_max.shape == padded.token_argmax.shape == (3, 7, 2)
    assert torch.equal(padded.t2i, ragged.t2i)
    assert torch.equal(padded.i2t, ragged.i2t)
    for name in ("token_max", "token_argmax"):
        assert torch.equal(unpadded(getattr(padded, name), given.tokens), getattr(ragged, name))


def test_sides_swapped_are_directions_swapped(kernel_backend: Reach) -> None:
    given = batch([4, 0, 6], [5, 3], 16, masked=True)
    swapped = Batch(
        given.image, given.text, given.patches, given.tokens, given.patch_mask, given.token_mask
    )
    one, other = given(late_interaction_matrix), swapped(late_interaction_matrix)
    torch.testing.assert_close(one.t2i, other.i2t.T)
    torch.testing.assert_close(one.i2t, other.t2i.T)
