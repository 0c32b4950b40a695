"""A report as Markdown: its tables, without charts and pictures."""

import re
from collections.abc import Iterator, Sequence

from mmjudge.bench.metrics.significance import Comparison
from mmjudge.bench.report.contents import Tables, contents
from mmjudge.bench.report.evaluation import Evaluation, Options
from mmjudge.bench.report.failures import worst
from mmjudge.bench.report.leaderboard import Table, ranked
from mmjudge.bench.report.numbers import (
    ORDERS,
    apart,
    column_names,
    ends,
    figure_name,
    metric_name,
    number,
    probability,
)
from mmjudge.bench.report.published import COLUMNS, published

EVALUATED = (
    "contender", "benchmark", "data", "answered",
    "judge", "kind", "perspectives", "shown pairs", "fingerprint",
)  # fmt: skip
COMPARED = (
    "perspective", "metric", "first", "second",
    "difference", "first better", "second better", "n", "p", "p, Holm", "told apart",
)  # fmt: skip


def markdown_report(
    evaluations: Sequence[Evaluation],
    comparisons: Sequence[Comparison],
    options: Options | None = None,
) -> str:
    """Return the tables of the page of HTML, and how many failures there are of each outcome."""
    options = options or Options()
    found = contents(evaluations)
    parts = [f"# {_plain(options.title)}", "## What was evaluated", *_evaluated(evaluations)]
    if found.leaderboards:
        parts += ["## Leaderboard", *_several(found.leaderboards)]
        parts += _section("### Bias of position", found.positions)
        parts += ["## Published, recipes mixed or unknown", *_published()]
    parts += _section("## Preferences between texts", found.preferences)
    parts += _section("## MMIE", found.grades)
    parts += _section("### Answers without a grade, or judged with a reservation", found.losses)
    parts += _section("### Agreement with people", found.agreement)
    if comparisons:
        parts += ["## Significance", *_significance(comparisons)]
    parts += ["## Failures", _failures(evaluations, options)]
    return "\n\n".join(parts) + "\n"


def _evaluated(evaluations: Sequence[Evaluation]) -> Iterator[str]:
    rows = []
    for each in evaluations:
        header = each.results.header
        data = f"{header.location} ({header.digest[:8]})"
        about = [each.name, header.benchmark, data, f"{each.answered} of {header.records}"]
        for judge, perspectives in each.judges.items():
            shown = [", ".join(perspectives), ORDERS[judge.orders]]
            rows.append([*about, judge.name, judge.kind, *shown, judge.fingerprint])
    yield _table(EVALUATED, rows)
    for name, caution in dict.fromkeys(told for each in evaluations for told in each.cautions):
        yield f"> **{_plain(name)}**: {_plain(caution)}"


def _section(head: str, tables: Tables) -> list[str]:
    return [head, *_several(tables)] if tables else []


def _several(tables: Tables) -> Iterator[str]:
    for table in tables:
        yield from _figures(table)


def _figures(table: Table) -> Iterator[str]:
    names = [f"{each.perspective} {metric_name(each.metric)} {each.unit}" for each in table.columns]
    rows = []
    for row in ranked(table):
        cells = [row.evaluation.name]
        for figure in row.figures:
            if figure is None:
                cells.append("not asked")
            elif figure.estimate is None:
                cells.append("undefined")
            else:
                value = number(figure.estimate.value, figure.unit)
                cells.append(f"{value} ({ends(figure.estimate, figure.unit)})")
        rows.append([*cells, str(row.evaluation.abstained), str(row.evaluation.failed)])
    yield _table(["judge", *names, "abstained", "failed"], rows)
    yield "\n".join(
        f"- Recipe of {_plain(column_names(columns))}: {_plain(str(recipe))}"
        for recipe, columns in table.recipes.items()
    )
    for name, figure in table.undefined:
        yield f"Undefined: {_plain(f'{figure_name(figure)} of {name}, as {figure.why}')}."


def _published() -> Iterator[str]:
    paper = published()
    yield f"Not to be compared with the tables above. {_plain(paper.source)}."
    heads = ["judge", *(f"{perspective} {metric_name(metric)}" for perspective, metric in COLUMNS)]
    rows = [
        [
            row.judge + paper.mark(row, "judge"),
            *(number(row.figures[key], "%") + paper.mark(row, key[0]) for key in COLUMNS),
        ]
        for row in paper.rows
    ]
    yield _table(heads, rows)
    defects = [f"- †{place} {_plain(said)}" for place, said in enumerate(paper.defects, 1)]
    yield "\n".join([*defects, *(f"- {_plain(remark)}" for remark in paper.remarks)])


def _significance(comparisons: Sequence[Comparison]) -> Iterator[str]:
    yield _table(COMPARED, [_compared(each) for each in comparisons if each.difference])
    others = [each for each in comparisons if each.difference is None]
    if others:
        yield "\n".join(
            f"- Not compared: {_plain(each.first)} and {_plain(each.second)}: {_plain(each.why)}"
            for each in others
        )


def _compared(each: Comparison) -> list[str]:
    assert each.difference is not None, "those without are told about by themselves"
    difference = f"{number(each.difference.value, '%')} ({ends(each.difference, '%')})"
    p_values = ["none" if p is None else probability(p) for p in (each.p, each.adjusted)]
    counts = [str(each.wins), str(each.losses), str(each.n)]
    names = [each.perspective, each.metric, each.first, each.second]
    return [*names, difference, *counts, *p_values, apart(each)]


def _failures(evaluations: Sequence[Evaluation], options: Options) -> str:
    found = [worst(each.results, options.settings.pairs, 0).found for each in evaluations]
    heads = ["contender", "benchmark", *found[0]] if found else ["contender", "benchmark"]
    rows = [
        [each.name, each.results.header.benchmark, *map(str, counts.values())]
        for each, counts in zip(evaluations, found, strict=True)
    ]
    return _table(heads, rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cell.strip() for cell in line)} |" for line in lines)


def _plain(text: str) -> str:
    """The text with what means something to Markdown escaped, in one line."""
    return re.sub(r"([\\`*_\[\]<>|~&])", r"\\\1", " ".join(text.split()))
