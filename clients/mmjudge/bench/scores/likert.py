"""Scores as they stand in published files: numbers, numbers in text, or words of a Likert scale."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

LEVELS: Mapping[int, tuple[str, ...]] = {
    5: ("extremely poor", "poor", "average", "good", "outstanding"),
    10: (
        *("extremely poor", "very poor", "poor", "below average", "average"),
        *("above average", "good", "very good", "excellent", "outstanding"),
    ),
}
"""MJ-Bench's scales, from level 1 upwards."""
_AROUND = " \t\r\n`*\"'"


def likert_steps(column: Sequence[Any]) -> int:
    """10 where a word occurs that only that scale has, else 5."""
    words = {_plain(value) for value in column if isinstance(value, str)}
    return 10 if words & (set(LEVELS[10]) - set(LEVELS[5])) else 5


def read_score(value: Any, steps: int) -> float | None:
    """A score, or None for what is neither a number nor a level of the scale with so many steps.

    Words and numbers in text are read whole, without white space, fences, quotes and full stops
    around them. Raises ValueError for a number that is not finite.
    """
    if isinstance(value, str):
        plain = _plain(value)
        if plain in LEVELS[steps]:
            return 1.0 + LEVELS[steps].index(plain)
        try:
            value = float(plain) if plain.strip("0123456789.e+-") == "" else None
        except ValueError:
            return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if not isfinite(value):
        raise ValueError(f"{value}, expected a finite number")
    return float(value)


def _plain(text: str) -> str:
    return " ".join(text.strip(_AROUND).rstrip(_AROUND + ".").casefold().split())
