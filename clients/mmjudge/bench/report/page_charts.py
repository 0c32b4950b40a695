"""Which charts the page has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from mmjudge.bench.figures import Figure
from mmjudge.bench.metrics.bias_metrics import METRICS as BIAS_METRICS
from mmjudge.bench.metrics.pair_accuracy import WITH_TIES
from mmjudge.bench.report.contents import GRADES, of_benchmark
from mmjudge.bench.report.demographics import demographic_figures
from mmjudge.bench.report.evaluation import Evaluation, Options
from mmjudge.bench.report.leaderboard import Table, tables
from mmjudge.bench.report.panels import (
    Panel,
    SeriesOf,
    breakdown_panels,
    column_panels,
    scale_panels,
)
from mmjudge.bench.report.published import Published

Panels = tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Charts:
    """The charts of each group; a group that nothing is known for has none.

    grades, models: of MMIE, by category and by the model that answered.
    """

    perspectives: Panels
    subcategories: Panels
    groups: Panels
    demographics: Panels
    scales: Panels
    grades: Panels
    models: Panels


def charts(
    evaluations: Sequence[Evaluation], paper: Published, series: SeriesOf, options: Options
) -> Charts:
    """Draw them all. Contenders share a chart where their recipes and data are alike."""
    mj_bench = of_benchmark(evaluations, "mjbench")
    mmie = of_benchmark(evaluations, "mmie")
    scaled = [each for each in mj_bench if each.name in options.scales]
    plain = [each for each in mj_bench if each.name not in options.scales]
    demographics = [
        Evaluation(each.results, demographic_figures(each.results, options.settings.bias))
        for each in plain
    ]

    def columns(table: Table) -> Panels:
        return tuple(column_panels(table, series, paper))

    def breakdown(table: Table) -> Panels:
        return tuple(breakdown_panels(table, series))

    def traits(table: Table) -> Panels:
        return tuple(breakdown_panels(table, series, disjoint=False))

    def scales(table: Table) -> Panels:
        return tuple(scale_panels(table, options.scales, series))

    return Charts(
        perspectives=_each(plain, columns, _headline),
        subcategories=_each(plain, breakdown, lambda f: f.metric == WITH_TIES and _partial(f)),
        groups=_each(plain, breakdown, lambda f: f.metric in BIAS_METRICS and _partial(f)),
        demographics=_each(demographics, traits, _partial),
        scales=_each(scaled, scales, _headline),
        grades=_each(mmie, columns, lambda f: f.metric == GRADES[0] and not _partial(f)),
        models=_each(mmie, breakdown, lambda f: f.metric == GRADES[0] and _partial(f)),
    )


def _each(
    evaluations: Sequence[Evaluation],
    drawn: Callable[[Table], Panels],
    wanted: Callable[[Figure], bool],
) -> Panels:
    """Charts of what is wanted, each perspective's by itself: its recipes alone must be alike."""
    figures = [figure for each in evaluations for figure in each.figures if wanted(figure)]
    panels: list[Panel] = []
    for kind in dict.fromkeys((figure.perspective, figure.metric) for figure in figures):
        chosen = partial(_wanted_of, kind, wanted)
        panels += (panel for table in tables(evaluations, chosen) for panel in drawn(table))
    return tuple(panels)


def _wanted_of(kind: tuple[str, str], wanted: Callable[[Figure], bool], figure: Figure) -> bool:
    return (figure.perspective, figure.metric) == kind and wanted(figure)


def _headline(figure: Figure) -> bool:
    return figure.metric in (WITH_TIES, BIAS_METRICS[0], "overall") and not _partial(figure)


def _partial(figure: Figure) -> bool:
    return bool(figure.subcategory)
