"""Scores released by MJ-Bench's authors give the figures that they must give."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.goldens import recorded

from mmjudge.bench.figures import Figure
from mmjudge.bench.metrics.bias_metrics import by_demographic
from mmjudge.bench.metrics.mj_bench_figures import WEIGHTS, mj_bench_figures
from mmjudge.bench.metrics.mj_bench_settings import BiasSettings, preset
from mmjudge.bench.metrics.significance import compare_all
from mmjudge.bench.results import Results
from mmjudge.bench.scores.score_files import read_scores

BIAS_FILES = {
    "clipscore_v2": "clip_gpt4o.json::clipscore_v2",
    "gpt-4o": "clip_gpt4o.json::gpt-4o",
    "gpt-4o likert5 first 300": "gpt4o_likert5_first300.json",
}
RECIPES = {"threshold_0_raw": "raw", "threshold_0.05_minmax": "paper"}


@pytest.fixture(scope="module")
def goldens() -> Path:
    return recorded("mjbench")


@pytest.fixture(scope="module")
def expected(goldens: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((goldens / "expected.json").read_text())
    return found


@pytest.fixture(scope="module")
def judged(goldens: Path) -> list[Results]:
    """Both scorers with all their sets, and both of bias."""
    return read_scores([*sorted((goldens / "scores").iterdir()), goldens / "bias/clip_gpt4o.json"])


def figures_of(result: Results, recipe: str) -> dict[tuple[str, str, str], Figure]:
    return {
        (figure.perspective, figure.subcategory, figure.metric): figure
        for figure in mj_bench_figures(result, preset(recipe))
    }


def value(figure: Figure) -> float:
    assert figure.estimate is not None, figure.why
    assert figure.estimate.low <= figure.estimate.value <= figure.estimate.high
    return figure.estimate.value


@pytest.mark.parametrize("recipe", RECIPES)
def test_all_pairs_under_both_recipes(goldens: Path, expected: dict[str, Any], recipe: str) -> None:
    assert len(expected["pairs"]) == 10
    for name, by_recipe in expected["pairs"].items():
        (result,) = read_scores([goldens / "scores" / f"{name}.json"])
        row = result.rows[0]
        found = figures_of(result, RECIPES[recipe])
        for subcategory in ("", row.subcategory):
            figure = found[row.perspective, subcategory, "accuracy with ties"]
            without = found[row.perspective, subcategory, "accuracy without ties"]
            assert {
                "n": figure.n,
                "correct": figure.counts["correct"],
                "ties": figure.counts["ties"],
                "acc_w_tie": round(value(figure), 1),
                "acc_wo_tie": round(value(without), 1),
            } == by_recipe[recipe], name


def test_all_sets_of_a_judge_read_at_once_are_the_same(
    judged: list[Results], expected: dict[str, Any]
) -> None:
    """Normalised by file, however many are read."""
    for result in judged[:2]:
        found = figures_of(result, "paper")
        for row in {row.source: row for row in result.rows if row.kind == "pair"}.values():
            figure = found[row.perspective, row.subcategory, "accuracy with ties"]
            entry = expected["pairs"][row.source]["threshold_0.05_minmax"]
            assert round(value(figure), 1) == entry["acc_w_tie"]


def test_all_of_bias(goldens: Path, expected: dict[str, Any]) -> None:
    assert set(expected["bias"]) == set(BIAS_FILES)
    for name, entry in expected["bias"].items():
        (result,) = read_scores([f"{goldens / 'bias' / BIAS_FILES[name]}"])
        found = figures_of(result, "paper")
        figures = {metric: found["bias", "", metric] for metric in ("ACC", "NDS", "GES")}
        assert {
            "n": figures["ACC"].n,
            "occupations": figures["ACC"].recipe.groups,
            **{metric: round(value(figure), 1) for metric, figure in figures.items()},
        } == entry, name
        assert {figure.counts["abstained"] for figure in figures.values()} == {0}


def test_cells_of_the_papers_tables(judged: list[Results]) -> None:
    """Motion blur and objects, and the bias of CLIP and GPT-4o in Table 1 of arXiv 2407.04842."""
    by_name = {result.header.contender: figures_of(result, "paper") for result in judged}
    published = {
        ("clipscore_v2", "quality", "blur/motion", "accuracy with ties"): 63.7,
        ("hps_v2.1", "quality", "blur/motion", "accuracy with ties"): 94.6,
        ("clipscore_v2", "quality", "distortion/object", "accuracy with ties"): 34.0,
        ("hps_v2.1", "quality", "distortion/object", "accuracy with ties"): 80.3,
        ("clipscore_v2", "bias", "", "ACC"): 57.4,
        ("clipscore_v2", "bias", "", "NDS"): 76.3,
        ("clipscore_v2", "bias", "", "GES"): 86.9,
        ("gpt-4o", "bias", "", "ACC"): 65.8,
        ("gpt-4o", "bias", "", "NDS"): 82.5,
        ("gpt-4o", "bias", "", "GES"): 92.8,
    }
    for (judge, *slice_of), cell in published.items():
        perspective, subcategory, metric = slice_of
        # The paper has 80.3 of 100 pairs of HPS, of which 80 are right.
        error = 0.31 if cell == 80.3 else 0.1
        found = value(by_name[judge][perspective, subcategory, metric])
        assert found == pytest.approx(cell, abs=error), (judge, slice_of)


def test_toxicity_of_the_papers_table_has_no_threshold(judged: list[Results]) -> None:
    """The paper has 84 of CLIP's right and 78 of HPS's, of 89 pairs; the files have 90."""
    for result, right in zip(judged[:2], (84, 79), strict=True):
        counts = figures_of(result, "raw")["safety", "toxic", "accuracy with ties"].counts
        assert counts["correct"] == right
        assert sum(counts.values()) == 90


def test_the_leaderboards_overall_scores_have_these_weights(goldens: Path) -> None:
    rows = json.loads((goldens / "published_benchmark.json").read_text())
    columns = {
        "alignment": "Alignment_Avg_w_tie",
        "safety": "Safety_Avg_w_tie",
        "quality": "Artifact_Avg_w_tie",
        "bias": "Bias_ACC",
    }
    for row in rows:
        weighted = sum(WEIGHTS[name] * row[column] for name, column in columns.items())
        assert weighted / sum(WEIGHTS.values()) == pytest.approx(row["Overall_Score"], abs=0.01)


def test_hps_beats_clip_on_quality_by_more_than_chance(judged: list[Results]) -> None:
    found = {(it.first, it.second, it.perspective, it.metric): it for it in compare_all(judged)}
    quality = found["clipscore_v2", "hps_v2.1", "quality", "accuracy with ties"]
    assert (quality.n, quality.recipe.asked) == (770, 770)
    assert quality.difference is not None and quality.difference.high < -25
    assert quality.adjusted is not None and quality.adjusted < 1e-6
    acc = found["clipscore_v2", "gpt-4o", "bias", "ACC"]
    assert acc.n == 1548
    assert acc.difference is not None
    assert acc.difference.value == pytest.approx(57.4 - 65.8, abs=0.1)


def test_every_demographic_has_a_mean(judged: list[Results]) -> None:
    rows = [row for row in judged[0].rows if row.kind == "bias"]
    means = {mean.label: mean for mean in by_demographic(rows, BiasSettings())}
    assert (means["old"].n, means["non-binary"].n) == (486, 516)
    assert sum(mean.n for mean in means.values() if mean.whole) == 1548
    assert all(0 <= mean.estimate.low <= mean.estimate.high <= 1 for mean in means.values())
