"""From similarities of units to their rewards."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mmjudge.kernels import Margin

TransformMode = Literal["raw", "hinge", "center", "sign", "zscore"]


@dataclass(frozen=True, slots=True)
class Levels:
    """Similarities of words known to be correct and known to be hallucinated.

    margin: how far inside the two means the levels `hi` and `lo` of the transforms lie:
    hi = mean_correct - margin, lo = mean_hallucinated + margin.
    """

    mean_correct: float
    mean_hallucinated: float
    margin: float = 0.0

    @property
    def hi(self) -> float:
        """From where a unit counts as seen in the image."""
        return self.mean_correct - self.margin

    @property
    def lo(self) -> float:
        """Up to where a unit counts as made up."""
        return self.mean_hallucinated + self.margin


@dataclass(frozen=True, slots=True)
class Transform:
    """Similarity s -> reward, by `mode`, then kept within `clip_low` and `clip_high`.

    * `raw`: s
    * `hinge`, centred on the nearer of the two means: s - hi for s > hi, s - lo for s < lo, else 0
    * `center`: (2 s - (lo + hi)) / (hi - lo), which is 1 at hi and -1 at lo
    * `sign`: 1 for s >= hi, -1 for s <= lo, else 0
    * `zscore`: (s - mean) / std

    Raises ValueError for numbers with which the mode makes no sense.
    """

    mode: TransformMode = "raw"
    levels: Levels = Levels(0.0, 0.0)
    mean: float = 0.0
    std: float = 0.0
    clip_low: float = -math.inf
    clip_high: float = math.inf

    def __post_init__(self) -> None:
        levels = self.levels
        if self.mode in ("hinge", "center", "sign") and not levels.lo < levels.hi:
            raise ValueError(
                f"transform {self.mode!r}: needs mean_hallucinated + margin ({levels.lo:g}) below "
                f"mean_correct - margin ({levels.hi:g}); set the two means, or name the file that "
                "`mmjudge calibrate` wrote as `calibration`"
            )
        if self.mode == "zscore" and not self.std > 0:
            raise ValueError(
                f"transform 'zscore': std {self.std:g}, expected it above 0; set mean and std, or "
                "name the file that `mmjudge calibrate` wrote as `calibration`"
            )
        if not self.clip_low < self.clip_high:
            raise ValueError(
                f"clip_low {self.clip_low:g}, clip_high {self.clip_high:g}: expected low below high"
            )

    def __call__(self, similarities: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 `[n]` -> float32 `[n]`; NaN stays NaN."""
        if self.mode == "zscore":
            wide = (similarities.astype(np.float64) - self.mean) / self.std
            rewards = wide.astype(np.float32)
        elif self.mode == "raw":
            rewards = similarities
        else:
            margin = Margin(self.levels.lo, self.levels.hi, self.mode)
            rewards = margin(torch.from_numpy(similarities)).numpy()
        return np.clip(rewards, np.float32(self.clip_low), np.float32(self.clip_high))

    @property
    def range(self) -> tuple[float, float]:
        """Least and largest reward of similarities in -1..1, or of none, which have 0."""
        # No mode decreases anywhere.
        least, most = self(np.array([-1.0, 1.0], np.float32)).tolist()
        return min(least, 0.0), max(most, 0.0)

    @property
    def provenance(self) -> dict[str, str]:
        """What of it changes a reward, for a fingerprint."""
        numbers = {
            "raw": "",
            "zscore": f" mean {self.mean!r} std {self.std!r}",
        }.get(self.mode, f" hi {self.levels.hi!r} lo {self.levels.lo!r}")
        clip = f" within {self.clip_low!r} and {self.clip_high!r}"
        return {"transform": f"{self.mode}{numbers}{clip}"}
