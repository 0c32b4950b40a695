"""Trying again: how often, and how long to wait before it."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime

from mmjudge.judges.backbones.chat_failures import Failure

logger = logging.getLogger(__name__)

FIRST_BACKOFF = 0.5
LONGEST_BACKOFF = 30.0
LONGEST_RETRY_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class Chance:
    """Time and randomness, which tests replace: `now` in seconds since 1970, `draw` in [0, 1)."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    draw: Callable[[], float] = random.random
    now: Callable[[], float] = time.time


async def retrying(
    attempt: Callable[[], Awaitable[str | Failure]], retries: int, chance: Chance
) -> str | Failure:
    """Attempt until it succeeds, fails for good, or has failed `retries` + 1 times.

    Waits as long as the endpoint asked, and exponentially longer with full jitter (Brooker,
    "Exponential Backoff And Jitter", AWS Architecture Blog, 2015), so that requests which failed
    together do not come back together.
    """
    retry = 0
    while True:
        outcome = await attempt()
        if isinstance(outcome, str) or not outcome.may_pass:
            return outcome
        if retry == retries:
            attempts = f"{retries + 1} attempts failed, the last: " if retries else ""
            return replace(outcome, message=attempts + outcome.message)
        backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0**retry)
        delay = outcome.retry_after + chance.draw() * backoff
        logger.warning("%s; trying again in %.1f s", outcome.message, delay)
        await chance.sleep(delay)
        retry += 1


def seconds_to_wait(retry_after: str, now: float) -> float:
    """Read a Retry-After header, seconds or an HTTP date: seconds in 0..60, 0 for neither.

    now: seconds since 1970.
    """
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            date = parsedate_to_datetime(retry_after)
        except ValueError:
            return 0.0
        # A date without a zone is in GMT, as all dates of HTTP are.
        zoned = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = zoned.timestamp() - now
    # NaN is no longer than 0.
    return min(seconds, LONGEST_RETRY_AFTER) if seconds > 0 else 0.0
