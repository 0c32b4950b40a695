"""What every transport's service is at a time: loading, answering or stopping, and how busy."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mmjudge.contract.errors import Unavailable
from mmjudge.server.answering import Answerer


class Admittance:
    """Lets requests in once `answerer` is set, until `draining`, and counts those within."""

    def __init__(self) -> None:
        self.answerer: Answerer | None = None
        self.draining = False
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def state(self) -> str:
        """`ok`, `loading` or `stopping`."""
        return "stopping" if self.draining else "ok" if self.answerer else "loading"

    async def idle(self, timeout: float) -> None:
        """Wait until no request is running, `timeout` seconds at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), timeout)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    def _ready(self) -> Answerer:
        if self.draining:
            raise Unavailable("the server is stopping")
        if self.answerer is None:
            raise Unavailable("the server is loading its judges")
        return self.answerer
