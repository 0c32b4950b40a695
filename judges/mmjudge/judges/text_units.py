"""What of a text is rewarded: its words, its phrases, or the caller's own spans."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mmjudge.judges.byte_offsets import byte_offsets, touched_characters
from mmjudge.judges.segmentation import Segment, phrases, segments

UnitMode = Literal["word", "phrase", "span"]


@dataclass(frozen=True, slots=True)
class UnitRules:
    """What counts as a unit, and which stop words and numbers have no reward.

    unit: `word`, `phrase` (a run of words), or `span` for the caller's own spans, words of a
    candidate that has none.
    stop_words: `english` for the list in `stop_words`, or `none`.
    numbers: `zero`, or `score` to treat them as words.
    """

    unit: UnitMode = "word"
    stop_words: Literal["english", "none"] = "english"
    numbers: Literal["zero", "score"] = "zero"


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The units of a text, in the order of their starts.

    characters: int64 `[n, 2]`; bytes: int32 `[n, 2]`, in UTF-8.
    visual: bool `[n]`, False for those whose reward is 0 by rule.
    spans: int64 `[n]`, which of the caller's spans each is; None for words and phrases.
    """

    characters: NDArray[np.int64]
    bytes: NDArray[np.int32]
    visual: NDArray[np.bool_]
    spans: NDArray[np.int64] | None = None


def text_units(text: str, spans: NDArray[np.int32] | None, rules: UnitRules) -> Units:
    """Cut a text into units; `spans` int32 `[n, 2]`, in bytes, are the caller's, if any.

    A span that cuts a character, as byte-level tokens do, is the unit of all of it.
    """
    offsets = byte_offsets(text)
    found = [_ruled(segment, rules) for segment in segments(text)]
    words = [segment for segment in found if segment.kind == "word"]
    if rules.unit == "span" and spans is not None:
        filled = np.flatnonzero(spans[:, 1] > spans[:, 0])
        touched = touched_characters(offsets, spans[filled])
        # Words do not overlap: those that end behind a start and begin before an end.
        before = np.searchsorted([word.end for word in words], touched[:, 0], "right")
        behind = np.searchsorted([word.start for word in words], touched[:, 1], "left")
        return Units(touched, spans[filled], behind > before, filled)
    if rules.unit == "phrase":
        found = phrases(text, found)
    characters = np.array([segment[:2] for segment in found], np.int64).reshape(-1, 2)
    visual = np.array([segment.kind == "word" for segment in found], bool)
    return Units(characters, offsets[characters].astype(np.int32), visual)


def _ruled(segment: Segment, rules: UnitRules) -> Segment:
    scored = (segment.kind == "stop" and rules.stop_words == "none") or (
        segment.kind == "number" and rules.numbers == "score"
    )
    return segment._replace(kind="word") if scored else segment
