import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bench.scored_rows import (
    ABSTAINED,
    FAILED,
    pair,
    portrait,
    portraits,
    ranks,
    results,
    scores,
)

from mmjudge.bench.metrics.comparison import Comparison, Incomparable, compare
from mmjudge.bench.metrics.mj_bench_figures import mj_bench_figures
from mmjudge.bench.metrics.mj_bench_settings import MjBenchSettings, PairSettings, preset
from mmjudge.bench.metrics.significance import compare_all, holm
from mmjudge.bench.results import Orders, Results
from mmjudge.bench.rows import Answer, Row

RIGHT, WRONG, TIE = scores(1, 0), scores(0, 1), scores(1, 1)


def said(name: str, *answers: Answer, orders: Orders = "any") -> Results:
    rows = [pair(str(number), answer) for number, answer in enumerate(answers)]
    return results(rows, name=name, orders=orders)


def one(first: Results, second: Results, recipe: MjBenchSettings | None = None) -> Comparison:
    (found,) = compare(first, second, "quality", "pair", recipe)
    return found


def test_a_difference_is_over_what_both_judged() -> None:
    first = said("a", RIGHT, RIGHT, RIGHT, WRONG, FAILED, RIGHT)
    second = said("b", RIGHT, WRONG, TIE, RIGHT, RIGHT)
    found = one(first, second)
    assert (found.first, found.second, found.metric) == ("a", "b", "accuracy with ties")
    assert (found.n, found.wins, found.losses) == (4, 2, 1)
    assert found.difference is not None and found.difference.value == 25.0
    assert found.difference.low < 25.0 < found.difference.high
    assert found.p == 1.0
    assert found.recipe.asked == 5


def test_p_is_mcnemars_exact_one() -> None:
    """Eight wins and one loss: 2 (1 + 9) / 2^9."""
    first = said("a", *[RIGHT] * 8, WRONG, *[RIGHT] * 5)
    second = said("b", *[WRONG] * 8, RIGHT, *[RIGHT] * 5)
    assert one(first, second).p == pytest.approx(20 / 512)


def test_two_that_never_differ_have_no_difference() -> None:
    found = one(said("a", RIGHT, WRONG), said("b", RIGHT, WRONG))
    assert found.difference is not None
    assert (found.difference.low, found.difference.high, found.p) == (0.0, 0.0, 1.0)


def test_the_interval_is_of_pairs_and_not_of_two_samples() -> None:
    """Both are right about half, the second never where the first is wrong."""
    first = said("a", *[RIGHT] * 50, *[WRONG] * 50)
    second = said("b", *[WRONG] * 2, *[RIGHT] * 48, *[WRONG] * 50)
    found = one(first, second)
    assert found.difference is not None
    assert found.difference.value == 2.0
    assert 0.0 <= found.difference.low and found.difference.high <= 6.0


def test_exchanged_contenders_turn_the_difference_around() -> None:
    first, second = said("a", RIGHT, RIGHT, WRONG, TIE), said("b", WRONG, RIGHT, RIGHT, WRONG)
    there, back = one(first, second), one(second, first)
    assert there.difference is not None and back.difference is not None
    assert there.difference.value == -back.difference.value
    assert (there.wins, there.losses, there.p) == (back.losses, back.wins, back.p)


def test_half_a_record_wins_where_one_order_was_right() -> None:
    first = results([pair("0", ranks(1, 2), ranks(2, 1))], name="a", orders="both")
    second = results([pair("0", ranks(1, 2), ABSTAINED)], name="b", orders="both")
    found = one(first, second)
    assert found.difference is not None and found.difference.value == 50.0
    assert (found.wins, found.losses) == (1, 0)


def test_subcategories_weigh_alike_where_asked() -> None:
    def rows(*answers: Answer) -> list[Row]:
        names = ["x", "y", "y", "y"]
        return [
            pair(str(n), answer, subcategory=name)
            for n, (answer, name) in enumerate(zip(answers, names, strict=True))
        ]

    first = results(rows(RIGHT, WRONG, WRONG, WRONG), name="a")
    second = results(rows(WRONG, WRONG, WRONG, WRONG), name="b")
    recipe = MjBenchSettings(PairSettings(weighting="subcategories"))
    found = one(first, second, recipe)
    assert found.difference is not None and found.difference.value == 50.0


def test_unlike_recipes_are_refused_with_both() -> None:
    first, second = said("a", RIGHT), said("b", ranks(1, 2), orders="given")
    with pytest.raises(Incomparable, match="recipes differ. a: by values, any .*; b: by ranks"):
        one(first, second)


def test_without_a_record_in_common_there_is_nothing_to_compare() -> None:
    other = results([pair("other", RIGHT)], name="b")
    with pytest.raises(Incomparable, match="quality: no record that both were asked about"):
        one(said("a", RIGHT), other)
    with pytest.raises(Incomparable, match="safety: no record that both"):
        compare(said("a", RIGHT), said("b", RIGHT), "safety", "pair")


def test_records_that_one_failed_on_leave_no_difference() -> None:
    found = one(said("a", RIGHT), said("b", FAILED))
    assert (found.difference, found.p) == (None, None)
    assert found.why == "no pair with a right answer that both judged"


FAIR = {"nurse": [0.0, 0.0], "pilot": [1.0, 1.0], "tailor": [0.5, 0.52]}
UNFAIR = {"nurse": [0.0, 1.0], "pilot": [1.0, 1.0], "tailor": [0.5, 0.1]}


def test_bias_is_compared_by_groups() -> None:
    first, second = (results(portraits(it), name=name) for name, it in (("a", FAIR), ("b", UNFAIR)))
    acc, nds, ges = compare(first, second, "bias", "bias")
    assert [it.metric for it in (acc, nds, ges)] == ["ACC", "NDS", "GES"]
    assert acc.difference is not None and acc.difference.value == pytest.approx(200 / 3)
    assert (acc.n, acc.wins, acc.losses, acc.p) == (6, 2, 0, None)
    assert nds.difference is not None and nds.wins + nds.losses < 3, "a's nurses have mu = 0"


def test_bias_is_of_images_that_both_scored() -> None:
    rows = [*portraits(FAIR), portrait("more", 9.0)]
    first = results(portraits(FAIR)[1:], name="a")
    second = results(rows, name="b")
    acc, *_ = compare(first, second, "bias", "bias", preset("raw"))
    assert (acc.n, acc.recipe.asked) == (5, 5)
    assert acc.difference is not None and acc.difference.value == 0.0


def test_equal_scores_leave_no_difference_of_bias() -> None:
    constant = {name: [1.0, 1.0] for name in FAIR}
    first, second = (
        results(portraits(it), name=name) for name, it in (("a", FAIR), ("b", constant))
    )
    acc, *_ = compare(first, second, "bias", "bias")
    assert (acc.difference, acc.why) == (None, "all scores of b are equal")


def test_images_that_only_one_scored_leave_no_difference_of_bias() -> None:
    first = results(portraits({"nurse": [0.0, 1.0]}), name="a")
    second = results([portrait(f"nurse-{n}", ABSTAINED) for n in range(2)], name="b")
    acc, *_ = compare(first, second, "bias", "bias")
    assert (acc.n, acc.difference, acc.why) == (0, None, "no image that both scored")


def test_all_pairs_of_contenders_are_compared_and_p_adjusted() -> None:
    first = said("a", *[RIGHT] * 9)
    second, third = said("b", *[WRONG] * 9), said("c", *[RIGHT] * 8, WRONG)
    found = compare_all([first, second, third])
    assert [(it.first, it.second) for it in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    tested = [it.p for it in found if it.p is not None]
    assert len(tested) == 3
    assert [it.adjusted for it in found] == holm(tested)


def test_what_cannot_be_compared_is_told_and_does_not_stop_the_rest() -> None:
    first = results([pair("0", RIGHT), pair("1", RIGHT, perspective="safety")], name="a")
    second = results([pair("0", WRONG), pair("2", RIGHT, perspective="safety")], name="b")
    safety, quality = compare_all([first, second])
    assert quality.difference is not None and quality.adjusted == quality.p == 1.0
    assert (safety.difference, safety.p) == (None, None)
    assert safety.why == "safety: no record that both were asked about"


def test_figures_and_comparisons_agree() -> None:
    first, second = said("a", RIGHT, RIGHT, WRONG, TIE), said("b", WRONG, RIGHT, TIE, WRONG)
    values = [
        figure.estimate.value
        for it in (first, second)
        for figure in mj_bench_figures(it)
        if figure.metric == "accuracy with ties" and figure.estimate
    ]
    difference = one(first, second).difference
    assert difference is not None and difference.value == values[0] - values[1]


def test_holm_is_the_textbooks() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=9))
def test_holm_keeps_the_order_and_only_raises(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= raised <= 1 for p, raised in zip(p_values, adjusted, strict=True))
    assert [adjusted[i] for i in sorted(range(len(p_values)), key=p_values.__getitem__)] == sorted(
        adjusted
    )
