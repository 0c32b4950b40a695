"""Figures as tables: judges down, metrics across, and in every column one recipe alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from mmjudge.bench.figures import Figure, Recipe
from mmjudge.bench.report.evaluation import Evaluation

Key = tuple[str, str, str]
"""Metric, perspective and subcategory: what two figures share that may be compared."""


@dataclass(frozen=True, slots=True)
class Column:
    """A metric of a perspective or subcategory, and how all figures below it were computed."""

    metric: str
    perspective: str
    subcategory: str
    recipe: Recipe
    unit: str


@dataclass(frozen=True, slots=True)
class TableRow:
    """A contender and its figures, one a column; None where it has none."""

    evaluation: Evaluation
    figures: tuple[Figure | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Contenders whose figures may be compared."""

    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]

    @property
    def recipes(self) -> dict[Recipe, list[Column]]:
        """The recipes of the table, and the columns that each made."""
        made = dict[Recipe, list[Column]]()
        for column in self.columns:
            made.setdefault(column.recipe, []).append(column)
        return made

    @property
    def undefined(self) -> list[tuple[str, Figure]]:
        """Contender and figure, where there is a reason instead of a value."""
        return [
            (row.evaluation.name, figure)
            for row in self.rows
            for figure in row.figures
            if figure is not None and figure.why
        ]


def tables(
    evaluations: Sequence[Evaluation], wanted: Callable[[Figure], bool]
) -> tuple[Table, ...]:
    """Put the figures that are wanted into as few tables as their recipes allow.

    A contender joins the first table in which no value would stand below one of another recipe or
    data set; what is undefined stands with any. Columns and rows keep the order they came in.
    """
    groups: list[tuple[dict[Key, Column], list[tuple[Evaluation, dict[Key, Figure]]]]] = []
    for evaluation in evaluations:
        own = {_key(figure): figure for figure in evaluation.figures if wanted(figure)}
        if not own:
            continue
        for columns, members in groups:
            alike_data = all(member.same_data(evaluation) for member, _ in members)
            if alike_data and _alike(columns, own):
                break
        else:
            columns, members = {}, []
            groups.append((columns, members))
        columns.update({key: _column(figure) for key, figure in own.items() if figure.estimate})
        members.append((evaluation, own))
    return tuple(_table(columns, members) for columns, members in groups)


def ranked(table: Table) -> list[TableRow]:
    """Rows from the best overall value down, those without one last and as they came."""

    def overall(row: TableRow) -> float:
        for column, figure in zip(table.columns, row.figures, strict=True):
            if column.perspective == "overall" and figure is not None and figure.estimate:
                return -figure.estimate.value
        return inf

    return sorted(table.rows, key=overall)


def best(table: Table) -> list[float | None]:
    """The largest value of each column, None where fewer than two contenders have one."""
    values = [
        [figure.estimate.value for figure in figures if figure is not None and figure.estimate]
        for figures in zip(*(row.figures for row in table.rows), strict=True)
    ]
    return [max(found) if len(found) > 1 else None for found in values]


def _alike(columns: dict[Key, Column], own: dict[Key, Figure]) -> bool:
    shared = [key for key in columns.keys() & own.keys() if own[key].estimate]
    return bool(shared) and all(columns[key] == _column(own[key]) for key in shared)


def _table(
    defined: dict[Key, Column], members: list[tuple[Evaluation, dict[Key, Figure]]]
) -> Table:
    columns = {
        key: defined.get(key) or _column(figure)
        for _, own in members
        for key, figure in own.items()
    }
    rows = tuple(
        TableRow(evaluation, tuple(own.get(key) for key in columns)) for evaluation, own in members
    )
    return Table(tuple(columns.values()), rows)


def _key(figure: Figure) -> Key:
    return figure.metric, figure.perspective, figure.subcategory


def _column(figure: Figure) -> Column:
    return Column(*_key(figure), figure.recipe, figure.unit)
