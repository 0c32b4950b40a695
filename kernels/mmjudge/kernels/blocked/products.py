"""Dot products of a block of rows with another, and the scales that make cosines of them."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator

import torch
from torch import Tensor

MASKED = -1.0  # the scale of a row that does not count
MOST_KEPT = 1 << 22  # products that a thread keeps room for: 16 MB
BLOCK_VALUES = 1 << 20  # products held at a time: 4 MB of float32
# Matrix libraries pick another order of summation for narrow blocks and for long sums. With at
# least this many rows, and sums of at most this length, a product has the same bits in any batch.
FEWEST_ROWS = 16
LONGEST_SUM = 768
LONG = 1024  # features
HARMLESS = 1e15  # no product of this with a row that has a finite norm overflows
_rooms = threading.local()


def scales(rows: Tensor, keep: Tensor | None, normalize: bool, eps: float) -> Tensor:
    """What each row's dot products are multiplied with, after the dot: `[rows]`.

    1 / |row|, or 1 without `normalize`; 0 for a row shorter than `eps`, which has no direction;
    NaN for one that is not finite; -1 for one that `keep` leaves out.
    """
    size = sizes(rows, normalize)
    if not usual(size, eps if normalize else 0.0):
        scale = scale_of(size, normalize, eps)
    else:
        scale = size.reciprocal_() if normalize else size.fill_(1.0)
    return scale if keep is None else scale.masked_fill_(~keep, MASKED)


def sizes(rows: Tensor, normalize: bool, out: Tensor | None = None) -> Tensor:
    """Lengths of rows `[..., rows, dim]`, or their largest features without `normalize`.

    Where lengths are short enough for any product, those do as well.
    """
    result = unset_scales(rows) if out is None else out
    if rows.dtype == result.dtype:
        return _sizes(plain(rows, result), normalize, result)
    step = max(FEWEST_ROWS, BLOCK_VALUES * rows.shape[-2] // max(rows.numel(), 1))
    for start in range(0, rows.shape[-2], step):
        block = plain(rows[..., start : start + step, :], result)
        _sizes(block, normalize, result[..., start : start + step])
    return result


def _sizes(rows: Tensor, normalize: bool, out: Tensor) -> Tensor:
    torch.linalg.vector_norm(rows, dim=-1, out=out)
    if not normalize and not usual(out, 0.0):  # of absolutes, without writing those
        torch.maximum(rows.amax(-1), -rows.amin(-1), out=out)
    return out


def usual(size: Tensor, eps: float) -> bool:
    """Whether all rows of these sizes have a direction, and harmless products with any finite."""
    if not size.numel():
        return False
    low, high = (float(one) for one in size.aminmax())
    return eps <= low and high <= HARMLESS


def scale_of(size: Tensor, normalize: bool, eps: float) -> Tensor:
    """The scales of rows of these sizes: see `scales`."""
    most = torch.finfo(size.dtype).max
    lost = (size <= (math.sqrt(most) if normalize else most)).logical_not_()
    if normalize:
        scale = size.reciprocal().masked_fill_(size < eps, 0.0)
    else:
        scale = torch.ones_like(size)
    return scale.masked_fill_(lost, torch.nan)


def unset_scales(rows: Tensor) -> Tensor:
    """Room for the scale of each row."""
    return rows.new_empty(rows.shape[:-1], dtype=_wide(rows))


def operand(rows: Tensor, like: Tensor) -> Tensor:
    """`[..., rows, dim]` as products take them: in the dtype of `like`, `FEWEST_ROWS` or more."""
    missing = FEWEST_ROWS - rows.shape[-2]
    wide = plain(rows, like)
    return torch.nn.functional.pad(wide, (0, 0, 0, missing)) if missing > 0 else wide


def products(a: Tensor, b: Tensor) -> Tensor:
    """`a @ b.mT` of two operands: `[..., rows, rows]`, until this thread asks for the next.

    Bits do not depend on what else is in the blocks, unless the process asked torch for faster
    float32 products (`torch.set_float32_matmul_precision("medium")`): then bfloat16 products,
    exact for bfloat16 inputs, are summed in whatever order is fastest.
    """
    if a.dim() == 3 and len(a) == 1:  # which bmm copies for bfloat16 products, and mm does not
        return products(a[0], b[0])[None]
    dim = a.shape[-1]
    step = dim if torch.get_float32_matmul_precision() == "medium" else LONGEST_SUM
    shape = (*a.shape[:-1], b.shape[-2])
    block = _room("products", a, math.prod(shape)).view(shape)
    multiply, add = (torch.bmm, block.baddbmm_) if a.dim() == 3 else (torch.mm, block.addmm_)
    if dim <= step:
        return multiply(a, b.mT, out=block)
    multiply(a[..., :step], b[..., :step].mT, out=block)
    for start in range(step, dim, step):
        add(a[..., start : start + step], b[..., start : start + step].mT)
    return block


def scaled(rows: Tensor, scale: Tensor, room: str) -> Tensor:
    """Rows times their scales, whose products are then cosines, as exact in float32.

    A pass over the rows, where scaling products takes one over all of those. Until this thread asks
    for the next in the same room.
    """
    result = _room(room, scale, rows.numel()).view(rows.shape)
    return torch.mul(plain(rows, scale), scale[:, None], out=result)


def _room(name: str, like: Tensor, count: int) -> Tensor:
    """Space for values; kept, as fresh memory costs about as much as what is done with it."""
    if count > MOST_KEPT or like.device.type != "cpu" or like.dtype != torch.float32:
        return like.new_empty(count)
    room: Tensor | None = getattr(_rooms, name, None)
    if room is None or room.shape[0] < count:
        with torch.inference_mode(False):  # usable in that mode and out of it
            room = torch.empty(count)
        setattr(_rooms, name, room)
    return room[:count]


def scales_first(dim: int) -> bool:
    """Whether rows of `dim` features are scaled before their products are taken.

    Not where products are of bfloat16, which scaled rows would be rounded to; nor where features
    are as many as the products of a row, which are cheaper to scale.
    """
    return dim <= LONGEST_SUM and torch.get_float32_matmul_precision() != "medium"


def steps(
    start: int, stop: int, width: int, dim: int, whole: int = -1
) -> Iterator[tuple[int, int]]:
    """Rows in blocks of at most `BLOCK_VALUES` products, about as many in each.

    Of `whole` texts where those are short; of up to twice as many products where rows of `dim`
    features are long: what is done with a block weighs less there than bringing features in place.
    """
    if not width or start == stop:
        return
    most = max(FEWEST_ROWS, BLOCK_VALUES * min(max(1, dim // LONG), 2) // width)
    together = whole if 0 < whole <= most else FEWEST_ROWS
    step = math.ceil((stop - start) / math.ceil((stop - start) / most))
    step += -step % together
    for first in range(start, stop, step):
        yield first, min(first + step, stop)


def plain(rows: Tensor, like: Tensor) -> Tensor:
    """In the dtype of `like`, features side by side: how they lie decides how they are summed."""
    wide = rows.to(like.dtype)
    return wide if wide.stride(-1) == 1 else wide.contiguous()


def _wide(rows: Tensor) -> torch.dtype:
    return torch.float64 if rows.dtype == torch.float64 else torch.float32
