"""Batches that fail, devices that are lost, batchers that close, and who is hurt."""

import asyncio
import threading
from collections.abc import Callable
from math import ceil, log2

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.batches import Recorder, Task, ends, hold, running, submit
from tests.server.fakes import GUARD, settle, until, within

from mmjudge.contract.errors import ErrorCode, ItemError, Unavailable, invalid
from mmjudge.judges.operation import Budget
from mmjudge.server.batcher import Batched, Batcher
from mmjudge.server.device import Device
from mmjudge.server.metrics import Metrics


@given(st.integers(1, 33), st.data())
@settings(max_examples=40, deadline=None)
def test_poisonous_items_fail_alone_wherever_they_are(count: int, data: st.DataObject) -> None:
    poisons = data.draw(st.sets(st.integers(0, count - 1), max_size=4))

    def fault(batch: list[str]) -> Exception | None:
        bad = [payload for payload in batch if payload in map(str, poisons)]
        return ValueError(bad[0]) if bad else None

    async def run() -> tuple[list[str], list[list[str]]]:
        forward = Recorder(fault)
        async with running(forward, items=64) as batcher:
            held = await hold(batcher, forward)
            tasks = submit(batcher, *map(str, range(count)))
            await settle()
            forward.gate.set()
            await within(held)
            found = await within(asyncio.gather(*tasks, return_exceptions=True))
            assert await ends(submit(batcher, "after")) == ["AFTER"]
        shown = [one.output if isinstance(one, Batched) else repr(one) for one in found]
        return shown, forward.batches[1:-1]

    shown, batches = asyncio.run(run())
    assert shown == [repr(ValueError(str(i))) if i in poisons else str(i) for i in range(count)]
    # Every poison costs two halves a level.
    assert len(batches) <= 1 + 2 * len(poisons) * ceil(log2(max(count, 2)))


async def test_a_wrong_number_of_outputs_is_a_failure_and_no_shift_of_outputs() -> None:
    def short(batch: list[str]) -> list[str]:
        return [text.upper() for text in batch if text != "lost"]

    async with running(short) as batcher:
        assert await ends(submit(batcher, "a", "lost", "b")) == ["A", "RuntimeError", "B"]
        with pytest.raises(RuntimeError, match="fake made 0 outputs of 1 inputs"):
            await within(batcher.submit("lost", 1))


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("24 GiB"), MemoryError()])
async def test_a_batch_beyond_memory_is_halved_until_it_fits(error: Exception) -> None:
    forward = Recorder(lambda batch: error if len(batch) > 2 else None)
    async with running(forward) as batcher:
        held = await hold(batcher, forward)
        tasks = submit(batcher, *"abcdefgh")
        await settle()
        forward.gate.set()
        assert await ends([held, *tasks]) == ["HELD", *"ABCDEFGH"]
    assert [len(batch) for batch in forward.batches[1:]] == [8, 4, 2, 2, 4, 2, 2]


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("24 GiB"), MemoryError()])
async def test_an_item_beyond_memory_alone_is_told_so(error: Exception) -> None:
    async with running(Recorder(lambda batch: error if "huge" in batch else None)) as batcher:
        small, huge = submit(batcher, "small", "huge")
        with pytest.raises(ItemError) as raised:
            await within(huge)
        assert (await within(small)).output == "SMALL"
    assert raised.value.error.code is ErrorCode.RESOURCE_EXHAUSTED
    assert raised.value.error.reason == "OUT_OF_MEMORY"
    assert "cpu" in raised.value.error.message


async def test_an_item_error_of_forward_reaches_its_item_as_it_is() -> None:
    error = invalid("TOO_BLUE", "all of it is blue", "image")
    async with running(Recorder(lambda batch: error if "blue" in batch else None)) as batcher:
        red, blue = submit(batcher, "red", "blue")
        with pytest.raises(ItemError) as raised:
            await within(blue)
        assert raised.value is error
        assert (await within(red)).output == "RED"


async def test_a_forward_that_raises_stop_iteration_fails_like_any_other() -> None:
    forward = Recorder(lambda batch: StopIteration() if "bad" in batch else None)
    async with running(forward) as batcher:
        assert await ends(submit(batcher, "a", "bad", "b")) == ["A", "RuntimeError", "B"]


async def test_a_lost_device_fails_all_at_once_and_for_good() -> None:
    forward = Recorder(lambda batch: torch.AcceleratorError("illegal address"))
    device = Device("cuda:0")
    async with running(forward, items=2, device=device) as batcher:
        tasks = [await hold(batcher, forward), *submit(batcher, *"abcde")]
        await settle()
        assert not device.lost.is_set()
        forward.gate.set()
        assert await ends(tasks) == ["Unavailable"] * 6
        assert device.lost.is_set()
        ran = len(forward.batches)
        assert await ends(submit(batcher, "later")) == ["Unavailable"]
    # What the device already had fails, too; nothing is halved, nothing new is run.
    assert ran == len(forward.batches) <= 2
    device.close()


async def test_closing_fails_what_waits_and_finishes_what_runs() -> None:
    forward = Recorder()
    async with running(forward) as batcher:
        held = await hold(batcher, forward)
        waiting = submit(batcher, *"abc")
        await settle()
        closing = asyncio.create_task(batcher.close())
        assert await ends(waiting) == ["Unavailable"] * 3
        await settle()
        assert not closing.done() and not held.done()
        assert await ends(submit(batcher, "late")) == ["Unavailable"]
        forward.gate.set()
        await within(closing)
        assert held.done()
        assert (await held).output == "HELD"
    assert forward.batches == [["held"]]


async def test_closing_fails_with_an_exception_and_not_a_cancellation() -> None:
    forward = Recorder()
    async with running(forward) as batcher:
        await hold(batcher, forward)
        (waiting,) = submit(batcher, "a")
        await settle()
        closing = asyncio.create_task(batcher.close())
        with pytest.raises(Unavailable, match="stopping"):
            await within(waiting)
        assert not waiting.cancelled()
        forward.gate.set()
        await within(closing)


async def test_closing_waits_until_a_failed_batch_is_halved_to_the_end() -> None:
    forward = Recorder(lambda batch: ValueError() if "bad" in batch else None)
    async with running(forward) as batcher:
        held = await hold(batcher, forward)
        tasks = submit(batcher, "a", "bad", "b", "c")
        await settle()
        forward.gate.set()
        await within(held)
        await until(lambda: len(forward.batches) > 1)
        await within(batcher.close())
        assert await ends(tasks) == ["A", "ValueError", "B", "C"]


async def test_closing_twice_or_before_the_start_is_nothing() -> None:
    device = Device("cpu")
    batcher = Batcher[str, str]("fake", Recorder(), Budget(1, 1), device, Metrics())
    await within(batcher.close())
    batcher.start()
    await within(batcher.close())
    await within(batcher.close())
    with pytest.raises(Unavailable):
        await within(batcher.submit("after", 1))
    device.close()


@pytest.mark.parametrize(("items", "cost"), [(0, 10), (10, 0), (-1, 10)])
def test_a_batch_that_could_hold_nothing_is_refused_at_once(items: int, cost: int) -> None:
    # Else every item would wait for ever.
    with pytest.raises(ValueError, match="holds nothing"):
        Budget(items, cost)


@pytest.mark.parametrize("budget", [Budget(2, 1000, rows=4), Budget(64, 2, rows=4)])
async def test_a_batch_that_can_hold_no_whole_pass_does_not_wait_for_one(budget: Budget) -> None:
    device, forward = Device("cpu"), Recorder()
    batcher = Batcher[str, str]("fake", forward, budget, device, Metrics())
    batcher.start()
    with batcher.expecting():
        tasks = submit(batcher, *"abc")
        await within(asyncio.gather(*tasks[:2]))
    assert (await within(tasks[2])).output == "C"
    await within(batcher.close())
    device.close()
    assert forward.batches == [["a", "b"], ["c"]]


@pytest.mark.parametrize("name", ["cpu", "cuda:0"])
async def test_batchers_of_one_device_take_turns(name: str) -> None:
    device, order = Device(name), list[str]()
    gate = threading.Event()

    def named(which: str) -> Callable[[list[str]], list[str]]:
        def forward(batch: list[str]) -> list[str]:
            order.append(which)
            assert gate.wait(GUARD)
            return batch

        return forward

    async with (
        running(named("left"), items=1, device=device) as left,
        running(named("right"), items=1, device=device) as right,
    ):
        tasks = submit(left, *map(str, range(20)))
        await until(lambda: bool(order))
        tasks += submit(right, *map(str, range(5)))
        await settle()
        gate.set()
        await within(asyncio.gather(*tasks))
    # A long queue ahead of it delays the other batcher by the slots taken, not by the queue.
    first = order.index("right")
    assert first <= 3
    assert order[first : first + 10] == ["right", "left"] * 5
    device.close()


async def test_every_batch_that_ran_is_counted() -> None:
    metrics, forward = Metrics(), Recorder()
    async with running(forward, metrics=metrics) as batcher:
        tasks = [await hold(batcher, forward), *submit(batcher, *"abc")]
        await settle()
        forward.gate.set()
        await ends(tasks)
    value = metrics.registry.get_sample_value
    assert value("mmjudge_batch_items_count", {"operation": "fake"}) == 2
    assert value("mmjudge_batch_items_sum", {"operation": "fake"}) == 4


@given(st.lists(st.sampled_from(["submit", "poison", "cancel", "breathe"]), max_size=60))
@settings(max_examples=40, deadline=None)
def test_whatever_happens_every_item_ends_once_and_rightly(steps: list[str]) -> None:
    async def run() -> None:
        forward = Recorder(
            lambda batch: ValueError() if any("poison" in payload for payload in batch) else None
        )
        async with running(forward, items=4) as batcher:
            tasks: list[tuple[str, Task]] = []
            for index, step in enumerate(steps):
                match step:
                    case "cancel" if tasks:
                        tasks[index * 7 % len(tasks)][1].cancel()
                    case "breathe":
                        await asyncio.sleep(0.0005)
                    case "submit" | "poison":
                        name = f"{step} {index}"
                        tasks.append((name, submit(batcher, name)[0]))
            for name, task in tasks:
                (end,) = await ends([task])
                wanted = "ValueError" if "poison" in name else name.upper()
                assert end in (wanted, "CancelledError")
                assert end == wanted or task.cancelled()

    asyncio.run(run())
