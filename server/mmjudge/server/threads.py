"""Calls on other threads, awaited and timed."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Thread
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Ran(NamedTuple):
    """When a call began and ended, in seconds of `perf_counter`."""

    began: float
    ended: float


async def run_timed(threads: Executor, function: Callable[[A], R], argument: A) -> tuple[R, Ran]:
    """Call on one of `threads`; raises what the function raises."""

    def timed() -> tuple[R, Ran]:
        began = perf_counter()
        output = _called(function, argument)
        return output, Ran(began, perf_counter())

    return await asyncio.get_running_loop().run_in_executor(threads, timed)


async def run_abandonable(function: Callable[[], R]) -> R:
    """Call on a thread that does not keep the process from ending, unlike those of executors."""
    outcome: Future[R] = Future()
    outcome.set_running_or_notify_cancel()

    def call() -> None:
        try:
            outcome.set_result(_called(function))
        except BaseException as error:  # noqa: BLE001 - all of it is the awaiter's
            outcome.set_exception(error)

    Thread(target=call, name=function.__name__, daemon=True).start()
    return await asyncio.wrap_future(outcome)


def _called(function: Callable[..., R], *arguments: Any) -> R:
    try:
        return function(*arguments)
    except StopIteration as error:  # no asyncio future can hold it: its awaiter would never wake
        raise RuntimeError("StopIteration") from error
