"""Asking a judge for scores: a number for every candidate, or why there are none."""

import math
from dataclasses import dataclass, replace

from mmjudge.contract.errors import Error, ErrorCode, ItemError, SetupError
from mmjudge.contract.info import JudgeInfo
from mmjudge.contract.items import Ask, Item, Want
from mmjudge.contract.verdicts import Abstention, Judgement, Note, Verdict
from mmjudge.judges.judge import Host, Judge, JudgeConfig


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A finite value for each candidate, or why there are none, and notes in either case."""

    values: tuple[float, ...]
    absence: Abstention | Error | None
    notes: tuple[Note, ...]


def scorer_of(config: JudgeConfig, host: Host, where: str, purpose: str) -> Judge:
    """Construct the judge over the host of the judge that asks it.

    Raises ValueError, beginning with `where` it is configured, for one that does not construct or
    gives no scores; `purpose` is what was to be done with them, as in "sum".
    """
    try:
        judge: Judge = config.kind(config.name, config.options, config.backbone, host)
    except (SetupError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error
    if Want.SCORE not in judge.info.wants:
        raise ValueError(f"{where}: kind {judge.info.kind!r} gives no scores to {purpose}")
    return judge


def scoring_wants(scorer: JudgeInfo) -> tuple[Want, ...]:
    """What a judge over this one's scores gives: SCORE, and PREFERENCE if the scorer does."""
    return tuple(want for want in (Want.SCORE, Want.PREFERENCE) if want in scorer.wants)


async def scored(judge: Judge, item: Item, name: str) -> Scored:
    """The judge's scores of the candidates; raises what breaks it.

    The message of an absence begins with `name`. Too few scores are the error SCORE_COUNT, NaN and
    infinities SCORE_NOT_FINITE: what is computed from scores must not pass over what is no number.
    """
    try:
        verdict = await judge.judge(item, Ask())
    except ItemError as error:
        verdict = Verdict(error.error)
    found = _outcome(verdict, len(item.candidates))
    if isinstance(found, tuple):
        return Scored(found, None, verdict.notes)
    return Scored((), replace(found, message=f"{name}: {found.message}"), verdict.notes)


def _outcome(verdict: Verdict, count: int) -> tuple[float, ...] | Abstention | Error:
    if not isinstance(verdict.outcome, Judgement):
        return verdict.outcome
    values = tuple(one.value for one in verdict.outcome.scores if one.value is not None)
    if len(values) != count:
        message = f"gave {len(values)} scores for {count} candidates"
        return Error(ErrorCode.INTERNAL, "SCORE_COUNT", message)
    for index, value in enumerate(values):
        if not math.isfinite(value):
            message = f"computed NaN or infinity for candidate {index}"
            where = f"candidates[{index}]"
            return Error(ErrorCode.INTERNAL, "SCORE_NOT_FINITE", message, where)
    return values
