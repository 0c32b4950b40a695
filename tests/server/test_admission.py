"""Admission: bounds on the work taken on, and when to come back."""

from contextlib import AbstractContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmjudge.contract.errors import Overloaded
from mmjudge.server.admission import LONGEST_WAIT, SHORTEST_WAIT, Admission
from mmjudge.server.metrics import Metrics

BOUND = 10


def admit(door: Admission, what: str, much: int) -> AbstractContextManager[None]:
    return door.admit_bytes(much) if what == "bytes" else door.admit_items(much)


def held(metrics: Metrics, what: str) -> float | None:
    return metrics.registry.get_sample_value(f"mmjudge_pending_{what}")


@pytest.mark.parametrize("what", ["items", "bytes"])
def test_what_fits_to_the_last_place_is_admitted_and_no_more(what: str) -> None:
    metrics = Metrics()
    door = Admission(BOUND, BOUND, metrics)
    with admit(door, what, 3):
        with pytest.raises(Overloaded, match="3 .* in work, at most 10"), admit(door, what, 8):
            raise AssertionError("admitted")
        with admit(door, what, 7):
            assert held(metrics, what) == 10
    assert held(metrics, what) == 0


@pytest.mark.parametrize("what", ["items", "bytes"])
def test_an_empty_house_admits_even_what_is_beyond_its_bounds(what: str) -> None:
    metrics = Metrics()
    door = Admission(BOUND, BOUND, metrics)
    with admit(door, what, 1000):
        assert held(metrics, what) == 1000
        with pytest.raises(Overloaded), admit(door, what, 1):
            raise AssertionError("admitted")
    with admit(door, what, 1):
        assert held(metrics, what) == 1


@pytest.mark.parametrize("what", ["items", "bytes"])
def test_a_failed_request_gives_its_room_back(what: str) -> None:
    metrics = Metrics()
    door = Admission(BOUND, BOUND, metrics)
    with pytest.raises(KeyError), admit(door, what, 10):
        raise KeyError
    assert held(metrics, what) == 0


def test_the_bytes_of_a_request_do_not_keep_its_own_items_out() -> None:
    door = Admission(BOUND, BOUND, Metrics())
    with door.admit_bytes(1000), door.admit_items(1000):
        assert door.items == 1000


@given(st.integers(1, 10**9))
def test_the_wait_told_is_neither_a_hammering_nor_for_ever(items: int) -> None:
    door = Admission(BOUND, BOUND, Metrics())
    with door.admit_items(items), pytest.raises(Overloaded) as refused, door.admit_items(10):
        raise AssertionError("admitted")
    assert SHORTEST_WAIT <= refused.value.retry_after <= LONGEST_WAIT


def test_more_ahead_is_a_longer_wait() -> None:
    waits = []
    for ahead in (50, 500):
        door = Admission(BOUND, BOUND, Metrics())
        with door.admit_items(ahead), pytest.raises(Overloaded) as refused, door.admit_items(10):
            raise AssertionError("admitted")
        waits.append(refused.value.retry_after)
    assert waits[0] < waits[1]
