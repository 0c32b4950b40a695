"""The boundary around a judge: every item ends in an honest verdict."""

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.server.fakes import StubJudge, settle, text_item, within

from mmjudge.contract.errors import Error, ErrorCode, Overloaded, invalid
from mmjudge.contract.items import Ask, Item
from mmjudge.contract.verdicts import (
    Abstention,
    AbstentionReason,
    Judgement,
    Note,
    Score,
    Verdict,
)
from mmjudge.contract.wire_verdicts import verdict_from_proto, verdict_to_proto
from mmjudge.server.verdict_checks import verdict_of

ITEM = text_item("a", "b", id="item 7")


def judge(answer: Callable[[], Any]) -> StubJudge:
    async def asked(item: Item, ask: Ask) -> Verdict:
        verdict: Verdict = answer()
        return verdict

    return StubJudge(asked)


def raising(error: BaseException) -> StubJudge:
    def answer() -> Verdict:
        raise error

    return judge(answer)


async def error_of(it: Any, item: Item = ITEM) -> Error:
    verdict = verdict_from_proto(await within(verdict_of(it, item, Ask())))
    assert isinstance(verdict.outcome, Error)
    return verdict.outcome


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict(Judgement((Score(0.5), Score(-3.0)), (1, 2)), (Note("A", "b"),)),
        Verdict(Judgement((Score(None), Score(None)), (1, 2))),
        Verdict(Judgement((Score(1.0, {"x": 2.0}), Score(3.4028234e38)))),
        Verdict(Abstention(AbstentionReason.REFUSED, "no")),
        Verdict(Error(ErrorCode.UNAVAILABLE, "ENDPOINT", "gone")),
    ],
)
async def test_an_honest_verdict_passes_as_it_is(verdict: Verdict) -> None:
    assert await verdict_of(judge(lambda: verdict), ITEM, Ask()) == verdict_to_proto(verdict)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e39, -1e300])
@pytest.mark.parametrize("where", ["value", "criterion", "span"])
async def test_a_number_that_is_none_becomes_an_error(bad: float, where: str) -> None:
    match where:
        case "value":
            score = Score(bad)
        case "criterion":
            score = Score(1.0, {"fine": 0.5, "bad": bad})
        case _:
            with np.errstate(over="ignore"):
                spans = np.array([0.5, bad], np.float32)
            score = Score(1.0, spans=np.zeros((2, 2), np.int32), span_values=spans)
    error = await error_of(judge(lambda: Verdict(Judgement((Score(0.5), score)))))
    assert (error.code, error.reason) == (ErrorCode.INTERNAL, "SCORE_NOT_FINITE")
    assert error.field == "candidates[1]"


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_a_wrong_number_of_scores_becomes_an_error(
    count: int, caplog: pytest.LogCaptureFixture
) -> None:
    error = await error_of(judge(lambda: Verdict(Judgement((Score(0.5),) * count))))
    assert (error.code, error.reason) == (ErrorCode.INTERNAL, "SCORE_COUNT")
    assert f"{count} scores for 2 candidates" in error.message
    assert "stub" in caplog.text


async def test_a_judge_that_raises_fails_the_item_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = await error_of(raising(KeyError("a secret of the server")))
    assert (error.code, error.reason) == (ErrorCode.INTERNAL, "JUDGE_FAILED")
    assert "'stub'" in error.message and "KeyError" in error.message
    assert "secret" not in error.message
    (record,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.exc_info and "item 7" in record.getMessage()


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        0.5,
        Judgement((Score(0.5), Score(0.5))),
        Verdict(None),  # type: ignore[arg-type]
        Verdict(Judgement((Score("much"), Score(0.5)))),  # type: ignore[arg-type]
        Verdict(Judgement((0.5, 0.5))),  # type: ignore[arg-type]
        Verdict(Judgement((Score(1.0, spans=np.zeros((1, 2))), Score(1.0)))),  # type: ignore[arg-type]
        Verdict(Judgement((Score(1.0), Score(1.0)), ("first", "second"))),  # type: ignore[arg-type]
        Verdict(Abstention("no reason", "")),  # type: ignore[arg-type]
        Verdict(Judgement((Score(1.0), Score(1.0))), ("a note",)),  # type: ignore[arg-type]
    ],
    ids=lambda nonsense: type(nonsense).__name__,
)
async def test_nonsense_fails_the_item_and_not_the_request(nonsense: Any) -> None:
    assert (await error_of(judge(lambda: nonsense))).reason == "JUDGE_FAILED"


@pytest.mark.parametrize(
    "error", [StopIteration(), TimeoutError(), AssertionError(), MemoryError()]
)
async def test_whatever_a_judge_raises_fails_its_item_only(error: Exception) -> None:
    assert (await error_of(raising(error))).reason == "JUDGE_FAILED"


async def test_an_item_error_is_the_item_s_verdict() -> None:
    cause = invalid("PAIR_EXPECTED", "two", "prompt")
    assert await error_of(raising(cause)) == cause.error


async def test_a_request_error_is_the_request_s() -> None:
    with pytest.raises(Overloaded):
        await verdict_of(raising(Overloaded("full", 1.0)), ITEM, Ask())


async def test_a_judge_that_is_cancelled_by_itself_fails_its_item() -> None:
    # A handler that ended in CancelledError would leave its client without an answer for ever.
    assert (await error_of(raising(asyncio.CancelledError()))).reason == "JUDGE_FAILED"


async def test_a_caller_who_leaves_cancels_the_judge() -> None:
    cancelled = asyncio.Event()

    async def answer(item: Item, ask: Ask) -> Verdict:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    task = asyncio.create_task(verdict_of(StubJudge(answer), ITEM, Ask()))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within(task)
    assert cancelled.is_set()
