"""Deadlines: what is not done in time is cancelled and told apart from a caller who left."""

import asyncio

import pytest
from tests.server.fakes import settle, within

from mmjudge.contract.errors import DeadlineExceeded
from mmjudge.server.deadlines import deadline, gather


@pytest.mark.parametrize("timeout", [0.0, -1.0])
async def test_a_deadline_that_has_passed_lets_nothing_begin(timeout: float) -> None:
    with pytest.raises(DeadlineExceeded, match="had passed"):
        async with deadline(timeout):
            raise AssertionError("begun")


async def test_a_body_that_is_late_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def late() -> None:
        async with deadline(0.01):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

    with pytest.raises(DeadlineExceeded, match="not finished in the 0.010 s allowed"):
        await within(late())
    assert cancelled.is_set()


async def test_a_cancelled_caller_is_not_a_missed_deadline() -> None:
    async def wait() -> None:
        async with deadline(1000):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within(task)


async def test_without_a_deadline_nothing_is_cancelled() -> None:
    done = False
    async with deadline(None):
        await settle()
        done = True
    assert done


async def test_gathering_keeps_the_order() -> None:
    async def after(steps: int) -> int:
        for _ in range(steps):
            await asyncio.sleep(0)
        return steps

    tasks = [asyncio.create_task(after(steps)) for steps in (5, 1, 3)]
    assert await within(gather(tasks)) == [5, 1, 3]


async def test_the_first_failure_cancels_the_rest() -> None:
    async def fail() -> None:
        raise KeyError

    tasks = [asyncio.create_task(asyncio.Event().wait()), asyncio.create_task(fail())]
    with pytest.raises(KeyError):
        await within(gather(tasks))
    await settle()
    assert tasks[0].cancelled()


async def test_cancelling_the_gathering_cancels_all() -> None:
    tasks = [asyncio.create_task(asyncio.Event().wait()) for _ in range(3)]
    gathering = asyncio.create_task(gather(tasks))
    await settle()
    gathering.cancel()
    await settle()
    assert gathering.cancelled() and all(task.cancelled() for task in tasks)
