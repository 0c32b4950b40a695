import numpy as np
import pytest

from mmjudge.bench.metrics.bootstrap import (
    DRAWS,
    UNDEFINED,
    Sampled,
    average,
    divided,
    drawn_counts,
    ratio,
    sampled,
    sampled_mean,
)


def test_a_mean_has_an_interval_like_the_normal_one() -> None:
    values = np.random.default_rng(0).normal(size=400)
    estimate = sampled_mean(values, "test").estimate()
    error = values.std() / len(values) ** 0.5
    assert estimate is not None and estimate.value == pytest.approx(values.mean())
    assert estimate.low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert estimate.high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_equal_names_draw_alike_and_others_do_not() -> None:
    values = np.arange(20.0)
    first, again, other = (sampled_mean(values, *names) for names in (["a"], ["a"], ["b"]))
    assert (first.drawn == again.drawn).all()
    assert (first.drawn != other.drawn).any()


def test_names_are_told_apart_where_they_join() -> None:
    assert (drawn_counts(9, "ab", "c") != drawn_counts(9, "a", "bc")).any()


def test_every_draw_has_as_many_rows_as_there_are() -> None:
    counts = drawn_counts(7, "test")
    assert counts.shape == (DRAWS, 7)
    assert (counts.sum(1) == 7).all()


def test_equal_rows_are_drawn_as_rows_of_their_own() -> None:
    """One half of 100 rows is 1, the other 0: the mean's standard error is 0.05."""
    found = sampled_mean(np.repeat([0.0, 1.0], 50), "test")
    assert found.value == 0.5
    assert found.drawn.std() == pytest.approx(0.05, rel=0.1)


def test_no_rows_have_no_estimate() -> None:
    assert sampled(np.empty((0, 2)), ratio, ["test"]).estimate() is None


def test_draws_that_leave_it_undefined_are_left_out_of_the_interval() -> None:
    estimate = Sampled(2.0, np.array([np.nan, 1.0, 3.0])).estimate(10.0)
    assert estimate is not None
    assert (estimate.value, estimate.low, estimate.high) == (20.0, 10.5, 29.5)


def test_an_average_leaves_out_what_is_undefined() -> None:
    parts = [Sampled(1.0, np.full(DRAWS, 1.0)), UNDEFINED, Sampled(4.0, np.full(DRAWS, 4.0))]
    found = average(parts, [1.0, 5.0, 2.0])
    assert found.value == 3.0 and (found.drawn == 3.0).all()
    assert average([UNDEFINED], [1.0]).estimate() is None


def test_over_zero_is_undefined_without_a_warning() -> None:
    assert np.isnan(divided(np.array([1.0, 0.0]), np.array([0.0, 0.0]))).all()
