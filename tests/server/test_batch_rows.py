"""Batches of operations whose forward passes have fixed rows: fewer cost as much."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.server.fakes import settle, within

from mmjudge.judges.operation import Budget
from mmjudge.server.batcher import Batched, Batcher
from mmjudge.server.device import Device
from mmjudge.server.metrics import Metrics

Task = asyncio.Task[Batched[str]]


@asynccontextmanager
async def rows_of_4(batches: list[list[str]]) -> AsyncIterator[Batcher[str, str]]:
    def forward(batch: list[str]) -> list[str]:
        batches.append(list(batch))
        return batch

    device = Device("cpu")
    batcher = Batcher("fake", forward, Budget(items=64, cost=1000, rows=4), device, Metrics())
    batcher.start()
    try:
        yield batcher
    finally:
        await within(batcher.close())
        device.close()


def submit(batcher: Batcher[str, str], payloads: str) -> list[Task]:
    return [asyncio.create_task(batcher.submit(payload, 1)) for payload in payloads]


async def test_a_lone_item_does_not_wait() -> None:
    batches: list[list[str]] = []
    async with rows_of_4(batches) as batcher:
        await within(batcher.submit("a", 1))
    assert batches == [["a"]]


async def test_less_than_a_pass_waits_for_what_is_being_prepared() -> None:
    batches: list[list[str]] = []
    async with rows_of_4(batches) as batcher:
        with batcher.expecting():
            tasks = submit(batcher, "abc")
            await settle()
            assert batches == []
            tasks += submit(batcher, "d")
            await within(asyncio.gather(*tasks))
    assert batches == [list("abcd")]


async def test_it_does_not_wait_for_what_fails_to_come() -> None:
    batches: list[list[str]] = []
    async with rows_of_4(batches) as batcher:
        with batcher.expecting():
            tasks = submit(batcher, "ab")
            await settle()
        await within(asyncio.gather(*tasks))
    assert batches == [list("ab")]


async def test_whole_passes_go_and_the_rest_leads_the_next_batch() -> None:
    batches: list[list[str]] = []
    async with rows_of_4(batches) as batcher:
        with batcher.expecting():
            tasks = submit(batcher, "abcdef")
            await within(asyncio.gather(*tasks[:4]))
            await settle()
            assert batches == [list("abcd")]
            tasks += submit(batcher, "gh")
            await within(asyncio.gather(*tasks))
    assert batches == [list("abcd"), list("efgh")]
