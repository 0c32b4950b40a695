"""What all published score files have in common: a JSON list of objects, with the same keys."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from json import dumps, loads
from pathlib import Path
from typing import Any

from mmjudge.bench.results import Orders
from mmjudge.bench.rows import Row


@dataclass(frozen=True, slots=True)
class JudgeScores:
    """One judge's rows of one file, and in which orders it was shown pairs."""

    judge: str
    perspective: str
    orders: Orders
    rows: tuple[Row, ...]


def parse_objects(path: Path, data: bytes) -> list[dict[str, Any]]:
    """The file's objects; raises ValueError naming the file for anything else, and for none."""
    try:
        table = loads(data)
    except ValueError as error:  # also of UTF-8
        raise ValueError(f"{path}: no JSON: {error}") from error
    if not isinstance(table, list) or not table:
        raise ValueError(f"{path}: {_told(table)}, expected a list of objects, one a pair or image")
    for number, entry in enumerate(table, 1):
        if not isinstance(entry, dict):
            raise ValueError(f"{path}: row {number} is {_told(entry)}, expected an object")
    return table


def require(
    path: Path, number: int, entry: Collection[str], keys: Sequence[str], what: str
) -> None:
    """Raise ValueError where a key is missing, telling those there are and those expected."""
    if missing := [key for key in keys if key not in entry]:
        raise ValueError(
            f"{path}: row {number} has no {', '.join(missing)}: it has {', '.join(entry)}; "
            f"{what} has {', '.join(keys)}"
        )


def content_id(*content: Any) -> str:
    """The id of a row: equal for what two judges were asked alike."""
    return sha256(dumps(content).encode()).hexdigest()[:24]


def _told(value: Any) -> str:
    return f"an empty {type(value).__name__}" if value in ([], {}) else f"a {type(value).__name__}"
