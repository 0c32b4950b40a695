"""Whether a series of numbers rises or falls beyond its own noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Trend:
    """Slope a step of a straight line through a series, and the slope's standard error."""

    slope: float
    error: float

    def rises(self, errors: float) -> bool:
        """Whether the slope is above 0 by more than so many standard errors."""
        return self.slope > errors * self.error

    def falls(self, errors: float) -> bool:
        """Whether the slope is below 0 by more than so many standard errors."""
        return self.slope < -errors * self.error


def trend(series: Sequence[float]) -> Trend:
    """Return the ordinary least squares trend of 3 or more numbers, whose noise is independent."""
    values = np.asarray(series, np.float64)
    steps = np.arange(len(values)) - (len(values) - 1) / 2
    spread = float(steps @ steps)
    slope = float(steps @ values) / spread
    residuals = values - values.mean() - slope * steps
    return Trend(slope, float(np.sqrt(residuals @ residuals / (len(values) - 2) / spread)))


def correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return Pearson's correlation; None where a series is constant, which has none."""
    a, b = (np.asarray(series, np.float64) for series in (one, other))
    if a.min() == a.max() or b.min() == b.max():
        return None
    return float(np.corrcoef(a, b)[0, 1])
