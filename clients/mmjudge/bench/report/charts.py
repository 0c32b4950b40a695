"""Dot plots as SVG for a page of HTML: its style sheet colours them, for light and for dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup

WIDTH = 392
TOP, BOTTOM, RIGHT = 8, 40, 14
CHARACTER = 6.9  # width in pixels, on average, of a label's text
LONGEST_LABEL = 22
LEAST_REACH = 1e-9  # values that differ by less are drawn as one
# Seven colours of the style sheet and seven shapes: a series is told by either.
COLOURS = 7
SHAPES = (
    '<circle r="4.2"/>',
    '<rect x="-3.8" y="-3.8" width="7.6" height="7.6"/>',
    '<path d="M0-5L5 4H-5Z"/>',
    '<path d="M0-5.6L5.6 0 0 5.6-5.6 0Z"/>',
    '<path d="M0 5L5-4H-5Z"/>',
    '<path d="M-1.8-5h3.6v3.2H5v3.6H1.8V5h-3.6V1.8H-5v-3.6h3.2Z"/>',
    '<path d="M0-5.4L1.6-1.7 5.5-1.6 2.6 1 3.4 4.9 0 2.8-3.4 4.9-2.6 1-5.5-1.6-1.6-1.7Z"/>',
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A value on a line of a chart.

    series: of the contender, or None for a published value, which is drawn hollow. told: the value
    in words. ends: of its interval. doubtful: a published value with a known defect.
    """

    series: int | None
    name: str
    value: float
    told: str
    ends: tuple[float, float]
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart: its label, and marks below one another. heading: a label alone."""

    label: str
    marks: Sequence[Mark] = ()
    heading: bool = False
    together: bool = False
    """Whether all marks stand at one height, as published ones do."""

    @property
    def height(self) -> float:
        """In pixels."""
        stacked = 1 if self.together else len(self.marks)
        return 22.0 if self.heading else max(20.0, 10.0 * stacked + 8.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """The horizontal axis; zero: the tick whose line is drawn stronger, if any."""

    label: str
    low: float
    high: float
    ticks: Sequence[float]
    zero: float | None = None


def percent_axis(label: str, values: Sequence[float]) -> Axis:
    """From 0 to 100 %, or around all values where some lie outside."""
    if all(0 <= value <= 100 for value in values):
        return Axis(label, 0.0, 100.0, (0.0, 25.0, 50.0, 75.0, 100.0))
    return fitting_axis(label, values)


def dot_plot(title: str, axis: Axis, lines: Sequence[Line]) -> Markup:
    """Draw the lines from the top down; intervals are whiskers, every mark says its value.

    All of it is one image to a screen reader, named by its title: a table must stand beside it.
    """
    longest = max((len(_short(line.label)) for line in lines if not line.heading), default=0)
    left = 12 + CHARACTER * longest
    bottom = TOP + sum(line.height for line in lines)
    drawn = [_grid(axis, left, bottom)]
    y = float(TOP)
    for line in lines:
        drawn.append(_line(line, axis, left, y))
        y += line.height
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h:.0f}" width="{w}" height="{h:.0f}" role="img" '
        'aria-label="{title}">{drawn}</svg>'
    ).format(w=WIDTH, h=bottom + BOTTOM, title=title, drawn=Markup("").join(drawn))


def symbol(series: int | None, *, doubtful: bool = False) -> Markup:
    """The mark of a series alone, as legends have it; None is that of published values."""
    return Markup(
        '<svg class="key" viewBox="-7 -7 14 14" width="14" height="14" aria-hidden="true">{}</svg>'
    ).format(_shape(series, doubtful, 0, 0))


def _line(line: Line, axis: Axis, left: float, top: float) -> Markup:
    middle = top + line.height / 2
    if line.heading:
        return Markup('<text class="heading" x="0" y="{:.1f}">{}</text>').format(
            middle + 5, line.label
        )
    label = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}{}</text>').format(
        left - 8, middle + 4, _short(line.label), Markup("<title>{}</title>").format(line.label)
    )
    rule = Markup('<path class="rule" d="M{:.1f} {:.1f}H{}"/>').format(
        left, top + line.height, WIDTH - RIGHT
    )
    count = len(line.marks)
    marks = [
        _mark(mark, axis, left, middle if line.together else middle + 10 * (i - (count - 1) / 2))
        for i, mark in enumerate(line.marks)
    ]
    return Markup("").join([rule, label, *marks])


def _mark(mark: Mark, axis: Axis, left: float, y: float) -> Markup:
    low, high = (_x(end, axis, left) for end in mark.ends)
    whisker = Markup("")
    if low < high:
        whisker = Markup(
            '<path class="whisker {}" d="M{:.1f} {:.1f}H{:.1f}M{:.1f} {:.1f}v5M{:.1f} {:.1f}v5"/>'
        ).format(_colour(mark.series), low, y, high, low, y - 2.5, high, y - 2.5)
    return Markup("<g><title>{}: {}</title>{}{}</g>").format(
        mark.name, mark.told, whisker,
        _shape(mark.series, mark.doubtful, _x(mark.value, axis, left), y),
    )  # fmt: skip


def _shape(series: int | None, doubtful: bool, x: float, y: float) -> Markup:
    # Beyond seven series colours come again, each with another shape than before.
    shape = int(doubtful) * 3 if series is None else (series + series // COLOURS) % len(SHAPES)
    return Markup('<g class="mark {}" transform="translate({:.1f} {:.1f})">{}</g>').format(
        _colour(series), x, y, Markup(SHAPES[shape])
    )


def _colour(series: int | None) -> str:
    return "published" if series is None else f"c{series % COLOURS}"


def _grid(axis: Axis, left: float, bottom: float) -> Markup:
    drawn = []
    for tick in axis.ticks:
        x = _x(tick, axis, left)
        zero = " zero" if tick == axis.zero else ""
        drawn.append(
            Markup('<path class="grid{}" d="M{:.1f} {}V{:.1f}"/>').format(zero, x, TOP, bottom)
        )
        drawn.append(
            Markup('<text class="tick" x="{:.1f}" y="{:.1f}">{}</text>').format(
                x, bottom + 15, f"{tick:g}".replace("-", "−")
            )
        )
    middle = (left + WIDTH - RIGHT) / 2
    drawn.append(
        Markup('<text class="tick" x="{:.1f}" y="{:.1f}">{}</text>').format(
            middle, bottom + 32, axis.label
        )
    )
    return Markup("").join(drawn)


def _x(value: float, axis: Axis, left: float) -> float:
    return left + (value - axis.low) / (axis.high - axis.low) * (WIDTH - RIGHT - left)


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"


def fitting_axis(label: str, values: Sequence[float]) -> Axis:
    """An axis from round tick to round tick around all values and zero."""
    low, high = min(0.0, *values), max(0.0, *values)
    reach = high - low if high - low > LEAST_REACH else 1.0
    step = _round_step(reach / 4)
    first, last = floor(low / step), max(ceil(high / step), 1)
    ticks = [step * count for count in range(first, last + 1)]
    return Axis(label, min(ticks[0], low), max(ticks[-1], high), ticks, zero=0.0)


def _round_step(least: float) -> float:
    power = 10.0 ** floor(log10(least))
    return next(unit * power for unit in (1, 2, 5, 10) if unit * power >= least)
