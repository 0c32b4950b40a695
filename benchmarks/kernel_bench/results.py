"""Rows as they were written, and what is read off them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from kernel_bench.lineup import OURS

Row = dict[str, Any]


class Results:
    """The latest row of every workload and operation on one device."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list({(row["workload"], row["operation"]): row for row in rows}.values())
        self._found = {(row["workload"], row["operation"]): row for row in self.rows}

    def row(self, workload: str, operation: str) -> Row | None:
        return self._found.get((workload, operation))

    def value(self, workload: str, operation: str, key: str, name: str = OURS) -> float | None:
        """One number of one contender; None where it was not measured."""
        row = self.row(workload, operation)
        return None if row is None else measured(row, name).get(key)

    def values(self, key: str) -> dict[str, Any]:
        """One of our numbers in every row that has it, by workload and operation."""
        return {
            f"{row['workload']} {row['operation']}": measured(row)[key]
            for row in self.rows
            if measured(row).get(key) is not None
        }


def measured(row: Row, name: str = OURS) -> Row:
    """A contender's numbers; nothing where it has not run to the end."""
    entry: Row = row["contenders"].get(name, {})
    return entry if entry.get("status") == "ok" else {}


def ratio(row: Row, name: str, to: str = OURS) -> tuple[float, float, float] | None:
    """How many times as long as `to` it took: median, least and most of the rounds' ratios."""
    one, other = measured(row, name).get("rounds_ms"), measured(row, to).get("rounds_ms")
    if not one or not other:
        return None
    ratios = [a / b for a, b in zip(one, other, strict=True)]
    return median(ratios), min(ratios), max(ratios)


def load(path: Path) -> dict[str, Results]:
    """Results of each device in a file of rows."""
    rows: dict[str, list[Row]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows.setdefault(row["device"], []).append(row)
    return {device: Results(found) for device, found in rows.items()}
