"""Admission: bounds on the work taken on, and when to come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmjudge.contract.errors import Overloaded
from mmjudge.server.admission import LONGEST_WAIT, SHORTEST_WAIT, Admission
from mmjudge.server.metrics import Metrics


def admission(items: int = 10, size: int = 100) -> Admission:
    return Admission(items, size, Metrics())


@pytest.mark.parametrize(("items", "size"), [(8, 1), (1, 91), (11, 1), (1, 101)])
def test_what_does_not_fit_beside_the_rest_is_refused(items: int, size: int) -> None:
    door = admission()
    with door.admit(3, 10), pytest.raises(Overloaded, match="3 verdicts"), door.admit(items, size):
        raise AssertionError("admitted")
    assert door.items == 0


@pytest.mark.parametrize(("items", "size"), [(7, 90), (1, 1)])
def test_what_fits_to_the_last_place_is_admitted(items: int, size: int) -> None:
    door = admission()
    with door.admit(3, 10), door.admit(items, size):
        assert door.items == 3 + items
    assert door.items == 0


def test_an_empty_house_admits_even_what_is_beyond_its_bounds() -> None:
    door = admission()
    with door.admit(1000, 10**9):
        assert door.items == 1000
        with pytest.raises(Overloaded), door.admit(1, 0):
            raise AssertionError("admitted")
    with door.admit(1, 1):
        assert door.items == 1


def test_a_failed_request_gives_its_room_back() -> None:
    metrics = Metrics()
    door = Admission(10, 100, metrics)
    with pytest.raises(KeyError), door.admit(10, 100):
        assert metrics.registry.get_sample_value("mmjudge_pending_items") == 10
        assert metrics.registry.get_sample_value("mmjudge_pending_bytes") == 100
        raise KeyError
    assert metrics.registry.get_sample_value("mmjudge_pending_items") == 0
    assert metrics.registry.get_sample_value("mmjudge_pending_bytes") == 0
    with door.admit(10, 100):
        pass


@given(st.integers(1, 10**9))
def test_the_wait_told_is_neither_a_hammering_nor_for_ever(items: int) -> None:
    door = admission()
    with door.admit(items, 1), pytest.raises(Overloaded) as refused, door.admit(10, 1):
        raise AssertionError("admitted")
    assert SHORTEST_WAIT <= refused.value.retry_after <= LONGEST_WAIT


def test_more_ahead_is_a_longer_wait() -> None:
    waits = []
    for ahead in (50, 500):
        door = admission()
        with door.admit(ahead, 1), pytest.raises(Overloaded) as refused, door.admit(10, 1):
            raise AssertionError("admitted")
        waits.append(refused.value.retry_after)
    assert waits[0] < waits[1]
