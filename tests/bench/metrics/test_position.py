import pytest
from tests.bench.scored_rows import ABSTAINED, FAILED, pair, ranks

from mmjudge.bench.metrics.mj_bench_settings import PairSettings
from mmjudge.bench.metrics.pair_decisions import Decided, decide
from mmjudge.bench.metrics.position import (
    CONSISTENT,
    FIRST_SHOWN_WINS,
    POSITION_BIAS,
    position_counts,
    position_shares,
)
from mmjudge.bench.rows import Answer

FIRST, SECOND, TIE = ranks(1, 2), ranks(2, 1), ranks(1, 1)


def shown(*answers: tuple[Answer, Answer]) -> list[Decided]:
    rows = [pair(str(number), *both) for number, both in enumerate(answers)]
    return decide(rows, "both", PairSettings())


def shares(pairs: list[Decided]) -> dict[str, float]:
    return {metric: share.value for metric, share in position_shares(pairs, ["test"]).items()}


@pytest.mark.parametrize(("always", "bias", "first_wins"), [(FIRST, 1.0, 1.0), (SECOND, -1.0, 0.0)])
def test_a_judge_that_looks_at_the_place_alone(
    always: Answer, bias: float, first_wins: float
) -> None:
    found = shares(shown((always, always), (always, always)))
    assert found == {CONSISTENT: 0.0, POSITION_BIAS: bias, FIRST_SHOWN_WINS: first_wins}


def test_a_judge_that_looks_at_the_candidates_alone() -> None:
    found = shares(shown((FIRST, SECOND), (SECOND, FIRST), (TIE, TIE)))
    assert found == {CONSISTENT: 1.0, POSITION_BIAS: 0.0, FIRST_SHOWN_WINS: 0.5}


def test_ties_dilute_the_bias_and_not_who_wins() -> None:
    found = shares(shown((FIRST, FIRST), (TIE, FIRST), (SECOND, TIE)))
    assert found[CONSISTENT] == 0.0
    assert found[POSITION_BIAS] == pytest.approx((3 - 1) / 6)
    assert found[FIRST_SHOWN_WINS] == pytest.approx(3 / 4)


def test_pairs_without_both_answers_are_counted_and_left_out() -> None:
    pairs = shown((FIRST, SECOND), (FIRST, ABSTAINED), (ABSTAINED, ABSTAINED), (FIRST, FAILED))
    assert shares(pairs)[POSITION_BIAS] == 0.0
    assert position_counts(pairs) == {
        "shown first": 1,
        "shown second": 1,
        "ties": 0,
        "consistent": 1,
        "inconsistent": 0,
        "abstained": 2,
        "failed": 1,
    }


def test_nothing_but_ties_says_nothing_about_who_wins() -> None:
    found = position_shares(shown((TIE, TIE)), ["test"])
    assert found[FIRST_SHOWN_WINS].estimate() is None
    assert found[POSITION_BIAS].value == 0.0


def test_without_pairs_all_is_undefined() -> None:
    assert all(share.estimate() is None for share in position_shares([], ["test"]).values())
    assert set(position_counts([]).values()) == {0}
