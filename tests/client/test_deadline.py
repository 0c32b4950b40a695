import math

import pytest

from mmjudge.client.deadline import Deadline
from mmjudge.contract import DeadlineExceeded


def test_counts_down_and_says_how_long_it_was() -> None:
    now = [10.0]
    deadline = Deadline(5, clock=lambda: now[0])
    now[0] = 12.0
    assert deadline.left() == deadline.check() == 3.0
    now[0] = 15.0
    with pytest.raises(DeadlineExceeded, match=r"within 5 s.*`timeout`"):
        deadline.check()


@pytest.mark.parametrize("timeout", [0, -1, math.nan])
def test_no_time_is_no_deadline(timeout: float) -> None:
    with pytest.raises(DeadlineExceeded, match="more than 0"):
        Deadline(timeout)


def test_infinity_is_long_but_finite() -> None:
    assert 1e6 < Deadline(math.inf).left() < math.inf
