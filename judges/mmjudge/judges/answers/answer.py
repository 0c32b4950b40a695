"""What is asked of a judge's words, what was read in them, and why nothing was."""

from dataclasses import dataclass

from mmjudge.contract.verdicts import AbstentionReason


@dataclass(frozen=True, slots=True)
class Scale:
    """Ratings from `low` to `high`; with `words`, the names of low, low + 1, ..., high.

    Raises ValueError where `low` is not below `high`, or words are not one for each step.
    """

    low: int
    high: int
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise ValueError(f"scale of {self.low} to {self.high}: expected low below high")
        steps = self.high - self.low + 1
        if self.words and len(self.words) != steps:
            raise ValueError(
                f"scale of {self.low} to {self.high} with {len(self.words)} words; expected {steps}"
            )


@dataclass(frozen=True, slots=True)
class Ratings:
    """One value for each label asked for, in the scale's units, and the reasons given."""

    values: tuple[float, ...]
    rationale: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The place (from 0) of what was chosen, None for a tie, and the reasons given."""

    index: int | None
    rationale: str = ""


class Unreadable(Exception):
    """There is no usable answer; never leaves the judge, which abstains with `reason`."""

    def __init__(self, reason: AbstentionReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
