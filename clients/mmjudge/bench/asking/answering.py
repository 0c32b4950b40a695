"""Verdicts as answers, and answers about a record as its row."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

from mmjudge.bench.records import Record
from mmjudge.bench.rows import Answer, Row
from mmjudge.contract import Abstention, Error, ErrorCode, Judgement, Verdict

PASSING = frozenset(
    (
        ErrorCode.RESOURCE_EXHAUSTED,
        ErrorCode.UNAVAILABLE,
        ErrorCode.DEADLINE_EXCEEDED,
        ErrorCode.INTERNAL,
    )
)
"""Errors of an item that another try may mend."""


@dataclass(frozen=True, slots=True)
class Owed:
    """No answer yet, and nothing said about the item: why, to be asked again by the next run."""

    reason: str
    message: str


def read_answer(verdict: Verdict) -> Answer | Owed:
    """What the judge made of the item; `Owed` for an error that another try may mend.

    Notes begin with their code and a colon. A judgement without values and ranks is the failure
    VALUE_MISSING, one with a value that is no finite number SCORE_NOT_FINITE.
    """
    notes = tuple(f"{note.code}: {note.message}" for note in verdict.notes)
    match verdict.outcome:
        case Error(code, reason, _, _) as error if code in PASSING:
            return Owed(reason or code.name, str(error))
        case Error(code, reason, _, _) as error:
            return Answer(failed=reason or code.name, message=str(error), notes=notes)
        case Abstention(why, message, raw_text, field):
            told = f"{field}: {message}" if field else message
            return Answer(abstained=why.name, message=told, raw_text=raw_text, notes=notes)
        case Judgement() as judgement:
            return _judged(judgement, notes)


def row_of(record: Record, id: str, given: Answer, swapped: Answer | None) -> Row:
    """The record's row of results, under the id of its `question`."""
    return Row(
        id=id,
        kind=record.kind,
        perspective=record.perspective,
        subcategory=record.subcategory,
        source=record.source,
        text=record.text,
        images=tuple(picture.name for picture in record.pictures),
        facts=record.facts,
        given=given,
        swapped=swapped,
        texts=candidate_texts(record),
    )


def candidate_texts(record: Record) -> tuple[str, ...]:
    """The text of each candidate, () where none has any."""
    texts = tuple(
        "\n".join(part for part in parts if isinstance(part, str)) for parts in record.candidates
    )
    return texts if any(texts) else ()


def _judged(judgement: Judgement, notes: tuple[str, ...]) -> Answer:
    values = [score.value for score in judgement.scores if score.value is not None]
    if not all(map(isfinite, values)):
        message = f"values {values}, expected finite numbers"
        return Answer(failed="SCORE_NOT_FINITE", message=message, notes=notes)
    if len(values) != len(judgement.scores):
        values = []
    if not (values or judgement.ranks):
        message = "a judgement with neither a value for each candidate nor ranks"
        return Answer(failed="VALUE_MISSING", message=message, notes=notes)
    return Answer(tuple(values), judgement.ranks, _rationale(judgement), notes)


def _rationale(judgement: Judgement) -> str:
    own = [score.rationale for score in judgement.scores]
    if len(own) == 1:
        return judgement.rationale or own[0]
    told: Iterable[str] = (f"[candidate {i}]\n{text}" for i, text in enumerate(own) if text)
    return judgement.rationale or "\n\n".join(told)
