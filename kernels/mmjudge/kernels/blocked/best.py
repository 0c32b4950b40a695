"""The best of each row as blocks of products come by, and where it is."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mmjudge.kernels.winners import ABSENT, POISONED

View = Callable[[Tensor], Tensor]  # of what is held for rows, on some of them


class Best:
    """Maxima, and the lowest index that reached each."""

    def __init__(self, like: Tensor, shape: tuple[int, ...], winners: bool) -> None:
        self.value = like.new_full(shape, -torch.inf)
        kept = shape if winners else (0,)
        self.winner = torch.full(kept, ABSENT, dtype=torch.int32, device=like.device)
        self.winners = winners

    def put(self, view: View, block: Tensor) -> None:
        """Maxima along the last dimension of `block`, which has all there is."""
        held = view(self.value)
        if self.winners:
            value, index = _maxima_of_rows(block)
            held.copy_(value)
            view(self.winner).copy_(index)
        else:
            torch.amax(block, -1, out=held)

    def take(self, view: View, block: Tensor, first: int) -> None:
        """Maxima of `[..., some, rows]` over `some`, whose indices begin at `first`."""
        held = view(self.value)
        if not self.winners:
            torch.maximum(held, block.amax(-2), out=held)
            return
        value, index = block.max(-2)
        winner = view(self.winner)
        torch.where(value > held, index.int() + first, winner, out=winner)
        torch.maximum(held, value, out=held)

    def settle(self, scale: Tensor, first: Tensor) -> None:
        """Winners of rows that are as similar to all, and of those that met what is not finite.

        Args:
            scale: of the rows; 0: one without direction.
            first: the lowest index to choose from.
        """
        alike = (scale == 0.0) | (self.value == -torch.inf)
        self.winner = torch.where(alike, first, self.winner)
        self.winner.masked_fill_(self.value.isnan(), POISONED)

    def results(self, none: Tensor | None) -> tuple[Tensor, Tensor]:
        """Maxima and winners, 0 and ABSENT where there is none; without winners 0 for any.

        Args:
            none: which rows do not count, or have nothing to be compared with; None: none of them.
        """
        winner = self.winner if self.winners else torch.zeros_like(self.value, dtype=torch.int32)
        if none is not None:
            self.value.masked_fill_(none, 0.0)
            winner.masked_fill_(none, ABSENT)
        return self.value, winner


def _maxima_of_rows(block: Tensor) -> tuple[Tensor, Tensor]:
    if block.device.type != "cpu":
        return block.max(-1)
    # By numpy, which takes a quarter of the time that torch takes.
    index = torch.from_numpy(block.numpy().argmax(-1))
    return block.gather(-1, index[..., None])[..., 0], index
