"""An event loop on a thread of its own, for callers that have none or must not use theirs."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines on a private daemon thread; may be used from several threads at once."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_without_grpc_noise)
        self._pid = os.getpid()
        # Reentrant: collecting garbage while it is held may close another way in.
        self._closing = threading.RLock()
        self._closed = False
        self._calls: set[asyncio.Task[Any] | None] = set()
        self._thread = threading.Thread(target=self._serve, name="mmjudge-client", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise RuntimeError when closed, in a forked process, or on the thread itself."""
        if os.getpid() != self._pid:
            raise RuntimeError(
                "the client was made before this process was forked, and gRPC does not survive a "
                "fork: start workers with the 'spawn' method and make a Client in each"
            )
        if self._closed:
            raise RuntimeError("the client is closed: make a new one")
        if threading.current_thread() is self._thread:
            raise RuntimeError("the client cannot wait for itself: use AsyncClient in coroutines")

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the result of `work()`; leaving early, as by Ctrl-C, cancels it.

        Raises RuntimeError as `check`, and when closed in the meantime.
        """
        self.check()
        with self._closing:  # so that the loop cannot end between the question and the answer
            self.check()
            future = asyncio.run_coroutine_threadsafe(self._call(work), self._loop)
        try:
            return future.result()
        except CancelledError:
            if not self._closed:
                raise
            raise RuntimeError("the client was closed while the call was running") from None
        finally:
            future.cancel()

    def start(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Start `work()` without waiting for it; does nothing where `run` would refuse to."""
        if os.getpid() == self._pid:
            with self._closing:
                if not self._closed:
                    asyncio.run_coroutine_threadsafe(self._call(work), self._loop)

    def close(self, last: Callable[[], Awaitable[None]], patience: float | None = None) -> None:
        """Cancel what runs, await `last()`, end the thread, waiting `patience` seconds for it.

        Raises what `last()` raises. Closing twice does nothing, nor does closing in a fork.
        """
        if os.getpid() != self._pid:
            return
        with self._closing:
            if self._closed:
                return
            self._closed = True
            ended = asyncio.run_coroutine_threadsafe(self._wind_down(last), self._loop)
        ended.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._loop.stop))
        if threading.current_thread() is not self._thread:
            self._thread.join(patience)
            if ended.done():
                ended.result()

    async def _call(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        task = asyncio.current_task()
        self._calls.add(task)
        try:
            return await work()
        finally:
            self._calls.discard(task)

    async def _wind_down(self, last: Callable[[], Awaitable[None]]) -> None:
        # Calls first, and only they: what else runs here is for `last` to end in good order.
        await _cancelled(self._calls)
        await last()
        await self._loop.shutdown_asyncgens()
        await _cancelled(asyncio.all_tasks() - {asyncio.current_task()})

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        # The loop's own executor is ended by starting one more thread, which a process that is
        # about to exit can no longer do.
        executor = ThreadPoolExecutor(thread_name_prefix="mmjudge-encode")
        self._loop.set_default_executor(executor)
        try:
            self._loop.run_forever()
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            self._loop.close()


async def _cancelled(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    ending = [task for task in tasks if task is not None]
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


def _without_grpc_noise(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # Loops share one wake-up socket in older gRPC (1.71), and each but the first to read it finds
    # it empty. Nothing is lost, yet every call of two clients in a process would log a traceback.
    empty = isinstance(context.get("exception"), BlockingIOError)
    if not (empty and "PollerCompletionQueue" in context["message"]):
        loop.default_exception_handler(context)
