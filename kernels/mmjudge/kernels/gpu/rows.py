"""Kernels over rows: their scales, and the weighted sums that gradients are made of."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from mmjudge.kernels.gpu.blocks import kept, scale_of, squares
from mmjudge.kernels.gpu.launch import features, gradient_like, on

ROWS, DEPTH = 16, 128  # of the blocks that scales are read in


@triton.jit
def scales_kernel(
    values, keep, scale_out, N, D, stride, eps,
    BM: tl.constexpr, BK: tl.constexpr, NORMALIZE: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0).to(tl.int64) * BM + tl.arange(0, BM)
    inside = kept(keep, rows, rows < N)
    squared = tl.zeros([BM], tl.float32)
    for k0 in range(0, D, BK):
        k = k0 + tl.arange(0, BK)
        at = values + rows[:, None] * stride + k[None, :]
        block = tl.load(at, mask=inside[:, None] & (k < D)[None, :], other=0.0)
        squared += squares(block, NORMALIZE)
    tl.store(scale_out + rows, scale_of(squared, inside, eps, NORMALIZE), mask=rows < N)


def scales(values: Tensor, keep: Tensor | None, normalize: bool, eps: float) -> Tensor:
    """See `mmjudge.kernels.blocked.products.scales`."""
    result = torch.empty(values.shape[0], dtype=torch.float32, device=values.device)
    if values.shape[0]:
        scales_kernel[(triton.cdiv(values.shape[0], ROWS),)](
            values, keep, result, *values.shape, values.stride(0), eps,
            BM=ROWS, BK=DEPTH, NORMALIZE=normalize,
        )  # fmt: skip
    return result


@triton.jit
def gather_kernel(
    source, index, weight, starts, values, scale, out, D, source_stride, stride,
    BD: tl.constexpr, NORMALIZE: tl.constexpr,
):  # fmt: skip
    """One program a row: its entries in order, then off the row's own direction."""
    row = tl.program_id(0).to(tl.int64)
    k = tl.arange(0, BD)
    total = tl.zeros([BD], tl.float32)
    for entry in range(tl.load(starts + row), tl.load(starts + row + 1)):
        at = tl.load(index + entry).to(tl.int64) * source_stride
        x = tl.load(source + at + k, mask=k < D, other=0.0).to(tl.float32)
        total += tl.load(weight + entry) * x
    factor = tl.load(scale + row)
    factor = tl.where(factor == -1.0, 0.0, factor)
    if NORMALIZE:
        unit = tl.load(values + row * stride + k, mask=k < D, other=0.0).to(tl.float32) * factor
        total -= tl.sum(total * unit, 0) * unit
    result = tl.where(factor == 0.0, 0.0, total * factor)
    tl.store(out + row * D + k, result.to(out.dtype.element_ty), mask=k < D)


def gather(
    source: Tensor,
    index: Tensor,
    weight: Tensor,
    starts: Tensor,
    rows: Tensor,
    scale: Tensor,
    normalize: bool,
) -> Tensor:
    """See `mmjudge.kernels.implementation`."""
    source, rows = features(source, 1), features(rows, 1)
    out = gradient_like(rows)
    if not rows.shape[0]:
        return out.to(rows.dtype)
    width = triton.next_power_of_2(rows.shape[1])
    with on(rows):
        gather_kernel[(rows.shape[0],)](
            source, index, weight, starts, rows, scale, out, rows.shape[1], source.stride(0),
            rows.stride(0), BD=width, NORMALIZE=normalize,
            num_warps=min(max(width // 256, 1), 16), num_stages=1,
        )  # fmt: skip
    return out.to(rows.dtype)
