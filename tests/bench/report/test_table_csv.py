import csv
from io import StringIO
from json import loads
from typing import Any

from mmjudge.bench.figures import Figure, parse_figure
from mmjudge.bench.report.evaluation import Evaluation
from mmjudge.bench.report.table_csv import HEADS, RECIPE, csv_report


def figure(line: dict[str, str]) -> Figure:
    numbers = {key: float(line[key]) for key in ("value", "low", "high", "level") if line[key]}
    recipe: dict[str, Any] = {key: line[key] for key in RECIPE}
    recipe["threshold"] = float(line["threshold"]) if line["threshold"] else None
    recipe["groups"] = int(line["groups"]) if line["groups"] else None
    recipe["asked"] = int(line["asked"])
    names = ("metric", "perspective", "subcategory", "unit", "why")
    return parse_figure(
        {name: line[name] for name in names}
        | {
            "estimate": numbers or None,
            "recipe": recipe,
            "n": int(line["n"]),
            "counts": loads(line["counts"]),
            "fingerprints": line["fingerprints"].split(),
        }
    )


def test_every_figure_comes_back_with_all_its_digits_and_its_recipe(
    evaluations: list[Evaluation],
) -> None:
    lines = list(csv.DictReader(StringIO(csv_report(evaluations))))
    expected = [
        (each.name, each.results.header.benchmark, figure)
        for each in evaluations
        for figure in each.figures
    ]
    found = [(line["contender"], line["benchmark"], figure(line)) for line in lines]
    assert found == expected


def test_what_is_undefined_is_empty_and_has_its_reason(evaluations: list[Evaluation]) -> None:
    lines = list(csv.DictReader(StringIO(csv_report(evaluations))))
    empty = [line for line in lines if not line["value"]]
    assert all(line["why"] and not line["low"] for line in empty)
    assert all(not line["why"] for line in lines if line["value"])


def test_a_report_on_nothing_has_its_heads() -> None:
    assert csv_report([]) == ",".join(HEADS) + "\n"
