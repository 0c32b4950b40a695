"""Reductions of consecutive rows, first to last, columns side by side."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from mmjudge.kernels.gpu.launch import on
from mmjudge.kernels.segments import Segments

MODES = {"sum": 0, "mean": 1, "min": 2, "max": 3}


@triton.jit
def segment_kernel(
    values, offsets, keep, result_out, winner_out, C, row_stride, column_stride, out_stride, empty,
    BC: tl.constexpr, MODE: tl.constexpr, UNROLL: tl.constexpr,
):  # fmt: skip
    """In order whatever surrounds the rows, so that bits do not depend on it.

    UNROLL loads are issued before their values are needed; they are still added one by one.
    """
    segment = tl.program_id(0).to(tl.int64)
    c = tl.program_id(1) * BC + tl.arange(0, BC)
    start, stop = tl.load(offsets + segment), tl.load(offsets + segment + 1)
    total = tl.zeros([BC], tl.float32)
    winner = tl.full([BC], -1, tl.int32)
    count = tl.zeros([BC], tl.int32)
    for base in range(start, stop, UNROLL):
        for step in tl.static_range(UNROLL):
            row = tl.zeros([BC], tl.int64) + base + step
            inside = row < stop
            if keep is not None:
                inside = inside & (tl.load(keep + row, mask=inside, other=0) != 0)
            at = values + row * row_stride + c.to(tl.int64) * column_stride
            x = tl.load(at, mask=inside & (c < C), other=0.0).to(tl.float32)
            if MODE < 2:
                total += x
            else:
                further = x < total if MODE == 2 else x > total
                better = inside & ((winner < 0) | further | (x != x)) & (total == total)
                total = tl.where(better, x, total)
                winner = tl.where(better, row.to(tl.int32), winner)
            count += inside.to(tl.int32)
    if MODE == 1:
        total = total / tl.maximum(count, 1).to(tl.float32)
    at = segment * out_stride + c
    tl.store(result_out + at, tl.where(count > 0, total, empty), mask=c < C)
    if MODE >= 2:
        tl.store(winner_out + at, tl.where(total == total, winner, -1), mask=c < C)


def segment_reduce(
    values: Tensor, segments: Segments, keep: Tensor | None, mode: str, empty: float
) -> tuple[Tensor, Tensor]:
    """See `mmjudge.kernels.segment_reduction.segment_reduction`."""
    shape = (segments.count, values.shape[1])
    result = torch.empty(shape, dtype=torch.float32, device=values.device)
    won = shape if mode in ("min", "max") else (0, 0)
    winner = torch.empty(won, dtype=torch.int32, device=values.device)
    if result.numel():
        reduce_into(result, winner, values, segments, keep, mode, empty)
    return result, winner


def reduce_into(
    result: Tensor,
    winner: Tensor | None,
    values: Tensor,
    segments: Segments,
    keep: Tensor | None,
    mode: str,
    empty: float,
) -> None:
    """`segment_reduce` into `result` `[segments, columns]`, whose columns lie side by side."""
    width = min(triton.next_power_of_2(values.shape[1]), 128)
    with on(values):
        segment_kernel[(segments.count, triton.cdiv(values.shape[1], width))](
            values, segments.offsets, keep, result, winner, values.shape[1],
            values.stride(0), values.stride(1), result.stride(0), float(empty),
            BC=width, MODE=MODES[mode], UNROLL=8, num_warps=max(width // 32, 1),
        )  # fmt: skip
