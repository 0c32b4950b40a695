"""The boundary around a judge: whatever it does, an item ends in an honest verdict."""

import asyncio
import logging
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.errors import Error, ErrorCode, ItemError, RequestError
from mmjudge.contract.items import Ask, Item
from mmjudge.contract.verdicts import Abstention, Judgement, Score, Verdict
from mmjudge.contract.wire_verdicts import verdict_to_proto
from mmjudge.judges.judge import Judge
from mmjudge.v1 import verdict_pb2 as pb

logger = logging.getLogger(__name__)


async def verdict_of(judge: Judge, item: Item, ask: Ask) -> pb.Verdict:
    """Judge one item; every failure of its own becomes an `Error` verdict.

    Raises `RequestError` only, when the failure is the server's and not the item's.
    """
    try:
        return verdict_to_proto(_checked(await judge.judge(item, ask), judge, item))
    except ItemError as error:
        return verdict_to_proto(Verdict(error.error))
    except RequestError:
        raise
    except (Exception, asyncio.CancelledError) as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task and task.cancelling():
            raise  # the caller left; else the judge awaited something that was cancelled
        name = judge.info.name
        logger.exception("judge %s failed on item %r", name, item.id)
        message = f"judge {name!r} failed: {type(error).__name__}; see the log"
        return verdict_to_proto(_fault("JUDGE_FAILED", message))


def _checked(verdict: Verdict, judge: Judge, item: Item) -> Verdict:
    outcome = verdict.outcome
    if not isinstance(outcome, Judgement | Abstention | Error):
        raise TypeError(f"verdict with {outcome!r} for an outcome")
    if not isinstance(outcome, Judgement):
        return verdict
    scores, name = outcome.scores, judge.info.name
    if len(scores) != len(item.candidates):
        logger.error("judge %s: %d scores, %d candidates", name, len(scores), len(item.candidates))
        message = f"judge {name!r} gave {len(scores)} scores for {len(item.candidates)} candidates"
        return _fault("SCORE_COUNT", message)
    for i, score in enumerate(scores):
        with np.errstate(over="ignore"):  # beyond float32 is infinity, which is told
            finite = all(np.isfinite(numbers).all() for numbers in _numbers(score))
        if not finite:
            logger.error("judge %s: score not finite on item %r: %r", name, item.id, score)
            message = f"judge {name!r} computed NaN or infinity for candidate {i}"
            return _fault("SCORE_NOT_FINITE", message, f"candidates[{i}]")
    return verdict


def _numbers(score: Score) -> Iterator[NDArray[np.float32]]:
    if score.value is not None:
        yield np.array(score.value, np.float32)
    yield np.array(list(score.by_criterion.values()), np.float32)
    if score.span_values is not None:
        yield score.span_values


def _fault(reason: str, message: str, field: str = "") -> Verdict:
    return Verdict(Error(ErrorCode.INTERNAL, reason, message, field))
