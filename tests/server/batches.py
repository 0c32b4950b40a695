"""A batcher over a forward that records, waits and fails as told."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.server.fakes import GUARD, until, within

from mmjudge.judges.operation import Budget
from mmjudge.server.batcher import Batched, Batcher
from mmjudge.server.device import Device
from mmjudge.server.metrics import Metrics

Fault = Callable[[list[str]], Exception | None]


class Recorder:
    """A forward that keeps its batches, waits for a gate and fails as told."""

    def __init__(self, fault: Fault = lambda batch: None) -> None:
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.fault = fault

    def __call__(self, batch: list[str]) -> list[str]:
        self.batches.append(list(batch))
        assert self.gate.wait(GUARD)
        if error := self.fault(batch):
            raise error
        return [text.upper() for text in batch]


@asynccontextmanager
async def running(
    forward: Callable[[list[str]], list[str]],
    *,
    items: int = 8,
    cost: int = 1000,
    device: Device | None = None,
    metrics: Metrics | None = None,
) -> AsyncIterator[Batcher[str, str]]:
    on = device or Device("cpu")
    batcher = Batcher("fake", forward, Budget(items, cost), on, metrics or Metrics())
    batcher.start()
    try:
        yield batcher
    finally:
        await within(batcher.close())
        if device is None:
            on.close()


Task = asyncio.Task[Batched[str]]


def submit(batcher: Batcher[str, str], *payloads: str, cost: int = 1) -> list[Task]:
    return [asyncio.create_task(batcher.submit(payload, cost)) for payload in payloads]


async def hold(batcher: Batcher[str, str], forward: Recorder, payload: str = "held") -> Task:
    """Have a batch of one wait at the gate, so that what comes next queues up behind it."""
    forward.gate.clear()
    before = len(forward.batches)
    (task,) = submit(batcher, payload)
    await until(lambda: len(forward.batches) > before)
    return task


async def ends(tasks: list[Task]) -> list[str]:
    """Outputs, or the names of errors."""
    found = await within(asyncio.gather(*tasks, return_exceptions=True))
    return [one.output if isinstance(one, Batched) else type(one).__name__ for one in found]
