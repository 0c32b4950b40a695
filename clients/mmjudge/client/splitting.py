"""Cutting a call into parts that a server takes, and putting the parts back together."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mmjudge.contract import InvalidRequest, Limits, Violation
from mmjudge.v1 import judge_pb2 as pb

T = TypeVar("T")
_ITEM_PATH = re.compile(r"\bitems\[(\d+)\]")
# Tag and length around each item; the tag and length of a JudgeStreamRequest around it all.
_ITEM_FRAME = 6
_REQUEST_FRAME = 16


@dataclass(frozen=True, slots=True)
class PartSize:
    """Preferred size of one request: at most `items` items and, unless one is larger, `bytes`."""

    items: int = 256
    bytes: int = 16 * 1024 * 1024

    def __post_init__(self) -> None:
        if self.items < 1 or self.bytes < 1:
            raise ValueError(f"part of {self.items} items, {self.bytes} bytes: expected 1 or more")


DEFAULT_PART_SIZE = PartSize()


def split(
    items: Sequence[pb.Item],
    limits: Limits,
    *,
    envelope: int,
    preferred: PartSize = DEFAULT_PART_SIZE,
) -> list[range]:
    """Return ranges of indices into `items`, in order, each a request the server takes.

    `envelope` is the size in bytes of a request without items; a limit of 0 is one the server did
    not declare. Raises InvalidRequest for an item that is larger than a message may be.
    """
    most = min(preferred.items, limits.max_items or preferred.items)
    room = limits.max_message_bytes - envelope - _REQUEST_FRAME
    parts, start, filled = [], 0, 0
    for i, item in enumerate(items):
        size = item.ByteSize() + _ITEM_FRAME
        if limits.max_message_bytes and size > room:
            raise InvalidRequest(_too_large(i, size, limits.max_message_bytes))
        target = min(preferred.bytes, room) if limits.max_message_bytes else preferred.bytes
        if i > start and (i - start == most or filled + size > target):
            parts.append(range(start, i))
            start, filled = i, 0
        filled += size
    parts.append(range(start, len(items)))
    return parts


async def in_order(calls: Sequence[Callable[[], Awaitable[T]]], in_flight: int) -> list[T]:
    """Return the results of `calls` in their order, at most `in_flight` running at once.

    The first error cancels the others and is raised when they have ended.
    """
    waiting = iter(enumerate(calls))
    results: dict[int, T] = {}

    async def work() -> None:
        for place, call in waiting:
            results[place] = await call()

    workers = [asyncio.ensure_future(work()) for _ in calls[:in_flight]]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [results[place] for place in range(len(calls))]


def in_whole_call(error: InvalidRequest, indices: Sequence[int]) -> InvalidRequest:
    """Return `error` about a part with its paths `items[i]` as places in the whole call."""

    def shift(match: re.Match[str]) -> str:
        place = int(match[1])
        return f"items[{indices[place]}]" if place < len(indices) else match[0]

    return InvalidRequest(
        *(Violation(_ITEM_PATH.sub(shift, v.field, 1), v.description) for v in error.violations)
    )


def _too_large(index: int, size: int, limit: int) -> Violation:
    return Violation(
        f"items[{index}]",
        f"{size} bytes when sent, and a whole request may have {limit}: pass image files instead "
        "of pixels, shrink the images, or raise `max_message_bytes` of the server",
    )
