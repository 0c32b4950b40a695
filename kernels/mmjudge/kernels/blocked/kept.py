"""Rows that count, taken out of those that do not: no product is made of what is masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmjudge.kernels.blocked.products import MASKED
from mmjudge.kernels.segments import Segments

WORTH_TAKING_OUT = 3 / 4  # of the rows: if no more than these count, only they are computed


class Kept(NamedTuple):
    """Which rows products are made of, and which of those do not count after all.

    Attributes:
        rows: a slice, which copies nothing, or their indices.
        hidden: `[rows]` bool; None: all count.
    """

    rows: slice | Tensor
    hidden: Tensor | None

    def hide(self, block: Tensor, dim: int, part: slice = slice(None)) -> None:
        """-inf in `block`, of which dimension `dim` has these rows, or a part of them."""
        if self.hidden is not None:  # some by index, as masked_fill_ would go over all
            block.index_fill_(dim, self.hidden[part].nonzero()[:, 0], -torch.inf)

    def original(self, index: Tensor) -> Tensor:
        """Indices among these rows, as indices among all; of -1, which is none, anything."""
        if isinstance(self.rows, slice):
            return index + int(self.rows.start)
        rows: Tensor = self.rows[index.clamp_min(0)]
        return rows


def kept_rows(scale: Tensor) -> Kept:
    """Few rows that do not count are computed and hidden; many are left out."""
    hidden = scale == MASKED
    places = hidden.logical_not().nonzero()[:, 0]
    if len(places) > WORTH_TAKING_OUT * len(scale):
        return Kept(slice(0, len(scale)), hidden if len(places) < len(scale) else None)
    if len(places) and int(places[-1]) - int(places[0]) == len(places) - 1:
        return Kept(slice(int(places[0]), int(places[-1]) + 1), None)
    return Kept(places if len(places) else slice(0, 0), None)


class Extents(NamedTuple):
    """Where the rows that count lie in their segments, from the segments' starts.

    Attributes:
        first: `[segments]` int32, the first of them; -1: there is none.
        stops: after the last of them; 0: there is none.
        counts: how many there are.
    """

    first: Tensor
    stops: list[int]
    counts: list[int]


def extents(keep: Tensor | None, segments: Segments) -> Extents:
    """Of the rows of each segment that `keep` `[rows]` says count; None: all do."""
    # By numpy, which takes less than half the time that tensors take.
    offsets = np.asarray(segments.host)
    starts, count = offsets[:-1], np.diff(offsets)
    first, stop = np.zeros_like(count), count
    if keep is not None:
        rows = np.flatnonzero(keep.cpu().numpy())
        among = np.searchsorted(rows, offsets)
        count = np.diff(among)
        rows = np.append(rows, 0)  # so that there is one to look at
        first, stop = rows[among[:-1]] - starts, rows[among[1:] - 1] - starts + 1
    firsts = torch.from_numpy(np.where(count > 0, first, -1).astype(np.int32))
    stops = np.where(count > 0, stop, 0).tolist()
    return Extents(firsts.to(segments.device), stops, count.tolist())


@dataclass(frozen=True)
class Packed:
    """Texts without the rows that do not count, or as they were where few do not."""

    rows: Tensor
    scale: Tensor
    segments: Segments
    kept: Kept

    def original(self, index: Tensor, texts: Segments) -> Tensor:
        """Indices within texts `[texts, ...]`, as they are before rows were taken out."""
        rows = index + self.segments.offsets[:-1, None]
        return (self.kept.original(rows) - texts.offsets[:-1, None]).int()


def packed(rows: Tensor, scale: Tensor, segments: Segments) -> Packed:
    """Texts of which much is padding take as long as what counts in them."""
    kept = kept_rows(scale)
    taken = scale[kept.rows]
    if len(taken) == len(scale):
        return Packed(rows, scale, segments, kept)
    before = torch.nn.functional.pad((scale != MASKED).cumsum(0), (1, 0))
    offsets = before[segments.offsets]
    lengths = offsets.diff()
    alike = bool((lengths == lengths[:1]).all())  # as padded texts were before
    fewer = Segments("texts", None if alike else offsets, segments.count, len(taken), rows.device)
    return Packed(rows[kept.rows], taken, fewer, kept)
