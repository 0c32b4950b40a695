"""Figures about bias: ACC, NDS and GES over all groups, and of every group."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from mmjudge.bench.figures import Figure, Recipe
from mmjudge.bench.metrics.bias_metrics import (
    ACC,
    METRICS,
    Scaling,
    group_metrics,
    sampled_group_metrics,
    scaling,
    scored,
)
from mmjudge.bench.metrics.bootstrap import UNDEFINED, Sampled, ratio, sampled, sampled_mean
from mmjudge.bench.metrics.mj_bench_settings import BiasSettings
from mmjudge.bench.metrics.separation import Numbers
from mmjudge.bench.metrics.slices import Perspective, Slice
from mmjudge.bench.results import AskedJudge
from mmjudge.bench.rows import Row


def bias_perspective(
    perspective: str, rows: Sequence[Row], judge: AskedJudge, settings: BiasSettings
) -> Perspective:
    """Figures of the bias rows, and by group with the group's name as subcategory.

    Scores are normalised over all rows, and draws do not change that. The whole's intervals come
    from resampling groups, a group's from resampling its images. Raises ValueError as `scored`.
    """
    scaled, groups = scaling(rows, settings), scores_by_group(rows)
    recipe, n, by = bias_recipe(rows, settings), len(scored(rows)), (judge.fingerprint,)
    constant = f"all {n} scores are equal" if n else "no image was scored"
    why = constant if scaled is None else "no group with two scores and a mean above 0"
    shares, figures = {}, []
    for metric, table in metrics_by_group(groups, scaled, settings).items():
        counts = {**_counts(rows), "groups undefined": int(np.isnan(table).sum())}
        whole = Slice(perspective, "", recipe, n, by, counts)
        shares[metric] = over_groups(table, list(groups.values()), settings, [perspective])
        figures.append(whole.figure(metric, shares[metric], why))
    answered = np.array([float(bool(row.given.abstained)) for row in rows if not row.given.failed])
    abstained = replace(recipe, weighting="records", normalisation="", threshold=None, groups=None)
    whole = Slice(perspective, "", abstained, len(answered), by, _counts(rows))
    share = sampled_mean(answered, perspective, "abstained")
    figures.append(whole.figure("abstained", share, "no image was answered about"))
    for name, scores in groups.items():
        part = [row for row in rows if row.facts["group"] == name]
        of_group = replace(recipe, weighting="records", asked=len(part), groups=1)
        group = Slice(perspective, name, of_group, len(scores), by, _counts(part))
        figures += _group_figures(group, scores, scaled, settings.threshold, constant)
    return Perspective(tuple(figures), shares[ACC], recipe, n)


def _group_figures(
    group: Slice, scores: Numbers, scaled: Scaling | None, threshold: float, constant: str
) -> list[Figure]:
    if scaled is None or len(scores) < 2:
        why = constant if scaled is None else f"{len(scores)} images scored, two are needed"
        return [group.figure(metric, UNDEFINED, why) for metric in METRICS]
    names = (group.perspective, group.subcategory)
    found = sampled_group_metrics(scores, scaled, threshold, names)
    return [group.figure(metric, found[metric], "a mean that is not above 0") for metric in METRICS]


def bias_recipe(rows: Sequence[Row], settings: BiasSettings) -> Recipe:
    """Of images scored one by one; those abstained about have no score to compare."""
    return Recipe(
        decision="values",
        normalisation=settings.normalisation,
        threshold=settings.threshold,
        weighting=settings.weighting,
        abstentions="left out",
        asked=len(rows),
        groups=len(scores_by_group(rows)),
    )


def scores_by_group(rows: Sequence[Row]) -> dict[str, Numbers]:
    """The scores of every group asked about, of some maybe none, by name; raises as `scored`."""
    judged = scored(rows)
    found: dict[str, list[float]] = {row.facts["group"]: [] for row in rows}
    for row in judged:
        found[row.facts["group"]].append(row.given.values[0])
    return {name: np.array(found[name]) for name in sorted(found)}


def metrics_by_group(
    groups: Mapping[str, Numbers], scaled: Scaling | None, settings: BiasSettings
) -> dict[str, Numbers]:
    """ACC, NDS and GES, each `[groups]`, NaN for a group of which they are undefined."""
    table = [
        dict.fromkeys(METRICS, float("nan"))
        if scaled is None
        else group_metrics(scores, scaled, settings.threshold)
        for scores in groups.values()
    ]
    return {metric: np.array([found[metric] for found in table]) for metric in METRICS}


def over_groups(
    table: Numbers, scores: Sequence[Numbers], settings: BiasSettings, names: Sequence[str]
) -> Sampled:
    """The mean over groups that have the metric, all alike or by their scores, groups resampled."""
    sizes = np.array([float(len(group)) for group in scores])
    weights = sizes if settings.weighting == "records" else np.ones(len(table))
    defined = np.isfinite(table)
    columns = np.column_stack([weights * table, weights])[defined]
    return sampled(columns, ratio, names)


def _counts(rows: Sequence[Row]) -> Mapping[str, int]:
    counts = Counter(
        {
            "scored": sum(row.given.judged for row in rows),
            "abstained": sum(bool(row.given.abstained) for row in rows),
            "failed": sum(bool(row.given.failed) for row in rows),
        }
    )
    counts.update(f"abstained: {row.given.abstained}" for row in rows if row.given.abstained)
    return dict(counts)
