from collections import Counter
from dataclasses import replace

import pytest
from tests.bench.report.sample_results import sample, sample_grades, sample_texts

from mmjudge.bench.metrics.mj_bench_settings import PairSettings
from mmjudge.bench.report.failures import OUTCOMES, Failure, worst
from mmjudge.bench.results import Orders, Results
from mmjudge.bench.rows import Answer, Row

SETTINGS = PairSettings()
RESULTS = sample("clip", pairs=1)


def pair(id: str, *values: float, label: float = 0, abstained: str = "", failed: str = "") -> Row:
    given = Answer(values=values, abstained=abstained, failed=failed)
    return replace(RESULTS.rows[0], id=id, facts={"label": label}, given=given)


def twice(id: str, given: Answer, swapped: Answer) -> Row:
    return replace(pair(id), given=given, swapped=swapped)


def ranked(*ranks: int) -> Answer:
    return Answer(ranks=ranks)


def results(*rows: Row, orders: Orders = "any") -> Results:
    judges = {name: replace(judge, orders=orders) for name, judge in RESULTS.header.judges.items()}
    return replace(RESULTS, rows=rows, header=replace(RESULTS.header, judges=judges))


def found(*rows: Row, limit: int = 40, orders: Orders = "any") -> list[Failure]:
    return list(worst(results(*rows, orders=orders), SETTINGS, limit).failures)


def test_wrong_pairs_come_by_their_margin_of_the_range_of_the_source() -> None:
    failures = found(pair("right", 1.0, 0.0), pair("mild", 0.2, 0.4), pair("grave", 0.0, 0.9))
    assert [(each.row.id, each.outcome) for each in failures] == [
        ("grave", "wrong"),
        ("mild", "wrong"),
    ]
    assert [each.margin for each in failures] == pytest.approx([0.9, 0.2])


def test_ties_abstentions_and_failures_come_after() -> None:
    rows = [
        pair("failed", failed="IMAGE_TOO_LARGE"),
        pair("abstained", abstained="REFUSED"),
        pair("tie", 0.5, 0.5),
        pair("wrong", 0.0, 1.0),
    ]
    assert [each.outcome for each in found(*rows)] == ["wrong", "tie", "abstained", "failed"]


def test_a_pair_that_people_called_a_tie_cannot_be_wrong() -> None:
    assert found(pair("tie", 0.0, 1.0, label=0.5)) == []


def test_in_both_orders_only_what_is_wrong_twice_is_wrong() -> None:
    rows = [
        twice("right", ranked(1, 2), ranked(2, 1)),
        twice("wrong", ranked(2, 1), ranked(1, 2)),
        twice("first", ranked(1, 2), ranked(1, 2)),
    ]
    failures = found(*rows, orders="both")
    assert [(each.row.id, each.outcome) for each in failures] == [
        ("wrong", "wrong"),
        ("first", "inconsistent"),
    ]


def test_margins_of_the_swapped_order_are_of_the_same_candidates() -> None:
    given = Answer(values=(2.0, 8.0), ranks=(2, 1))
    swapped = Answer(values=(9.0, 1.0), ranks=(1, 2))
    row = twice("wrong", given, swapped)
    (failure,) = found(row, orders="both")
    assert failure.margin == pytest.approx((6 + 8) / 2 / 8)


def test_no_more_are_chosen_than_asked_for_and_each_outcome_has_its_places() -> None:
    shown = worst(sample("guess"), SETTINGS, 12)
    chosen = Counter(failure.outcome for failure in shown.failures)
    assert chosen == {"wrong": 6, "tie": 2, "abstained": 2, "failed": 2}
    assert shown.found["wrong"] > 6
    places = [OUTCOMES.index(failure.outcome) for failure in shown.failures]
    assert places == sorted(places)


def test_places_that_are_left_empty_go_to_wrong_answers() -> None:
    rows = [pair(str(index), 0.0, 1.0) for index in range(9)]
    assert len(found(*rows, limit=8)) == 8


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 7])
def test_a_small_limit_is_kept(limit: int) -> None:
    assert len(worst(sample("guess"), SETTINGS, limit).failures) == limit


def test_grades_fail_where_there_is_none() -> None:
    shown = worst(sample_grades(), SETTINGS, 40)
    assert {failure.outcome for failure in shown.failures} == {"abstained", "failed"}
    assert all(failure.preferred is None for failure in shown.failures)


def test_the_right_text_of_a_pair_is_known() -> None:
    shown = worst(sample_texts(), SETTINGS, 40)
    assert {failure.preferred for failure in shown.failures} == {0}
