"""Dot products of a block of rows with another, and the scales that make cosines of them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

MASKED = -1.0  # the scale of a row that does not count
BLOCK_VALUES = 1 << 20  # products held at a time: 4 MB of float32, about a core's cache
# Matrix libraries pick another order of summation for narrow blocks and for long sums. With at
# least this many rows, and sums of at most this length, a product has the same bits in any batch.
FEWEST_ROWS = 16
LONGEST_SUM = 768


def scales(rows: Tensor, keep: Tensor | None, normalize: bool, eps: float) -> Tensor:
    """What each row's dot products are multiplied with, after the dot: `[rows]`.

    1 / |row|, or 1 without `normalize`; 0 for a row shorter than `eps`, which has no direction;
    NaN for one that is not finite; -1 for one that `keep` leaves out.
    """
    result = rows.new_empty(rows.shape[0], dtype=_wide(rows))
    step = max(FEWEST_ROWS, BLOCK_VALUES // rows.shape[1])
    for start in range(0, rows.shape[0], step):
        block = rows[start : start + step].to(result.dtype)
        squared = (block * block if normalize else block * 0.0).sum(1)
        if normalize:
            norm = squared.sqrt()
            scale = torch.where(norm < eps, 0.0, 1.0 / norm)
        else:
            scale = torch.ones_like(squared)
        result[start : start + step] = scale.masked_fill_(~squared.isfinite(), torch.nan)
    return result if keep is None else result.masked_fill_(~keep, MASKED)


def products(rows: Tensor, columns: Tensor, out: Tensor | None = None) -> Tensor:
    """`rows @ columns.T` in float32 (float64 for float64): `[len(rows), len(columns)]`.

    Bits do not depend on what else is in the blocks, unless the process asked torch for faster
    float32 products (`torch.set_float32_matmul_precision("medium")`): then bfloat16 products,
    exact for bfloat16 inputs, are summed in whatever order is fastest.
    """
    height, width = rows.shape[0], columns.shape[0]
    a, b = _at_least(rows.to(_wide(rows))), _at_least(columns.to(_wide(columns)))
    fits = out is not None and out.numel() >= a.shape[0] * b.shape[0]
    block = (
        out[: a.shape[0] * b.shape[0]].view(a.shape[0], b.shape[0])
        if out is not None and fits
        else a.new_empty(a.shape[0], b.shape[0])
    )
    step = a.shape[1] if _fast() else LONGEST_SUM
    torch.mm(a[:, :step], b[:, :step].T, out=block)
    for start in range(step, a.shape[1], step):
        block.addmm_(a[:, start : start + step], b[:, start : start + step].T)
    return block[:height, :width]


def steps(start: int, stop: int, width: int, whole: int = -1) -> Iterator[tuple[int, int]]:
    """Rows in blocks of about `BLOCK_VALUES` products, of `whole` texts where those are short."""
    if not width:
        return
    step = max(FEWEST_ROWS, BLOCK_VALUES // width)
    if 0 < whole <= step:
        step -= step % whole
    for first in range(start, stop, step):
        yield first, min(first + step, stop)


def _at_least(rows: Tensor) -> Tensor:
    missing = FEWEST_ROWS - rows.shape[0]
    return torch.nn.functional.pad(rows, (0, 0, 0, missing)) if missing > 0 else rows


def _fast() -> bool:
    return torch.get_float32_matmul_precision() == "medium"


def _wide(rows: Tensor) -> torch.dtype:
    return torch.float64 if rows.dtype == torch.float64 else torch.float32
