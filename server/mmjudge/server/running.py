"""A server process: runs until a signal or a lost device ends it."""

import asyncio
import gc
import logging
import signal
from collections.abc import Callable

from mmjudge.server.config import ServerConfig
from mmjudge.server.serving import Server

logger = logging.getLogger(__name__)


class DeviceLost(RuntimeError):
    """A device failed for good; the process has to be started anew, by its supervisor."""


async def run_server(config: ServerConfig, ready: Callable[[Server], None]) -> None:
    """Serve until SIGINT or SIGTERM, then stop in order; `ready` is called when health is SERVING.

    A second signal ends the process at once, as if there were no handler. Raises `DeviceLost` after
    stopping, and what `Server.start` raises.
    """
    server = Server(config)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        loop.add_signal_handler(number, ended.set)
    starting = asyncio.create_task(server.start())
    signalled = asyncio.create_task(ended.wait())
    lost: asyncio.Task[str] | None = None
    try:
        # A signal ends the loading of weights, too.
        await asyncio.wait([starting, signalled], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            # The loaded libraries and weights stay: without this, every full collection walks all
            # of them, and stops the event loop for a quarter of a second.
            gc.collect()
            gc.freeze()
            ready(server)
            lost = asyncio.create_task(server.device_lost())
            await asyncio.wait([signalled, lost], return_when=asyncio.FIRST_COMPLETED)
    finally:
        starting.cancel()
        signalled.cancel()
        for number in before:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        if lost:
            logger.info("stopping")
        try:
            await server.stop(0 if lost and lost.done() else None)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    if lost and lost.done():
        raise DeviceLost(f"device {lost.result()} is lost")
    if lost:
        lost.cancel()
