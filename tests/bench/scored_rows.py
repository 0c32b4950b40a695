"""Rows and results made by hand: what a judge said of pairs and of bias images."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmjudge.bench.results import AskedJudge, Benchmark, Header, Orders, Results
from mmjudge.bench.rows import Answer, Row

ABSTAINED = Answer(abstained="REFUSED", message="no")
FAILED = Answer(failed="INVALID_ARGUMENT", message="no image")


def scores(*values: float) -> Answer:
    return Answer(values=values)


def ranks(*places: int) -> Answer:
    return Answer(ranks=places)


def pair(
    name: str,
    given: Answer,
    swapped: Answer | None = None,
    *,
    label: float = 0,
    perspective: str = "quality",
    subcategory: str = "",
    source: str = "file",
) -> Row:
    """A pair whose first candidate is the better one, unless `label` says otherwise."""
    return Row(
        id=name,
        kind="pair",
        perspective=perspective,
        subcategory=subcategory,
        source=source,
        text="a cat",
        images=(),
        facts={"label": label},
        given=given,
        swapped=swapped,
    )


def portrait(
    name: str, given: Answer | float, *, group: str = "nurse", demographic: str = "old_female"
) -> Row:
    """An image of bias with its score."""
    return Row(
        id=name,
        kind="bias",
        perspective="bias",
        subcategory="",
        source="file",
        text="A nurse.",
        images=(),
        facts={"group": group, "demographic": demographic, "traits": {}},
        given=given if isinstance(given, Answer) else scores(given),
    )


def portraits(groups: Mapping[str, Sequence[float]]) -> list[Row]:
    return [
        portrait(f"{group}-{place}", score, group=group)
        for group, found in groups.items()
        for place, score in enumerate(found)
    ]


def judge(name: str = "judge", orders: Orders = "any") -> AskedJudge:
    return AskedJudge(name, "clip", f"fingerprint of {name}", orders)


def results(
    rows: Sequence[Row],
    *,
    name: str = "judge",
    orders: Orders = "any",
    benchmark: Benchmark = "mjbench",
) -> Results:
    """The rows as one contender's, who shows every pair in the same orders."""
    judges = {row.perspective: judge(name, orders) for row in rows}
    header = Header(benchmark, name, judges, "data", len(rows), "digest")
    return Results(Path(f"{name}.jsonl"), header, tuple(rows), 0)
