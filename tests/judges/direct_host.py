"""A host without a server, which remembers what it was asked to compute."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from mmjudge.judges.operation import Compute, Computed, I_contra, O, Operation, P


class DirectHost:
    """Loads for real, and runs one input at a time; `ran` counts forward passes by operation."""

    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()
        self._loaded: dict[Any, Any] = {}

    def backbone(self, config: Any, load: Callable[[Any], Any]) -> Any:
        """`load(config)`, once for equal configs."""
        key = (load, config)
        if key not in self._loaded:
            self._loaded[key] = load(config)
        return self._loaded[key]

    def serve(self, operation: Operation[I_contra, P, O]) -> Compute[I_contra, O]:
        """Prepare, then forward."""

        async def compute(value: I_contra) -> Computed[O]:
            await asyncio.sleep(0)
            prepared = operation.prepare(value)
            self.ran[operation.name.rpartition("/")[2]] += 1
            return Computed(operation.forward([prepared.payload])[0], prepared.notes)

        return compute
