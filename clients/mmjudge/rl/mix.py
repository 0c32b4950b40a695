"""A reward of several judges: a weighted sum of what each says of a sample."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmjudge.rl.normalising import WINDOW, Normalisation, Normaliser, normaliser


@dataclass(frozen=True)
class RewardMix:
    """Judges by name with their weights, and how each is brought to a common scale.

    weights: judge -> weight, finite and not 0; a negative one makes a penalty.
    normalise: judge -> "none" (the default), "batch" or "running"; or one of them for all judges.
        See `mmjudge.rl.normalising` for what each does.
    window: how many values "running" remembers for each judge.

    All judges are asked in one upload. A sample that one of them could not judge has no reward.
    Raises ValueError for weights or names that make no sense.
    """

    weights: Mapping[str, float]
    normalise: Mapping[str, Normalisation] | Normalisation = field(default_factory=dict)
    window: int = WINDOW

    def __post_init__(self) -> None:
        if not self.weights:
            raise ValueError("weights is empty, expected at least one judge: {'clip': 1.0}")
        for name, weight in self.weights.items():
            if not math.isfinite(weight) or weight == 0:
                raise ValueError(
                    f"weights[{name!r}] is {weight}, expected a finite number other than 0: leave "
                    "out a judge that has no say"
                )
        unknown = [name for name in self._kinds() if name not in self.weights]
        if unknown:
            raise ValueError(
                f"normalise names {unknown}, expected judges of the mix: {list(self.weights)}"
            )
        if self.window < 2:
            raise ValueError(f"window is {self.window}, expected at least 2 values")
        self.normalisers()

    @property
    def needs_company(self) -> tuple[str, ...]:
        """Judges normalised within a call, which makes no sense of a single sample."""
        return tuple(name for name, kind in self._kinds().items() if kind == "batch")

    def normalisers(self) -> dict[str, Normaliser]:
        """Return fresh normalisers, one for each judge; ValueError for an unknown kind."""
        kinds = self._kinds()
        return {name: normaliser(kinds.get(name, "none"), self.window) for name in self.weights}

    def _kinds(self) -> Mapping[str, Normalisation]:
        if isinstance(self.normalise, str):
            return dict.fromkeys(self.weights, self.normalise)
        return self.normalise


def mixed(
    mix: RewardMix, parts: Mapping[str, NDArray[np.float32]], normalisers: Mapping[str, Normaliser]
) -> NDArray[np.float32]:
    """Return the weighted sum float32 `[n]` of `parts`, float32 `[n]` each with NaN for a failure.

    A sample that failed with any judge is NaN, and no part of it enters a normalisation.
    """
    kept = np.logical_and.reduce([np.isfinite(values) for values in parts.values()])
    total = np.full(kept.shape, np.nan)
    total[kept] = sum(
        weight * normalisers[name](parts[name][kept].astype(np.float64))
        for name, weight in mix.weights.items()
    )
    return total.astype(np.float32)
