"""Sums whose order is fixed by the rows summed, not by what else is computed."""

from __future__ import annotations

import torch
from torch import Tensor

from mmjudge.kernels.blocked.products import MASKED
from mmjudge.kernels.segments import Segments


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
    if not source.shape[0]:
        source = source.new_zeros(1, source.shape[1])
    used = int(starts[-1])  # entries beyond it belong to no row
    total = torch.nn.functional.embedding_bag(
        index[:used],
        source.to(weight.dtype),
        starts,
        mode="sum",
        per_sample_weights=weight[:used],
        include_last_offset=True,
    )
    return through_norm(total, rows, scale, normalize)


def through_norm(total: Tensor, rows: Tensor, scale: Tensor, normalize: bool) -> Tensor:
    """The gradient of unit rows, brought to the rows: `scale * (total - (total · unit) unit)`."""
    factor = torch.where(scale == MASKED, 0.0, scale)[:, None]
    if normalize:
        unit = rows.to(total.dtype) * factor
        total = total - (total * unit).sum(1, keepdim=True) * unit
    return (total * factor).masked_fill_(factor == 0.0, 0.0).to(rows.dtype)


def in_order(values: Tensor) -> Tensor:
    """Sums over the first dimension, first to last: `[rows, columns]` to `[columns]`.

    Adding zeros at the end changes no bit, which `torch.sum` does not promise.
    """
    ends = torch.tensor([0, values.shape[0]], device=values.device)
    rows = values.contiguous()
    return torch.segment_reduce(rows, "sum", offsets=ends, axis=0, unsafe=True)[0]


def segment_reduce(
    values: Tensor, segments: Segments, keep: Tensor | None, mode: str, empty: float
) -> tuple[Tensor, Tensor]:
    """See `mmjudge.kernels.segment_reduction.segment_reduction`."""
    wide = values if values.dtype == torch.float64 else values.float()
    offsets = segments.offsets

    def over(rows: Tensor, how: str) -> Tensor:
        return torch.segment_reduce(rows.contiguous(), how, offsets=offsets, axis=0, unsafe=True)

    if not segments.count or not values.shape[1]:
        none = wide.new_empty(segments.count, values.shape[1])
        return none, (none if mode in ("min", "max") else none.new_empty(0, 0)).int()
    if keep is None:
        count = offsets.diff()[:, None]
    elif segments.uniform >= 0:
        count = keep.view(segments.count, segments.uniform).sum(1, keepdim=True)
    else:
        count = over(keep.to(wide.dtype)[:, None], "sum")
    absent = count == 0
    if mode in ("sum", "mean"):
        result = over(wide if keep is None else wide.masked_fill(~keep[:, None], 0.0), "sum")
        if mode == "mean":
            result /= count.clamp_min(1)
        return result.masked_fill_(absent, empty), result.new_empty(0, 0, dtype=torch.int32)
    kept = wide.new_ones(wide.shape[0], dtype=torch.bool) if keep is None else keep
    aside = torch.inf if mode == "min" else -torch.inf
    among = wide.masked_fill(~kept[:, None], aside)
    result = over(among, mode)
    # Row numbers are exact in float64, the only kind that can be reduced here.
    row = torch.arange(wide.shape[0], dtype=torch.float64, device=wide.device)[:, None]
    lowest = over(
        torch.where((among == result[segments.ids]) & kept[:, None], row, torch.inf), "min"
    )
    winner = torch.where(absent | lowest.isinf(), -1.0, lowest).int()
    return result.masked_fill_(absent, empty), winner
