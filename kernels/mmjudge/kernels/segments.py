"""Segments: which consecutive rows belong to one text or one image."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor


class Segments:
    """`count` runs of consecutive rows; run i holds rows `offsets[i]` to `offsets[i + 1]`.

    Offsets live on the CPU, where they are checked before any launch. Runs of one length, which
    is what a padded tensor holds, need no offsets from the caller at all.
    """

    def __init__(
        self, name: str, offsets: Tensor | None, count: int, rows: int, device: torch.device
    ) -> None:
        """
        Args:
            name: the argument that the offsets came from, for messages.
            offsets: `[count + 1]` int32 or int64 on any device; None: `count` runs of one length.
                On a GPU they are copied to the CPU, which waits for the device.
            rows: rows that the runs cover.

        Raises:
            ValueError: offsets that decrease, or do not begin at 0 and end at `rows`.
        """
        self.count, self.rows, self.device = count, rows, device
        self.uniform = rows // count if count else 0
        if offsets is not None:
            _check(name, offsets, rows)
            self.uniform = -1
        self._given = offsets

    @cached_property
    def host(self) -> list[int]:
        """The offsets as Python integers."""
        if self._given is None:
            return [i * self.uniform for i in range(self.count + 1)]
        return [int(offset) for offset in self._given.tolist()]

    @cached_property
    def offsets(self) -> Tensor:
        """The offsets on the device: `[count + 1]` int64."""
        if self._given is None:
            if self.uniform:  # one operation rather than two
                return torch.arange(0, self.rows + 1, self.uniform, device=self.device)
            return torch.zeros(self.count + 1, dtype=torch.int64, device=self.device)
        return self._given.to(self.device, torch.int64, non_blocking=True)

    @cached_property
    def longest(self) -> int:
        if self._given is None:
            return self.uniform if self.count else 0
        return max((stop - start for start, stop in self), default=0)

    @cached_property
    def ids(self) -> Tensor:
        """`[rows]` int64: the run that each row belongs to."""
        runs = torch.arange(self.count, device=self.device)
        if self._given is None:
            return runs.repeat_interleave(self.uniform, output_size=self.rows)
        return runs.repeat_interleave(self.offsets.diff(), output_size=self.rows)

    def per_row(self, values: Tensor) -> Tensor:
        """`values` `[count]` of the runs, for each of their rows: `[rows]`."""
        if self._given is None:
            return values[:, None].expand(-1, self.uniform).reshape(-1)
        return values[self.ids]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self.host[:-1], self.host[1:], strict=True)


def _check(name: str, offsets: Tensor, rows: int) -> None:
    if offsets.is_cuda and torch.cuda.is_current_stream_capturing():
        raise ValueError(
            f"{name}: offsets on a GPU cannot be checked while a CUDA graph is captured; "
            "give padded tensors there"
        )
    host = offsets.cpu()
    if int(host[0]) != 0 or int(host[-1]) != rows:
        raise ValueError(
            f"{name}: begins at {int(host[0])} and ends at {int(host[-1])}; expected 0 and {rows}, "
            "the number of rows"
        )
    if bool((host.diff() < 0).any()):
        at = int((host.diff() < 0).nonzero()[0])
        raise ValueError(
            f"{name}: decreases from {int(host[at])} to {int(host[at + 1])} at index {at + 1}; "
            "expected offsets that never decrease"
        )
