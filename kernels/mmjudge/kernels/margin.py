"""Rewards from similarities: where a token counts as seen in the image, and where as made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Mode = Literal["hinge", "center", "sign", "raw"]


@dataclass(frozen=True)
class Margin:
    """A transform of similarities `s` by two levels, `lo` below `hi`.

    * `hinge`: `s - hi` above `hi`, `s - lo` below `lo`, 0 between them.
    * `center`: -1 at `lo`, 1 at `hi`, linear through both and beyond.
    * `sign`: 1 from `hi` up, -1 from `lo` down, 0 between them.
    * `raw`: `s` itself.

    FiSAO (arXiv 2410.14148) rewards tokens by such levels, the mean similarities of correct and of
    hallucinated words; its exact formula was not at hand, so the form is the caller's choice.

    Raises:
        ValueError: `lo` not below `hi`, or an unknown `mode`.
    """

    lo: float
    hi: float
    mode: Mode = "hinge"

    def __post_init__(self) -> None:
        if not self.lo < self.hi:
            raise ValueError(f"Margin: lo {self.lo} and hi {self.hi}; expected lo below hi")
        if self.mode not in ("hinge", "center", "sign", "raw"):
            raise ValueError(
                f"Margin: mode {self.mode!r}; expected one of hinge, center, sign, raw"
            )

    def __call__(self, similarity: Tensor) -> Tensor:
        """Transform similarities of any shape; NaN stays NaN."""
        if self.mode == "hinge":
            return (similarity - self.hi).relu() - (self.lo - similarity).relu()
        if self.mode == "center":
            return (2.0 * similarity - (self.lo + self.hi)) / (self.hi - self.lo)
        if self.mode == "sign":
            lost = similarity * 0.0  # keeps NaN, and a gradient of zero
            return (similarity >= self.hi).to(lost) - (similarity <= self.lo).to(lost) + lost
        return similarity
