"""A judge that the policy is not trained on, watched for the reward running away from it."""

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmjudge.rl.trends import correlation, trend

_log = logging.getLogger(__name__)
_FEWEST_POINTS = 8


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Which judge watches, and how closely.

    judge: its name; it must not be one the policy is trained on.
    every: it is asked at every so many calls, in the same upload.
    samples: so many samples, or a call of more, make one point; single samples are too noisy.
    window: how many points a trend is drawn through, at least 8; none is drawn through fewer.
    errors: a trend counts when its slope is so many standard errors away from 0.
    """

    judge: str
    every: int = 1
    samples: int = 64
    window: int = 32
    errors: float = 2.0

    def __post_init__(self) -> None:
        if self.every < 1 or self.samples < 1 or self.errors < 0:
            raise ValueError(
                f"{self}: expected every and samples of at least 1, and errors of at least 0"
            )
        if self.window < _FEWEST_POINTS:
            raise ValueError(f"window is {self.window}, expected at least {_FEWEST_POINTS} points")


class Drift:
    """Follows what the trained judges add to the reward, and the held-out judge, over a run.

    The trained judges' parts are weighted but not normalised, since a batch's z-scores never rise.
    """

    def __init__(self, held_out: HeldOut, trained: Sequence[str]) -> None:
        self.held_out = held_out
        self._names = [*trained, held_out.judge]
        self._points: deque[list[float]] = deque(maxlen=held_out.window)
        self._sums = np.zeros(len(self._names))
        self._count = 0
        self._warned = False

    def observe(
        self, parts: Mapping[str, NDArray[np.float64]], held_out: NDArray[np.float32]
    ) -> dict[str, float]:
        """Take in one call, float `[n]` each; return what there is to log, as `metrics` does.

        Samples that any of the judges failed on are left out. Logs a warning when one of `parts`
        rises while the held-out judge falls, once for as long as that lasts.
        """
        columns = np.stack([*(parts[name] for name in self._names[:-1]), held_out])
        good = columns[:, np.isfinite(columns).all(axis=0)]
        self._sums += good.sum(axis=1)
        self._count += good.shape[1]
        if self._count >= self.held_out.samples:
            self._points.append((self._sums / self._count).tolist())
            self._sums, self._count = np.zeros(len(self._names)), 0
            self._warn()
        return self.metrics()

    def metrics(self) -> dict[str, float]:
        """Return the held-out mean of the latest point and, as soon as it has one, the trend.

        Names: mean; slope; warning (1 or 0); for each trained judge slope_of_NAME and
        correlation_with_NAME over the window's points, where they vary.
        """
        if not self._points:
            return {}
        *trained, held = zip(*self._points, strict=True)
        found = {"mean": held[-1]}
        if len(self._points) >= _FEWEST_POINTS:
            found |= {"slope": trend(held).slope, "warning": float(self._warned)}
            for name, series in zip(self._names, trained, strict=False):
                found[f"slope_of_{name}"] = trend(series).slope
                agreement = correlation(series, held)
                if agreement is not None:
                    found[f"correlation_with_{name}"] = agreement
        return found

    def state(self) -> dict[str, list[list[float]]]:
        """Return what has to be kept for resuming."""
        return {"points": list(self._points)}

    def restore(self, state: Mapping[str, list[list[float]]]) -> None:
        """Take up a saved state; ValueError if it is of other judges."""
        points = state["points"]
        if any(len(point) != len(self._names) for point in points):
            raise ValueError(f"saved points of other judges than {self._names}")
        self._points = deque(points, maxlen=self.held_out.window)
        self._warned = bool(self._rising())

    def _rising(self) -> list[str]:
        if len(self._points) < _FEWEST_POINTS:
            return []
        *trained, held = zip(*self._points, strict=True)
        if not trend(held).falls(self.held_out.errors):
            return []
        named = zip(self._names, trained, strict=False)
        return [name for name, series in named if trend(series).rises(self.held_out.errors)]

    def _warn(self) -> None:
        rising = self._rising()
        if rising and not self._warned:
            _log.warning(
                "the reward of %s rises while the held-out judge %r falls, over the last %d points "
                "of %d samples or more: the policy may be exploiting the reward; look at samples",
                " and ".join(map(repr, rising)),
                self.held_out.judge,
                len(self._points),
                self.held_out.samples,
            )
        self._warned = bool(rising)
