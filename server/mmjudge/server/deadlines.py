"""Deadlines and cancellation: what nobody waits for any more is not computed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from mmjudge.contract.errors import DeadlineExceeded

T = TypeVar("T")


@asynccontextmanager
async def deadline(timeout: float | None) -> AsyncIterator[None]:
    """Cancel the body after `timeout` seconds and raise `DeadlineExceeded`; None waits forever.

    The cancellation reaches the queues, where what has not started is withdrawn.
    """
    if timeout is not None and timeout <= 0:
        raise DeadlineExceeded("the deadline had passed when the request came")
    try:
        async with asyncio.timeout(timeout):
            yield
    except TimeoutError as error:
        raise DeadlineExceeded(f"not finished in the {timeout:.3f} s allowed") from error


async def gather(tasks: Sequence[asyncio.Task[T]]) -> list[T]:
    """Await all; on the first failure, or when cancelled, cancel the rest."""
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
