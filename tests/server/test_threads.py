"""Calls on other threads: what they return and raise arrives, whatever it is."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.server.fakes import GUARD, until, within

from mmjudge.server.threads import run_abandonable, run_timed


async def test_a_call_is_timed() -> None:
    with ThreadPoolExecutor(1) as threads:
        output, ran = await within(run_timed(threads, str.upper, "a"))
    assert output == "A" and ran.began <= ran.ended


@pytest.mark.parametrize("error", [KeyError("a"), StopIteration(), MemoryError()])
async def test_whatever_is_raised_arrives(error: Exception) -> None:
    def fail(_: object = None) -> None:
        raise error

    expected = RuntimeError if isinstance(error, StopIteration) else type(error)
    with ThreadPoolExecutor(1) as threads, pytest.raises(expected):
        await within(run_timed(threads, fail, None))
    with pytest.raises(expected):
        await within(run_abandonable(fail))


async def test_an_abandoned_call_goes_on_alone() -> None:
    gate, ended = threading.Event(), threading.Event()

    def wait() -> None:
        assert threading.current_thread().daemon
        assert gate.wait(GUARD)
        ended.set()

    task = asyncio.create_task(run_abandonable(wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within(task)
    gate.set()
    await until(ended.is_set)
