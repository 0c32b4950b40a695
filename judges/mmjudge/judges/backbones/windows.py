"""Cutting a text into windows that an encoder can read."""

from bisect import bisect_left
from collections.abc import Callable, Sequence

Range = tuple[int, int]


class UnitTooLong(ValueError):
    """A unit does not fit into a window by itself: its index."""

    def __init__(self, unit: int) -> None:
        super().__init__(f"unit {unit} does not fit into a window")
        self.unit = unit


def windows(
    length: int, units: Sequence[Range], cuts: Sequence[int], fits: Callable[[int, int], bool]
) -> list[tuple[Range, list[int]]]:
    """Cut a text of `length` characters into windows, as long as they may be, from its start on.

    Args:
        units: characters that must not be cut, in the order of their starts; they may overlap.
        cuts: where the text may be cut, ascending; cuts inside a unit are not made.
        fits: whether characters `start` to `end` fit into a window. Asked as if whatever holds more
            fitted less.

    Returns:
        For each window its characters, and the units it holds whole. Every unit is in exactly one
        window. What holds no unit is in no window, unless it stands beside one that does.

    Raises:
        UnitTooLong: for the first unit that fits into no window.
    """
    if units and fits(0, length):
        return [((0, length), list(range(len(units))))]
    held = list(zip(units, range(len(units)), strict=True))
    bounds = _uncutting(length, units, cuts)
    found: list[tuple[Range, list[int]]] = []
    first = 0
    while first < len(bounds) - 1:
        start = bounds[first]
        last = _last_fitting(bounds, first, fits)
        end = bounds[max(last, first + 1)]
        low = bisect_left(units, (start, -1))
        inside = [index for (begin, _), index in held[low:] if begin < end]
        if last == first and inside:  # the piece between two bounds is a unit, or several joined
            raise UnitTooLong(inside[0])
        if inside:
            found.append(((start, end), inside))
        first = max(last, first + 1)
    return found


def _uncutting(length: int, units: Sequence[Range], cuts: Sequence[int]) -> list[int]:
    """The ends of the text and of units, and cuts, that are inside no unit."""
    at = sorted({0, length, *cuts, *(bound for unit in units for bound in unit)})
    kept: list[int] = []
    reach, unit = 0, 0
    for position in at:
        while unit < len(units) and units[unit][0] < position:
            reach = max(reach, units[unit][1])
            unit += 1
        if position >= reach:
            kept.append(position)
    return kept


def _last_fitting(bounds: Sequence[int], first: int, fits: Callable[[int, int], bool]) -> int:
    """The largest index whose bound ends a window that begins at `first`; `first` for none."""
    low, step = first, 8
    high = len(bounds)
    while low + step < high:  # gallop, so that a long text is not read from every window
        if not fits(bounds[first], bounds[low + step]):
            high = low + step
            break
        low += step
        step *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if fits(bounds[first], bounds[middle]):
            low = middle
        else:
            high = middle
    return low
