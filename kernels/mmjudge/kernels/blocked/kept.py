"""Rows that count, taken out of those that do not: no product is made of what is masked.

Masks are looked at by numpy, which takes less than half the time for as little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmjudge.kernels.segments import Segments

WORTH_TAKING_OUT = 3 / 4  # of the rows: if no more than these count, only they are computed
Mask = NDArray[np.bool_]


class Kept(NamedTuple):
    """Which rows products are made of, and which of those do not count after all.

    Attributes:
        rows: a slice, which copies nothing, or their indices.
        hidden: indices among these rows, ascending.
        first: index among these rows of the first that counts.
    """

    rows: slice | Tensor
    hidden: NDArray[np.int64]
    first: int = 0

    def stand_in(self, rows: Tensor) -> None:
        """Make of these rows that do not count copies of the first that does.

        Which changes no maximum, and takes less than to hide their products.
        """
        if len(self.hidden):
            rows[torch.from_numpy(self.hidden).to(rows.device)] = rows[self.first].clone()

    def hide(self, block: Tensor, dim: int, start: int = 0, value: float = -torch.inf) -> None:
        """`value` in `block`, of which dimension `dim` has these rows, from `start` on."""
        first, stop = np.searchsorted(self.hidden, (start, start + block.shape[dim]))
        if first < stop:  # by index, as a mask would go over all
            index = torch.from_numpy(self.hidden[first:stop] - start).to(block.device)
            block.index_fill_(dim, index, value)

    def within(self, start: int) -> slice | Tensor:
        """The rows, where those that they were taken from begin at `start`."""
        if isinstance(self.rows, slice):
            return slice(self.rows.start + start, self.rows.stop + start)
        return self.rows + start

    def original(self, index: Tensor) -> Tensor:
        """Indices among these rows, as indices among all; of -1, which is none, anything.

        Of one that stands in for the first, and comes before it, the first.
        """
        if isinstance(self.rows, slice):
            return index.clamp_min(self.first) + int(self.rows.start)
        rows: Tensor = self.rows[index.clamp_min(0)]
        return rows


def host(keep: Tensor | None, count: int) -> Mask:
    """A mask `[count]` in the memory of the CPU; None: all count."""
    return np.ones(count, np.bool_) if keep is None else keep.cpu().numpy()


def kept_rows(keep: Mask, device: torch.device) -> Kept:
    """Few rows that do not count are computed and hidden; many are left out."""
    places = np.flatnonzero(keep)
    if len(places) > WORTH_TAKING_OUT * len(keep):
        return Kept(slice(0, len(keep)), np.flatnonzero(~keep), int(places[0]))
    none = np.empty(0, np.int64)
    if not len(places):
        return Kept(slice(0, 0), none)
    if places[-1] - places[0] == len(places) - 1:
        return Kept(slice(int(places[0]), int(places[-1]) + 1), none)
    return Kept(torch.from_numpy(places).to(device), none)


class Extents(NamedTuple):
    """Where the rows that count lie in their segments, from the segments' starts.

    Attributes:
        first: `[segments]`, the first of them; -1: there is none.
        stops: after the last of them; 0: there is none.
    """

    first: list[int]
    stops: list[int]


def extents(keep: Mask, segments: Segments) -> Extents:
    """Of the rows of each segment that `keep` `[rows]` says count."""
    offsets = np.asarray(segments.host)
    places = np.flatnonzero(keep)
    among = np.searchsorted(places, offsets)
    places = np.append(places, 0)  # so that there is one to look at
    some = np.diff(among) > 0
    first = np.where(some, places[among[:-1]] - offsets[:-1], -1)
    stops = np.where(some, places[among[1:] - 1] - offsets[:-1] + 1, 0)
    return Extents(first.tolist(), stops.tolist())


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


def packed(rows: Tensor, scale: Tensor, segments: Segments, keep: Mask) -> Packed:
    """Texts of which much is padding take as long as what counts in them."""
    kept = kept_rows(keep, rows.device)
    taken = scale[kept.rows]
    if len(taken) == len(scale):
        return Packed(rows, scale, segments, kept)
    offsets = np.concatenate([[0], keep.cumsum()])[segments.host]
    lengths = np.diff(offsets)
    alike = bool((lengths == lengths[:1]).all())  # as padded texts were before
    given = None if alike else torch.from_numpy(offsets)
    fewer = Segments("texts", given, segments.count, len(taken), rows.device)
    return Packed(rows[kept.rows], taken, fewer, kept)
