"""What the operations of a dual encoder share, whether they encode images or texts."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from torch import Tensor

from mmjudge.judges.backbones.cpu_workers import cpu_workers
from mmjudge.judges.backbones.features import Features, in_rows
from mmjudge.judges.backbones.tower import Tower
from mmjudge.judges.operation import Budget

P = TypeVar("P")


class Encoding:
    """One side of a tower: its name, budget and device, and the shape of its forward passes.

    `keep_tokens` says whether features have the tokens beside the embedding, `fixed` whether every
    forward pass has the same shape.
    """

    def __init__(
        self, tower: Tower, *, name: str, fingerprint: str, budget: Budget, fixed: bool
    ) -> None:
        """With `fixed`, every forward pass has `budget.rows` rows; else as many as there are."""
        self._tower, self._rows = tower, budget.rows if fixed else None
        self._workers = cpu_workers() if fixed and tower.device.type == "cpu" else None
        self.fixed = fixed
        self.name, self.fingerprint, self.budget = name, fingerprint, budget
        self.device = str(tower.device)
        self.keep_tokens = False

    def size(self, output: Features | Tensor) -> int:
        """Bytes of the features."""
        return output.nbytes

    def _in_passes(
        self, payloads: Sequence[P], encode: Callable[[Sequence[P]], list[Features]]
    ) -> list[Features]:
        return in_rows(payloads, self._rows, encode, self._workers)
