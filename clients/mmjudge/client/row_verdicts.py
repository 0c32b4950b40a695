"""One verdict a row, though the texts of one image go together as one item."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mmjudge.client.failing import OnFailedRow, first_failure
from mmjudge.client.results import Verdicts
from mmjudge.contract import (
    Candidate,
    Error,
    ErrorCode,
    Image,
    Item,
    Judgement,
    Score,
    ServerFault,
    Verdict,
)

_CANDIDATE = re.compile(r"candidates\[(\d+)\]")


def group_items(
    groups: Sequence[tuple[Image, Sequence[str]]], candidates: Sequence[Candidate], most: int = 0
) -> list[Item]:
    """Return one item an image: the image in its prompt, the candidates of its texts in order.

    `most` is how many candidates an item may have, 0 for any number: further ones make a further
    item over the same image.
    """
    items, start = [], 0
    for image, texts in groups:
        end = start + len(texts)
        size = most or len(texts)
        for first in range(start, end, size):
            items.append(Item([image], candidates[first : min(first + size, end)]))
        start = end
    return items


def by_row(verdicts: Verdicts) -> Verdicts:
    """Return `verdicts` with one for each candidate: its own score, and the notes about it."""
    rows = tuple(
        row
        for verdict, count in zip(verdicts.verdicts, verdicts.candidate_counts, strict=True)
        for row in _rows(verdict, count)
    )
    return replace(
        verdicts, verdicts=rows, item_ids=("",) * len(rows), candidate_counts=(1,) * len(rows)
    )


def failed_in_company(verdicts: Verdicts) -> list[int]:
    """Return the rows of items that failed for one of several texts: the others may be good."""
    rows: list[int] = []
    start = 0
    for verdict, count in zip(verdicts.verdicts, verdicts.candidate_counts, strict=True):
        match verdict.outcome:
            case Error(code=ErrorCode.INVALID_ARGUMENT, field=field):
                if count > 1 and _CANDIDATE.match(field):
                    rows += range(start, start + count)
        start += count
    return rows


def replaced(rows: Verdicts, places: Sequence[int], others: Verdicts) -> Verdicts:
    """Return `rows` with those at `places` replaced; raises ServerFault from another judge."""
    if others.fingerprint != rows.fingerprint:
        raise ServerFault(
            f"judge {rows.judge!r} changed in the middle of the call, from fingerprint "
            f"{rows.fingerprint[:12]} to {others.fingerprint[:12]}: its scores do not compare; "
            "call again"
        )
    verdicts = list(rows.verdicts)
    for place, verdict in zip(places, others.verdicts, strict=True):
        verdicts[place] = verdict
    return replace(rows, verdicts=tuple(verdicts))


def scores_of(rows: Verdicts, on_failure: OnFailedRow) -> list[Score | None]:
    """Return the score of each row, None where there is none and that is allowed.

    Raises ItemFailed or ItemAbstained for the first row without one otherwise.
    """
    if on_failure == "raise":
        error = first_failure(
            rows.verdicts,
            rows.item_ids,
            rows.judge,
            rows.fingerprint,
            "on_failure='mask' leaves its row out of the mask",
        )
        if error is not None:
            raise error
    return [v.judgement.scores[0] if v.judgement else None for v in rows.verdicts]


def spans_and_values(
    score: Score, row: int, judge: str
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the score's spans and their values; raises ServerFault if it lacks them."""
    if score.spans is None or score.span_values is None:
        raise ServerFault(f"judge {judge!r} gave row {row} no values of spans, which it offers")
    return score.spans, score.span_values


def _rows(verdict: Verdict, count: int) -> Iterator[Verdict]:
    for place in range(count):
        notes = tuple(
            replace(note, field=_CANDIDATE.sub("candidates[0]", note.field, count=1))
            for note in verdict.notes
            if (about := _CANDIDATE.match(note.field)) is None or int(about[1]) == place
        )
        match verdict.outcome:
            case Judgement() as judgement:
                yield Verdict(
                    replace(judgement, scores=(judgement.scores[place],), ranks=()), notes
                )
            case outcome:
                yield Verdict(outcome, notes)
