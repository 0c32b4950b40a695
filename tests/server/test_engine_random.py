"""The engine under random load: every call ends once, with its own output or its own error."""

import asyncio
from dataclasses import dataclass
from math import ceil, log2

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.fakes import FakeOperation, bench, settle, within

from mmjudge.contract.errors import ItemError, Unavailable
from mmjudge.judges.operation import Computed

ITEMS = 4
KEYS = ["a", "b", "c", "d", "e", "f", "poison 1", "poison 2", "bad 1", "noted 1"]


@dataclass(frozen=True)
class Step:
    """`act` on the call number `target`, or on the text number `target`."""

    act: str
    target: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["call", "call", "call", "cancel", "tick", "pause", "resume", "rest"]),
        st.integers(0, 99),
    ),
    max_size=60,
)


def right(text: str, end: object) -> bool:
    """Whether a call for `text` may end so."""
    if text.startswith("poison"):
        return isinstance(end, ValueError) and str(end) == text
    if text.startswith("bad"):
        return isinstance(end, ItemError) and text in end.error.message
    return isinstance(end, Computed) and end.value == text.upper()


def fault(batch: list[str]) -> Exception | None:
    poisons = [text for text in batch if text.startswith("poison")]
    return ValueError(poisons[0]) if poisons else None


async def play(steps: list[Step], cache_bytes: int, close: bool) -> None:
    calls: list[tuple[str, asyncio.Task[Computed[str]]]] = []
    async with bench(cache_bytes) as it:
        operation = FakeOperation(items=ITEMS, size=1)
        operation.fault = fault
        served = it.serve(operation)
        for step in steps:
            match step.act:
                case "call":
                    text = KEYS[step.target % len(KEYS)]
                    calls.append((text, asyncio.create_task(served(text))))
                case "cancel" if calls:
                    calls[step.target % len(calls)][1].cancel()
                case "tick":
                    await asyncio.sleep(0)
                case "pause":
                    operation.gate.clear()
                case "resume":
                    operation.gate.set()
                case "rest":
                    await asyncio.sleep(0.0005)
        asked_to_leave = [task.cancelling() > 0 for _, task in calls]
        if close:
            closing = asyncio.create_task(it.close())
            await settle()
            operation.gate.set()
            await within(closing)
        operation.gate.set()
        ends = await within(asyncio.gather(*(task for _, task in calls), return_exceptions=True))
        for (text, _), end, left in zip(calls, ends, asked_to_leave, strict=True):
            stopped = close and isinstance(end, Unavailable)
            assert right(text, end) or stopped or (left and isinstance(end, asyncio.CancelledError))
        # A batch of 4 is halved twice at most, so an input runs at most three times.
        assert len(operation.forwarded) <= len(operation.prepared) * (1 + ceil(log2(ITEMS)))
        for key in KEYS:
            wanted = sum(text == key for text, _ in calls)
            assert operation.prepared.count(key) <= wanted
            leavers = sum(
                left and text == key for (text, _), left in zip(calls, asked_to_leave, strict=True)
            )
            if cache_bytes and not key.startswith(("poison", "bad")):
                # Computed once and then cached, and once more for each that was given up.
                assert operation.prepared.count(key) <= 1 + leavers
        assert max(map(len, operation.forwards), default=0) <= ITEMS
        if not close:
            assert (await within(served("after"))).value == "AFTER"


@given(STEPS, st.sampled_from([0, 1000]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_every_call_ends_once_with_what_is_its_own(
    steps: list[Step], cache_bytes: int, close: bool
) -> None:
    asyncio.run(play(steps, cache_bytes, close))
