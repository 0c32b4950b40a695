"""From similarities to rewards."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmjudge.judges.transforms import Levels, Transform, TransformMode

LEVELS = Levels(0.3, 0.1, 0.05)  # hi 0.25, lo 0.15
BELOW, LOW, BETWEEN, HIGH, ABOVE = 0.0, 0.15, 0.2, 0.25, 0.5
SIMILARITIES = np.array([BELOW, BETWEEN, ABOVE], np.float32)
MODES: list[tuple[TransformMode, list[float]]] = [
    ("raw", [0.0, 0.2, 0.5]),
    ("hinge", [-0.15, 0.0, 0.25]),
    ("center", [-4.0, 0.0, 6.0]),
    ("sign", [-1.0, 0.0, 1.0]),
    ("zscore", [-2.0, 0.0, 3.0]),
]


def made(mode: TransformMode, low: float = -math.inf, high: float = math.inf) -> Transform:
    return Transform(mode, LEVELS, 0.2, 0.1, low, high)


@pytest.mark.parametrize(("mode", "expected"), MODES)
def test_the_formulas(mode: TransformMode, expected: list[float]) -> None:
    found = made(mode)(SIMILARITIES)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize(("mode", "expected"), MODES)
def test_clips_hold_whatever_the_mode(mode: TransformMode, expected: list[float]) -> None:
    found = made(mode, -0.1, 0.2)(SIMILARITIES)
    np.testing.assert_allclose(found, np.clip(expected, -0.1, 0.2), atol=1e-6)


@pytest.mark.parametrize("mode", [mode for mode, _ in MODES])
@given(similarity=st.floats(-1, 1, width=32))
def test_rewards_never_leave_the_range_that_is_told(mode: TransformMode, similarity: float) -> None:
    transform = made(mode)
    low, high = transform.range
    (found,) = transform(np.array([similarity], np.float32))
    assert low <= found <= high and low <= 0 <= high


@pytest.mark.parametrize("mode", [mode for mode, _ in MODES])
def test_what_is_no_number_stays_none(mode: TransformMode) -> None:
    assert np.isnan(made(mode, -1, 1)(np.array([np.nan], np.float32))).all()


def test_every_number_that_counts_is_in_the_provenance() -> None:
    transforms = [
        *(made(mode) for mode, _ in MODES),
        made("raw", -1.0),
        made("raw", high=1.0),
        Transform("hinge", Levels(0.31, 0.1, 0.05)),
        Transform("hinge", Levels(0.3, 0.11, 0.05)),
        Transform("zscore", std=0.1),
        Transform("zscore", std=0.2),
    ]
    assert len({str(transform.provenance) for transform in transforms}) == len(transforms)
    assert Transform("raw", LEVELS).provenance == Transform("raw").provenance


@pytest.mark.parametrize("mode", ["hinge", "center", "sign"])
def test_levels_the_wrong_way_round_are_refused_with_the_fix(mode: TransformMode) -> None:
    for levels in (Levels(0.0, 0.0), Levels(0.1, 0.3), Levels(0.3, 0.1, 0.1), Levels(math.nan, 0)):
        with pytest.raises(ValueError, match="set the two means, or name the file"):
            Transform(mode, levels)


@pytest.mark.parametrize("std", [0.0, -1.0, math.nan])
def test_a_z_score_needs_a_deviation(std: float) -> None:
    with pytest.raises(ValueError, match="std .* expected it above 0"):
        Transform("zscore", std=std)


def test_clips_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ValueError, match="expected low below high"):
        Transform(clip_low=1.0, clip_high=0.0)
