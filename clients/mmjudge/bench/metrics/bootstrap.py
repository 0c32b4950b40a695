"""Percentile bootstrap by counts: how often each row is drawn, for all draws at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mmjudge.bench.metrics.separation import Estimate, Numbers

DRAWS = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """A statistic of the rows, and of every resample of them.

    value: NaN where it is undefined; drawn: `[draws]`, NaN where a draw leaves it undefined.
    """

    value: float
    drawn: Numbers

    def estimate(self, unit: float = 1.0) -> Estimate | None:
        """Value and percentile interval times `unit`; None where the value is undefined.

        Draws in which the statistic is undefined are left out of the interval.
        """
        if not np.isfinite(self.value):
            return None
        drawn = self.drawn[np.isfinite(self.drawn)]
        tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
        low, high = np.quantile(drawn if len(drawn) else [self.value], tails)
        return Estimate(unit * self.value, unit * float(low), unit * float(high), LEVEL)


UNDEFINED = Sampled(float("nan"), np.full(DRAWS, np.nan))


def generator(*names: str) -> np.random.Generator:
    """Random numbers that depend on the names alone: other names draw independently."""
    return np.random.default_rng(list("\n".join(names).encode()) or 0)


def drawn_counts(rows: int, *names: str) -> Numbers:
    """How often each row is drawn: `[draws, rows]`, each line sums to `rows`."""
    return generator(*names).multinomial(rows, np.full(rows, 1 / rows), size=DRAWS).astype(float)


def sampled(
    columns: Numbers, statistic: Callable[[Numbers], Numbers], names: Sequence[str]
) -> Sampled:
    """A statistic of columns' sums, whole rows resampled (Efron and Tibshirani 1993).

    columns: `[rows, columns]`, of which equal rows are drawn together; statistic: from sums
    `[draws, columns]` to `[draws]`, NaN where undefined. No rows at all: the value is NaN.
    """
    if not len(columns):
        return UNDEFINED
    kinds, counts = np.unique(columns, axis=0, return_counts=True)
    drawn = generator(*names).multinomial(len(columns), counts / len(columns), size=DRAWS)
    return Sampled(float(statistic((counts @ kinds)[None])[0]), statistic(drawn @ kinds))


def sampled_mean(values: Numbers, *names: str) -> Sampled:
    """The mean of `[rows]` values."""
    return sampled(np.column_stack([values, np.ones(len(values))]), ratio, names)


def ratio(sums: Numbers) -> Numbers:
    """First column over second, `[draws]`; NaN where the second is 0."""
    return divided(sums[:, 0], sums[:, 1])


def divided(above: Numbers, below: Numbers) -> Numbers:
    """The quotient; NaN over 0."""
    quotient = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def average(parts: Sequence[Sampled], weights: Sequence[float]) -> Sampled:
    """Weighted mean over strata drawn each by itself; those that are undefined are left out."""
    values = _mean(np.array([[part.value] for part in parts]), np.array(weights))
    drawn = _mean(np.array([part.drawn for part in parts]), np.array(weights))
    return Sampled(float(values[0]), drawn)


def _mean(values: Numbers, weights: Numbers) -> Numbers:
    defined = np.isfinite(values)
    return divided(weights @ np.where(defined, values, 0.0), weights @ defined)
