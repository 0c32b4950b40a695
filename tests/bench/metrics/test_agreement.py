from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.bench.mmie_rows import CUT_SHORT, graded, results

from mmjudge.bench.figures import Figure
from mmjudge.bench.metrics.agreement import MEASURES, agreement, agreement_figures
from mmjudge.bench.metrics.separation import Estimate
from mmjudge.bench.results import Results

numbers = st.integers(0, 6).map(float)
RANDOM = np.random.default_rng(3)
HUMANS = RANDOM.uniform(0, 6, 60).round(1)
GRADES = np.clip(HUMANS + RANDOM.normal(0, 1.5, 60), 0, 6).round()


def value(found: Estimate | str) -> float:
    assert isinstance(found, Estimate), found
    return found.value


def found(of: Results, metric: str, perspective: str = "overall", model: str = "") -> Figure:
    (figure,) = [
        figure
        for figure in agreement_figures(of)
        if (figure.metric, figure.perspective, figure.subcategory)
        == (f"agreement: {metric}", perspective, model)
    ]
    return figure


def test_measures_of_a_hand_computed_example() -> None:
    of = agreement(np.array([1.0, 2.0, 2.0, 4.0]), np.array([2.0, 2.0, 3.0, 6.0]))
    assert value(of["cosine"]) == pytest.approx((2 + 4 + 6 + 24) / (25 * 53) ** 0.5)
    assert value(of["MSE"]) == pytest.approx((1 + 0 + 1 + 4) / 4)
    assert value(of["MAE"]) == pytest.approx((1 + 0 + 1 + 2) / 4)
    # Around 2.25 and 3.25: -1.25, -0.25, -0.25, 1.75 and -1.25, -1.25, -0.25, 2.75.
    assert value(of["Pearson"]) == pytest.approx(6.75 / (4.75 * 10.75) ** 0.5)
    # Ranks 1, 2.5, 2.5, 4 and 1.5, 1.5, 3, 4, around 2.5.
    assert value(of["Spearman"]) == pytest.approx(3.75 / 4.5)


@given(pairs=st.lists(st.tuples(numbers, numbers), min_size=3, max_size=30))
def test_correlations_are_scipys(pairs: list[tuple[float, float]]) -> None:
    grades, humans = np.array(pairs).T
    of = agreement(grades, humans)
    if np.ptp(grades) and np.ptp(humans):
        assert value(of["Pearson"]) == pytest.approx(stats.pearsonr(grades, humans)[0], abs=1e-9)
        assert value(of["Spearman"]) == pytest.approx(stats.spearmanr(grades, humans)[0], abs=1e-9)
        for name in ("cosine", "Pearson", "Spearman"):
            estimate = of[name]
            assert isinstance(estimate, Estimate) and -1 <= estimate.low <= estimate.high <= 1
    else:
        assert of["Pearson"] == of["Spearman"] and "grades are all" in str(of["Pearson"])


@pytest.mark.parametrize("name", MEASURES)
def test_intervals_are_those_of_whole_answers_drawn_anew(name: str) -> None:
    measures: dict[str, Callable[[Any, Any], float]] = {
        "cosine": lambda a, b: a @ b / np.sqrt(a @ a * (b @ b)),
        "MSE": lambda a, b: np.mean((a - b) ** 2),
        "MAE": lambda a, b: np.mean(np.abs(a - b)),
        "Pearson": lambda a, b: stats.pearsonr(a, b)[0],
        "Spearman": lambda a, b: stats.spearmanr(a, b)[0],
    }
    drawn = np.random.default_rng(5).integers(len(GRADES), size=(1000, len(GRADES)))
    low, high = np.quantile(
        [measures[name](GRADES[at], HUMANS[at]) for at in drawn], [0.025, 0.975]
    )
    estimate = agreement(GRADES, HUMANS)[name]
    assert isinstance(estimate, Estimate)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.15 * (high - low))
    assert estimate.low < estimate.value < estimate.high


def test_intervals_are_the_same_again_and_of_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = agreement(GRADES, HUMANS)
    assert whole == agreement(GRADES[::-1], HUMANS[::-1])
    monkeypatch.setattr("mmjudge.bench.metrics.agreement.BLOCK", 100 * len(GRADES))
    blocks = agreement(GRADES, HUMANS)
    assert [value(blocks[name]) for name in MEASURES] == [value(whole[name]) for name in MEASURES]


def test_equal_grades_agree_wholly() -> None:
    of = agreement(GRADES, GRADES)
    assert [value(of[name]) for name in MEASURES] == pytest.approx([1, 0, 0, 1, 1])


def test_of_a_constant_column_correlations_are_undefined() -> None:
    # 0.1 is no binary fraction: a variance around its mean would be a rounding error.
    of = agreement(np.array([1.0, 2.0, 3.0]), np.full(3, 0.1))
    assert of["Pearson"] == of["Spearman"] == "people's grades are all 0.1"
    assert value(of["cosine"]) == pytest.approx(6 / 42**0.5)
    both = agreement(np.full(4, 5.0), np.full(4, 3.0))
    assert both["Pearson"] == "the judge's grades are all 5 and people's grades are all 3"
    assert value(both["MAE"]) == 2.0


def test_zeros_have_no_cosine() -> None:
    of = agreement(np.zeros(3), np.array([1.0, 2.0, 3.0]))
    assert of["cosine"] == "the judge's grades are all 0"
    assert value(of["MSE"]) == pytest.approx(14 / 3)


def test_differences_too_small_for_a_variance_have_no_correlation() -> None:
    of = agreement(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1e-200, 0.0]))
    assert of["Pearson"] == of["cosine"] == "the grades differ by too little to be squared"
    assert value(of["Spearman"]) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("count", [1, 2])
def test_few_answers_have_errors_but_no_correlation(count: int) -> None:
    of = agreement(np.arange(1.0, count + 1), np.arange(2.0, count + 2))
    why = f"{count} answers graded by both, a correlation needs 3"
    assert of["Pearson"] == of["Spearman"] == why
    assert value(of["MAE"]) == 1.0


def test_figures_count_what_lacks_a_grade() -> None:
    rows = [graded("SA", grade, human=human) for grade, human in ((1, 2), (3, 3), (5, 4), (6, 6))]
    judged = results(
        *rows, graded("SA", CUT_SHORT, human=0), graded("SA", 7, human=1), graded("PBL", 2)
    )
    overall = found(judged, "MAE")
    assert (overall.n, overall.recipe.asked, overall.unit) == (4, 7, "")
    assert overall.estimate is not None and overall.estimate.value == 0.5
    assert overall.counts["graded by both"] == 4
    assert overall.counts["by people only"] == 2
    assert overall.counts["by the judge only"] == 1
    assert (overall.counts["abstained"], overall.counts["failed"]) == (1, 1)
    assert {figure.perspective for figure in agreement_figures(judged)} == {"overall", "SA"}
    assert [figure.metric for figure in agreement_figures(judged)[:5]] == [
        f"agreement: {name}" for name in MEASURES
    ]


def test_without_peoples_grades_there_are_no_figures() -> None:
    assert agreement_figures(results(graded("SA", 1), graded("PBL", 2))) == []


def test_without_a_grade_of_the_judges_the_reason_is_told() -> None:
    figure = found(results(graded("SA", CUT_SHORT, human=3)), "Pearson", "SA")
    assert figure.estimate is None
    assert figure.why == "no answer was graded by both the judge and people"


def test_models_agree_apart() -> None:
    rows = [graded("SA", grade, "good", grade) for grade in (1, 2, 3)]
    rows += [graded("SA", grade, "bad", 4 - grade) for grade in (1, 2, 3)]
    judged = results(*rows)
    of = [found(judged, "Pearson", "overall", model).estimate for model in ("good", "bad")]
    assert [one and one.value for one in of] == pytest.approx([1.0, -1.0])
