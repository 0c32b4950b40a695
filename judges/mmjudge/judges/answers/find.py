"""The values that stand under labels in an answer, and the reasons around them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mmjudge.judges.answers.answer import Unreadable
from mmjudge.judges.answers.json_objects import json_objects
from mmjudge.judges.answers.labels import LabelFound, clause_start, label_of_key, labels_in
from mmjudge.judges.answers.quotations import Quotations
from mmjudge.judges.answers.rationale import rationale
from mmjudge.judges.answers.read_value import WINDOW, Read, ReadValue, unreadable
from mmjudge.judges.answers.value_marks import nothing_more

T = TypeVar("T")

_FENCE = re.compile(r"```\w*")
_QUOTES = re.compile("[\"'`“”]")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """For each label what stands under it, unreadable values among them; and the reasons."""

    values: tuple[tuple[T | Unreadable, ...], ...]
    rationale: str


def without_thoughts(text: str) -> str:
    """The answer after a reasoning model's `<think>` block; nothing where it did not end."""
    if "</think>" in text:
        return text.rpartition("</think>")[2]
    return "" if text.lstrip().startswith("<think>") else text


def find(
    text: str, labels: Sequence[str], read: ReadValue[T], quoted: Sequence[str] = ()
) -> Found[T]:
    """Find what stands under `labels`, as JSON fields and as headings, save for quotations.

    text: the model's reply; quoted: the texts that were judged.
    """
    text = without_thoughts(text)
    asked = tuple(labels)
    values: list[list[T | Unreadable]] = [[] for _ in asked]
    quotations = Quotations(text, quoted)
    objects = json_objects(text)
    strings: list[str] = []
    for one in objects:
        in_quotation = quotations.cover(one.start, one.end)
        for key, written in one.fields:
            if (label := label_of_key(key, asked)) is None:
                strings.append(written)
            elif not in_quotation:
                values[label[0]] += _read(read, written, label[1])[0]

    # JSON is read; line ends in its place keep the places of all that follows.
    spans = [(one.start, one.end) for one in objects]
    rest = _blanked(text, spans)
    end = 0
    for label_found in labels_in(rest, asked):
        start = clause_start(rest, label_found.start)
        if start is None and (start := _right_after(rest, end, label_found.start)) is None:
            continue
        if quotations.cover(_with_key_quote(text, label_found), label_found.value):
            continue
        written = rest[label_found.value : label_found.value + WINDOW]
        read_there, length = _read(read, written, label_found.aside)
        if read_there:
            end = label_found.value + length
            spans.append((start, end))
            values[label_found.label] += read_there
    return Found(tuple(map(tuple, values)), rationale(_blanked(text, spans), strings))


def _read(read: ReadValue[T], written: str, aside: str) -> tuple[list[T | Unreadable], int]:
    """The value at the start of `written`, or why it is not to be used; and its length."""
    try:
        found = read(written, aside)
    except Unreadable as error:
        return [error], 0
    return ([found.value], found.length) if found else ([], 0)


def _blanked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    pieces, place = [], 0
    for start, end in sorted(spans):
        if end > place:
            start = max(start, place)
            pieces += [text[place:start], "\n" * (end - start)]
            place = end
    return "".join([*pieces, text[place:]])


def _right_after(text: str, end: int, start: int) -> int | None:
    """The place of a label that follows the value before it: `RATING: 7 BETTER IMAGE: 1`."""
    follows = 0 < end <= start <= end + 20 and re.fullmatch(r"[^\w/-]*", text[end:start])
    return start if follows else None


def _with_key_quote(text: str, label: LabelFound) -> int:
    """Where the label starts; with its opening quote where it is written as a JSON key."""
    before = label.start - 1
    is_key = before >= 0 and _QUOTES.match(text[before])
    return before if is_key and _QUOTES.search(text[label.start : label.value]) else label.start


def alone(text: str, read: ReadValue[T]) -> Read[T] | None:
    """The value that is all the answer consists of; None where there is more."""
    bare = _FENCE.sub(" ", without_thoughts(text)).strip()
    if len(bare) > WINDOW:
        return None
    found = read(bare)
    return found if found and nothing_more(bare, found.length) else None


def agreed(label: str, said: Sequence[T | Unreadable], told: Callable[[T], str] = str) -> T:
    """What all that was said under a label says; `said` is not empty, `told` puts a value in words.

    Raises Unreadable for the first unreadable value, and where two differ.
    """
    values: list[T] = []
    for one in said:
        if isinstance(one, Unreadable):
            raise unreadable(f"{label}: {one}")
        values.append(one)
        if one != values[0]:
            raise unreadable(f"{label} is given as {told(values[0])} and as {told(one)}")
    return values[0]
