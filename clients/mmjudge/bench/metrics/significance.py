"""Whether two judges differ by more than chance, on what both of them judged."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from mmjudge.bench.figures import Recipe
from mmjudge.bench.metrics.bias_metrics import ACC
from mmjudge.bench.metrics.comparison import Comparison, Incomparable, compare
from mmjudge.bench.metrics.mj_bench_figures import by_kind
from mmjudge.bench.metrics.mj_bench_settings import MjBenchSettings
from mmjudge.bench.metrics.pair_accuracy import WITH_TIES
from mmjudge.bench.results import Results

__all__ = ["Comparison", "Incomparable", "compare", "compare_all", "holm"]


def compare_all(
    results: Sequence[Results], settings: MjBenchSettings | None = None
) -> list[Comparison]:
    """Compare every two contenders in every perspective of both, p adjusted over all of them.

    Grades are left out. Holm's step-down (1979) holds the chance of any false difference among all
    accuracies compared at the level that is asked of one. Two that are incomparable have a
    Comparison that says why.
    """
    found: list[Comparison] = []
    for first, second in combinations(results, 2):
        second_has = by_kind(second.rows)
        for perspective, kind in by_kind(first.rows):
            if (perspective, kind) not in second_has or kind == "grade":
                continue
            try:
                found += compare(first, second, perspective, kind, settings)
            except Incomparable as error:
                names = first.header.contender, second.header.contender
                metric = ACC if kind == "bias" else WITH_TIES
                nothing = Recipe()
                found.append(
                    Comparison(*names, metric, perspective, None, 0, 0, 0, nothing, why=str(error))
                )
    tested = [comparison.p for comparison in found if comparison.p is not None]
    adjusted = iter(holm(tested))
    return [
        comparison if comparison.p is None else replace(comparison, adjusted=next(adjusted))
        for comparison in found
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p of each, in the order given."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = largest
    return adjusted
