"""Which tokens a unit of a text became."""

from collections.abc import Sequence
from typing import NamedTuple

from mmjudge.judges.backbones.tower import Locating, Tower
from mmjudge.judges.backbones.windows import Range


class Located(NamedTuple):
    """A text's token ids, and for each of its units the tokens from a first to before a last.

    misaligned: how many units have tokens that were also made of what stands beside them.
    """

    ids: list[int]
    tokens: list[Range]
    misaligned: int = 0


def locate_units(tower: Tower, text: str, units: Sequence[Range]) -> Located:
    """Tokenize a text and find the tokens of each of its units, given in characters.

    By the tokenizer's own offsets where it has them: every token made of one of a unit's characters
    is the unit's. Else by its prefixes: where the ids of a prefix begin the ids of the text, a
    token ends there, and a unit at whose end none does has the tokens up to the next such place.
    A unit of which the tokenizer kept nothing has no tokens.
    """
    ids = tower.tokenize(text)
    offsets = tower.locate(text) if isinstance(tower, Locating) else None
    if offsets is None:
        return _by_prefixes(tower, text, ids, units)
    return _by_offsets(text, ids, offsets, units)


def _by_offsets(
    text: str, ids: list[int], offsets: Sequence[Range], units: Sequence[Range]
) -> Located:
    filled = [(start, end, at) for at, (start, end) in enumerate(offsets) if start < end]
    tokens, misaligned = [], 0
    for unit in units:
        made = [token for token in filled if token[0] < unit[1] and token[1] > unit[0]]
        tokens.append((made[0][2], made[-1][2] + 1) if made else (0, 0))
        beside = made and text[made[0][0] : unit[0]] + text[unit[1] : made[-1][1]]
        misaligned += bool(beside and beside.strip())
    return Located(ids, tokens, misaligned)


def _by_prefixes(tower: Tower, text: str, ids: list[int], units: Sequence[Range]) -> Located:
    opening, closing = _special(tower)

    def ended(position: int) -> int | None:
        """How many tokens the characters before `position` are; None if one goes on behind it."""
        prefix = text[:position].rstrip()
        if not prefix:
            return opening
        before = tower.tokenize(prefix)
        count = len(before) - closing
        return count if before[:count] == ids[:count] else None

    asked = {position: ended(position) for unit in units for position in unit}
    known = {0: opening} | {at: count for at, count in asked.items() if count is not None}
    known[len(text)] = len(ids) - closing
    tokens, misaligned = [], 0
    for start, end in units:
        first = known[max(position for position in known if position <= start)]
        last = known[min(position for position in known if position >= end)]
        misaligned += start not in known or end not in known
        tokens.append((first, last) if first < last else (0, 0))
    return Located(ids, tokens, misaligned)


def _special(tower: Tower) -> tuple[int, int]:
    """How many special tokens begin every text, and how many end it."""
    none, some = tower.tokenize(""), tower.tokenize("a")
    closing = 0
    while closing < len(none) and none[-1 - closing] == some[-1 - closing]:
        closing += 1
    return len(none) - closing, closing
