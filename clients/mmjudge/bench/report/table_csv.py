"""All figures as CSV, one a row, each with the whole of its recipe."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import fields
from io import StringIO
from json import dumps
from typing import Any

from mmjudge.bench.figures import Figure, Recipe, figure_table
from mmjudge.bench.report.evaluation import Evaluation

RECIPE = tuple(field.name for field in fields(Recipe))
HEADS = (
    "contender", "benchmark", "metric", "perspective", "subcategory",
    "value", "low", "high", "level", "unit", "why", "n", "counts",
    *RECIPE, "fingerprints", "location", "digest",
)  # fmt: skip


def csv_report(evaluations: Sequence[Evaluation]) -> str:
    """Return a line of heads and a line a figure, with all digits; what is undefined is empty.

    counts is a JSON object; fingerprints are separated by spaces.
    """
    file = StringIO()
    writer = csv.DictWriter(file, HEADS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(evaluations))
    return file.getvalue()


def _rows(evaluations: Sequence[Evaluation]) -> Iterator[dict[str, Any]]:
    for evaluation in evaluations:
        header = evaluation.results.header
        whole = {
            "contender": header.contender,
            "benchmark": header.benchmark,
            "location": header.location,
            "digest": header.digest,
        }
        for figure in evaluation.figures:
            yield whole | _row(figure)


def _row(figure: Figure) -> dict[str, Any]:
    table = figure_table(figure)
    estimate, recipe = table.pop("estimate"), table.pop("recipe")
    return {
        **table,
        **(estimate or {}),
        **recipe,
        "counts": dumps(table["counts"], ensure_ascii=False),
        "fingerprints": " ".join(figure.fingerprints),
    }
