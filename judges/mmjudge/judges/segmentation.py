"""Words and phrases of a text, by rule: Unicode's word boundaries, and a list of stop words."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import regex  # type: ignore[import-untyped]

from mmjudge.judges.stop_words import is_stop_word

SegmentKind = Literal["word", "stop", "number", "mark"]

# The default word boundaries of Unicode (UAX 29), as `regex` implements them with its WORD flag.
_BOUNDARY = regex.compile(r"\b", regex.WORD | regex.VERSION1)
# Emoji name things as letters do; copyright signs and the like are pictographs by heritage alone.
_LETTER = regex.compile(
    r"[[\p{L}\p{Extended_Pictographic}\p{Regional_Indicator}]--[\p{N}#*©®™]]", regex.VERSION1
)
_NUMBER = regex.compile(r"\p{N}")
_LINE_BREAK = regex.compile(r"[\n\r\v\f\x85\u2028\u2029]")
# Scripts without spaces that UAX 29 leaves to dictionaries: Thai, Lao, Khmer, Burmese and others.
_UNSPACED = regex.compile(r"\p{Line_Break=Complex_Context}")


class Segment(NamedTuple):
    """Characters `start` to `end` of a text, and what they are.

    `word` names something, or might; `stop` is an English stop word; `number` has digits and no
    letter; `mark` is punctuation or a symbol that is no emoji.
    """

    start: int
    end: int
    kind: SegmentKind


def word_boundaries(text: str) -> list[int]:
    """Positions between characters where a word, a mark or a run of spaces begins or ends.

    By UAX 29, both ends of the text included. Ideographs and Hiragana stand alone there, since to
    join them takes a dictionary; a run of Thai, Lao, Khmer or Burmese is one word here.
    """
    found = [0, *(match.start() for match in _BOUNDARY.finditer(text)), len(text)]
    return [
        at
        for at in dict.fromkeys(found)
        if not (0 < at < len(text) and _UNSPACED.match(text, at - 1) and _UNSPACED.match(text, at))
    ]


def segments(text: str) -> list[Segment]:
    """Everything in the text but spaces, in order."""
    bounds = word_boundaries(text)
    return [
        Segment(start, end, _kind(part))
        for start, end in zip(bounds, bounds[1:], strict=False)
        if (part := text[start:end]) and not part.isspace()
    ]


def phrases(text: str, found: Sequence[Segment]) -> list[Segment]:
    """Maximal runs of words with spaces or one hyphen between them, and the other segments.

    A rule, not a parser: "a small red cup on the old table" has the phrases "small red cup" and
    "old table". Where no stop word stands between a noun and a verb, the verb is in the phrase.
    A line break ends a phrase.
    """
    joined: list[Segment] = []
    hyphens = {"-", "\N{HYPHEN}"}
    for segment in found:
        before = joined[-1] if joined else None
        # A hyphen is joined once the word after it is known to touch it.
        if before and segment.kind == "word" and text[before.start : before.end] in hyphens:
            head = joined[-2] if len(joined) > 1 else None
            if (
                head
                and head.kind == "word"
                and head.end == before.start < segment.start == before.end
            ):
                joined[-2:] = [Segment(head.start, segment.end, "word")]
                continue
        if before and segment.kind == before.kind == "word":
            if not _LINE_BREAK.search(text, before.end, segment.start):
                joined[-1] = Segment(before.start, segment.end, "word")
                continue
        joined.append(segment)
    return joined


def _kind(part: str) -> SegmentKind:
    if _LETTER.search(part):
        return "stop" if is_stop_word(part) else "word"
    return "number" if _NUMBER.search(part) else "mark"
