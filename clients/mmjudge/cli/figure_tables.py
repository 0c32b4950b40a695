"""Figures on the terminal: a table a recipe, judges down and metrics across."""

from collections.abc import Sequence

from rich.table import Table as RichTable
from rich.text import Text

from mmjudge.bench.figures import Figure
from mmjudge.bench.report.evaluation import Evaluation
from mmjudge.bench.report.leaderboard import Table, tables
from mmjudge.bench.report.numbers import ends, number
from mmjudge.cli.terminal import out


def print_evaluations(evaluations: Sequence[Evaluation]) -> None:
    """Print the figures of whole perspectives; the report has those of subcategories too."""
    for table in tables(evaluations, lambda figure: not figure.subcategory):
        _print(table)


def _print(table: Table) -> None:
    # Judges side by side: there are few of them, and more metrics than fit a line.
    shown = RichTable()
    shown.add_column("perspective")
    shown.add_column("metric")
    for row in table.rows:
        shown.add_column(Text(row.evaluation.name), justify="right")
    for place, column in enumerate(table.columns):
        cells = [_cell(row.figures[place]) for row in table.rows]
        shown.add_row(Text(column.perspective), Text(column.metric), *cells)
    out.print(shown)
    for recipe, columns in table.recipes.items():
        names = ", ".join(dict.fromkeys(column.perspective for column in columns))
        # The overall score's recipe holds those of the perspectives, which stand below it.
        told = str(recipe).partition("; ")[0]
        out.print(Text(f"{names}: {told}"), soft_wrap=True)
    for name, figure in table.undefined:
        out.print(Text(f"{name}: {figure.metric}: {figure.why}"), soft_wrap=True)


def _cell(figure: Figure | None) -> Text:
    if figure is None:
        return Text()
    if figure.estimate is None:
        return Text("undefined")
    return Text(
        f"{number(figure.estimate.value, figure.unit)} ({ends(figure.estimate, figure.unit)})"
    )
