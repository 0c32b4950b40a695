"""The best of each row as blocks of products come by, and where it is."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mmjudge.kernels.blocked.products import MASKED
from mmjudge.kernels.winners import ABSENT, POISONED


class Best:
    """Running maxima, and the lowest index that reached each."""

    def __init__(self, like: Tensor, shape: tuple[int, ...], winners: bool) -> None:
        self.value = like.new_full(shape, -torch.inf)
        # Where none is asked for, 0 says that there is one.
        unknown = ABSENT if winners else 0
        self.winner = torch.full(shape, unknown, dtype=torch.int32, device=like.device)
        self.winners = winners

    def take(
        self,
        part: Callable[[Tensor], Tensor],
        block: Tensor,
        dim: int,
        first: int,
        scale: Tensor | None = None,
    ) -> None:
        """Maxima of `block` over `dim`, along which indices begin at `first`; times `scale`.

        Args:
            part: the view of what is held that these maxima belong to.
        """
        value, index = block.max(dim) if self.winners else (block.amax(dim), None)
        value = value if scale is None else value * scale
        held = part(self.value)
        if index is not None:
            winner = part(self.winner)
            torch.where(value > held, index.int() + first, winner, out=winner)
        torch.maximum(held, value, out=held)

    def results(self, scale: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
        """Maxima and winners, or 0 and the code of why there is none.

        Args:
            scale: of the rows that have the maxima; one without direction is as similar to all.
            first: the lowest index to choose from, -1 where there is none.
        """
        alike = (scale == 0.0) | (self.value == -torch.inf)
        winner = torch.where(alike, first, self.winner)
        winner.masked_fill_(self.value.isnan(), POISONED)
        none = (scale == MASKED) | (first == -1)
        return self.value.masked_fill_(none, 0.0), winner.masked_fill_(none, ABSENT)

    def nothing(self) -> tuple[Tensor, Tensor]:
        """Of a direction that was not asked for."""
        return self.value, self.winner
