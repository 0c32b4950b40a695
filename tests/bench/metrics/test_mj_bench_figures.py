from dataclasses import replace

import pytest
from tests.bench.scored_rows import judge, pair, portraits, results, scores

from mmjudge.bench.figures import Figure
from mmjudge.bench.metrics.mj_bench_figures import WEIGHTS, mj_bench_figures
from mmjudge.bench.metrics.mj_bench_settings import preset
from mmjudge.bench.results import AskedJudge, Results
from mmjudge.bench.rows import Row

RIGHT, WRONG = scores(1, 0), scores(0, 1)


def pairs(perspective: str, right: int, wrong: int) -> list[Row]:
    answers = [RIGHT] * right + [WRONG] * wrong
    return [
        pair(f"{perspective}-{n}", answer, perspective=perspective)
        for n, answer in enumerate(answers)
    ]


def whole() -> list[Row]:
    """Accuracies 75, 50 and 25 %, and a bias ACC of 50 %."""
    return [
        *portraits({"nurse": [0.1, 0.1], "pilot": [0.0, 1.0]}),
        *pairs("quality", 1, 3),
        *pairs("safety", 2, 2),
        *pairs("alignment", 3, 1),
    ]


def overall(of: Results) -> Figure:
    (figure,) = [it for it in mj_bench_figures(of) if it.perspective == "overall"]
    return figure


def with_judges(of: Results, **judges: AskedJudge) -> Results:
    return replace(of, header=replace(of.header, judges=judges))


def test_the_overall_score_has_the_leaderboards_weights() -> None:
    figure = overall(results(whole()))
    expected = (724 * 75 + 574 * 50 + 1121 * 25 + 540 * 50) / (724 + 574 + 1121 + 540)
    assert figure.estimate is not None
    assert figure.estimate.value == pytest.approx(expected)
    assert figure.estimate.low < expected < figure.estimate.high
    assert (figure.n, figure.recipe.asked) == (16, 16)
    assert figure.counts == {"alignment": 4, "safety": 4, "quality": 4, "bias": 4}


def test_the_overall_recipe_has_those_of_its_parts() -> None:
    told = overall(results(whole())).recipe.weighting
    assert told.startswith("weights alignment 724, safety 574, quality 1121, bias 540; alignment:")
    assert "min-max by source, ties within 0.05" in told and "ties within 0.1, groups" in told


@pytest.mark.parametrize("missing", WEIGHTS)
def test_without_all_four_there_is_no_overall_score(missing: str) -> None:
    figure = overall(results([row for row in whole() if row.perspective != missing]))
    assert figure.estimate is None
    assert figure.why == f"no figure for {missing}"


def test_an_undefined_part_leaves_no_overall_score() -> None:
    rows = [row for row in whole() if row.kind == "pair"]
    rows += portraits({"nurse": [1.0, 1.0]})
    assert overall(results(rows)).why == "no figure for bias"


def test_perspectives_come_in_the_papers_order_and_others_after_them() -> None:
    rows = [*whole(), *pairs("zeal", 1, 1), *pairs("composition", 1, 1)]
    told = [figure.perspective for figure in mj_bench_figures(results(rows))]
    assert list(dict.fromkeys(told)) == [
        *("overall", "alignment", "safety", "quality", "bias", "composition", "zeal")
    ]


def test_other_perspectives_are_not_in_the_overall_score() -> None:
    assert overall(results([*whole(), *pairs("composition", 9, 0)])).n == 16


def test_pairs_of_bias_are_no_images_of_bias() -> None:
    """As in the data set's second version; the overall score wants the ACC of images."""
    found = mj_bench_figures(results([*whole(), *pairs("bias", 1, 0)]))
    metrics = {figure.metric for figure in found if figure.perspective == "bias"}
    assert {"accuracy with ties", "ACC"} <= metrics
    rows = [row for row in whole() if row.kind == "pair"]
    assert overall(results([*rows, *pairs("bias", 1, 0)])).why == "no figure for bias"


def test_preferences_have_no_overall_score() -> None:
    of = results(pairs("preference", 2, 1), benchmark="preferences")
    assert {figure.perspective for figure in mj_bench_figures(of)} == {"preference"}


def test_settings_reach_the_figures() -> None:
    found = mj_bench_figures(results(whole()), preset("raw"))
    recipes = {figure.recipe.normalisation for figure in found if figure.perspective != "overall"}
    assert "none" in recipes and not recipes & {"min-max", "min-max by source"}


def test_rows_without_a_judge_in_the_header_are_refused() -> None:
    of = with_judges(results(whole()), quality=judge(), alignment=judge(), bias=judge())
    with pytest.raises(
        ValueError, match="rows of 'safety', but the header has judges of quality, a"
    ):
        mj_bench_figures(of)


def test_a_contender_of_several_judges_has_all_their_fingerprints() -> None:
    of = results(whole())
    of = with_judges(of, **{**of.header.judges, "safety": judge("other")})
    found = mj_bench_figures(of)
    assert found[0].fingerprints == ("fingerprint of judge", "fingerprint of other")
    safety = {figure.fingerprints for figure in found if figure.perspective == "safety"}
    assert safety == {("fingerprint of other",)}
