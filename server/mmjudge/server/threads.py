"""Calls on other threads, awaited and timed."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from time import perf_counter
from typing import NamedTuple, TypeVar

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
        try:
            output = function(argument)
        except StopIteration as error:  # a future cannot hold it, so its waiter would never wake
            raise RuntimeError("StopIteration") from error
        return output, Ran(began, perf_counter())

    return await asyncio.get_running_loop().run_in_executor(threads, timed)
