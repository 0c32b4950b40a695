"""Dot products of a block of rows with another, and the scales that make cosines of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import torch
from torch import Tensor

MASKED = -1.0  # the scale of a row that does not count
BLOCK_VALUES = 1 << 19  # products held at a time: 2 MB of float32, about a core's cache
# Matrix libraries pick another order of summation for narrow blocks and for long sums. With at
# least this many rows, and sums of at most this length, a product has the same bits in any batch.
FEWEST_ROWS = 16
LONGEST_SUM = 768
HARMLESS = 1e15  # no product of this with a row that has a finite norm overflows
_rooms = threading.local()


def scales(rows: Tensor, keep: Tensor | None, normalize: bool, eps: float) -> Tensor:
    """What each row's dot products are multiplied with, after the dot: `[rows]`.

    1 / |row|, or 1 without `normalize`; 0 for a row shorter than `eps`, which has no direction;
    NaN for one that is not finite; -1 for one that `keep` leaves out.
    """
    result = rows.new_empty(rows.shape[0], dtype=_wide(rows))
    step = max(FEWEST_ROWS, BLOCK_VALUES // rows.shape[1])
    for start in range(0, rows.shape[0], step):
        block = _plain(rows[start : start + step], result)
        if normalize:
            norm = torch.linalg.vector_norm(block, dim=1)
            scale = torch.where(norm < eps, 0.0, 1.0 / norm)
            lost = ~norm.square().isfinite()
        else:
            scale = block.new_ones(block.shape[0])
            lost = ~block.isfinite().all(1)
        result[start : start + step] = scale.masked_fill_(lost, torch.nan)
    return result if keep is None else result.masked_fill_(~keep, MASKED)


def operand(rows: Tensor, like: Tensor) -> Tensor:
    """`rows` as products take them: in the dtype of `like`, at least `FEWEST_ROWS` of them."""
    missing = FEWEST_ROWS - rows.shape[0]
    wide = _plain(rows, like)
    return torch.nn.functional.pad(wide, (0, 0, 0, missing)) if missing > 0 else wide


def finite_operand(rows: Tensor, scale: Tensor) -> Tensor:
    """The operand that `scale_columns` needs: products of masked rows finite.

    It is copied only if they hold something (NaN included) that might not be.
    """
    masked = scale == MASKED
    if bool(masked.any()) and not bool((rows[masked].abs() < HARMLESS).all()):
        rows = rows.masked_fill(masked[:, None], 0.0)
    return operand(rows, scale)


def products(a: Tensor, b: Tensor) -> Tensor:
    """`a @ b.T` of two operands: `[len(a), len(b)]`, until this thread asks for the next.

    Bits do not depend on what else is in the blocks, unless the process asked torch for faster
    float32 products (`torch.set_float32_matmul_precision("medium")`): then bfloat16 products,
    exact for bfloat16 inputs, are summed in whatever order is fastest.
    """
    step = a.shape[1] if torch.get_float32_matmul_precision() == "medium" else LONGEST_SUM
    block = _room(a, a.shape[0] * b.shape[0]).view(a.shape[0], b.shape[0])
    torch.mm(a[:, :step], b[:, :step].T, out=block)
    for start in range(step, a.shape[1], step):
        block.addmm_(a[:, start : start + step], b[:, start : start + step].T)
    return block


def _room(like: Tensor, count: int) -> Tensor:
    """Space for a block; kept, as fresh memory costs about as much as what is done with it."""
    if count > BLOCK_VALUES or like.device.type != "cpu" or like.dtype != torch.float32:
        return like.new_empty(count)
    room: Tensor | None = getattr(_rooms, "room", None)
    if room is None:
        with torch.inference_mode(False):  # usable in that mode and out of it
            room = _rooms.room = torch.empty(BLOCK_VALUES)
    return room[:count]


def scale_columns(block: Tensor, scale: Tensor) -> Tensor:
    """Columns of `block` times `scale`, in place; -inf where masked, in the same pass."""
    factor = torch.where(scale == MASKED, 0.0, scale)
    bias = torch.where(scale == MASKED, -torch.inf, 0.0)
    return torch.addcmul(bias, block, factor, out=block)


def steps(start: int, stop: int, width: int, whole: int = -1) -> Iterator[tuple[int, int]]:
    """Rows in blocks of about `BLOCK_VALUES` products, of `whole` texts where those are short."""
    if not width:
        return
    step = max(FEWEST_ROWS, BLOCK_VALUES // width)
    if 0 < whole <= step:
        step -= step % whole
    for first in range(start, stop, step):
        yield first, min(first + step, stop)


def _plain(rows: Tensor, like: Tensor) -> Tensor:
    """In the dtype of `like`, features side by side: how they lie decides how they are summed."""
    wide = rows.to(like.dtype)
    return wide if wide.stride(1) == 1 else wide.contiguous()


def _wide(rows: Tensor) -> torch.dtype:
    return torch.float64 if rows.dtype == torch.float64 else torch.float32
