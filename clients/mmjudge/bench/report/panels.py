"""Tables of figures as dot plots, one recipe a chart."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from mmjudge.bench.figures import Recipe
from mmjudge.bench.report.charts import Axis, Line, Mark, dot_plot, fitting_axis, percent_axis
from mmjudge.bench.report.leaderboard import Column, Table, TableRow
from mmjudge.bench.report.numbers import number, told
from mmjudge.bench.report.published import Published

SeriesOf = Callable[[str], int]
"""The series of a contender: the same colour and shape in all charts of a page."""
CONTEXT = "published, recipes mixed or unknown"


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart, its recipe, and its values as rows of line, judge and value for a table."""

    title: str
    recipe: Recipe
    chart: Markup
    rows: tuple[tuple[str, str, str], ...]


def legend(panels: Iterable[Panel], series: Mapping[str, int]) -> list[tuple[str, int]]:
    """The contenders drawn, in the order of their series."""
    drawn = {judge for panel in panels for _, judge, _ in panel.rows}
    return [(name, place) for name, place in series.items() if name in drawn]


def column_panels(
    table: Table, series: SeriesOf, paper: Published | None = None
) -> Iterator[Panel]:
    """A panel a column, with a line a contender; `paper`'s figures are a group of their own."""
    for place, column in enumerate(table.columns):
        lines = [
            Line(row.evaluation.name, marks)
            for row in table.rows
            if (marks := _marks([row], place, series))
        ]
        context = list(_published_lines(paper, column)) if paper else []
        if lines and context:
            context.insert(0, Line(CONTEXT, heading=True))
        yield from _panel(column.perspective, column, lines, context)


def breakdown_panels(table: Table, series: SeriesOf, *, disjoint: bool = True) -> Iterator[Panel]:
    """A panel a perspective and metric, with a line a subcategory and a mark a contender.

    disjoint: whether no record is in two subcategories, so that their numbers add up.
    """
    panels = dict[tuple[str, str, Recipe], list[int]]()
    for place, column in enumerate(table.columns):
        recipe = replace(column.recipe, asked=0, groups=None)
        panels.setdefault((column.perspective, column.metric, recipe), []).append(place)
    for (perspective, _, recipe), places in panels.items():
        columns = [table.columns[place] for place in places]
        lines = [
            Line(column.subcategory, _marks(table.rows, place, series))
            for place, column in zip(places, columns, strict=True)
        ]
        asked = (sum if disjoint else max)(column.recipe.asked for column in columns)
        whole = replace(columns[0], recipe=replace(recipe, asked=asked))
        yield from _panel(perspective, whole, lines)


def scale_panels(table: Table, scales: Mapping[str, str], series: SeriesOf) -> Iterator[Panel]:
    """A panel a column, with a line a scale, in the order of `scales`."""
    rows = {row.evaluation.name: row for row in table.rows}
    for place, column in enumerate(table.columns):
        lines = [
            Line(scale, _marks([rows[contender]], place, series))
            for contender, scale in scales.items()
            if contender in rows
        ]
        yield from _panel(column.perspective, column, lines)


def _panel(
    title: str, column: Column, lines: Sequence[Line], context: Sequence[Line] = ()
) -> Iterator[Panel]:
    drawn = [line for line in lines if line.marks]
    if not drawn:
        return
    title = title if title == column.metric else f"{title}: {column.metric}"
    values = [edge for line in (*drawn, *context) for mark in line.marks for edge in mark.ends]
    chart = dot_plot(title, _axis(column, values), [*drawn, *context])
    rows = tuple((line.label, mark.name, mark.told) for line in drawn for mark in line.marks)
    yield Panel(title, column.recipe, chart, rows)


def _marks(rows: Sequence[TableRow], place: int, series: SeriesOf) -> list[Mark]:
    marks = []
    for row in rows:
        figure = row.figures[place]
        if figure is not None and figure.estimate is not None:
            name, estimate = row.evaluation.name, figure.estimate
            ends = (estimate.low, estimate.high)
            marks.append(Mark(series(name), name, estimate.value, told(figure), ends))
    return marks


def _published_lines(paper: Published, column: Column) -> Iterator[Line]:
    families = dict[str, list[Mark]]()
    for row in paper.rows:
        value = row.figures.get((column.perspective, column.metric))
        if value is not None:
            defect = row.defects.get(column.perspective, "")
            said = f"{number(value, '%')} %, published. {defect}"
            families.setdefault(f"{row.family}s", []).append(
                Mark(None, row.judge, value, said, (value, value), doubtful=bool(defect))
            )
    for family, marks in families.items():
        yield Line(family, marks, together=True)


def _axis(column: Column, values: Sequence[float]) -> Axis:
    if column.unit == "%":
        return percent_axis(f"{column.metric} (%)", values)
    return fitting_axis(column.metric, values)
