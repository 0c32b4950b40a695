"""Trying again when a server is away or full, and only then."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from mmjudge.client.deadline import Deadline
from mmjudge.contract import Overloaded, RequestError, Unavailable

_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how patiently to try again; ValueError for numbers that make no sense.

    attempts: tries in all, 1 for no retry.
    first_wait: longest wait in seconds after the first try, doubled after each one.
    longest_wait: where the doubling ends, in seconds.
    """

    attempts: int = 5
    first_wait: float = 0.1
    longest_wait: float = 5.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts}, expected at least 1 (1: no retry)")
        if not 0 <= self.first_wait <= self.longest_wait:
            raise ValueError(
                f"first_wait is {self.first_wait:g} s and longest_wait {self.longest_wait:g} s, "
                "expected 0 <= first_wait <= longest_wait"
            )

    def wait(self, tries: int, error: RequestError, chance: float) -> float:
        """Return the seconds to wait after try number `tries`, for a `chance` in [0, 1).

        The whole wait is random, so that a step's thousand workers do not come back as one; it
        comes on top of what an overloaded server asked for.
        """
        # A float's exponent ends at 1024; no sensible wait is left to double long before.
        ceiling = min(self.longest_wait, self.first_wait * 2.0 ** min(tries - 1, 64))
        least = error.retry_after if isinstance(error, Overloaded) else 0.0
        return least + chance * ceiling


DEFAULT_RETRIES = Retries()


async def retry(
    call: Callable[[float], Awaitable[T]],
    retries: Retries,
    deadline: Deadline,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    chance: Callable[[], float] = random.random,
) -> T:
    """Return `await call(seconds left)`, trying again on Unavailable and Overloaded.

    Raises the last error when the attempts are used up or the next wait would pass the deadline;
    any other error at once.
    """
    tries = 0
    left = deadline.check()
    while True:
        tries += 1
        try:
            return await call(left)
        except (Unavailable, Overloaded) as error:
            wait = retries.wait(tries, error, chance())
            if tries >= retries.attempts or wait >= deadline.left():
                raise
            _log.info(
                "try %d of %d failed (%s): again in %.2f s", tries, retries.attempts, error, wait
            )
            await sleep(wait)
            left = deadline.left()
            if left <= 0:  # woken too late: what happened is still the error to tell of
                raise
