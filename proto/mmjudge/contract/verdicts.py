"""Verdicts: a judgement, an abstention or an error, never an invented number."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.errors import Error, join_path


@dataclass(frozen=True, slots=True)
class Note:
    """Something done to the input that the caller should know of: code, message, field path."""

    code: str
    message: str
    field: str = ""

    def at(self, path: str) -> "Note":
        """Return this note with `path` put before its field."""
        return replace(self, field=join_path(path, self.field))


@dataclass(frozen=True, slots=True)
class Grid:
    """Patches of an image, and the rectangle that they cover: left, top, right, bottom.

    In widths and heights of the upright image; beyond 0 and 1 where the model pads it.
    """

    rows: int
    columns: int
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """Assessment of one candidate.

    value: the reward, higher is better; None when the judge only orders candidates.
    by_criterion: parts of the value by name.
    spans: int32 `[n, 2]`, UTF-8 byte offsets; span_values: float32 `[n]`.
    regions: int32 `[n]`, index into `grid` of the patch that justifies each span, -1 for none.
    """

    value: float | None = None
    by_criterion: Mapping[str, float] = field(default_factory=dict)
    spans: NDArray[np.int32] | None = None
    span_values: NDArray[np.float32] | None = None
    regions: NDArray[np.int32] | None = None
    grid: Grid | None = None
    rationale: str = ""
    raw_text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """A judge's answer: one score for each candidate, and their ranks (1 is best) if ordered."""

    scores: tuple[Score, ...]
    ranks: tuple[int, ...] = ()
    rationale: str = ""
    raw_text: str = ""


class AbstentionReason(IntEnum):
    """Why a judge abstained; values of `mmjudge.v1.AbstentionReason`."""

    UNPARSEABLE = 1
    REFUSED = 2
    CUT_SHORT = 3


@dataclass(frozen=True, slots=True)
class Abstention:
    """The judge ran but gave no usable answer."""

    reason: AbstentionReason
    message: str
    raw_text: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """How one item ended, and notes on what was done to its input."""

    outcome: Judgement | Abstention | Error
    notes: tuple[Note, ...] = ()

    @property
    def judgement(self) -> Judgement | None:
        """The judgement, or None for an abstention or an error."""
        return self.outcome if isinstance(self.outcome, Judgement) else None


@dataclass(frozen=True, slots=True)
class Timing:
    """Longest time in seconds that any one item spent in each stage."""

    queue: float = 0.0
    preprocess: float = 0.0
    inference: float = 0.0


def rank(values: list[float]) -> tuple[int, ...]:
    """Ranks by descending value; equal values share a rank: [0.5, 0.9, 0.5] -> (2, 1, 2)."""
    return tuple(1 + sum(other > value for other in values) for value in values)
