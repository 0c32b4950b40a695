"""What people say of images and texts, one JSON object a line: to calibrate a judge by."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

LABELS = {"correct": True, "hallucinated": False}


@dataclass(frozen=True, slots=True)
class LabelledUnit:
    """A word or phrase of a text about an image, and whether the image shows it.

    span: start and end in UTF-8 bytes of `text`.
    """

    image: Path
    text: str
    span: tuple[int, int]
    correct: bool


@dataclass(frozen=True, slots=True)
class RatedText:
    """A text about an image, and how good it is; None where only scores' distribution matters."""

    image: Path
    text: str
    target: float | None


def read_units(path: Path) -> list[LabelledUnit]:
    """Read rows {"image", "text", "unit", "label": "correct" | "hallucinated"}.

    Images are relative to the file. A unit that occurs several times in its text needs "start",
    the character it starts at. Raises ValueError naming file, line and key.
    """
    return list(_rows(path, _unit, {"image", "text", "unit", "label", "start"}))


def read_ratings(path: Path) -> list[RatedText]:
    """Read rows {"image", "text", "target": number}; "target" may be missing in all of them.

    Raises ValueError naming file, line and key.
    """
    rows = list(_rows(path, _rating, {"image", "text", "target"}))
    known = [row.target is not None for row in rows]
    if any(known) and not all(known):
        raise ValueError(f"{path}:{known.index(False) + 1}: target: missing, but others have one")
    return rows


def _rows(path: Path, read: Callable[[dict[str, Any], Path], T], keys: set[str]) -> Iterator[T]:
    found = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        found = True
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError(f"a JSON {type(row).__name__}, expected an object")
            if unknown := sorted(set(row) - keys):
                raise ValueError(f"{unknown[0]}: unknown key, expected {', '.join(sorted(keys))}")
            yield read(row, path.parent)
        except ValueError as error:  # also of JSON
            raise ValueError(f"{path}:{number}: {error}") from error
    if not found:
        raise ValueError(f"{path}: no rows, expected one JSON object a line")


def _unit(row: dict[str, Any], folder: Path) -> LabelledUnit:
    text, unit = _text(row, "text"), _text(row, "unit")
    label = row.get("label")
    if label not in LABELS:
        raise ValueError(f"label: {label!r}, expected one of {', '.join(LABELS)}")
    start = row.get("start", text.find(unit))
    if "start" not in row and text.count(unit) != 1:
        raise ValueError(f"unit: {unit!r} is {text.count(unit)} times in the text; expected once, "
                         'or "start", the character it starts at')  # fmt: skip
    if type(start) is not int or text[start : start + len(unit)] != unit:
        raise ValueError(f"start: {start!r}: the text has no {unit!r} there")
    begin = len(text[:start].encode())
    return LabelledUnit(
        _image(row, folder), text, (begin, begin + len(unit.encode())), LABELS[label]
    )


def _rating(row: dict[str, Any], folder: Path) -> RatedText:
    target = row.get("target")
    if target is not None and not (type(target) in (int, float) and isfinite(target)):
        raise ValueError(f"target: {target!r}, expected a finite number")
    return RatedText(_image(row, folder), _text(row, "text"), target)


def _image(row: dict[str, Any], folder: Path) -> Path:
    path = folder / _text(row, "image")
    if not path.is_file():
        raise ValueError(f"image: {path}: no such file; paths are relative to the rows' file")
    return path


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key}: {value!r}, expected a text")
    return value
