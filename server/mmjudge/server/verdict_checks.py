"""The boundary around a judge: whatever it does, an item ends in an honest verdict."""

import logging
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.errors import Error, ErrorCode, ItemError, RequestError
from mmjudge.contract.items import Ask, Item
from mmjudge.contract.verdicts import Abstention, Judgement, Score, Verdict
from mmjudge.judges.judge import Judge

logger = logging.getLogger(__name__)


async def verdict_of(judge: Judge, item: Item, ask: Ask) -> Verdict:
    """Judge one item; every failure of its own becomes an `Error` verdict.

    Raises `RequestError` only, when the failure is the server's and not the item's.
    """
    try:
        verdict = await judge.judge(item, ask)
    except ItemError as error:
        return Verdict(error.error)
    except RequestError:
        raise
    except Exception as error:
        name = judge.info.name
        logger.exception("judge %s failed on item %r", name, item.id)
        return _fault("JUDGE_FAILED", f"judge {name!r} failed: {type(error).__name__}; see the log")
    return _checked(verdict, judge, item)


def outcome_name(verdict: Verdict) -> str:
    """`judgement`, `abstention` or `error`, for metrics."""
    match verdict.outcome:
        case Judgement():
            return "judgement"
        case Abstention():
            return "abstention"
        case Error():
            return "error"


def _checked(verdict: Verdict, judge: Judge, item: Item) -> Verdict:
    if not isinstance(verdict.outcome, Judgement):
        return verdict
    scores, name = verdict.outcome.scores, judge.info.name
    if len(scores) != len(item.candidates):
        logger.error("judge %s: %d scores, %d candidates", name, len(scores), len(item.candidates))
        message = f"judge {name!r} gave {len(scores)} scores for {len(item.candidates)} candidates"
        return _fault("SCORE_COUNT", message)
    for i, score in enumerate(scores):
        if not all(np.isfinite(numbers).all() for numbers in _numbers(score)):
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
