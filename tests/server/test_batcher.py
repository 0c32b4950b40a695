"""Batches: how they form, how they fail and how they end."""

import asyncio
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.batches import Recorder, ends, hold, running, submit
from tests.server.fakes import GUARD, settle, until, within

from mmjudge.contract.errors import ItemError
from mmjudge.server.device import Device


async def test_a_lone_item_runs_at_once_and_what_comes_meanwhile_is_the_next_batch() -> None:
    forward = Recorder()
    async with running(forward) as batcher:
        tasks = [await hold(batcher, forward), *submit(batcher, *"abcdefghij")]
        await settle()
        forward.gate.set()
        assert await ends(tasks) == ["HELD", *"ABCDEFGHIJ"]
    assert forward.batches == [["held"], list("abcdefgh"), ["i", "j"]]


async def test_late_arrivals_join_the_batch_that_was_not_yet_handed_over() -> None:
    forward = Recorder()
    device = Device("cuda:0")  # a GPU has one batch running and one handed over
    async with running(forward, device=device) as batcher:
        tasks = [await hold(batcher, forward)]
        for late in "abcd":
            tasks += submit(batcher, late)
            await settle()
        forward.gate.set()
        await ends(tasks)
    device.close()
    assert forward.batches == [["held"], ["a"], ["b", "c", "d"]]


async def test_a_batch_costs_its_largest_item_times_its_items() -> None:
    forward = Recorder()
    async with running(forward, cost=10) as batcher:
        tasks = [await hold(batcher, forward)]
        for payload, cost in [("a", 6), ("b", 6), ("c", 3), ("d", 1), ("e", 5), ("f", 9)]:
            tasks += submit(batcher, payload, cost=cost)
        await settle()
        forward.gate.set()
        await ends(tasks)
    assert forward.batches[1:] == [["a"], ["b"], ["c", "d"], ["e"], ["f"]]


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=40), st.integers(30, 90), st.integers(1, 9)
)
@settings(max_examples=40, deadline=None)
def test_batches_keep_order_and_budget_and_leave_nothing_out_that_fits(
    costs: list[int], budget: int, items: int
) -> None:
    async def run() -> list[list[int]]:
        forward = Recorder()
        async with running(forward, cost=budget, items=items) as batcher:
            tasks = [await hold(batcher, forward)]
            for index, cost in enumerate(costs):
                tasks += submit(batcher, str(index), cost=cost)
            await settle()
            forward.gate.set()
            await ends(tasks)
        return [[int(index) for index in batch] for batch in forward.batches[1:]]

    batches = asyncio.run(run())
    assert [index for batch in batches for index in batch] == list(range(len(costs)))

    def fits(batch: list[int]) -> bool:
        return len(batch) <= items and max(costs[i] for i in batch) * len(batch) <= budget

    for batch, following in zip(batches, [*batches[1:], []], strict=True):
        assert fits(batch)
        assert not following or not fits([*batch, following[0]])


async def test_an_item_beyond_the_budget_is_refused_and_blocks_nobody() -> None:
    forward = Recorder()
    async with running(forward, cost=10) as batcher:
        tasks = [await hold(batcher, forward)]
        with pytest.raises(ItemError) as refused:
            await within(batcher.submit("oversize", 11))
        tasks += [*submit(batcher, "largest", cost=10), *submit(batcher, "small")]
        forward.gate.set()
        assert await ends(tasks) == ["HELD", "LARGEST", "SMALL"]
    assert refused.value.error.reason == "ITEM_TOO_LARGE"
    assert "oversize" not in sum(forward.batches, [])


async def test_cancelled_work_is_skipped_and_the_queue_survives() -> None:
    forward = Recorder()
    async with running(forward, items=2) as batcher:
        held = await hold(batcher, forward)
        tasks = submit(batcher, *"abcde")
        await settle()
        for index in (0, 1, 3):
            tasks[index].cancel()
        await settle()
        forward.gate.set()
        assert await ends([held, *tasks]) == [
            "HELD", "CancelledError", "CancelledError", "C", "CancelledError", "E",
        ]  # fmt: skip
        assert await ends(submit(batcher, "after")) == ["AFTER"]
    assert forward.batches == [["held"], ["c", "e"], ["after"]]


async def test_a_queue_of_nothing_but_cancelled_work_is_no_batch() -> None:
    forward = Recorder()
    async with running(forward) as batcher:
        held = await hold(batcher, forward)
        tasks = submit(batcher, *"abc")
        await settle()
        for task in tasks:
            task.cancel()
        forward.gate.set()
        await ends([held, *tasks])
        await settle()
        assert await ends(submit(batcher, "after")) == ["AFTER"]
    assert forward.batches == [["held"], ["after"]]


@pytest.mark.parametrize("failing", [False, True])
async def test_an_item_cancelled_while_it_runs_hurts_nobody(failing: bool) -> None:
    second = threading.Event()

    def fault(batch: list[str]) -> Exception | None:
        assert batch == ["held"] or second.wait(GUARD)
        return ValueError() if failing and "b" in batch else None

    forward = Recorder(fault)
    async with running(forward) as batcher:
        tasks = [await hold(batcher, forward), *submit(batcher, *"abc")]
        await settle()
        forward.gate.set()
        await until(lambda: len(forward.batches) == 2)
        tasks[2].cancel()
        await settle()
        second.set()
        assert await ends(tasks) == ["HELD", "A", "CancelledError", "C"]
        assert await ends(submit(batcher, "after")) == ["AFTER"]
