"""The records that a judge got most wrong, and those it had no answer about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from mmjudge.bench.metrics.mj_bench_figures import by_kind, judge_of
from mmjudge.bench.metrics.mj_bench_settings import PairSettings
from mmjudge.bench.metrics.pair_decisions import TIE, Decided, decide
from mmjudge.bench.results import AskedJudge, Results
from mmjudge.bench.rows import Row

Outcome = Literal["wrong", "inconsistent", "tie", "abstained", "failed"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class Failure:
    """A record, and how the judge failed on it.

    outcome: "wrong" if it preferred the other candidate in every order asked, "inconsistent" if its
    answers to both orders differ. margin: by how much of the range of its source's values it
    preferred the wrong candidate, 0 where there are no values. answers: as `Decided.answers`.
    """

    contender: str
    judge: AskedJudge
    row: Row
    outcome: Outcome
    margin: float
    answers: tuple[float | None, ...]

    @property
    def preferred(self) -> int | None:
        """The index of the right candidate of a pair; None where there is none."""
        label = self.row.facts.get("label")
        return int(label) if label in (0, 1) else None


@dataclass(frozen=True, slots=True)
class Shown:
    """What the browser shows of a contender's failures; found: how many there are of each."""

    failures: tuple[Failure, ...]
    found: dict[Outcome, int]


def worst(results: Results, settings: PairSettings, limit: int) -> Shown:
    """Choose at most `limit` failures: the largest margins first, in the order of `OUTCOMES`.

    Half of them are wrong answers and the rest are of the other outcomes in turn, so that each can
    be looked at; places that one leaves empty the others take.
    """
    by_outcome = {outcome: list[Failure]() for outcome in OUTCOMES}
    for failure in _failures(results, settings):
        by_outcome[failure.outcome].append(failure)
    for found in by_outcome.values():
        found.sort(key=lambda failure: (-failure.margin, failure.row.id))
    wrong, *others = by_outcome.values()
    in_turn = list(_in_turn(others))
    room = max(limit - len(wrong), limit // 2)
    chosen = {id(failure) for failure in in_turn[:room]}
    first = wrong[: limit - len(chosen)]
    rest = [failure for found in others for failure in found if id(failure) in chosen]
    counts = {outcome: len(found) for outcome, found in by_outcome.items()}
    return Shown((*first, *rest), counts)


def _failures(results: Results, settings: PairSettings) -> Iterator[Failure]:
    name = results.header.contender
    for (perspective, kind), rows in by_kind(results.rows).items():
        judge = judge_of(results, perspective)
        if kind != "pair":
            for row in rows:
                if not row.given.judged:
                    lost: Outcome = "abstained" if row.given.abstained else "failed"
                    yield Failure(name, judge, row, lost, 0.0, ())
            continue
        spans = _spans(rows)
        for pair in decide(rows, judge.orders, settings):
            if outcome := _outcome(pair):
                margin = _margin(pair, spans.get(pair.row.source) or 1.0)
                yield Failure(name, judge, pair.row, outcome, margin, pair.answers)


def _outcome(pair: Decided) -> Outcome | None:
    answers = set(pair.answers)
    if not answers:
        return "failed"
    if pair.abstained:
        return "abstained"
    if len(answers) > 1:
        return "inconsistent"
    if pair.label == TIE or answers == {pair.label}:
        return None
    return "tie" if answers == {TIE} else "wrong"


def _margin(pair: Decided, span: float) -> float:
    """Mean over the orders asked of the wrong candidate's value less the right one's, over span."""
    if pair.label == TIE:
        return 0.0
    right = int(pair.label)
    margins = []
    for place, answer in enumerate(pair.row.answers):
        if len(answer.values) == 2:
            # The swapped answer's values are of the second candidate first.
            at = right ^ place
            margins.append((answer.values[1 - at] - answer.values[at]) / span)
    return sum(margins) / len(margins) if margins else 0.0


def _spans(rows: Sequence[Row]) -> dict[str, float]:
    values = dict[str, list[float]]()
    for row in rows:
        for answer in row.answers:
            values.setdefault(row.source, []).extend(answer.values)
    return {source: max(found) - min(found) for source, found in values.items() if found}


def _in_turn(lists: Sequence[list[Failure]]) -> Iterator[Failure]:
    for place in range(max(map(len, lists), default=0)):
        yield from (found[place] for found in lists if place < len(found))
