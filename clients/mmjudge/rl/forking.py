"""Getting connections over a fork, which gRPC itself does not survive.

A process that forks while grpc.aio has anything open leaves a child in which every further call
hangs. So all that is open here is closed before, under its lock, and opened again by the next call,
on both sides.
"""

import gc
import os
import threading
import weakref
from typing import Protocol


class Forked(Protocol):
    """What goes over a fork."""

    def before_fork(self) -> None:
        """Close and hold still."""

    def after_fork_in_parent(self) -> None:
        """Go on in the process that forked."""

    def after_fork_in_child(self, grpc_was_silent: bool) -> None:
        """Go on in the new process; `grpc_was_silent` tells whether gRPC can be used there."""


class Forks:
    """Tells everything that follows them of the forks of this process."""

    def __init__(self) -> None:
        self._followers: weakref.WeakSet[Forked] = weakref.WeakSet()
        self._held: list[Forked] = []
        self._silent = True
        self._one_at_a_time = threading.Lock()
        os.register_at_fork(
            before=self._before,
            after_in_parent=self._after_in_parent,
            after_in_child=self._after_in_child,
        )

    def follow(self, follower: Forked) -> None:
        """Tell `follower` of forks for as long as it lives."""
        self._followers.add(follower)

    def _before(self) -> None:
        self._one_at_a_time.acquire()
        for follower in list(self._followers):
            follower.before_fork()
            self._held.append(follower)
        if self._held and _poller() is not None:
            gc.collect()  # a closed channel polls until it is collected
            if (poller := _poller()) is not None:
                poller.join(0.2)
        self._silent = _poller() is None

    def _after_in_parent(self) -> None:
        while self._held:
            self._held.pop().after_fork_in_parent()
        self._one_at_a_time.release()

    def _after_in_child(self) -> None:
        self._held.clear()
        for follower in list(self._followers):
            follower.after_fork_in_child(self._silent)
        self._one_at_a_time.release()


def _poller() -> threading.Thread | None:
    # grpc.aio keeps one such thread for as long as a channel or server of the process is open.
    found = (thread for thread in threading.enumerate() if "(_poll_wrapper)" in thread.name)
    return next(found, None)


FORKS = Forks()
