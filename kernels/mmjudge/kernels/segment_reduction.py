"""Operation: tokens to sentences and steps, the reduction of consecutive rows."""

from typing import Any, Literal

import torch
from torch import Tensor

from mmjudge.kernels.backends import implementation
from mmjudge.kernels.rows import check_floats, check_mask, check_offsets, describe
from mmjudge.kernels.segments import Segments
from mmjudge.kernels.sides import like, wide

Reduce = Literal["mean", "sum", "min", "max"]
MODES = ("mean", "sum", "min", "max")


def segment_reduce(
    values: Tensor,
    cu_segments: Tensor,
    reduce: Reduce = "mean",
    *,
    mask: Tensor | None = None,
    empty: float = 0.0,
) -> Tensor:
    """Reduce consecutive rows, as token rewards to sentence or step rewards.

    Sums go from a segment's first row to its last, so that a segment's result has the same bits
    whatever surrounds it. The gradient of a minimum or maximum goes to the first row that has it.

    Args:
        values: `[rows]` or `[rows, columns]`, float16, bfloat16 or float32.
        cu_segments: `[segments + 1]` int32 or int64 offsets from 0 to `rows`, never decreasing.
        reduce: what to make of a segment's rows, column by column.
        mask: `[rows]` bool, False for rows to leave out.
        empty: the result of a segment with no row to reduce.

    Returns:
        `[segments]` or `[segments, columns]` float32. NaN in a row is NaN in its segment.

    Raises:
        TypeError, ValueError: naming the argument, what came and what was expected.
    """
    check_floats("values", values)
    if values.dim() not in (1, 2):
        raise ValueError(f"values: {describe(values)}; expected [rows] or [rows, columns]")
    check_offsets("cu_segments", cu_segments, "values", values)
    if mask is not None:
        check_mask("mask", mask, "values", values[:, None] if values.dim() == 1 else values)
    if reduce not in MODES:
        raise ValueError(f"reduce: {reduce!r}; expected one of {', '.join(MODES)}")
    table = values if values.dim() == 2 else values[:, None]
    count = cu_segments.shape[0] - 1
    result: Tensor = segment_reduction(table, cu_segments, count, mask, reduce, empty)[0]
    return result if values.dim() == 2 else result[:, 0]


@torch.library.custom_op(
    "mmjudge::segment_reduction",
    mutates_args=(),
    schema="(Tensor values, Tensor? offsets, SymInt count, Tensor? keep, str mode, float empty) "
    "-> (Tensor, Tensor)",
)
def segment_reduction(
    values: Tensor,
    offsets: Tensor | None,
    count: int,
    keep: Tensor | None,
    mode: str,
    empty: float,
) -> tuple[Tensor, Tensor]:
    """`[rows, columns]` to `[count, columns]`; for minima and maxima also which rows they are."""
    over = Segments("cu_segments", offsets, count, values.shape[0], values.device)
    return implementation(values).segment_reduce(values, over, keep, mode, empty)


@segment_reduction.register_fake
def _(
    values: Tensor, offsets: Tensor | None, count: int, keep: Tensor | None, mode: str, empty: float
) -> tuple[Tensor, Tensor]:
    shape = (count, values.shape[1]) if mode in ("min", "max") else (0, 0)
    return (
        values.new_empty(count, values.shape[1], dtype=wide(values)),
        values.new_empty(shape, dtype=torch.int32),
    )


@torch.library.custom_op(
    "mmjudge::segment_reduction_backward",
    mutates_args=(),
    schema="(Tensor gradient, Tensor values, Tensor? offsets, SymInt count, Tensor? keep, "
    "Tensor winner, str mode) -> Tensor",
)
def segment_reduction_backward(
    gradient: Tensor,
    values: Tensor,
    offsets: Tensor | None,
    count: int,
    keep: Tensor | None,
    winner: Tensor,
    mode: str,
) -> Tensor:
    over = Segments("cu_segments", offsets, count, values.shape[0], values.device)
    rows = torch.arange(values.shape[0], device=values.device)[:, None]
    spread = gradient[over.ids]
    if mode in ("min", "max"):
        return torch.where(winner[over.ids] == rows, spread, 0.0).to(values.dtype)
    kept = values.new_ones(values.shape[0], dtype=gradient.dtype)
    if keep is not None:
        kept = kept * keep
    if mode == "mean":
        number = torch.zeros(count, dtype=gradient.dtype, device=values.device)
        kept = kept / number.index_add_(0, over.ids, kept).clamp_min(1.0)[over.ids]
    return torch.where(kept[:, None] == 0.0, 0.0, spread * kept[:, None]).to(values.dtype)


@segment_reduction_backward.register_fake
def _(_gradient: Tensor, values: Tensor, *_: Any) -> Tensor:
    return like(values)


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    values, offsets, count, keep, mode, _ = inputs
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(values, offsets, keep, output[1])
    ctx.count, ctx.mode = count, mode


def _gradients(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    values, offsets, keep, winner = ctx.saved_tensors
    result = segment_reduction_backward(
        gradient, values, offsets, ctx.count, keep, winner, ctx.mode
    )
    return (result, *[None] * 5)


segment_reduction.register_autograd(_gradients, setup_context=_save)
