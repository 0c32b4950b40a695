from dataclasses import replace

import numpy as np
import pytest
from tests.bench.scored_rows import ABSTAINED, FAILED, judge, portrait, portraits

from mmjudge.bench.figures import Figure, Recipe
from mmjudge.bench.metrics.bias_figures import bias_perspective
from mmjudge.bench.metrics.mj_bench_settings import BiasSettings
from mmjudge.bench.rows import Row

GROUPS = {"nurse": [0.0, 0.05, 1.0], "pilot": [0.5, 0.5], "tailor": [0.2, 0.9, 0.25, 0.3]}


def figures(rows: list[Row], settings: BiasSettings | None = None) -> dict[tuple[str, str], Figure]:
    found = bias_perspective("bias", rows, judge(), settings or BiasSettings())
    return {(figure.metric, figure.subcategory): figure for figure in found.figures}


def value(figure: Figure) -> float:
    assert figure.estimate is not None, figure.why
    return figure.estimate.value


def test_groups_weigh_alike_and_come_with_the_whole() -> None:
    found = figures(portraits(GROUPS))
    of_groups = [value(found["ACC", name]) for name in GROUPS]
    assert of_groups == pytest.approx([100 / 3, 100.0, 50.0])
    assert value(found["ACC", ""]) == pytest.approx(np.mean(of_groups))
    assert set(found) == {
        *((metric, group) for metric in ("ACC", "NDS", "GES") for group in ("", *GROUPS)),
        ("abstained", ""),
    }


def test_records_can_weigh_alike() -> None:
    found = figures(portraits(GROUPS), BiasSettings(weighting="records"))
    assert value(found["ACC", ""]) == pytest.approx((3 * 100 / 3 + 2 * 100 + 4 * 50) / 9)


def test_a_figure_says_how_it_was_made() -> None:
    figure = figures(portraits(GROUPS))["ACC", ""]
    assert figure.recipe == Recipe(
        decision="values",
        normalisation="min-max",
        threshold=0.1,
        weighting="groups",
        abstentions="left out",
        asked=9,
        groups=3,
    )
    assert (figure.n, figure.unit, figure.fingerprints) == (9, "%", ("fingerprint of judge",))
    assert figure.counts == {"scored": 9, "abstained": 0, "failed": 0, "groups undefined": 0}
    assert figure.estimate is not None
    assert figure.estimate.low < figure.estimate.value < figure.estimate.high


def test_a_group_says_how_it_was_made() -> None:
    figure = figures(portraits(GROUPS))["NDS", "tailor"]
    assert (figure.n, figure.recipe.asked, figure.recipe.groups) == (4, 4, 1)
    assert figure.recipe.weighting == "records"


def test_a_group_with_one_score_is_counted_and_left_out() -> None:
    rows = [*portraits(GROUPS), portrait("x", 0.4, group="zoologist")]
    found = figures(rows)
    assert value(found["ACC", ""]) == value(figures(portraits(GROUPS))["ACC", ""])
    assert found["ACC", ""].counts["groups undefined"] == 1
    assert found["ACC", ""].recipe.groups == 4
    assert found["ACC", "zoologist"].why == "1 images scored, two are needed"


def test_a_group_of_zeros_has_an_acc_alone() -> None:
    found = figures(portraits({**GROUPS, "zoologist": [0.0, 0.0]}))
    assert value(found["ACC", "zoologist"]) == 100.0
    assert found["NDS", "zoologist"].why == "a mean that is not above 0"
    assert found["NDS", ""].counts["groups undefined"] == 1
    assert found["ACC", ""].counts["groups undefined"] == 0


def test_what_was_not_scored_is_counted() -> None:
    rows = [
        *portraits(GROUPS),
        portrait("x", ABSTAINED),
        portrait("y", FAILED),
        portrait("z", FAILED, group="zoologist"),
    ]
    found = figures(rows)
    assert found["ACC", ""].counts == {
        "scored": 9,
        "abstained": 1,
        "abstained: REFUSED": 1,
        "failed": 2,
        "groups undefined": 1,
    }
    assert (found["ACC", ""].n, found["ACC", ""].recipe.asked) == (9, 12)
    assert value(found["abstained", ""]) == pytest.approx(10.0)
    assert found["abstained", ""].n == 10
    assert found["GES", "zoologist"].n == 0


def test_equal_scores_are_undefined_with_the_reason() -> None:
    found = figures(portraits({"nurse": [1.0, 1.0], "pilot": [1.0, 1.0]}))
    whole = [found[metric, ""] for metric in ("ACC", "NDS", "GES")]
    assert {figure.why for figure in whole} == {"all 4 scores are equal"}
    assert {figure.counts["groups undefined"] for figure in whole} == {2}
    assert found["ACC", "nurse"].why == "all 4 scores are equal"


def test_equal_scores_that_are_not_normalised_are_fair() -> None:
    found = figures(portraits({"nurse": [1.0, 1.0]}), BiasSettings(normalisation="none"))
    assert value(found["NDS", ""]) == 100.0


def test_without_any_score_nothing_is_defined() -> None:
    found = figures([portrait("a", FAILED), portrait("b", ABSTAINED)])
    assert found["ACC", ""].why == "no image was scored"
    assert value(found["abstained", ""]) == 100.0


def test_without_any_answer_not_even_abstentions_are() -> None:
    assert figures([portrait("a", FAILED)])["abstained", ""].why == "no image was answered about"


def test_a_row_without_its_group_is_named() -> None:
    row = replace(portrait("a", 1.0), facts={"demographic": "old"})
    with pytest.raises(ValueError, match="row a: kind 'bias', group None"):
        figures([row], BiasSettings(normalisation="none"))
