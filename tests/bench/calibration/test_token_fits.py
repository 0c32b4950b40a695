import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmjudge.bench.calibration.token_fits import fit_tokens


def classes(distance: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(distance, 1.0, 400), random.normal(0.0, 1.0, 300)


def test_means_and_spreads_are_the_samples() -> None:
    correct, hallucinated = classes(2.0)
    fit = fit_tokens(correct, hallucinated, 0.1)
    assert (fit.mean_correct, fit.mean_hallucinated) == (correct.mean(), hallucinated.mean())
    assert fit.std_correct == correct.std(ddof=1)
    assert fit.auc.low < fit.auc.value < fit.auc.high
    assert 0.85 < fit.auc.value < 0.97  # of two normals two apart: 0.921


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 99), distance=st.floats(0.5, 5.0), wrong=st.floats(0.01, 0.4))
def test_no_more_than_the_share_is_taken_for_the_other(
    seed: int, distance: float, wrong: float
) -> None:
    correct, hallucinated = (side[:60] for side in classes(distance, seed))
    if hallucinated.mean() >= correct.mean():
        return
    fit = fit_tokens(correct, hallucinated, wrong)
    high, low = fit.mean_correct - fit.margin, fit.mean_hallucinated + fit.margin
    slack = 1e-12
    assert (hallucinated > high + slack).mean() <= wrong
    assert (correct < low - slack).mean() <= wrong
    assert low < high


def test_classes_far_apart_leave_few_undecided_and_near_ones_many() -> None:
    far, near = fit_tokens(*classes(6.0), 0.1), fit_tokens(*classes(0.5), 0.1)
    assert far.undecided < 0.02 < 0.5 < near.undecided
    assert near.margin < 0.0 < far.margin


@pytest.mark.parametrize(
    ("correct", "hallucinated", "wrong", "told"),
    [
        (np.ones(9), np.zeros(20), 0.1, "9 correct units, expected 10"),
        (np.ones(20), np.zeros(3), 0.1, "3 hallucinated units, expected 10"),
        (np.zeros(20), np.ones(20), 0.1, "does not tell them apart"),
        (np.ones(20), np.ones(20), 0.1, "no more similar"),
        (np.ones(20), np.zeros(20), 0.5, "wrong: 0.5, expected a share between 0 and 0.5"),
    ],
)
def test_what_cannot_be_fitted(
    correct: np.ndarray, hallucinated: np.ndarray, wrong: float, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        fit_tokens(correct, hallucinated, wrong)
