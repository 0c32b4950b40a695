"""Bringing judges of different scales to one, before they are added."""

from collections import deque
from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Normalisation = Literal["none", "batch", "running"]
"""As it comes; z-scores within the call; the quantile among the values seen lately."""

WINDOW = 4096
"""How many values "running" remembers, unless told otherwise."""


class Normaliser(Protocol):
    """Maps a judge's values float64 `[n]`, all finite, to comparable ones of the same shape."""

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the normalised values."""

    def state(self) -> list[float]:
        """Return what has to be kept for resuming."""

    def restore(self, state: Sequence[float]) -> None:
        """Take up a saved state."""


class AsItComes:
    """No normalisation."""

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return `values`."""
        return values

    def state(self) -> list[float]:
        """Return nothing: there is no state."""
        return []

    def restore(self, state: Sequence[float]) -> None:
        """Do nothing."""


class BatchZScore(AsItComes):
    """(value - mean) / (standard deviation + 1e-6) over one call; 0 for values that are all equal.

    ValueError for a call of one sample, whose every value would be 0.
    """

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the z-scores of `values`, with the population's standard deviation."""
        if values.size == 0 or values.min() == values.max():
            return np.zeros_like(values)
        deviation: NDArray[np.float64] = (values - values.mean()) / (values.std() + 1e-6)
        return deviation


class RunningQuantile:
    """The share of the last `window` values below a value, ties half: in (0, 1).

    The values asked about count among the window, as its latest. Windows are of one process.
    """

    def __init__(self, window: int = WINDOW) -> None:
        self._seen: deque[float] = deque(maxlen=window)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the quantiles of `values` and remember them."""
        self._seen.extend(values.tolist())
        known = np.sort(np.fromiter(self._seen, np.float64, len(self._seen)))
        below, upto = np.searchsorted(known, values), np.searchsorted(known, values, "right")
        return (below + upto) / (2 * max(len(known), 1))

    def state(self) -> list[float]:
        """Return the window, oldest first."""
        return list(self._seen)

    def restore(self, state: Sequence[float]) -> None:
        """Take up a window that `state` returned."""
        self._seen = deque(map(float, state), maxlen=self._seen.maxlen)


def normaliser(kind: Normalisation, window: int) -> Normaliser:
    """Return a fresh normaliser of this kind; ValueError for an unknown one."""
    match kind:
        case "none":
            return AsItComes()
        case "batch":
            return BatchZScore()
        case "running":
            return RunningQuantile(window)
    raise ValueError(f"normalise is {kind!r}, expected 'none', 'batch' or 'running'")
