"""Rows of results as if a judge had graded answers."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from mmjudge.bench.results import AskedJudge, Header, Results
from mmjudge.bench.rows import Answer, Row

CATEGORIES = ("SA", "PBL", "MSR")
CUT_SHORT = Answer(abstained="CUT_SHORT", message="no score")
UNPARSEABLE = Answer(abstained="UNPARSEABLE", message="no score")
TOO_LONG = Answer(failed="CONTEXT_EXCEEDED", message="5000 tokens")
_numbers: Iterator[int] = count()


def graded(
    category: str, answer: Answer | float, model: str = "", human: float | None = None
) -> Row:
    """A row of a grade, or of an answer without one."""
    facts: dict[str, Any] = {"id": f"{category}-{next(_numbers)}", "model": model}
    return Row(
        id=facts["id"],
        kind="grade",
        perspective=category,
        subcategory="",
        source="data.json",
        text="",
        images=(),
        facts=facts if human is None else facts | {"human": human},
        given=answer if isinstance(answer, Answer) else Answer((float(answer),)),
    )


def results(*rows: Row) -> Results:
    """Results of one judge whose fingerprint is "f"."""
    judge = AskedJudge("mmie", "mmie", "f", "any")
    header = Header("mmie", "mmie", dict.fromkeys(CATEGORIES, judge), "data.json", len(rows), "d")
    return Results(Path("mmie.jsonl"), header, rows, 0)
