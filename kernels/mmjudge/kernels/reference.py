"""What every backend must equal: the same definitions, in float64, by materialising everything."""

from __future__ import annotations

import torch
from torch import Tensor


def cosines(text: Tensor, image: Tensor, normalize: bool = True, eps: float = 1e-12) -> Tensor:
    """`[tokens, patches]` float64 similarities of one text and one image.

    A row shorter than `eps` has no direction and is similar to nothing: 0. A row that is not
    finite, or whose squared length overflows float32, makes all it touches NaN.
    """

    def directions(rows: Tensor) -> Tensor:
        wide = rows.double()
        norm = wide.norm(dim=1, keepdim=True)
        unit = torch.where(norm < eps, 0.0, wide / norm) if normalize else wide
        lost = ~wide.isfinite().all(1, keepdim=True) | (
            normalize & ~norm.square().float().isfinite()
        )
        return torch.where(lost, torch.nan, unit)

    return directions(text) @ directions(image).T


def best(similarity: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Each row's maximum over the kept columns, and the lowest column that has it.

    Rows that are not kept, and rows without a kept column: 0 and -1. NaN: NaN and -1.
    """
    masked = similarity.masked_fill(~columns, -torch.inf)
    value = masked.amax(1) if masked.shape[1] else masked.new_full(masked.shape[:1], -torch.inf)
    index = (masked == value[:, None]).int().argmax(1) if masked.shape[1] else value.int()
    none = ~rows | ~columns.any()
    index = index.masked_fill(none | value.isnan(), -1)
    return value.masked_fill(none, 0.0), index.int()
