"""Files of rows: a JSON list of objects, or an object a line."""

import json
from pathlib import Path
from typing import Any

SUFFIXES = (".json", ".jsonl")


class UnknownRows(ValueError):
    """A file or table that holds no rows of the kind wanted; says what it holds instead."""


def read_rows(file: Path) -> list[dict[str, Any]]:
    """All rows, at least one; of .jsonl an object a line, without regard to blank lines.

    Raises UnknownRows for what is no list of objects, and OSError.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        if not text.strip():
            raise UnknownRows("empty, expected a list of rows")
        rows = _lines(text) if file.suffix == ".jsonl" else json.loads(text)
    except UnicodeDecodeError as error:
        raise UnknownRows(f"not UTF-8: {error.reason} at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise UnknownRows(f"not JSON: {error}") from error
    if not isinstance(rows, list):
        raise UnknownRows(f"a JSON {_kind(rows)}, expected a list of rows")
    if not rows:
        raise UnknownRows("no rows")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise UnknownRows(f"row {number}: a JSON {_kind(row)}, expected an object")
    return rows


def _lines(text: str) -> list[Any]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise UnknownRows(f"line {number}: not JSON: {error}") from error
    return rows


def _kind(value: object) -> str:
    names = {"dict": "object", "list": "list", "str": "string", "NoneType": "null"}
    return names.get(type(value).__name__, "scalar")
