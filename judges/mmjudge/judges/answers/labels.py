"""Labels as judges write them: any case, hyphens or spaces, emphasis, a heading or a colon."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

_JOIN = r"[\s_‐‑–-]{0,3}"
_MARKS = r"[ \t*_`\"'“”’\])]{0,9}"
# Words that may stand before a label without making it another one.
_PLAIN_WORDS = (
    r"the|a|an|my|your|this|its|and|so|thus|hence|therefore|overall|final|numeric|numerical|total"
)
# Another rating on the same line, of another label than those asked for.
_ANSWER_BEFORE = r"(?:rating|score)[\s*_\"']{0,5}[:=][\s*_\"']{0,5}[\d./]{1,9}[\s*_\"']{1,9}"
_BEFORE = re.compile(
    rf"(?:\n[^\w\n/]*|{_ANSWER_BEFORE}|[.!?;:,)\]}}|…。；，>][^\w\n/-]*?)"
    rf"(?P<start>(?:(?:{_PLAIN_WORDS})[\s_-]{{1,3}}){{0,3}}[*_`\"'“‘\[(]{{0,9}})\Z",
    re.IGNORECASE,
)
_LINE_START = re.compile(
    rf"[^\w/]*(?:\d{{1,2}}[.)][^\w/]*)?(?:(?:{_PLAIN_WORDS})\s[^\w/]*){{0,3}}", re.IGNORECASE
)
_LOOK_BACK = 60
_SEPARATOR = (
    rf"{_MARKS}(?:\((?P<aside>[^()\n]{{0,60}})\))?{_MARKS}"
    r"(?:[ \t](?:for|of)[ \t](?:this|the)[ \t](?:image|picture|photo|response))?"
    r"(?:[:：=→|>]|->|[ \t](?:--?|[–—])(?=[ \t])|[ \t]+is(?=[\s:])|(?P<heading>[ \t]*\r?\n)){1,2}"
)


@dataclass(frozen=True, slots=True)
class LabelFound:
    """A label in a text: which, where it starts, where its value does, and the parenthesis.

    label: its place among those asked for, their number for the bare last word.
    """

    label: int
    start: int
    value: int
    aside: str


def spellings(label: str) -> str:
    """A pattern of a label or name, whatever joins its words."""
    return _JOIN.join(map(re.escape, re.split(r"[\s_-]+", label.strip())))


def last_word(label: str) -> str | None:
    """What `Rating` is to `ALIGNMENT-RATING`; None for a label of one word."""
    words = re.split(r"[\s_-]+", label.strip())
    return words[-1] if len(words) > 1 else None


@cache
def _patterns(labels: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of a label in prose with its separator, and of a key that is one."""
    places = sorted(range(len(labels)), key=lambda place: len(labels[place]), reverse=True)
    either = "|".join(f"(?P<l{place}>{spellings(labels[place])})" for place in places)
    return (
        re.compile(rf"(?<![^\W_])(?:{either})(?![^\W_]){_SEPARATOR}", re.IGNORECASE),
        re.compile(
            rf"\W*(?:(?:{_PLAIN_WORDS})[\s_-]?)?(?:{either})\W*(?:\((?P<aside>[^()]{{0,60}})\)\W*)?",
            re.IGNORECASE,
        ),
    )


def _place(match: re.Match[str], labels: Sequence[str]) -> int:
    return next(place for place in range(len(labels)) if match[f"l{place}"] is not None)


def labels_in(text: str, labels: tuple[str, ...]) -> Iterator[LabelFound]:
    """Find each label with a separator and a value to come, in order, wherever it stands."""
    for match in _patterns(labels)[0].finditer(text):
        if match["heading"] and not _starts_line(text, match.start()):
            continue
        yield LabelFound(_place(match, labels), match.start(), match.end(), match["aside"] or "")


def label_of_key(key: str, labels: tuple[str, ...]) -> tuple[int, str] | None:
    """Which label a JSON key is, and the parenthesis in it; None if none."""
    if len(key) > 200 or not (match := _patterns(labels)[1].fullmatch(key)):
        return None
    return _place(match, labels), match["aside"] or ""


def clause_start(text: str, start: int) -> int | None:
    """Where the clause of a label at `start` begins, its article included.

    None where a word stands before the label that may make it another one: `SAFETY-RATING` for
    `RATING`, or prose that merely mentions it.
    """
    first = max(start - _LOOK_BACK, 0)
    before = text[first:start] if first else "\n" + text[:start]
    match = _BEFORE.search(before)
    return start - len(match["start"]) if match else None


def _starts_line(text: str, start: int) -> bool:
    first = max(start - _LOOK_BACK, 0)
    before = text[first:start] if first else "\n" + text[:start]
    return "\n" in before and _LINE_START.fullmatch(before.rpartition("\n")[2]) is not None
