"""Late interaction of text i with image i, in both directions."""

from dataclasses import replace
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

from mmjudge.kernels import LateInteraction, late_interaction_pairs

LAYOUT = st.sampled_from(list(LAYOUTS))
REDUCE = st.sampled_from(["mean", "sum"])
EVERYTHING: dict[str, Any] = {"return_tokens": True, "return_argmax": True}


def check(drawn: Batch, found: LateInteraction, reduce: str, normalize: bool = True) -> None:
    """All six results, which are there."""
    t2i, i2t, token_max, token_argmax, patch_max, patch_argmax = found
    assert t2i is not None and t2i.shape == (len(drawn.tokens),)
    assert i2t is not None and i2t.shape == (len(drawn.tokens),)
    assert token_max is not None and token_argmax is not None
    assert patch_max is not None and patch_argmax is not None
    for i, (rows, columns) in enumerate(zip(drawn.texts, drawn.images, strict=True)):
        tokens, patches = sides(drawn, i, i, normalize)
        check_maxima(tokens, token_max[rows], token_argmax[rows])
        check_maxima(patches, patch_max[columns], patch_argmax[columns])
        check_score(t2i[i], tokens, reduce)
        check_score(i2t[i], patches, reduce)


def test_pairs_are_scored_both_ways(kernel_backend: Reach) -> None:
    def holds(drawn: Batch, reduce: str, text: str, image: str) -> None:
        given = laid_out(drawn, text, image)
        check(drawn, given(late_interaction_pairs, reduce=reduce, **EVERYTHING), reduce)

    explore(kernel_backend, holds, batches(kernel_backend), REDUCE, LAYOUT, LAYOUT)


def test_pairs_are_scored_by_dot_products_where_not_normalised(kernel_backend: Reach) -> None:
    spoils = [kind for kind in SPOILS if kind != "lost"]

    def holds(drawn: Batch, reduce: str) -> None:
        found = drawn(late_interaction_pairs, reduce=reduce, normalize=False, **EVERYTHING)
        check(drawn, found, reduce, normalize=False)

    explore(kernel_backend, holds, batches(kernel_backend, spoils=spoils), REDUCE)


@pytest.mark.parametrize(("dim", "dtype"), DIMS_AND_DTYPES)
def test_every_dimension(kernel_backend: Reach, dim: int, dtype: torch.dtype) -> None:
    given = batch([3, 0, 1], [4, 2, 5], dim, dtype, masked=True)
    check(given, given(late_interaction_pairs, **EVERYTHING), "mean")


def test_texts_and_images_longer_than_any_tile(kernel_backend: Reach) -> None:
    given = batch([2, 140], [3, 270], 16, masked=True)
    check(given, given(late_interaction_pairs, **EVERYTHING), "mean")


def test_a_pair_worked_out_by_hand(kernel_backend: Reach) -> None:
    text = torch.tensor([[[2.0, 0.0], [0.0, 1.0]]])
    image = torch.tensor([[[3.0, 4.0], [-1.0, 0.0], [0.0, -7.0]]])
    # Cosines: 0.6 -1 0 and 0.8 0 -1.
    found = late_interaction_pairs(text, image, reduce="sum", **EVERYTHING)
    assert found.t2i is not None and found.i2t is not None
    torch.testing.assert_close(found.t2i, torch.tensor([1.4]))
    torch.testing.assert_close(found.i2t, torch.tensor([0.8 + 0.0 + 0.0]))
    assert found.token_argmax is not None and found.token_argmax.tolist() == [[0, 0]]
    assert found.patch_argmax is not None and found.patch_argmax.tolist() == [[1, 1, 0]]
    mean = late_interaction_pairs(text, image)
    assert mean.t2i is not None and mean.i2t is not None
    torch.testing.assert_close(mean.t2i, torch.tensor([0.7]))
    torch.testing.assert_close(mean.i2t, torch.tensor([0.8 / 3]))


def test_only_what_is_asked_for_comes(kernel_backend: Reach) -> None:
    given = batch([3, 2], [4, 1], 16)
    both = given(late_interaction_pairs, **EVERYTHING)
    assert given(late_interaction_pairs)[2:] == (None,) * 4
    assert given.leaves()(late_interaction_pairs)[2:] == (None,) * 4
    text_side = given(late_interaction_pairs, directions="t2i", **EVERYTHING)
    image_side = given(late_interaction_pairs, directions="i2t", **EVERYTHING)
    assert (text_side.i2t, text_side.patch_max, text_side.patch_argmax) == (None,) * 3
    assert (image_side.t2i, image_side.token_max, image_side.token_argmax) == (None,) * 3
    for one, name in ((text_side, "t2i"), (text_side, "token_max"), (text_side, "token_argmax")):
        assert same_bits(getattr(one, name), getattr(both, name))
    for one, name in ((image_side, "i2t"), (image_side, "patch_max")):
        torch.testing.assert_close(getattr(one, name), getattr(both, name), atol=1e-6, rtol=0.0)
    assert torch.equal(image_side.patch_argmax, both.patch_argmax)
    tokens = given(late_interaction_pairs, return_tokens=True)
    assert (tokens.token_argmax, tokens.patch_argmax) == (None, None)
    assert same_bits(tokens.patch_max, both.patch_max)


def test_each_direction_alone_is_the_reference_s(kernel_backend: Reach) -> None:
    given = batch([3, 0, 5], [4, 1, 7], 72, torch.bfloat16, masked=True)
    both = given(late_interaction_pairs, **EVERYTHING)
    t2i = given(late_interaction_pairs, directions="t2i", **EVERYTHING)
    i2t = given(late_interaction_pairs, directions="i2t", **EVERYTHING)
    joined = both._replace(
        t2i=t2i.t2i, token_max=t2i.token_max, token_argmax=t2i.token_argmax
    )._replace(i2t=i2t.i2t, patch_max=i2t.patch_max, patch_argmax=i2t.patch_argmax)
    check(given, joined, "mean")


def test_sides_swapped_are_directions_swapped(kernel_backend: Reach) -> None:
    given = batch([4, 0, 6], [5, 3, 2], 16, masked=True)
    swapped = Batch(
        given.image, given.text, given.patches, given.tokens, given.patch_mask, given.token_mask
    )
    one = given(late_interaction_pairs, **EVERYTHING)
    other = swapped(late_interaction_pairs, **EVERYTHING)
    for mine, theirs in (("t2i", "i2t"), ("token_max", "patch_max")):
        torch.testing.assert_close(getattr(one, mine), getattr(other, theirs))
        torch.testing.assert_close(getattr(one, theirs), getattr(other, mine))
    assert torch.equal(one.token_argmax, other.patch_argmax)
    assert torch.equal(one.patch_argmax, other.token_argmax)


def test_padded_results_come_padded(kernel_backend: Reach) -> None:
    given = batch([3, 0, 5], [2, 4, 1], 16, masked=True)
    ragged = given(late_interaction_pairs, **EVERYTHING)
    padded = given.padded(1)(late_interaction_pairs, **EVERYTHING)
    assert padded.token_max.shape == padded.token_argmax.shape == (3, 6)
    assert padded.patch_max.shape == padded.patch_argmax.shape == (3, 5)
    for name in ("t2i", "i2t"):
        assert torch.equal(getattr(padded, name), getattr(ragged, name))
    for name, lengths in (("token", given.tokens), ("patch", given.patches)):
        for kind in ("max", "argmax"):
            rows = unpadded(getattr(padded, f"{name}_{kind}"), lengths)
            assert torch.equal(rows, getattr(ragged, f"{name}_{kind}"))


def test_one_image_for_all_texts_may_be_expanded(kernel_backend: Reach) -> None:
    given = batch([3, 3], [5, 5], 16)
    text, image = given.text.view(2, 3, 16), given.image.view(2, 5, 16)[:1]
    expanded = late_interaction_pairs(text, image.expand(2, 5, 16), **EVERYTHING)
    copied = late_interaction_pairs(text, image.repeat(2, 1, 1), **EVERYTHING)
    for one, other in zip(expanded, copied, strict=True):
        assert same_bits(one, other)


def test_offsets_may_be_int32(kernel_backend: Reach) -> None:
    given = batch([3, 2], [4, 1], 16)
    narrow = late_interaction_pairs(
        given.text,
        given.image,
        cu_tokens=torch.tensor([0, 3, 5], dtype=torch.int32),
        cu_patches=torch.tensor([0, 4, 5], dtype=torch.int32),
    )
    assert same_bits(narrow.t2i, given(late_interaction_pairs).t2i)


def test_masks_of_one_side_alone(kernel_backend: Reach) -> None:
    given = batch([4, 3], [5, 6], 16, masked=True)
    for one in (replace(given, token_mask=None), replace(given, patch_mask=None)):
        check(one, one(late_interaction_pairs, **EVERYTHING), "mean")
