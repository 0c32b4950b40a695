import pytest
from tests.bench.scored_rows import ABSTAINED, FAILED, pair, portrait, ranks, scores

from mmjudge.bench.metrics.mj_bench_settings import PairSettings
from mmjudge.bench.metrics.pair_decisions import TIE, decide
from mmjudge.bench.results import Orders
from mmjudge.bench.rows import Row

RAW = PairSettings(normalisation="none", threshold=0.0)
PAPER = PairSettings()


def answers(
    rows: list[Row], orders: Orders = "any", settings: PairSettings = RAW
) -> list[tuple[float | None, ...]]:
    return [decided.answers for decided in decide(rows, orders, settings)]


def test_values_decide_where_the_judge_sees_one_candidate_at_a_time() -> None:
    rows = [pair("a", scores(2, 1)), pair("b", scores(1, 2)), pair("c", scores(1, 1))]
    assert answers(rows) == [(0,), (1,), (TIE,)]


def test_min_max_goes_by_source_over_both_candidates() -> None:
    narrow = [pair("a", scores(0.0, 1.0), source="x"), pair("b", scores(0.5, 0.54), source="x")]
    wide = [pair("c", scores(0.0, 10.0), source="y"), pair("d", scores(5.0, 5.54), source="y")]
    assert answers(narrow + wide, settings=PAPER) == [(1,), (TIE,), (1,), (1,)]


def test_a_difference_of_just_the_threshold_is_a_tie() -> None:
    """Of ratings from 0 to 100; 0.55 less 0.5 would be more than 0.05 in binary fractions."""
    rows = [pair("a", scores(0, 100)), pair("b", scores(55, 50)), pair("c", scores(56, 50))]
    assert answers(rows, settings=PAPER) == [(1,), (TIE,), (0,)]


def test_a_source_of_equal_values_has_nothing_but_ties() -> None:
    assert answers([pair("a", scores(7, 7)), pair("b", scores(7, 7))], settings=PAPER) == [
        (TIE,),
        (TIE,),
    ]


def test_ranks_decide_where_the_judge_sees_both() -> None:
    rows = [pair("a", ranks(1, 2)), pair("b", ranks(2, 1)), pair("c", ranks(1, 1))]
    assert answers(rows, "given") == [(0,), (1,), (TIE,)]


def test_the_swapped_answer_is_about_the_same_candidates() -> None:
    """Twice the first shown: once the record's first, once its second."""
    rows = [
        pair("first twice", ranks(1, 2), ranks(1, 2)),
        pair("the better", ranks(1, 2), ranks(2, 1)),
        pair("tie", ranks(2, 1), ranks(1, 1)),
    ]
    assert answers(rows, "both") == [(0, 1), (0, 0), (1, TIE)]


def test_an_abstention_is_no_answer_and_a_failure_in_either_order_none_at_all() -> None:
    rows = [
        pair("a", ABSTAINED, ranks(1, 2)),
        pair("b", ranks(1, 2), ABSTAINED),
        pair("c", ranks(1, 2), FAILED),
        pair("d", ABSTAINED, FAILED),
    ]
    assert answers(rows, "both") == [(None, 1), (0, None), (), ()]


def test_abstentions_and_failures_do_not_take_part_in_min_max() -> None:
    rows = [pair("a", scores(1, 2)), pair("b", ABSTAINED), pair("c", FAILED)]
    assert answers(rows, settings=PAPER) == [(1,), (None,), ()]


@pytest.mark.parametrize(
    ("row", "orders", "message"),
    [
        (portrait("a", 1.0), "any", "row a: kind 'bias', label None"),
        (pair("a", scores(1, 2), label=2), "any", "label 2; expected a pair with label 0, 1 or"),
        (pair("a", scores(1)), "any", "row a: 1 values, expected 2"),
        (pair("a", ranks(1)), "given", "row a: 1 ranks, expected 2"),
        (pair("a", ranks(1, 2)), "both", "no answer to the swapped order, but the header says"),
        (pair("a", ranks(1, 2), ranks(1, 2)), "given", "an answer to the swapped order, but"),
    ],
)
def test_a_row_that_cannot_be_decided_is_named(row: Row, orders: Orders, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decide([row], orders, RAW)
