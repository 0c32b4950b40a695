"""An operation as judges see it: shared in flight, cached, prepared only so far ahead."""

import asyncio
import gc

import pytest
import torch
from tests.server.fakes import Bench, FakeOperation, bench, settle, until, within

from mmjudge.contract.errors import ItemError, Unavailable
from mmjudge.contract.verdicts import Note
from mmjudge.judges.operation import Computed
from mmjudge.server.served_operation import BATCHES_AHEAD, ServedOperation
from mmjudge.server.stopwatch import Stopwatch, current_stopwatch

Served = ServedOperation[str, str, str]
Task = asyncio.Task[Computed[str]]


def call(served: Served, *texts: str) -> list[Task]:
    return [asyncio.create_task(served(text)) for text in texts]


async def hold(served: Served, operation: FakeOperation, text: str = "held") -> Task:
    """Occupy the device until `operation.gate` is opened."""
    operation.gate.clear()
    before = len(operation.forwards)
    (task,) = call(served, text)
    await until(lambda: len(operation.forwards) > before)
    return task


async def ends(tasks: list[Task]) -> list[str]:
    found = await within(asyncio.gather(*tasks, return_exceptions=True))
    return [one.value if isinstance(one, Computed) else type(one).__name__ for one in found]


async def test_equal_inputs_in_flight_are_computed_once() -> None:
    async with bench() as it:
        operation = FakeOperation()
        served = it.serve(operation)
        held = await hold(served, operation)
        tasks = call(served, *["same"] * 20, "other")
        await until(lambda: len(operation.prepared) == 3)
        operation.gate.set()
        assert await ends([held, *tasks]) == ["HELD", *["SAME"] * 20, "OTHER"]
    assert sorted(operation.prepared) == ["held", "other", "same"]
    assert sorted(operation.forwarded) == ["held", "other", "same"]


async def test_one_waiter_who_leaves_does_not_take_the_others_result_along() -> None:
    async with bench() as it:
        operation = FakeOperation()
        served = it.serve(operation)
        held = await hold(served, operation)
        tasks = call(served, *["same"] * 4)
        await settle()
        tasks[0].cancel()
        tasks[2].cancel()
        await settle()
        operation.gate.set()
        assert await ends(tasks) == ["CancelledError", "SAME", "CancelledError", "SAME"]
        await held
    assert operation.forwarded == ["held", "same"]


async def test_the_last_waiter_who_leaves_withdraws_the_work() -> None:
    async with bench() as it:
        operation = FakeOperation()
        served = it.serve(operation)
        held = await hold(served, operation)
        tasks = call(served, "same", "same", "other")
        await until(lambda: len(operation.prepared) == 3)
        await settle()
        tasks[0].cancel()
        tasks[1].cancel()
        await settle()
        operation.gate.set()
        assert await ends([held, *tasks]) == ["HELD", "CancelledError", "CancelledError", "OTHER"]
    assert operation.forwarded == ["held", "other"]


async def test_work_that_is_withdrawn_before_its_turn_is_not_even_prepared() -> None:
    async with bench(threads=1) as it:
        operation = FakeOperation()
        served = it.serve(operation)
        operation.prepare_gate.clear()
        tasks = call(served, "a", "b")
        await until(lambda: operation.prepared == ["a"])
        tasks[1].cancel()
        await settle()
        operation.prepare_gate.set()
        assert await ends(tasks) == ["A", "CancelledError"]
    assert operation.prepared == operation.forwarded == ["a"]


async def test_a_caller_after_a_withdrawal_computes_anew() -> None:
    async with bench() as it:
        operation = FakeOperation()
        served = it.serve(operation)
        held = await hold(served, operation)
        (left,) = call(served, "same")
        await until(lambda: len(operation.prepared) == 2)
        left.cancel()
        # In the very step in which the other leaves, and one later.
        at_once = call(served, "same")
        await settle()
        later = call(served, "same")
        operation.gate.set()
        assert await ends([held, left, *at_once, *later]) == [
            "HELD", "CancelledError", "SAME", "SAME",
        ]  # fmt: skip
    assert operation.forwarded == ["held", "same"]


async def test_a_caller_may_leave_while_its_input_runs() -> None:
    async with bench() as it:
        operation = FakeOperation()
        served = it.serve(operation)
        held = await hold(served, operation)
        held.cancel()
        await settle()
        (again,) = call(served, "held")
        operation.gate.set()
        assert await ends([held, again]) == ["CancelledError", "HELD"]
    assert operation.forwarded == ["held", "held"]


async def test_what_is_cached_is_not_computed() -> None:
    async with bench(cache_bytes=1000) as it:
        operation = FakeOperation()
        served = it.serve(operation)
        first = await within(served("noted"))
        assert await within(served("noted")) == first
        assert first == Computed("NOTED", (Note("NOTED", "noted"),))
    assert operation.prepared == operation.forwarded == ["noted"]


async def test_what_is_dropped_from_the_cache_is_computed_anew() -> None:
    async with bench(cache_bytes=200) as it:
        operation = FakeOperation(size=100)
        served = it.serve(operation)
        for text in ["a", "b", "a", "c", "b", "c"]:
            await within(served(text))
    assert operation.forwarded == ["a", "b", "c", "b"]


async def test_operations_of_different_fingerprints_share_nothing() -> None:
    async with bench(cache_bytes=1000) as it:
        left, right = FakeOperation("left"), FakeOperation("right")
        tasks = [*call(it.serve(left), "same"), *call(it.serve(right), "same")]
        assert await ends(tasks) == ["SAME", "SAME"]
        assert len(it.cache) == 2
    assert left.forwarded == right.forwarded == ["same"]


async def test_a_bad_input_reaches_each_of_its_waiters_and_no_one_else() -> None:
    async with bench(threads=1, cache_bytes=1000) as it:
        operation = FakeOperation()
        served = it.serve(operation)
        operation.prepare_gate.clear()
        tasks = call(served, "bad", "bad", "good")
        await until(lambda: operation.prepared == ["bad"])
        operation.prepare_gate.set()
        for task in tasks[:2]:
            with pytest.raises(ItemError) as raised:
                await within(task)
            assert raised.value.error.reason == "TEXT_BAD"
        assert await ends(tasks[2:]) == ["GOOD"]
    assert operation.prepared == ["bad", "good"]
    assert operation.forwarded == ["good"]


async def test_a_prepare_that_raises_stop_iteration_fails_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def prepare(text: str) -> None:
        raise StopIteration

    async with bench() as it:
        operation = FakeOperation()
        monkeypatch.setattr(operation, "prepare", prepare)
        assert await ends(call(it.serve(operation), "a")) == ["RuntimeError"]


async def test_failures_are_not_cached() -> None:
    async with bench(cache_bytes=1000) as it:
        operation = FakeOperation()
        served = it.serve(operation)
        operation.fault = lambda batch: ValueError()
        assert await ends(call(served, "a")) == ["ValueError"]
        operation.fault = lambda batch: None
        assert await ends(call(served, "a")) == ["A"]
        assert await ends(call(served, "bad")) == ["ItemError"]
        assert await ends(call(served, "bad")) == ["ItemError"]
    assert operation.prepared == ["a", "a", "bad", "bad"]


async def test_no_more_is_prepared_than_a_few_batches_ahead_of_the_device() -> None:
    ahead = BATCHES_AHEAD * 2
    async with bench() as it:
        operation = FakeOperation(items=2)
        served = it.serve(operation)
        operation.gate.clear()
        tasks = call(served, *map(str, range(5 * ahead)))
        await until(lambda: len(operation.prepared) == ahead)
        await settle()
        assert len(operation.prepared) == ahead
        most = 0

        def watch(batch: list[str]) -> None:
            nonlocal most
            done = sum(map(len, operation.forwards)) - len(batch)
            most = max(most, len(operation.prepared) - done)

        operation.fault = watch
        operation.gate.set()
        assert await ends(tasks) == [str(i) for i in range(5 * ahead)]
    assert most <= ahead


async def test_bad_and_withdrawn_inputs_give_their_place_ahead_back() -> None:
    async with bench() as it:
        operation = FakeOperation(items=1)
        served = it.serve(operation)
        bad = call(served, *(f"bad {i}" for i in range(3 * BATCHES_AHEAD)))
        assert set(await ends(bad)) == {"ItemError"}
        held = await hold(served, operation)
        left = call(served, *map(str, range(3 * BATCHES_AHEAD)))
        await until(lambda: len(operation.prepared) == 4 * BATCHES_AHEAD)
        for task in left:
            task.cancel()
        await settle()
        after = call(served, *"abc")
        await until(lambda: set("abc") <= set(operation.prepared))
        operation.gate.set()
        assert await ends([held, *after]) == ["HELD", *"ABC"]
    assert operation.forwarded[0] == "held" and sorted(operation.forwarded[1:]) == list("abc")


@pytest.mark.parametrize("stage", ["ahead", "prepare", "queue"])
async def test_closing_fails_what_waits_at_any_stage_with_unavailable(stage: str) -> None:
    it = Bench(threads=1)
    current_stopwatch.set(Stopwatch())
    operation = FakeOperation(items=1)
    served = it.serve(operation)
    held = await hold(served, operation)
    if stage == "prepare":
        operation.prepare_gate.clear()
    waiting = call(served, *map(str, range(2 if stage != "ahead" else 3 * BATCHES_AHEAD)))
    prepared = {"ahead": BATCHES_AHEAD, "prepare": 2, "queue": 3}[stage]
    await until(lambda: len(operation.prepared) == prepared)
    await settle()
    closing = asyncio.create_task(it.close())
    await settle()
    late = call(served, "late")
    operation.prepare_gate.set()
    operation.gate.set()
    await within(closing)
    assert await ends([held, *waiting, *late]) == ["HELD", *["Unavailable"] * (len(waiting) + 1)]
    assert operation.forwarded == ["held"]
    assert len(operation.prepared) == prepared


async def test_a_call_after_closing_is_unavailable() -> None:
    it = Bench()
    current_stopwatch.set(Stopwatch())
    served = it.serve(FakeOperation())
    await within(it.close())
    with pytest.raises(Unavailable):
        await within(served("late"))


async def test_no_failure_is_left_unseen(caplog: pytest.LogCaptureFixture) -> None:
    async with bench() as it:
        operation = FakeOperation()
        served = it.serve(operation)
        held = await hold(served, operation)
        operation.fault = lambda batch: torch.AcceleratorError("gone")
        tasks = [*call(served, "same", "same", "other"), held]
        await until(lambda: len(operation.prepared) == 3)
        operation.gate.set()
        # Everybody leaves in the very moment in which the failure comes.
        await until(lambda: it.devices["cpu"].lost.is_set())
        for task in tasks:
            task.cancel()
        await ends(tasks)
        del tasks, held
    gc.collect()
    await settle()
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def test_the_stopwatch_of_every_waiter_is_told() -> None:
    async with bench(cache_bytes=1000) as it:
        operation = FakeOperation()
        served = it.serve(operation)
        held = await hold(served, operation)
        watches = [Stopwatch(), Stopwatch()]

        async def timed(watch: Stopwatch) -> None:
            current_stopwatch.set(watch)
            await served("same")

        tasks = [asyncio.create_task(timed(watch)) for watch in watches]
        await until(lambda: len(operation.prepared) == 2)
        operation.gate.set()
        await within(asyncio.gather(held, *tasks))
        assert watches[0].timing == watches[1].timing
        assert min(watches[0].timing.queue, watches[0].timing.inference) > 0
        cached = Stopwatch()
        await within(asyncio.create_task(timed(cached)))
        assert cached.timing == Stopwatch().timing
