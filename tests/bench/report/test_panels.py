import re

from tests.bench.report.sample_results import DEMOGRAPHICS, OCCUPATIONS, SCALES

from mmjudge.bench.metrics.mj_bench_settings import BiasSettings
from mmjudge.bench.metrics.pair_accuracy import WITH_TIES
from mmjudge.bench.report.demographics import demographic_figures
from mmjudge.bench.report.evaluation import Evaluation
from mmjudge.bench.report.leaderboard import tables
from mmjudge.bench.report.panels import (
    CONTEXT,
    breakdown_panels,
    column_panels,
    legend,
    scale_panels,
)
from mmjudge.bench.report.published import published


def place(name: str) -> int:
    return len(name)


def test_published_values_are_context_and_not_in_the_table_of_values(
    mj_bench: list[Evaluation],
) -> None:
    (table,) = tables(
        mj_bench[:2],
        lambda f: (f.metric, f.perspective, f.subcategory) == (WITH_TIES, "quality", ""),
    )
    (panel,) = column_panels(table, place, published())
    assert CONTEXT in panel.chart
    assert panel.chart.count("mark published") == 21
    assert [judge for _, judge, _ in panel.rows] == ["clip", "guess"]


def test_a_breakdown_has_a_line_a_subcategory_and_a_mark_a_contender(
    mj_bench: list[Evaluation],
) -> None:
    (table,) = tables(
        mj_bench[:2],
        lambda f: (f.metric, f.perspective) == (WITH_TIES, "safety") and bool(f.subcategory),
    )
    (panel,) = breakdown_panels(table, place)
    assert [row[:2] for row in panel.rows] == [
        ("nsfw", "clip"), ("nsfw", "guess"), ("toxic", "clip"), ("toxic", "guess"),
    ]  # fmt: skip
    assert panel.recipe.asked == 44
    assert len(re.findall("whisker", panel.chart)) == 4


def test_demographics_are_by_trait_over_all_images(mj_bench: list[Evaluation]) -> None:
    results = mj_bench[0].results
    figures = demographic_figures(results, BiasSettings())
    (table,) = tables([Evaluation(results, figures)], lambda f: True)
    (panel,) = breakdown_panels(table, place, disjoint=False)
    traits = {trait for demographic in DEMOGRAPHICS for trait in demographic.split("_")}
    assert {line for line, _, _ in panel.rows} == traits
    assert panel.recipe.asked == len(OCCUPATIONS) * len(DEMOGRAPHICS)


def test_a_study_of_scales_has_a_line_a_scale_in_the_callers_order(
    evaluations: list[Evaluation],
) -> None:
    scaled = [each for each in reversed(evaluations) if each.name in SCALES]
    (table,) = tables(
        scaled, lambda f: (f.metric, f.perspective, f.subcategory) == (WITH_TIES, "safety", "")
    )
    (panel,) = scale_panels(table, SCALES, place)
    assert [line for line, _, _ in panel.rows] == list(SCALES.values())


def test_a_legend_names_only_who_is_drawn(mj_bench: list[Evaluation]) -> None:
    (table,) = tables(mj_bench[:1], lambda f: (f.metric, f.perspective) == (WITH_TIES, "quality"))
    panels = list(breakdown_panels(table, place))
    assert legend(panels, {"hps": 0, "clip": 1}) == [("clip", 1)]
