"""An operation as a judge sees it: an async function of one input, cached, shared and batched."""

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from mmjudge.contract.errors import Unavailable
from mmjudge.contract.verdicts import Timing
from mmjudge.judges.operation import Computed, Operation, Prepared
from mmjudge.server.batcher import Batcher
from mmjudge.server.device import Device
from mmjudge.server.feature_cache import FeatureCache
from mmjudge.server.metrics import Metrics
from mmjudge.server.stopwatch import current_stopwatch
from mmjudge.server.threads import run_timed

I = TypeVar("I")  # noqa: E741
P = TypeVar("P")
O = TypeVar("O")  # noqa: E741

# Batches' worth of prepared inputs held ahead of the device: one that runs, one handed over, and
# two that fill. It bounds the memory of decoded images, however many requests are admitted.
BATCHES_AHEAD = 4


class _Landed(NamedTuple, Generic[O]):
    computed: Computed[O]
    timing: Timing


@dataclass(slots=True, eq=False)
class _Flight(Generic[O]):
    task: asyncio.Task[_Landed[O]]
    waiters: int = 0


class ServedOperation(Generic[I, P, O]):
    """Calls `prepare` on CPU threads and `forward` in batches on the device's thread.

    Equal inputs in flight are computed once, for all who wait; when the last of them is cancelled,
    the computation is withdrawn. Outputs are cached by content.
    """

    def __init__(
        self,
        operation: Operation[I, P, O],
        device: Device,
        threads: Executor,
        cache: FeatureCache,
        metrics: Metrics,
    ) -> None:
        self._operation, self._threads, self._cache = operation, threads, cache
        self._flights: dict[bytes, _Flight[O]] = {}
        self._closed = False
        self._ahead = asyncio.Semaphore(BATCHES_AHEAD * operation.budget.items)
        self._batcher: Batcher[P, O] = Batcher(
            operation.name, operation.forward, operation.budget, device, metrics
        )

    def start(self) -> None:
        """Begin to compute; call on the event loop."""
        self._batcher.start()

    async def close(self) -> None:
        """Fail what waits with `Unavailable`, and wait for the batch that runs."""
        self._closed = True
        await self._batcher.close()
        # What has not reached the batcher fails on its way there, as long as the threads live.
        flights = [flight.task for flight in self._flights.values()]
        await asyncio.gather(*flights, return_exceptions=True)

    async def __call__(self, value: I) -> Computed[O]:
        """Compute one input, or get it from the cache.

        Raises `ItemError` for a bad input, `Unavailable` when the server stops, and whatever
        `forward` raises for this input alone.
        """
        key = self._operation.key(value)
        cached: Computed[O] | None = self._cache.get((self._operation.fingerprint, key))
        if cached is not None:
            return cached
        flight = self._flights.get(key)
        if flight is None:
            self._check_open()
            flight = self._flights[key] = _Flight(asyncio.create_task(self._fly(value, key)))
            flight.task.add_done_callback(_retrieve)
        flight.waiters += 1
        try:
            # Shielded: one caller who leaves must not take the others' result along.
            landed = await asyncio.shield(flight.task)
        finally:
            flight.waiters -= 1
            if flight.waiters == 0 and not flight.task.done():
                self._forget(key, flight.task)
                flight.task.cancel()
        current_stopwatch.get().add(landed.timing)
        return landed.computed

    async def _fly(self, value: I, key: bytes) -> _Landed[O]:
        try:
            async with self._ahead:
                with self._batcher.expecting():
                    prepared, ran = await run_timed(self._threads, self._prepare, value)
                batched = await self._batcher.submit(prepared.payload, prepared.cost)
            computed = Computed(batched.output, prepared.notes)
            size = self._operation.size(batched.output)
            self._cache.put((self._operation.fingerprint, key), computed, size)
            preprocess = ran.ended - ran.began
            return _Landed(computed, Timing(batched.queue, preprocess, batched.inference))
        finally:
            self._forget(key, asyncio.current_task())

    def _prepare(self, value: I) -> Prepared[P]:
        self._check_open()
        return self._operation.prepare(value)

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the server is stopping")

    def _forget(self, key: bytes, task: asyncio.Task[Any] | None) -> None:
        # Only its own entry: an abandoned flight may end after a new one for the same key began.
        flight = self._flights.get(key)
        if flight is not None and flight.task is task:
            del self._flights[key]


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Mark the exception as seen, for when every waiter left just before it came."""
    if not task.cancelled():
        task.exception()
