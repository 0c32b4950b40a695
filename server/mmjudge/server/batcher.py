"""Continuous batching: whatever waits when the device has a slot free becomes the next batch.

While a batch runs, arrivals queue up behind it, so batches fill under load without a timer and a
lone item does not wait. Where forward passes have fixed rows, less than one pass is held back while
more is being prepared: blank rows would cost as much as the items that are about to come.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Generic, NamedTuple, TypeVar

import torch

from mmjudge.contract.errors import Error, ErrorCode, ItemError, RequestError, Unavailable, invalid
from mmjudge.judges.operation import Budget
from mmjudge.server.device import Device
from mmjudge.server.metrics import Metrics

P = TypeVar("P")
O = TypeVar("O")  # noqa: E741

logger = logging.getLogger(__name__)


class Batched(NamedTuple, Generic[O]):
    """An output, and the seconds its item waited and its batch ran."""

    output: O
    queue: float
    inference: float


@dataclass(slots=True, eq=False)
class _Entry(Generic[P, O]):
    payload: P
    cost: int
    arrived: float
    future: asyncio.Future[Batched[O]]


class Batcher(Generic[P, O]):
    """Groups concurrent `submit` calls into calls of `forward` on a device's thread.

    First in, first out. A batch costs its largest item's cost times its items, as padding makes it.
    A batch that fails is halved until the item at fault fails alone; running out of memory takes
    the same road. Only a lost device fails all.
    """

    def __init__(
        self,
        name: str,
        forward: Callable[[list[P]], list[O]],
        budget: Budget,
        device: Device,
        metrics: Metrics,
    ) -> None:
        self._name, self._forward, self._budget = name, forward, budget
        self._device, self._metrics = device, metrics
        self._queue: deque[_Entry[P, O]] = deque()
        self._arrived = asyncio.Event()
        self._expected = 0
        self._batches: set[asyncio.Task[None]] = set()
        self._dispatcher: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to take batches; call on the event loop."""
        self._dispatcher = asyncio.create_task(self._dispatch(), name=f"batcher {self._name}")

    async def close(self) -> None:
        """Fail what waits with `Unavailable`, and wait for the batch that runs.

        An exception, not a cancellation: a grpc.aio handler that ends in CancelledError leaves its
        client without a status.
        """
        if self._dispatcher is None:
            return
        self._dispatcher.cancel()
        self._dispatcher = None
        while self._queue:
            _fail(self._queue.popleft(), Unavailable("the server is stopping"))
        await asyncio.gather(*self._batches, return_exceptions=True)

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Say that an item is being prepared, until the block ends; `submit` it without delay."""
        self._expected += 1
        try:
            yield
        finally:
            self._expected -= 1
            self._arrived.set()

    async def submit(self, payload: P, cost: int) -> Batched[O]:
        """Run one payload in some batch.

        Raises what `forward` raises for it alone, `ItemError` ITEM_TOO_LARGE when it is beyond the
        batch budget by itself, `Unavailable` when the server stops or the device is lost.
        Cancelling withdraws it, if its batch has not been taken.
        """
        if self._dispatcher is None:
            raise Unavailable("the server is stopping")
        if cost > self._budget.cost:
            raise invalid("ITEM_TOO_LARGE", f"costs {cost}, a batch may cost {self._budget.cost}")
        future: asyncio.Future[Batched[O]] = asyncio.get_running_loop().create_future()
        self._queue.append(_Entry(payload, cost, perf_counter(), future))
        self._arrived.set()
        return await future

    async def _dispatch(self) -> None:
        while True:
            await self._arrived.wait()
            await self._device.slots.acquire()  # before taking: late arrivals still join
            batch = self._take()
            if not batch:
                self._device.slots.release()
                self._arrived.clear()
                continue
            task = asyncio.create_task(self._execute(batch))
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)

    def _take(self) -> list[_Entry[P, O]]:
        batch = self._fitting()
        whole = len(batch) - len(batch) % self._budget.rows
        full = bool(self._queue) or len(batch) == self._budget.items
        if not self._expected or (full and not whole):
            return batch
        self._queue.extendleft(reversed(batch[whole:]))
        return batch[:whole]

    def _fitting(self) -> list[_Entry[P, O]]:
        batch: list[_Entry[P, O]] = []
        largest = 0
        while self._queue and len(batch) < self._budget.items:
            entry = self._queue[0]
            if not entry.future.done():  # else its caller is gone
                largest = max(largest, entry.cost)
                if largest * (len(batch) + 1) > self._budget.cost:
                    break
                batch.append(entry)
            self._queue.popleft()
        return batch

    async def _execute(self, batch: list[_Entry[P, O]]) -> None:
        try:
            await self._solve(batch)
        finally:
            self._device.slots.release()

    async def _solve(self, batch: list[_Entry[P, O]]) -> None:
        try:
            payloads = [entry.payload for entry in batch]
            outputs, ran = await self._device.run(self._forward, payloads)
            if len(outputs) != len(batch):
                raise RuntimeError(
                    f"{self._name} made {len(outputs)} outputs of {len(batch)} inputs"
                )
        except RequestError as error:  # the device, not an item
            for entry in batch:
                _fail(entry, error)
        except Exception as error:  # noqa: BLE001 - device boundary: any failure may be one item's
            if len(batch) == 1:
                _fail(batch[0], self._blame(error))
                return
            logger.warning("%s: batch of %d failed, halving it: %r", self._name, len(batch), error)
            half = len(batch) // 2
            await self._solve(batch[:half])
            await self._solve(batch[half:])
        else:
            inference = ran.ended - ran.began
            self._metrics.batch(self._name, len(batch), inference)
            for entry, output in zip(batch, outputs, strict=True):
                if not entry.future.done():
                    queue = max(0.0, ran.began - entry.arrived)
                    entry.future.set_result(Batched(output, queue, inference))

    def _blame(self, error: Exception) -> Exception:
        if isinstance(error, ItemError):
            return error
        if isinstance(error, MemoryError | torch.OutOfMemoryError):
            message = f"does not fit into the memory of {self._device.name}, even alone"
            return ItemError(Error(ErrorCode.RESOURCE_EXHAUSTED, "OUT_OF_MEMORY", message))
        return error


def _fail(entry: _Entry[P, O], error: Exception) -> None:
    if not entry.future.done():
        entry.future.set_exception(error)
