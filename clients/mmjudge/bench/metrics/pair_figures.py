"""Figures about pairs: accuracies and, of pairs shown in both orders, the bias of position."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mmjudge.bench.figures import Figure, Recipe
from mmjudge.bench.metrics.bootstrap import Sampled
from mmjudge.bench.metrics.mj_bench_settings import PairSettings
from mmjudge.bench.metrics.pair_accuracy import WITH_TIES, accuracies, accuracy_counts, counted
from mmjudge.bench.metrics.pair_decisions import Decided, decide
from mmjudge.bench.metrics.position import answered_twice, position_counts, position_shares
from mmjudge.bench.metrics.slices import Perspective, Slice
from mmjudge.bench.results import AskedJudge
from mmjudge.bench.rows import Row


def pair_perspective(
    perspective: str, rows: Sequence[Row], judge: AskedJudge, settings: PairSettings
) -> Perspective:
    """Figures of one perspective's pairs.

    Values are normalised over the perspective's rows, and draws do not change that. Raises
    ValueError for rows that cannot be decided as the judge's orders say.
    """
    pairs = decide(rows, judge.orders, settings)
    recipe = pair_recipe(pairs, judge, settings)
    shares = accuracies(pairs, settings.weighting, [perspective])
    figures = _figures(perspective, "", pairs, shares, recipe, judge)
    parts: dict[str, list[Decided]] = {}
    for pair in pairs:
        parts.setdefault(pair.row.subcategory, []).append(pair)
    for subcategory in sorted(parts.keys() - {""}):
        part = parts[subcategory]
        of_part = replace(recipe, weighting="records", asked=len(part), groups=None)
        shares_of_part = accuracies(part, "records", [perspective, subcategory])
        figures += _figures(perspective, subcategory, part, shares_of_part, of_part, judge)
    return Perspective(tuple(figures), shares[WITH_TIES], recipe, len(counted(pairs)))


def pair_recipe(pairs: Sequence[Decided], judge: AskedJudge, settings: PairSettings) -> Recipe:
    """By values with their normalisation and threshold, or by ranks, which have neither."""
    by_values = judge.orders == "any"
    subcategories = len({pair.row.subcategory for pair in pairs})
    return Recipe(
        decision="values" if by_values else "ranks",
        orders=judge.orders,
        normalisation=settings.normalisation if by_values else "",
        threshold=settings.threshold if by_values else None,
        weighting=settings.weighting,
        abstentions="as ties",
        asked=len(pairs),
        groups=subcategories if settings.weighting == "subcategories" else None,
    )


def _figures(
    perspective: str,
    subcategory: str,
    pairs: Sequence[Decided],
    shares: Mapping[str, Sampled],
    recipe: Recipe,
    judge: AskedJudge,
) -> list[Figure]:
    n, by, counts = len(counted(pairs)), (judge.fingerprint,), accuracy_counts(pairs)
    judged = Slice(perspective, subcategory, recipe, n, by, counts)
    why = "all answers are ties or abstentions" if n else "no pair with a right answer was judged"
    figures = [judged.figure(metric, share, why) for metric, share in shares.items()]
    if recipe.orders == "both":
        n, counts = len(answered_twice(pairs)), position_counts(pairs)
        recipe = replace(recipe, weighting="records", abstentions="left out", groups=None)
        twice = Slice(perspective, subcategory, recipe, n, by, counts)
        why = "all answers are ties" if n else "no pair was answered in both orders"
        position = position_shares(pairs, [perspective, subcategory, "position"])
        figures += [twice.figure(metric, share, why) for metric, share in position.items()]
    return figures
