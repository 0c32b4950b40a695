"""The difference of two judges in one perspective, on what both of them judged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest

from mmjudge.bench.figures import Recipe
from mmjudge.bench.metrics.bias_figures import (
    bias_recipe,
    metrics_by_group,
    over_groups,
    scores_by_group,
)
from mmjudge.bench.metrics.bias_metrics import scaling, scored
from mmjudge.bench.metrics.bootstrap import average, sampled_mean
from mmjudge.bench.metrics.mj_bench_figures import by_kind, judge_of
from mmjudge.bench.metrics.mj_bench_settings import BiasSettings, MjBenchSettings, PairSettings
from mmjudge.bench.metrics.pair_accuracy import WITH_TIES, correctness, counted
from mmjudge.bench.metrics.pair_decisions import Decided, decide
from mmjudge.bench.metrics.pair_figures import pair_recipe
from mmjudge.bench.metrics.separation import Estimate
from mmjudge.bench.records import Kind
from mmjudge.bench.results import Results
from mmjudge.bench.rows import Row


class Incomparable(ValueError):
    """Two results have nothing in common, or were not judged by one recipe."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference of two contenders' metric: the first's less the second's, in points of 100.

    n: records, or for bias images, that both judged; wins, losses: records about which the first
    was right more often than the second, and less often; for bias groups with a larger value, and
    with a smaller one. p: exact and two-sided, of accuracies only; adjusted: after Holm. why: the
    reason where there is no difference to tell.
    """

    first: str
    second: str
    metric: str
    perspective: str
    difference: Estimate | None
    n: int
    wins: int
    losses: int
    recipe: Recipe
    p: float | None = None
    adjusted: float | None = None
    why: str = ""


def compare(
    first: Results,
    second: Results,
    perspective: str,
    kind: Kind,
    settings: MjBenchSettings | None = None,
) -> list[Comparison]:
    """Compare two contenders in one perspective, on the pairs or bias images that both judged.

    Pairs: the accuracy with ties, its interval from records resampled in pairs, p from McNemar's
    exact test (1947), which for pairs shown in both orders is a sign test over records. Bias: ACC,
    NDS and GES of groups, of images that both scored, with groups resampled in pairs. Values are
    normalised over all that each contender judged, as in its own figures. Raises Incomparable for
    unlike recipes, and for no record in common.
    """
    settings = settings or MjBenchSettings()
    rows = [by_kind(results.rows).get((perspective, kind), []) for results in (first, second)]
    asked = len({row.id for row in rows[0]} & {row.id for row in rows[1]})
    if not asked:
        raise Incomparable(f"{perspective}: no record that both were asked about")
    names = (first.header.contender, second.header.contender)
    if kind == "bias":
        recipes = [replace(bias_recipe(side, settings.bias), asked=asked) for side in rows]
        recipe = _same(perspective, names, [replace(recipe, groups=None) for recipe in recipes])
        return _bias(names, perspective, rows, recipe, settings.bias)
    sides, recipes = [], []
    for results, side in zip((first, second), rows, strict=True):
        judge = judge_of(results, perspective)
        pairs = decide(side, judge.orders, settings.pairs)
        sides.append({pair.row.id: pair for pair in counted(pairs)})
        recipes.append(replace(pair_recipe(pairs, judge, settings.pairs), asked=asked, groups=None))
    recipe = _same(perspective, names, recipes)
    common = [(pair, sides[1][key]) for key, pair in sides[0].items() if key in sides[1]]
    return [_accuracy(names, perspective, common, recipe, settings.pairs)]


def _same(perspective: str, names: tuple[str, str], recipes: Sequence[Recipe]) -> Recipe:
    if recipes[0] != recipes[1]:
        told = "; ".join(f"{name}: {recipe}" for name, recipe in zip(names, recipes, strict=True))
        raise Incomparable(f"{perspective}: recipes differ. {told}")
    return recipes[0]


def _accuracy(
    names: tuple[str, str],
    perspective: str,
    common: Sequence[tuple[Decided, Decided]],
    recipe: Recipe,
    settings: PairSettings,
) -> Comparison:
    strata: dict[str, list[float]] = {}
    for one, other in common:
        subcategory = one.row.subcategory if settings.weighting == "subcategories" else ""
        strata.setdefault(subcategory, []).append(correctness(one) - correctness(other))
    parts = [
        sampled_mean(np.array(differences), "comparison", perspective, stratum)
        for stratum, differences in sorted(strata.items())
    ]
    differences = [difference for part in strata.values() for difference in part]
    wins, losses = (sum(sign * it > 0 for it in differences) for sign in (1, -1))
    p = float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
    return Comparison(
        *names,
        metric=WITH_TIES,
        perspective=perspective,
        difference=average(parts, [1.0] * len(parts)).estimate(100.0) if parts else None,
        n=len(common),
        wins=wins,
        losses=losses,
        recipe=recipe,
        p=p if common else None,
        why="" if common else "no pair with a right answer that both judged",
    )


def _bias(
    names: tuple[str, str],
    perspective: str,
    rows: Sequence[Sequence[Row]],
    recipe: Recipe,
    settings: BiasSettings,
) -> list[Comparison]:
    ids = [{row.id for row in scored(side)} for side in rows]
    common = [[row for row in side if row.id in ids[0] & ids[1]] for side in rows]
    scales = [scaling(side, settings) for side in rows]
    groups = [scores_by_group(side) for side in common]
    tables = [
        metrics_by_group(scores, scaled, settings)
        for scores, scaled in zip(groups, scales, strict=True)
    ]
    constant = [name for name, scaled in zip(names, scales, strict=True) if scaled is None]
    why = "no group of which both have two scores and a mean above 0"
    if constant:
        why = f"all scores of {' and of '.join(constant)} are equal"
    if not common[0]:
        why = "no image that both scored"
    found = []
    for metric, table in tables[0].items():
        differences = table - tables[1][metric]
        sizes = list(groups[0].values())
        share = over_groups(differences, sizes, settings, ["comparison", metric])
        difference = share.estimate(100.0)
        found.append(
            Comparison(
                *names,
                metric=metric,
                perspective=perspective,
                difference=difference,
                n=len(common[0]),
                wins=int((differences > 0).sum()),
                losses=int((differences < 0).sum()),
                recipe=recipe,
                why="" if difference else why,
            )
        )
    return found
