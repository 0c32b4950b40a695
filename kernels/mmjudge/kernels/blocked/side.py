"""One side of many pairs, texts or images, of which some are computed at a time."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mmjudge.kernels.blocked.kept import extents
from mmjudge.kernels.blocked.products import (
    MASKED,
    scale_of,
    sizes,
    unset_scales,
)
from mmjudge.kernels.segments import Segments

HARMLESS = 1e15  # no product of this with a row that has a finite norm overflows
ALIGNED = 16  # products of 575 columns take longer than of 576


class Part(NamedTuple):
    """The rows of some segments of one length, up to the last that counts in any of them.

    Attributes:
        rows: `[segments, rows, dim]`; their products are finite where they are hidden.
        scale: `[segments, rows]`; finite where hidden.
        hidden, bias: `[segments, rows]`, which do not count, and -inf for those; None if all do.
        where: the rows of all of these segments.
    """

    rows: Tensor
    scale: Tensor
    hidden: Tensor | None
    bias: Tensor | None
    where: slice

    def of(self, held: Tensor, rows: slice = slice(None)) -> Tensor:
        """The view of what is held for these rows, or some of them."""
        count, length = self.scale.shape
        return held[self.where].view(count, -1)[:, :length][:, rows]

    def scale_columns(self, block: Tensor) -> None:
        """Products `[segments, others, rows]` times their scales; -inf where hidden."""
        if self.bias is None:
            block *= self.scale[:, None]
        else:
            torch.addcmul(self.bias[:, None], block, self.scale[:, None], out=block)

    def scale_rows(self, block: Tensor, rows: slice) -> None:
        """Products `[segments, some of the rows, others]` times scales; -inf where hidden."""
        block *= self.scale[:, rows, None]
        if self.hidden is not None:  # row by row: masked_fill_ takes longer than all else here
            block[self.hidden[:, rows]] = -torch.inf


class Side:
    """All rows `[rows, dim]` of a side, and their scales as far as they were found."""

    def __init__(
        self, rows: Tensor, segments: Segments, keep: Tensor | None, normalize: bool, eps: float
    ) -> None:
        self.scale = unset_scales(rows)
        self.extents = extents(keep, segments)
        self._rows, self._segments, self._normalize, self._eps = rows, segments, normalize, eps
        self._hidden = None if keep is None else ~keep
        if self._hidden is not None:
            self._bias = torch.full_like(self.scale, -0.0)  # adding which changes no bit
            self._bias.masked_fill_(self._hidden, -torch.inf)

    def part(self, of: range) -> Part:
        """The rows of these segments, which have one length. Finds their scales."""
        where = slice(self._segments.host[of.start], self._segments.host[of.stop])
        rows = self._rows[where].view(len(of), -1, self._rows.shape[1])
        hidden = bias = None
        if self._hidden is not None:
            length = max(self.extents.stops[i] for i in of)
            length = min(rows.shape[1], length + -length % ALIGNED)
            rows = rows[:, :length]
            if any(self.extents.counts[i] < length for i in of):
                hidden = self._hidden[where].view(len(of), -1)[:, :length]
                bias = self._bias[where].view(len(of), -1)[:, :length]
        rows, scale = self._scaled(rows, hidden)
        part = Part(rows, scale, hidden, bias, where)
        part.of(self.scale).copy_(scale)
        return part

    def _scaled(self, rows: Tensor, hidden: Tensor | None) -> tuple[Tensor, Tensor]:
        """Rows whose products are finite where hidden, and scales."""
        size = sizes(rows, self._normalize)
        if self._normalize and size.numel():
            low, high = (float(one) for one in size.aminmax())
            if self._eps <= low and high <= HARMLESS:  # as usual
                return rows, size.reciprocal_()
        scale = scale_of(size, self._normalize, self._eps)
        if hidden is not None:
            harmless = size <= (HARMLESS if self._normalize else 0.0)
            if not bool((harmless | ~hidden).all()):
                rows = rows.masked_fill(hidden[..., None], 0.0)
            scale.masked_fill_(hidden, 0.0)
        return rows, scale

    def scales(self) -> Tensor:
        """`[rows]`: see `products.scales`; after all parts were taken."""
        hidden = self._hidden
        return self.scale if hidden is None else self.scale.masked_fill_(hidden, MASKED)
