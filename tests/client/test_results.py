from typing import Any

import numpy as np
import pytest

from mmjudge.client import Scores, Verdicts
from mmjudge.client.errors import ItemAbstained, ItemFailed
from mmjudge.contract import (
    Abstention,
    AbstentionReason,
    Error,
    ErrorCode,
    Judgement,
    Score,
    Timing,
    Verdict,
)

FAILED = Verdict(Error(ErrorCode.INVALID_ARGUMENT, "IMAGE_EMPTY", "0 bytes", "candidates[1]"))
SHY = Verdict(Abstention(AbstentionReason.REFUSED, "I won't"))


def judged(*values: float | None) -> Verdict:
    return Verdict(Judgement(tuple(Score(value) for value in values)))


def of(*verdicts: Verdict, counts: tuple[int, ...] | None = None) -> Verdicts:
    return Verdicts(
        judge="clip",
        fingerprint="f00d",
        verdicts=verdicts,
        item_ids=tuple(f"row {i}" if i else "" for i in range(len(verdicts))),
        candidate_counts=counts or (1,) * len(verdicts),
        timing=Timing(inference=2.0),
    )


def test_one_number_an_item() -> None:
    values = of(judged(1.5), judged(-2.0)).check().values
    assert values.dtype == np.float32
    assert values.tolist() == [1.5, -2.0]


def test_groups_of_candidates() -> None:
    verdicts = of(judged(1, 2, 3), judged(4), SHY, counts=(3, 1, 2)).check("nan")
    found = verdicts.candidate_values
    assert [v.dtype for v in found] == [np.float32] * 3
    assert [v.tolist() for v in found[:2]] == [[1, 2, 3], [4]]
    assert np.isnan(found[2]).tolist() == [True, True]
    with pytest.raises(ValueError, match="item 0 has 3 candidates.*`candidate_values`"):
        _ = verdicts.values


def test_nan_where_nothing_was_judged() -> None:
    np.testing.assert_array_equal(
        of(judged(1), FAILED, SHY).check("nan").values, [1, np.nan, np.nan]
    )


def test_orders_have_no_values() -> None:
    with pytest.raises(ValueError, match="'clip' gave item 0 no value.*`ranks`"):
        _ = of(judged(None)).values


def test_a_failure_says_all_there_is_to_know() -> None:
    with pytest.raises(ItemFailed) as caught:
        of(judged(1), FAILED, SHY, FAILED).check()
    error = caught.value
    assert (error.index, error.item_id, error.judge) == (1, "row 1", "clip")
    assert (error.fingerprint, error.field) == ("f00d", "candidates[1]")
    for text in ("item 1", "'row 1'", "'clip'", "IMAGE_EMPTY", "candidates[1]", "0 bytes"):
        assert text in str(error)
    assert "2 other items of 4 failed too" in str(error)


def test_an_abstention_without_an_id_or_a_field() -> None:
    with pytest.raises(ItemAbstained, match=r"^item 0 got no answer \(REFUSED\).*: I won't") as it:
        of(SHY, judged(1)).check()
    assert it.value.field == it.value.item_id == ""
    assert "no other item failed" in str(it.value)


def test_unknown_ways_to_fail() -> None:
    with pytest.raises(ValueError, match="on_failure is 'zero', expected 'raise' or 'nan'"):
        of().check("zero")  # type: ignore[arg-type]


def test_verdicts_are_a_sequence() -> None:
    verdicts = of(judged(1), SHY)
    assert len(verdicts) == 2 and verdicts[1] is SHY and list(verdicts)[1] is SHY


@pytest.mark.parametrize("dtype", [None, np.float64])
def test_scores_are_an_array(dtype: Any) -> None:
    scores = Scores.of(of(judged(1), judged(2)))
    array = np.asarray(scores, dtype)
    assert array.dtype == (dtype or np.float32) and array.tolist() == [1, 2]
    assert len(scores) == 2
    assert (scores.judge, scores.fingerprint, scores.timing.inference) == ("clip", "f00d", 2.0)
    assert np.mean(scores) == 1.5


def test_a_copy_of_scores_is_one() -> None:
    scores = Scores.of(of(judged(1)))
    copy = np.array(scores)
    copy[0] = 9
    assert scores.values.tolist() == [1]
