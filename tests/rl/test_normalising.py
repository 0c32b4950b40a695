"""Judges of different scales brought to one."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mmjudge.rl import Normalisation, RewardMix
from mmjudge.rl.mix import mixed
from mmjudge.rl.normalising import BatchZScore, RunningQuantile, normaliser

VALUES = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=50)


def array(*values: float) -> NDArray[np.float64]:
    return np.array(values, np.float64)


def test_none_leaves_the_values_alone() -> None:
    assert normaliser("none", 4)(array(1, 2)).tolist() == [1, 2]


def test_z_scores_are_those_of_the_population() -> None:
    values = array(1, 2, 3, 6)
    expected = (values - 3) / (np.sqrt(14 / 4) + 1e-6)
    assert BatchZScore()(values) == pytest.approx(expected)


@given(st.floats(-1e30, 1e30), st.integers(1, 30))
def test_equal_values_have_a_z_score_of_exactly_zero(value: float, count: int) -> None:
    assert BatchZScore()(np.full(count, value, np.float64)).tolist() == [0.0] * count


@given(VALUES)
def test_quantiles_order_as_the_values_do(values: list[float]) -> None:
    found = RunningQuantile(100)(array(*values))
    assert ((found > 0) & (found < 1)).all()
    for i, value in enumerate(values):
        below = sum(other < value for other in values)
        equal = sum(other == value for other in values)
        assert found[i] == pytest.approx((below + equal / 2) / len(values))


def test_a_quantile_is_among_the_values_of_earlier_calls() -> None:
    quantile = RunningQuantile(100)
    assert quantile(array(5)).tolist() == [0.5]
    assert quantile(array(7)).tolist() == [0.75]
    assert quantile(array(1, 9)).tolist() == [0.125, 0.875]


def test_a_window_forgets_its_oldest_values() -> None:
    quantile = RunningQuantile(2)
    quantile(array(1, 2, 3))
    assert quantile.state() == [2, 3]


@given(VALUES, VALUES)
def test_a_restored_window_goes_on_as_the_saved_one(
    before: list[float], after: list[float]
) -> None:
    saved, restored = RunningQuantile(20), RunningQuantile(20)
    saved(array(*before))
    restored.restore(json.loads(json.dumps(saved.state())))
    assert restored(array(*after)).tolist() == saved(array(*after)).tolist()


@pytest.mark.parametrize("kind", ["none", "batch"])
def test_what_has_no_state_saves_none(kind: Normalisation) -> None:
    stateless = normaliser(kind, 4)
    stateless.restore(stateless.state())
    assert stateless.state() == []


def test_a_mix_is_the_weighted_sum_of_normalised_values() -> None:
    mix = RewardMix({"a": 2.0, "b": -0.5}, {"b": "batch"})
    parts = {"a": np.array([1, 2], np.float32), "b": np.array([10, 30], np.float32)}
    found = mixed(mix, parts, mix.normalisers())
    assert found.dtype == np.float32
    assert found == pytest.approx([2 + 0.5, 4 - 0.5], abs=1e-6)


def test_a_sample_that_one_judge_failed_has_no_value_and_moves_no_other() -> None:
    mix = RewardMix({"a": 1.0, "b": 1.0}, "batch")
    parts = {
        "a": np.array([1, 3, 1000, np.nan], np.float32),
        "b": np.array([5, 5, np.nan, 7], np.float32),
    }
    assert mixed(mix, parts, mix.normalisers()) == pytest.approx(
        [-1, 1, np.nan, np.nan], abs=1e-5, nan_ok=True
    )


def test_when_all_samples_failed_nothing_is_summed() -> None:
    mix = RewardMix({"a": 1.0}, "running")
    normalisers = mix.normalisers()
    assert np.isnan(mixed(mix, {"a": np.array([np.nan], np.float32)}, normalisers)).all()
    assert normalisers["a"].state() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({},), "weights is empty"),
        (({"a": 0.0},), r"weights\['a'\] is 0.0"),
        (({"a": float("nan")},), r"weights\['a'\] is nan"),
        (({"a": 1.0}, {"b": "batch"}), r"normalise names \['b'\]"),
        (({"a": 1.0}, {"a": "z"}), "normalise is 'z', expected 'none', 'batch' or 'running'"),
        (({"a": 1.0}, "z"), "normalise is 'z'"),
        (({"a": 1.0}, {}, 1), "window is 1"),
    ],
)
def test_a_mix_that_makes_no_sense_is_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RewardMix(*arguments)  # type: ignore[arg-type]
