"""One device: a thread that runs batches, and the slots that batchers take turns for."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from mmjudge.contract.errors import Unavailable
from mmjudge.server.threads import Ran, run_timed

P = TypeVar("P")
O = TypeVar("O")  # noqa: E741


class Device:
    """Runs functions one at a time on a thread of its own.

    `slots` are how many batches may be handed over at once: one that runs, and on a GPU one more,
    so that it never waits for the event loop. Batchers acquire a slot before they take a batch, and
    a semaphore wakes in order of asking, so several backbones on one device take turns.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.slots = asyncio.Semaphore(1 if name == "cpu" else 2)
        self.lost = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"device-{name}")

    async def run(self, function: Callable[[P], O], argument: P) -> tuple[O, Ran]:
        """Run on the device's thread; raises what the function raises.

        An error that leaves the device unusable sets `lost` and becomes `Unavailable`, then and
        for all later calls.
        """
        if self.lost.is_set():
            raise Unavailable(f"device {self.name} is lost; the server is restarting")
        try:
            return await run_timed(self._thread, function, argument)
        except torch.AcceleratorError as error:
            # Illegal accesses and failed assertions poison the context: every later call fails too.
            self.lost.set()
            raise Unavailable(f"device {self.name} is lost: {error}") from error

    def close(self) -> None:
        """Wait for the running call, drop the rest."""
        self._thread.shutdown(cancel_futures=True)
