"""JSON objects inside an answer: one, or several one after the other, in prose or in fences."""

import json
import re
from dataclasses import dataclass

# Each attempt may read the rest of the answer, so there are only so many.
ATTEMPTS = 64

_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")


@dataclass(frozen=True, slots=True)
class JsonObject:
    """The fields of an object and of those within it, and where it stands in the answer.

    Values are texts as the answer has them: strings without their quotes, numbers as written,
    lists as `[a, b]`; objects, true, false and null are none.
    """

    fields: tuple[tuple[str, str], ...]
    start: int
    end: int


# Numbers stay as they are written; pairs, unlike a dict, keep a key that comes twice.
_DECODER = json.JSONDecoder(
    strict=False,
    parse_int=str,
    parse_float=str,
    parse_constant=str,
    object_pairs_hook=tuple,
)


def json_objects(text: str) -> tuple[JsonObject, ...]:
    """Find the well-formed objects of an answer, trailing commas allowed, in order."""
    text = _TRAILING_COMMA.sub(" ", text)
    found = []
    place = 0
    for _ in range(ATTEMPTS):
        start = text.find("{", place)
        if start < 0:
            break
        try:
            pairs, place = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            place = start + 1
        else:
            found.append(JsonObject(_flat(pairs), start, place))
    return tuple(found)


def _flat(pairs: tuple[tuple[str, object], ...]) -> tuple[tuple[str, str], ...]:
    """The fields that hold a text, a number or a list of these, however deep, in order."""
    fields: list[tuple[str, str]] = []
    rest: list[tuple[str, object]] = list(reversed(pairs))
    while rest:
        key, value = rest.pop()
        if isinstance(value, str):
            fields.append((key, value))
        elif isinstance(value, tuple):
            rest.extend(reversed(value))
        elif isinstance(value, list):
            if all(isinstance(entry, str) for entry in value):
                fields.append((key, f"[{', '.join(value)}]"))
            else:
                rest.extend((key, entry) for entry in reversed(value))
    return tuple(fields)
