import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mmjudge.bench.metrics.separation import Estimate, auc, bootstrapped_auc

scores = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=30).map(np.array)


@given(positive=scores, negative=scores)
def test_auc_is_scikit_learns(positive: np.ndarray, negative: np.ndarray) -> None:
    labels = np.repeat([1, 0], [len(positive), len(negative)])
    expected = roc_auc_score(labels, np.concatenate([positive, negative]))
    assert auc(positive, negative) == pytest.approx(expected, abs=1e-12)


@given(positive=scores, negative=scores)
def test_exchanged_classes_turn_auc_around(positive: np.ndarray, negative: np.ndarray) -> None:
    assert auc(positive, negative) + auc(negative, positive) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(("positive", "negative"), [([], [1.0]), ([1.0], []), ([], [])])
def test_an_empty_class_has_no_auc(positive: list[float], negative: list[float]) -> None:
    with pytest.raises(ValueError, match=f"{len(positive)} positive and {len(negative)} negative"):
        auc(np.array(positive), np.array(negative))


def test_the_interval_holds_the_figure_and_is_the_same_again() -> None:
    random = np.random.default_rng(1)
    positive, negative = random.normal(1.0, 1.0, 60), random.normal(0.0, 1.0, 50)
    found = bootstrapped_auc(positive, negative, draws=300)
    assert found.low < found.value < found.high
    assert found == bootstrapped_auc(positive, negative, draws=300)
    assert found != bootstrapped_auc(positive, negative, draws=300, seed=1)


def test_more_rows_narrow_the_interval() -> None:
    random = np.random.default_rng(2)

    def width(count: int) -> float:
        sides = random.normal(0.5, 1.0, count), random.normal(0.0, 1.0, count)
        found = bootstrapped_auc(*sides, draws=300)
        return found.high - found.low

    assert width(2000) < width(20) / 3


def test_an_estimate_is_told_with_its_interval() -> None:
    assert str(Estimate(0.8123, 0.7, 0.9)) == "0.812 (0.700 to 0.900)"
