"""Waiting for a server that is still starting."""

import asyncio
from collections.abc import Awaitable, Callable

from mmjudge.client.deadline import Deadline
from mmjudge.client.transport import Transport
from mmjudge.contract import DeadlineExceeded, Overloaded, Unavailable
from mmjudge.v1 import judge_pb2 as pb

# A host that swallows packets must not use up the whole wait on one try.
_LONGEST_TRY = 5.0
_PAUSE = 0.2


async def until_ready(
    transport: Transport,
    deadline: Deadline,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> pb.ListJudgesResponse:
    """Ask what is hosted until the answer comes, and return it.

    Raises Unavailable with the last reason at the deadline, and at once any error that waiting
    does not mend.
    """
    while True:
        try:
            return await transport.list_judges(min(deadline.check(), _LONGEST_TRY))
        except (Unavailable, Overloaded, DeadlineExceeded) as error:
            if deadline.left() <= _PAUSE:
                raise Unavailable(f"not ready after {deadline.timeout:g} s: {error}") from error
        await sleep(_PAUSE)
