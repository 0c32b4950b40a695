"""How often a judge prefers what people preferred, with ties and without."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from mmjudge.bench.metrics.bootstrap import Sampled, average, divided, sampled
from mmjudge.bench.metrics.mj_bench_settings import PairWeighting
from mmjudge.bench.metrics.pair_decisions import TIE, Decided
from mmjudge.bench.metrics.separation import Numbers

WITH_TIES = "accuracy with ties"
WITHOUT_TIES = "accuracy without ties"
ABSTAINED = "abstained"
METRICS = (WITH_TIES, WITHOUT_TIES, ABSTAINED)


def counted(pairs: Sequence[Decided]) -> list[Decided]:
    """The pairs that an accuracy is over: those with a right answer about which nothing failed."""
    return [pair for pair in pairs if pair.answers and pair.label != TIE]


def accuracies(
    pairs: Sequence[Decided], weighting: PairWeighting, names: Sequence[str]
) -> dict[str, Sampled]:
    """All metrics of `METRICS` as shares, NaN where undefined.

    Of a pair shown in both orders each answer has half a weight. An abstention expresses no
    preference: it is in the denominator with ties, never correct, and not in that without, so that
    abstaining never raises the accuracy with ties. weighting: "subcategories" averages those of
    each, in which the metric is defined, resampling each by itself. Raises AssertionError where the
    accuracy without ties were the smaller one.
    """
    strata: dict[str, list[Decided]] = {}
    for pair in counted(pairs):
        subcategory = pair.row.subcategory if weighting == "subcategories" else ""
        strata.setdefault(subcategory, []).append(pair)
    columns = {name: _columns(strata[name]) for name in sorted(strata)} or {"": _columns([])}
    found = {}
    for metric, statistic in zip(METRICS, (_with_ties, _without_ties, _abstained), strict=True):
        parts = [sampled(part, statistic, (*names, name)) for name, part in columns.items()]
        found[metric] = average(parts, [1.0] * len(parts))
    _check(found[WITH_TIES].value, found[WITHOUT_TIES].value)
    return found


def accuracy_counts(pairs: Sequence[Decided]) -> Mapping[str, int]:
    """What became of the pairs.

    "correct", "wrong", "ties" and "abstained" count answers, of a pair shown in both orders two, to
    pairs with a right answer; "failed" and "labelled ties" count pairs, "labelled ties called ties"
    those of the latter of which all answers are ties.
    """
    counts = Counter(dict.fromkeys(("correct", "wrong", "ties", "abstained", "failed"), 0))
    for pair in pairs:
        if not pair.answers:
            counts["failed"] += 1
        elif pair.label == TIE:
            counts["labelled ties"] += 1
            counts["labelled ties called ties"] += all(answer == TIE for answer in pair.answers)
        else:
            counts.update(_outcome(answer, pair.label) for answer in pair.answers)
            counts.update(f"abstained: {reason}" for reason in pair.abstained)
    return dict(counts)


def _outcome(answer: float | None, label: float) -> str:
    if answer is None:
        return "abstained"
    return "ties" if answer == TIE else "correct" if answer == label else "wrong"


def correctness(pair: Decided) -> float:
    """Share of the pair's answers that are right."""
    return sum(answer == pair.label for answer in pair.answers) / len(pair.answers)


def _columns(pairs: Sequence[Decided]) -> Numbers:
    """`[pairs, 4]`: shares of answers that are right, ties and abstentions; and 1."""
    return np.array(
        [
            [
                correctness(pair),
                pair.answers.count(TIE) / len(pair.answers),
                pair.answers.count(None) / len(pair.answers),
                1.0,
            ]
            for pair in pairs
        ]
    ).reshape(len(pairs), 4)


def _with_ties(sums: Numbers) -> Numbers:
    return divided(sums[:, 0], sums[:, 3])


def _without_ties(sums: Numbers) -> Numbers:
    return divided(sums[:, 0], sums[:, 3] - sums[:, 1] - sums[:, 2])


def _abstained(sums: Numbers) -> Numbers:
    return divided(sums[:, 2], sums[:, 3])


def _check(with_ties: float, without_ties: float) -> None:
    if without_ties < with_ties:
        raise AssertionError(
            f"accuracy without ties {without_ties} is below that with ties {with_ties}"
        )
