"""The client of a process: made when first used, and again after a fork or in another process."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from mmjudge.client import Client, Retries
from mmjudge.client.grpc_transport import Metadata
from mmjudge.rl.forking import FORKS

Server = str | Client | Callable[[], Client]
"""An address, "host:port"; a client of yours, `LocalClient` too; or a function that makes one."""

_ASYNC_CALLS = 64


class Connection:
    """Lends the process's client to calls of any thread.

    Pickles as its settings (a `Client` of the caller's cannot be pickled; a function at the top of
    a module can). A client made here is closed before the process forks and made anew on both
    sides, because gRPC does not survive a fork.
    """

    def __init__(
        self, server: Server, *, timeout: float, retries: Retries, metadata: Metadata = ()
    ) -> None:
        self._server = server
        self._timeout = timeout
        self._retries = retries
        self._metadata = metadata
        self._start()

    def _start(self) -> None:
        self.lock = threading.RLock()
        self._client: Client | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._calls = 0
        self._torn = False
        FORKS.follow(self)

    def __getstate__(self) -> dict[str, Any]:
        if isinstance(self._server, Client):
            raise TypeError(
                "a reward over a Client object cannot go to another process: give it the server's "
                "address, or a function at the top of a module that makes the client"
            )
        settings = ("_server", "_timeout", "_retries", "_metadata")
        return {name: self.__dict__[name] for name in settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Lend the client; RuntimeError in a process that was forked while gRPC was in use."""
        with self.lock:
            if self._torn:
                raise RuntimeError(
                    "this process was forked while gRPC was in use, by a call for rewards in "
                    "another thread or by another client, and gRPC does not survive that: fork "
                    "workers first, close other clients, or start workers with 'spawn'"
                )
            client = self._connected()
            self._calls += 1
        try:
            yield client
        finally:
            with self.lock:
                self._calls -= 1

    def threads(self) -> ThreadPoolExecutor:
        """Return the threads that wait for calls on behalf of event loops."""
        with self.lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_ASYNC_CALLS, thread_name_prefix="mmjudge-rl")
            return self._threads

    def close(self) -> None:
        """Close the client that was made here; the next call makes another."""
        with self.lock:
            client, threads = self._client, self._threads
            self._client = self._threads = None
            if client is not None and client is not self._server:
                client.close()
            if threads is not None:
                threads.shutdown(wait=False)

    def before_fork(self) -> None:
        """Hold still; without gRPC, unless a call is running."""
        self.lock.acquire()
        if not self._calls:
            self.close()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self.lock.release()

    def after_fork_in_child(self, grpc_was_silent: bool) -> None:
        """Start anew, or never again."""
        self._start()
        self._torn = not grpc_was_silent

    def _connected(self) -> Client:
        if self._client is None:
            match self._server:
                case str():
                    self._client = Client(
                        self._server,
                        timeout=self._timeout,
                        retries=self._retries,
                        metadata=self._metadata,
                    )
                case Client():
                    self._client = self._server
                case _:
                    self._client = self._server()
        return self._client
