"""One side of many pairs, texts or images, of which some are computed at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmjudge.kernels.blocked.products import (
    HARMLESS,
    MASKED,
    scale_of,
    sizes,
    unset_scales,
    usual,
)
from mmjudge.kernels.segments import Segments

ALIGNED = 16  # products of 575 columns take longer than of 576


class Part(NamedTuple):
    """The rows of some segments of one length, up to the last that counts in any of them.

    Attributes:
        rows: `[segments, rows, dim]`; their products are finite where they are hidden.
        scale: `[segments, rows]`; finite where hidden.
        hidden: `[segments, rows]`, which do not count; None if all do.
        where: the rows of all of these segments.
    """

    rows: Tensor
    scale: Tensor
    hidden: Tensor | None
    where: slice

    def of(self, held: Tensor, rows: slice = slice(None)) -> Tensor:
        """The view of what is held for these rows, or some of them."""
        count, length = self.scale.shape
        return held[self.where].view(count, -1)[:, :length][:, rows]

    def scale_columns(self, block: Tensor) -> None:
        """Products `[segments, others, rows]` times their scales; -inf where hidden."""
        if self.hidden is None:
            block *= self.scale[:, None]
            return
        bias = torch.full_like(self.scale, -0.0)  # adding which changes no bit
        bias.masked_fill_(self.hidden, -torch.inf)
        torch.addcmul(bias[:, None], block, self.scale[:, None], out=block)

    def scale_rows(self, block: Tensor, rows: slice) -> None:
        """Products `[segments, some of the rows, others]` times scales; -inf where hidden."""
        block *= self.scale[:, rows, None]
        if self.hidden is not None:  # by index: a mask takes longer than all else here
            block[self.hidden[:, rows].nonzero(as_tuple=True)] = -torch.inf


class Side:
    """All rows `[rows, dim]` of a side, and what was found of them as parts were taken.

    Attributes:
        rows, segments, normalize, eps: as given.
        scale: `[rows]`: see `products.scales`.
        first: `[segments]` int32, on the CPU: the first row of each that counts; -1: there is none.
    """

    def __init__(
        self, rows: Tensor, segments: Segments, keep: Tensor | None, normalize: bool, eps: float
    ) -> None:
        self.scale = unset_scales(rows)
        self.first = np.full(segments.count, -1, np.int32)
        self.rows, self.segments, self.normalize, self.eps = rows, segments, normalize, eps
        self._hidden = None if keep is None else ~keep
        # What is looked at row by row, by numpy, which takes less than half the time.
        self._keep = None if keep is None else keep.cpu().numpy()

    def part(self, of: range) -> Part:
        """The rows of these segments, which have one length. Finds their scales."""
        where = slice(self.segments.host[of.start], self.segments.host[of.stop])
        rows = self.rows[where].view(len(of), -1, self.rows.shape[1])
        scale = self.scale[where].view(len(of), -1)
        length, hidden = rows.shape[1], None
        if length and self._keep is None:
            self.first[of.start : of.stop] = 0
        elif length and self._keep is not None:
            kept = self._keep[where].reshape(len(of), length)
            first = kept.argmax(1)
            self.first[of.start : of.stop] = np.where(kept[np.arange(len(of)), first], first, -1)
            used = np.flatnonzero(kept.any(0))
            stop = int(used[-1]) + 1 if len(used) else 0
            stop = min(length, stop + -stop % ALIGNED)
            if stop < length:
                rows, scale, kept = rows[:, :stop], scale[:, :stop], kept[:, :stop]
            if not kept.all():
                hidden = torch.from_numpy(~kept).to(rows.device)
        return Part(self._scaled(rows, hidden, scale), scale, hidden, where)

    def _scaled(self, rows: Tensor, hidden: Tensor | None, scale: Tensor) -> Tensor:
        """Rows whose products are finite where hidden; fills in their scales."""
        size = sizes(rows, self.normalize, scale)
        if self.normalize and usual(size, self.eps):
            size.reciprocal_()
            return rows
        if hidden is not None:
            harmless = size <= (HARMLESS if self.normalize else 0.0)
            if not bool((harmless | ~hidden).all()):
                rows = rows.masked_fill(hidden[..., None], 0.0)
        scale.copy_(scale_of(size, self.normalize, self.eps))
        if hidden is not None:
            scale.masked_fill_(hidden, 0.0)
        return rows

    def first_of(self, other: Side) -> Tensor:
        """`[rows]` int32: the first row that each is compared with; -1: there is none."""
        return self.segments.per_row(torch.from_numpy(other.first).to(self.scale.device))

    def without(self, other: Side) -> Tensor | None:
        """`[rows]`, which do not count or have nothing to be compared with; None: none of them."""
        if other.first.min(initial=0) >= 0:
            return self._hidden
        alone = self.first_of(other) == -1
        return alone if self._hidden is None else alone | self._hidden

    def scales(self) -> Tensor:
        """`[rows]`: see `products.scales`; after all parts were taken."""
        hidden = self._hidden
        return self.scale if hidden is None else self.scale.masked_fill_(hidden, MASKED)
