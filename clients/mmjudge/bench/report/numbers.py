"""How figures are written for people. Tables for programs have every digit."""

from itertools import groupby

from mmjudge.bench.figures import Figure
from mmjudge.bench.metrics.separation import Estimate
from mmjudge.bench.metrics.significance import Comparison
from mmjudge.bench.report.leaderboard import Column
from mmjudge.bench.results import Orders

LEVEL = 0.05
ORDERS: dict[Orders, str] = {
    "any": "one by one",
    "given": "both at once, in one order",
    "both": "both at once, in both orders",
}


def number(value: float, unit: str) -> str:
    """One digit after the point of a percentage, three of anything else."""
    return f"{value:.{1 if unit == '%' else 3}f}".replace("-", "\N{MINUS SIGN}")


def ends(estimate: Estimate, unit: str) -> str:
    """The interval's ends: "57.2-64.1" with a dash, or "to" where that might be a minus."""
    between = "\N{EN DASH}" if estimate.low >= 0 else " to "
    return f"{number(estimate.low, unit)}{between}{number(estimate.high, unit)}"


def told(figure: Figure) -> str:
    """Value, unit, interval and n in a line; or why there is no value."""
    if figure.estimate is None:
        return f"undefined: {figure.why}"
    unit = f" {figure.unit}" if figure.unit else ""
    value = number(figure.estimate.value, figure.unit)
    return f"{value}{unit} ({ends(figure.estimate, figure.unit)}), n = {figure.n}"


def figure_name(figure: Figure) -> str:
    """What it is of and about: "bias NDS"."""
    names = dict.fromkeys((figure.perspective, figure.subcategory, figure.metric))
    return " ".join(filter(None, names))


def probability(p: float) -> str:
    """A p-value: three digits, or that it is below what they can say."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def apart(comparison: Comparison) -> str:
    """Which of two contenders is the better one beyond chance, if either."""
    difference = comparison.difference
    if difference is None:
        return "not compared"
    if comparison.adjusted is None:
        beyond = difference.low > 0 or difference.high < 0
    else:
        beyond = comparison.adjusted < LEVEL
    if not beyond:
        return "no"
    better = comparison.first if difference.value > 0 else comparison.second
    return f"yes: {better}"


def metric_name(metric: str) -> str:
    """Short enough for a column: "with ties" of "accuracy with ties"."""
    short = {"overall": "weighted"}.get(metric, metric)
    return short.removeprefix("accuracy ").removeprefix("agreement: ")


def by_perspective(columns: list[Column]) -> list[list[Column]]:
    """Runs of columns of one perspective."""
    return [list(run) for _, run in groupby(columns, lambda column: column.perspective)]


def column_names(columns: list[Column]) -> str:
    """All of them: "alignment: with ties, without ties; safety: with ties"."""
    runs = by_perspective(columns)
    return "; ".join(
        f"{run[0].perspective}: {', '.join(metric_name(column.metric) for column in run)}"
        for run in runs
    )
