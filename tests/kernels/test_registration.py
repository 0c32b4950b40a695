"""The operations as torch sees them: schemas, fakes, autograd, each checked by torch.library."""

from itertools import product
from typing import Any

import pytest
import torch
from tests.kernels.cases import Batch, Reach, batch, offsets

from mmjudge.kernels.matrix import matrix_maxima, matrix_maxima_backward
from mmjudge.kernels.pairs import pairs_maxima, pairs_maxima_backward
from mmjudge.kernels.pooling import pooled, pooled_backward
from mmjudge.kernels.segment_reduction import (
    MODES,
    segment_reduction,
    segment_reduction_backward,
)

EPS = 1e-12
DTYPES = (torch.float32, torch.bfloat16)


def check(operation: Any, arguments: tuple[Any, ...]) -> None:
    """Schema, autograd registration, fakes, and autograd with dynamic shapes."""
    results = torch.library.opcheck(operation, arguments)
    assert len(results) == 4
    assert set(results.values()) == {"SUCCESS"}


def sides(given: Batch) -> tuple[Any, ...]:
    """Arguments that every operation over texts and images begins with."""
    return (
        given.text,
        given.image,
        offsets(given.tokens),
        offsets(given.patches),
        len(given.tokens),
        len(given.patches),
    )


def leaves(matrix: bool = False, dtype: torch.dtype = torch.float32) -> Batch:
    return batch([2, 0, 3], [3, 4] if matrix else [3, 4, 1], 8, dtype, masked=True).leaves()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_pairs_maxima(kernel_backend: Reach, dtype: torch.dtype) -> None:
    given = leaves(dtype=dtype)
    masks = given.token_mask, given.patch_mask
    for reduce, columns in product(["mean", "sum", "none"], [True, False]):
        check(pairs_maxima, (*sides(given), *masks, True, EPS, reduce, columns, True, False))


def test_pairs_maxima_without_offsets_masks_or_gradients(kernel_backend: Reach) -> None:
    given = batch([3, 3], [4, 4], 8)
    arguments = (given.text, given.image, None, None, 2, 2, None, None, False, EPS)
    check(pairs_maxima, (*arguments, "mean", True, False, False))


def test_pairs_maxima_of_one_patch_each(kernel_backend: Reach) -> None:
    given = batch([3, 3], [1, 1], 8).leaves()
    arguments = (given.text, given.image, None, None, 2, 2, None, None, True, EPS)
    check(pairs_maxima, (*arguments, "none", False, True, True))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_pairs_maxima_backward(kernel_backend: Reach, dtype: torch.dtype) -> None:
    given = batch([2, 3], [3, 4], 8, dtype)
    *_, won, _, winning, text_scale, image_scale = pairs_maxima(
        *sides(given), None, None, True, EPS, "mean", True, True, False
    )
    gradients = torch.ones(2), torch.ones(2), torch.ones(5), torch.ones(7)
    arguments = (*sides(given), won, winning, text_scale, image_scale)
    for mean in (True, False):
        check(pairs_maxima_backward, (*gradients, *arguments, True, mean))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_matrix_maxima(kernel_backend: Reach, dtype: torch.dtype) -> None:
    given = leaves(matrix=True, dtype=dtype)
    masks = given.token_mask, given.patch_mask
    every = kernel_backend.name == "blocked"
    for columns, tokens, chunk in product([True, False], [True, False], [0, 1]):
        if every or (columns and tokens and not chunk):
            flags = True, columns, tokens, True, chunk
            check(matrix_maxima, (*sides(given), *masks, True, EPS, *flags))


def test_matrix_maxima_without_offsets_masks_or_gradients(kernel_backend: Reach) -> None:
    given = batch([3, 3], [4], 8)
    arguments = (given.text, given.image, None, None, 2, 1, None, None, False, EPS)
    check(matrix_maxima, (*arguments, False, False, False, False, 0))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_matrix_maxima_backward(kernel_backend: Reach, dtype: torch.dtype) -> None:
    given = batch([2, 3], [3, 4, 1], 8, dtype)
    found = matrix_maxima(*sides(given), None, None, True, EPS, True, True, True, True, 0)
    gradients = torch.ones(2, 3), torch.ones(2, 3), torch.ones(5, 3)
    check(matrix_maxima_backward, (*gradients, *sides(given), *found[3:], True, True))


@pytest.mark.parametrize("tau", [None, 0.3])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_pooled(kernel_backend: Reach, dtype: torch.dtype, tau: float | None) -> None:
    given = leaves(dtype=dtype)
    check(pooled, (*sides(given), given.token_mask, given.patch_mask, True, EPS, tau))


@pytest.mark.parametrize("tau", [None, 0.3])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_pooled_backward(kernel_backend: Reach, dtype: torch.dtype, tau: float | None) -> None:
    given = batch([2, 3], [3, 4], 8, dtype)
    found = pooled(*sides(given), None, None, True, EPS, tau)
    check(pooled_backward, (torch.ones(5), *sides(given), *found, True, tau))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_segment_reduction(kernel_backend: Reach, dtype: torch.dtype, mode: str) -> None:
    given = batch([2, 0, 3], [0, 0, 0], 4, dtype, masked=True).leaves()
    check(segment_reduction, (given.text, offsets(given.tokens), 3, given.token_mask, mode, 0.0))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_segment_reduction_backward(kernel_backend: Reach, dtype: torch.dtype, mode: str) -> None:
    given = batch([2, 0, 3], [0, 0, 0], 4, dtype, masked=True)
    rest = offsets(given.tokens), 3, given.token_mask
    _, winner = segment_reduction(given.text, *rest, mode, 0.0)
    check(segment_reduction_backward, (torch.ones(3, 4), given.text, *rest, winner, mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("lengths", "columns"), [([], 4), ([0, 0], 4), ([2, 1], 0)])
def test_segment_reduction_of_nothing(
    kernel_backend: Reach, lengths: list[int], columns: int, mode: str
) -> None:
    values = torch.zeros(sum(lengths), columns, requires_grad=True)
    check(segment_reduction, (values, offsets(lengths), len(lengths), None, mode, 0.0))


@pytest.mark.parametrize(("tokens", "patches"), [([], []), ([0, 0], [0, 0]), ([2], [0])])
def test_operations_over_nothing(
    kernel_backend: Reach, tokens: list[int], patches: list[int]
) -> None:
    given = batch(tokens, patches, 8).leaves()
    check(pairs_maxima, (*sides(given), None, None, True, EPS, "mean", True, True, False))
    check(matrix_maxima, (*sides(given), None, None, True, EPS, True, True, True, True, 0))
    check(pooled, (*sides(given), None, None, True, EPS, None))


@pytest.mark.parametrize("transposed", ["text", "image"])
def test_rows_that_do_not_lie_side_by_side(kernel_backend: Reach, transposed: str) -> None:
    given = batch([2, 3], [3, 4], 8)
    text, image = given.text, given.image
    if transposed == "text":
        text = text.T.contiguous().T
    else:
        image = image.T.contiguous().T
    given = Batch(text.requires_grad_(), image.requires_grad_(), given.tokens, given.patches)
    check(pairs_maxima, (*sides(given), None, None, True, EPS, "mean", True, True, False))
    check(pooled, (*sides(given), None, None, True, EPS, 0.3))


def test_gradients_need_winners(kernel_backend: Reach) -> None:
    """The operations' own callers ask for them wherever gradients may be wanted."""
    given = leaves()
    with pytest.raises(RuntimeError, match="gradients need winners=True"):
        pairs_maxima(*sides(given), None, None, True, EPS, "mean", True, False, False)
    with pytest.raises(RuntimeError, match="gradients need winners=True"):
        matrix_maxima(*sides(given), None, None, True, EPS, True, True, True, False, 0)
