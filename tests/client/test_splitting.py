import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmjudge.client.splitting import PartSize, in_order, in_whole_call, split
from mmjudge.contract import InvalidRequest, Limits, Unavailable, Violation
from mmjudge.v1 import judge_pb2 as pb


def items(*sizes: int) -> list[pb.Item]:
    return [pb.Item(id="x" * size) for size in sizes]


def test_by_the_servers_item_limit() -> None:
    parts = split(items(*[1] * 7), Limits(max_items=3), envelope=0)
    assert parts == [range(0, 3), range(3, 6), range(6, 7)]


def test_by_preferred_size_of_a_part() -> None:
    assert len(split(items(*[1] * 300), Limits(), envelope=0)) == 2
    parts = split(items(*[400] * 5), Limits(), envelope=0, preferred=PartSize(bytes=1000))
    assert parts == [range(0, 2), range(2, 4), range(4, 5)]


def test_an_item_over_the_preferred_size_goes_alone() -> None:
    parts = split(items(10, 5000, 10), Limits(), envelope=0, preferred=PartSize(bytes=1000))
    assert parts == [range(0, 1), range(1, 2), range(2, 3)]


def test_limits_not_declared_do_not_split() -> None:
    limits = Limits(max_message_bytes=0, max_items=0)
    assert split(items(1, 2, 3), limits, envelope=0) == [range(0, 3)]


@pytest.mark.parametrize("place", [0, 2])
def test_an_item_over_the_message_limit_is_named(place: int) -> None:
    sizes = [10, 10, 10]
    sizes[place] = 2000
    with pytest.raises(InvalidRequest) as caught:
        split(items(*sizes), Limits(max_message_bytes=1000), envelope=50)
    (violation,) = caught.value.violations
    assert violation.field == f"items[{place}]"
    for text in ("2009 bytes", "1000", "image files instead of pixels", "`max_message_bytes`"):
        assert text in violation.description


@given(
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=40),
    max_items=st.integers(1, 9),
    max_bytes=st.integers(480, 2000),
    preferred=st.integers(1, 2000),
)
def test_every_part_fits_and_nothing_is_lost(
    sizes: list[int], max_items: int, max_bytes: int, preferred: int
) -> None:
    batch = items(*sizes)
    template = pb.JudgeRequest(judges=["clip", "aesthetic"], criteria=["alignment"])
    limits = Limits(max_message_bytes=max_bytes, max_items=max_items)
    parts = split(batch, limits, envelope=template.ByteSize(), preferred=PartSize(bytes=preferred))
    assert [i for part in parts for i in part] == list(range(len(batch)))
    for part in parts:
        request = pb.JudgeRequest(
            judges=template.judges, criteria=template.criteria, items=[batch[i] for i in part]
        )
        assert 1 <= len(part) <= max_items
        assert pb.JudgeStreamRequest(request=request).ByteSize() <= max_bytes


def numbered(count: int, running: list[int]) -> list[Callable[[], Coroutine[Any, Any, int]]]:
    async def call(number: int) -> int:
        running[0] += 1
        running[1] = max(running)
        await asyncio.sleep(0.001 * (count - number))
        running[0] -= 1
        return number

    return [lambda number=number: call(number) for number in range(count)]  # type: ignore[misc]


async def test_results_keep_their_order_and_few_run_at_once() -> None:
    running = [0, 0]
    assert await in_order(numbered(10, running), in_flight=3) == list(range(10))
    assert running == [0, 3]


async def test_the_first_error_cancels_the_others() -> None:
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def failing() -> None:
        await asyncio.sleep(0)
        raise Unavailable("away")

    async def never() -> None:
        ended.append("started")

    with pytest.raises(Unavailable, match="away"):
        await in_order([endless, failing, endless, never], in_flight=3)
    assert ended == ["cancelled", "cancelled"]


async def test_cancelling_the_caller_cancels_all() -> None:
    running = [0, 0]
    task = asyncio.create_task(in_order(numbered(1000, running), in_flight=2))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_paths_of_a_part_become_those_of_the_call() -> None:
    error = InvalidRequest(
        Violation("items[1].candidates[0]", "bad"),
        Violation("request.items[0].prompt[1]", "bad"),
        Violation("judges[0]", "unknown"),
        Violation("items[9]", "beyond"),
    )
    assert [v.field for v in in_whole_call(error, range(7, 9)).violations] == [
        "items[8].candidates[0]",
        "request.items[7].prompt[1]",
        "judges[0]",
        "items[9]",
    ]


def test_senseless_part_sizes() -> None:
    with pytest.raises(ValueError, match="expected 1 or more"):
        PartSize(items=0)
