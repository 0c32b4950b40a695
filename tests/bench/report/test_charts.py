from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmjudge.bench.report.charts import (
    COLOURS,
    SHAPES,
    Line,
    Mark,
    dot_plot,
    fitting_axis,
    percent_axis,
    symbol,
)

NAMESPACE = "{http://www.w3.org/2000/svg}"


def plot(*lines: Line) -> ElementTree.Element:
    svg = dot_plot("accuracy <1>", percent_axis("accuracy (%)", [50]), lines)
    return ElementTree.fromstring(str(svg).replace("<svg ", f"<svg xmlns='{NAMESPACE[1:-1]}' ", 1))


def mark(value: float, *, series: int | None = 0, name: str = "clip") -> Mark:
    return Mark(series, name, value, f"{value} %", (value - 5, value + 5))


def test_a_chart_is_named_and_its_axis_has_a_label_and_ticks() -> None:
    svg = plot(Line("clip", [mark(50)]))
    texts = [element.text for element in svg.iter(f"{NAMESPACE}text")]
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == "accuracy <1>"
    assert {"0", "25", "50", "75", "100", "accuracy (%)", "clip"} <= set(texts)


def test_every_mark_says_whose_value_it_is() -> None:
    svg = plot(Line('<b>"x"', [mark(50, name="<clip>"), mark(60, name="hps")]))
    titles = [element.text for element in svg.iter(f"{NAMESPACE}title")]
    assert titles == ['<b>"x"', "<clip>: 50 %", "hps: 60 %"]


def test_values_stand_at_their_place_between_the_ticks() -> None:
    svg = plot(Line("a", [mark(0)]), Line("b", [mark(50)]), Line("c", [mark(100)]))
    places = [
        float(element.get("transform", "").split("(")[1].split(" ")[0])
        for element in svg.iter(f"{NAMESPACE}g")
        if element.get("transform")
    ]
    low, middle, high = places
    assert middle == pytest.approx((low + high) / 2, abs=0.1)
    assert low < middle


def test_no_two_of_49_series_look_the_same() -> None:
    assert len({symbol(series) for series in range(COLOURS * len(SHAPES))}) == 49


def test_a_series_is_told_by_its_shape_alone() -> None:
    shapes = {symbol(series).split("<g ")[1].split(">", 1)[1] for series in range(len(SHAPES))}
    assert len(shapes) == len(SHAPES)


def test_published_values_are_hollow_and_doubtful_ones_have_another_shape() -> None:
    assert "published" in symbol(None)
    assert symbol(None) != symbol(None, doubtful=True)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1))
def test_a_fitting_axis_holds_all_values_and_zero(values: list[float]) -> None:
    axis = fitting_axis("x", values)
    assert axis.low <= min(0, *values) and max(0, *values) <= axis.high
    assert axis.low < axis.high
    assert 0 in axis.ticks
    assert 2 <= len(axis.ticks) <= 8


def test_percentages_outside_0_to_100_get_an_axis_of_their_own() -> None:
    assert percent_axis("NDS (%)", [50.0]).low == 0
    assert percent_axis("NDS (%)", [-102.3, 50.0]).low <= -102.3
