"""Whether a judge that sees both candidates prefers the one it is shown first."""

from collections.abc import Mapping, Sequence

import numpy as np

from mmjudge.bench.metrics.bootstrap import Sampled, divided, sampled
from mmjudge.bench.metrics.pair_decisions import Decided
from mmjudge.bench.metrics.separation import Numbers

CONSISTENT = "consistent"
POSITION_BIAS = "position bias"
FIRST_SHOWN_WINS = "first shown wins"


def answered_twice(pairs: Sequence[Decided]) -> list[Decided]:
    """The pairs with an answer to both orders, whatever is right."""
    return [pair for pair in pairs if len(pair.answers) == 2 and None not in pair.answers]


def position_shares(pairs: Sequence[Decided], names: Sequence[str]) -> dict[str, Sampled]:
    """Shares over pairs with an answer to both orders, NaN where undefined.

    "consistent": with the same answer in both orders, of which two ties are one. "position bias":
    answers for the candidate shown first less those for the one shown second, over all answers:
    0 is fair, 1 is always the first, -1 always the second. "first shown wins": answers for the
    first over answers for either: 0.5 is fair.
    """
    columns = np.array([_columns(pair) for pair in answered_twice(pairs)]).reshape(-1, 4)
    statistics = {CONSISTENT: _consistent, POSITION_BIAS: _bias, FIRST_SHOWN_WINS: _first_wins}
    return {metric: sampled(columns, of, names) for metric, of in statistics.items()}


def position_counts(pairs: Sequence[Decided]) -> Mapping[str, int]:
    """What became of the pairs: answers for what was shown first and second, ties (two a pair);
    pairs answered alike and unlike, abstained about in either order, and failed."""
    first, second, alike, twice = (
        np.array([_columns(pair) for pair in answered_twice(pairs)])
        .reshape(-1, 4)
        .sum(0)
        .astype(int)
    )
    return {
        "shown first": int(first),
        "shown second": int(second),
        "ties": int(2 * twice - first - second),
        "consistent": int(alike),
        "inconsistent": int(twice - alike),
        "abstained": sum(None in pair.answers for pair in pairs),
        "failed": sum(not pair.answers for pair in pairs),
    }


def _columns(pair: Decided) -> list[float]:
    """Answers for what was shown first, and second; whether both are the same; 1."""
    given, swapped = pair.answers
    first, second = (given == 0) + (swapped == 1), (given == 1) + (swapped == 0)
    return [first, second, given == swapped, 1.0]


def _consistent(sums: Numbers) -> Numbers:
    return divided(sums[:, 2], sums[:, 3])


def _bias(sums: Numbers) -> Numbers:
    return divided(sums[:, 0] - sums[:, 1], 2 * sums[:, 3])


def _first_wins(sums: Numbers) -> Numbers:
    return divided(sums[:, 0], sums[:, 0] + sums[:, 1])
