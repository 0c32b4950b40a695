"""What a judge answered about pairs: one candidate, a tie, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from mmjudge.bench.metrics.mj_bench_settings import PairSettings
from mmjudge.bench.results import Orders
from mmjudge.bench.rows import Answer, Row

TIE = 0.5
Spans = dict[str, float]


@dataclass(frozen=True, slots=True)
class Decided:
    """A pair's answers, by the order in which it was shown: as it stands, then swapped.

    answers: each the index (0 or 1) of the record's preferred candidate, `TIE`, or None where the
    judge abstained; () where it failed in either order.
    """

    row: Row
    answers: tuple[float | None, ...]

    @property
    def label(self) -> float:
        """The right answer: 0 or 1, or `TIE` where people preferred neither."""
        return float(self.row.facts["label"])

    @property
    def abstained(self) -> tuple[str, ...]:
        """The reasons of the answers that are none."""
        return tuple(answer.abstained for answer in self.row.answers if answer.abstained)


def decide(rows: Sequence[Row], orders: Orders, settings: PairSettings) -> list[Decided]:
    """Decide pairs by values where orders is "any", else by ranks, of which equal ones tie.

    Values are normalised over all rows given. Where all values of a source are equal, all its pairs
    are ties. Raises ValueError naming the row that is no pair, has an unknown label, or lacks what
    decides it.
    """
    spans = _spans(rows) if orders == "any" and settings.normalisation != "none" else {}
    decided = []
    for row in rows:
        if row.kind != "pair" or row.facts.get("label") not in (0, 1, TIE):
            raise ValueError(
                f"row {row.id}: kind {row.kind!r}, label {row.facts.get('label')!r}; expected a "
                f"pair with label 0, 1 or {TIE}"
            )
        if (row.swapped is None) == (orders == "both"):
            raise ValueError(
                f"row {row.id}: {'no' if row.swapped is None else 'an'} answer to the swapped "
                f"order, but the header says orders = {orders!r}"
            )
        if any(answer.failed for answer in row.answers):
            decided.append(Decided(row, ()))
            continue
        if orders == "any":
            answers = [_by_values(row, spans.get(row.source, 1.0), settings.threshold)]
        else:
            answers = [_by_ranks(row, answer) for answer in row.answers]
        if orders == "both" and answers[1] is not None:
            answers[1] = 1 - answers[1]
        decided.append(Decided(row, tuple(answers)))
    return decided


def _spans(rows: Sequence[Row]) -> Spans:
    """Largest less smallest value, by source."""
    values: dict[str, list[float]] = {}
    for row in rows:
        if row.given.judged:
            values.setdefault(row.source, []).extend(row.given.values)
    return {source: max(found) - min(found) for source, found in values.items() if found}


def _by_values(row: Row, span: float, threshold: float) -> float | None:
    if not row.given.judged:
        return None
    if len(row.given.values) != 2:
        raise ValueError(f"row {row.id}: {len(row.given.values)} values, expected 2")
    # The difference is divided, not both values: whole ratings then meet the threshold exactly.
    margin = (row.given.values[0] - row.given.values[1]) / (span or 1.0)
    if abs(margin) <= threshold:
        return TIE
    return 0 if margin > 0 else 1


def _by_ranks(row: Row, answer: Answer) -> float | None:
    if not answer.judged:
        return None
    if len(answer.ranks) != 2:
        raise ValueError(f"row {row.id}: {len(answer.ranks)} ranks, expected 2")
    first, second = answer.ranks
    return TIE if first == second else 0 if first < second else 1
