"""Single flight: equal questions that are asked at the same time are sent once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from mmjudge.contract.errors import Unavailable

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Flight:
    task: asyncio.Task[Any]
    waiters: int = 0


class Flights:
    """Work in flight, by key: shared by all who ask for it, withdrawn when none is left."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight] = {}
        self._closed = False

    async def share(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Await the work of this key that is in flight, else begin it.

        Raises what the work raises, and `Unavailable` once closed.
        """
        if self._closed:
            raise _stopping()
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.create_task(self._fly(key, work)))
            flight.task.add_done_callback(_retrieve)
            self._flights[key] = flight
        flight.waiters += 1
        try:
            # Shielded: one who leaves must not take the others' answer along.
            answer: T = await asyncio.shield(flight.task)
            return answer
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and not (task and task.cancelling()):
                raise _stopping() from None
            raise
        finally:
            flight.waiters -= 1
            if flight.waiters == 0 and not flight.task.done():
                self._forget(key, flight.task)
                flight.task.cancel()

    async def aclose(self) -> None:
        """Fail what is in flight, and all that comes later, with `Unavailable`."""
        self._closed = True
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fly(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        try:
            return await work()
        finally:
            self._forget(key, asyncio.current_task())

    def _forget(self, key: Hashable, task: asyncio.Task[Any] | None) -> None:
        # Only its own entry: withdrawn work may end after new work of the same key began.
        flight = self._flights.get(key)
        if flight is not None and flight.task is task:
            del self._flights[key]


def _stopping() -> Unavailable:
    return Unavailable("the server is stopping")


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Mark the exception as seen, for when every waiter left just before it came."""
    if not task.cancelled():
        task.exception()
