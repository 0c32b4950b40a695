"""How well a score tells two classes apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the percentile bootstrap interval around it."""

    value: float
    low: float
    high: float
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def auc(positive: Numbers, negative: Numbers) -> float:
    """Probability that a positive scores above a negative, ties half: the area under the ROC.

    Raises ValueError where a class is empty (Mann and Whitney 1947).
    """
    return _wins(*_counts(positive, negative))


def bootstrapped_auc(
    positive: Numbers, negative: Numbers, *, draws: int = 2000, seed: int = 0, level: float = 0.95
) -> Estimate:
    """The AUC with its interval, each class resampled by itself (Efron and Tibshirani 1993)."""
    random = np.random.default_rng(seed)
    sides = _counts(positive, negative)
    found = [
        _wins(*(random.multinomial(side.sum(), side / side.sum()) for side in sides))
        for _ in range(draws)
    ]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(_wins(*sides), float(low), float(high), level)


def _counts(positive: Numbers, negative: Numbers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many of each class have each value, by rising value."""
    if not len(positive) or not len(negative):
        raise ValueError(f"{len(positive)} positive and {len(negative)} negative, expected both")
    values, place = np.unique(np.concatenate([positive, negative]), return_inverse=True)
    first, second = np.split(place, [len(positive)])
    return np.bincount(first, minlength=len(values)), np.bincount(second, minlength=len(values))


def _wins(positive: NDArray[np.int64], negative: NDArray[np.int64]) -> float:
    below = np.cumsum(negative) - negative / 2
    return float(positive @ below / (positive.sum() * negative.sum()))
