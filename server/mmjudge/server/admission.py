"""Who may come in: a bound on work admitted and not finished, and when to come back."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from mmjudge.contract.errors import Overloaded
from mmjudge.server.metrics import Metrics

SHORTEST_WAIT, LONGEST_WAIT = 0.1, 30.0


class Admission:
    """Admits requests while their bytes and verdicts, all together, stay within bounds.

    The exact cost of an item is known only once it is decoded; what can be counted at the door are
    the bytes of a request and, when it has been read, the verdicts it asks for. A request that
    meets an empty house is always admitted, so that none is refused forever.
    """

    def __init__(self, max_items: int, max_bytes: int, metrics: Metrics) -> None:
        self._max_items, self._max_bytes, self._metrics = max_items, max_bytes, metrics
        self._items = self._bytes = 0
        self._seconds_per_item = 0.01

    @property
    def items(self) -> int:
        """Verdicts admitted and not given."""
        return self._items

    @contextmanager
    def admit_bytes(self, size: int) -> Iterator[None]:
        """Hold room for a request of `size` bytes; raises `Overloaded` when full."""
        if self._bytes and self._bytes + size > self._max_bytes:
            raise self._overloaded(f"{self._bytes} bytes", f"{self._max_bytes} bytes")
        self._change(0, size)
        try:
            yield
        finally:
            self._change(0, -size)

    @contextmanager
    def admit_items(self, items: int) -> Iterator[None]:
        """Hold room for `items` verdicts; raises `Overloaded` when full."""
        if self._items and self._items + items > self._max_items:
            raise self._overloaded(f"{self._items} verdicts", f"{self._max_items}")
        ahead = self._items
        self._change(items, 0)
        began = perf_counter()
        try:
            yield
            # All that was ahead was done in this time, too: smoothed, it says how fast the queue
            # moves, which is what a caller who is turned away has to know.
            pace = (perf_counter() - began) / (ahead + items)
            self._seconds_per_item += 0.1 * (pace - self._seconds_per_item)
        finally:
            self._change(-items, 0)

    def _overloaded(self, held: str, most: str) -> Overloaded:
        wait = min(max(self._items * self._seconds_per_item, SHORTEST_WAIT), LONGEST_WAIT)
        message = f"{held} are in work, at most {most} are taken on: retry in {wait:.1f} s"
        return Overloaded(message, wait)

    def _change(self, items: int, size: int) -> None:
        self._items += items
        self._bytes += size
        self._metrics.pending_items.set(self._items)
        self._metrics.pending_bytes.set(self._bytes)
