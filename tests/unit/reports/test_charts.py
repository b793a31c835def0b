"""Lines over runs."""

from __future__ import annotations

import math
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_reader import Element, read_page

from lakehouse.reports.blocks import Chart, Measure, Point
from lakehouse.reports.charts import describe, line_chart, over_runs, sparkline

COORDINATE = re.compile(r"-?[\d.]+")


def chart(*values: float | None, marked: frozenset[int] = frozenset()) -> Chart:
    """A chart of values, some with a ring."""
    points = (Point(label=f"day {at}", value=value, marked=at in marked) for at, value in enumerate(values))
    return Chart(title="a metric", points=tuple(points))


def lines(drawn: str) -> list[list[tuple[float, float]]]:
    """The points of each line."""
    paths = [one.attributes["d"] for one in read_page(drawn).find("path") if "reactive" in one.attributes["class"]]
    numbers = [[float(one) for one in COORDINATE.findall(path)] for path in paths]
    return [list(zip(one[::2], one[1::2], strict=True)) for one in numbers]


def dots(drawn: str, series: int) -> list[Element]:
    """The dots of a series."""
    return [dot for one in read_page(drawn).find("g", class_=f"serie-{series}") for dot in one.find("circle")]


def test_a_sparkline_goes_where_the_values_go() -> None:
    """Points are evenly spaced from left to right; a larger value is higher up, and the middle is in the middle."""
    [line] = lines(sparkline([0, 10, 5]))
    (left, low), (middle, high), (right, half) = line
    assert left < middle < right
    assert middle - left == pytest.approx(right - middle, abs=0.2)
    assert low > half > high
    assert half == pytest.approx((low + high) / 2, abs=0.2)


def test_the_newest_value_has_a_dot() -> None:
    """The one dot of a sparkline is at the end of its line."""
    drawn = sparkline([1, 3, 2])
    [dot] = dots(drawn, 1)
    assert (float(dot.attributes["cx"]), float(dot.attributes["cy"])) == lines(drawn)[0][-1]
    assert dots(drawn, 0) == []


@pytest.mark.parametrize("gap", [None, math.nan, math.inf, -math.inf, 1e200])
def test_what_cannot_be_drawn_is_a_gap(gap: float | None) -> None:
    """A missing value, or one without a place on a scale, divides the line in two."""
    assert [len(one) for one in lines(sparkline([1, 2, gap, 3, 4, 5]))] == [2, 3]
    assert [len(one) for one in lines(line_chart(chart(1, 2, gap, 3, 4, 5)))] == [2, 3]


@pytest.mark.parametrize("values", [(), (1.0,), (None, None), (None, 1.0), (math.nan, 2.0)])
def test_fewer_than_two_values_are_no_line(values: tuple[float | None, ...]) -> None:
    """There is no sparkline of one run."""
    assert sparkline(values) == ""


def test_a_chart_without_values_is_not_drawn() -> None:
    """Only gaps: nothing to draw. One value is a point."""
    assert line_chart(chart()) == line_chart(chart(None, math.nan)) == ""
    assert len(dots(line_chart(chart(7.0)), 0)) == 1


def test_rings_are_where_runs_are_marked() -> None:
    """Each marked run that has a value has a ring around its dot; a marked gap has none."""
    drawn = line_chart(chart(1, 2, None, 4, marked=frozenset({1, 2})))
    [ring] = dots(drawn, 1)
    place = {name: ring.attributes[name] for name in ("cx", "cy")}
    assert place == {name: dots(drawn, 0)[1].attributes[name] for name in ("cx", "cy")}


def test_the_scale_names_the_least_the_middle_and_the_most() -> None:
    """The vertical axis has three numbers as people read them; of the runs, the first, a middle and the last are named."""
    drawn = read_page(line_chart(chart(1_000, 3_000, 2_000, 2_500, 1_500)))
    assert [one.text for one in drawn.find("g", class_="y")[0].find("text")] == ["1,000", "2,000", "3,000"]
    assert [one.text for one in drawn.find("g", class_="x")[0].find("text")] == ["day 0", "day 2", "day 4"]


def test_a_constant_line_is_drawn() -> None:
    """A metric that never moves is a level line."""
    for drawn in (sparkline([1.0] * 30), line_chart(chart(*[1.0] * 30))):
        [line] = lines(drawn)
        assert len({y for _, y in line}) == 1


def test_a_long_line_has_rings_alone() -> None:
    """Dots of a year of days would hide the line; rings stay."""
    drawn = line_chart(chart(*map(float, range(365)), marked=frozenset({100, 200})))
    assert dots(drawn, 0) == []
    assert len(dots(drawn, 1)) == 2
    assert [len(one) for one in lines(drawn)] == [365]


def test_a_drawing_brings_nothing_of_its_own() -> None:
    """No script, style, identifier, comment or handler: the page has these, and the drawing of another day is the same."""
    drawn = str(line_chart(chart(1, 2, 3, marked=frozenset({2}))))
    found = [*read_page(drawn).walk()]
    assert {one.tag for one in found} - {""} == {"svg", "g", "path", "text", "circle"}
    assert {name for one in found for name in one.attributes}.isdisjoint({"id", "style", "onclick", "href"})
    assert "<!--" not in drawn
    assert "pygal" not in drawn


def test_labels_are_escaped() -> None:
    """A label is a text, whatever it holds."""
    point = Point(label="<script>", value=1.0)
    drawn = read_page(line_chart(Chart(title="", points=(point, point))))
    assert drawn.find("script") == []
    assert "<script>" in drawn.text


@settings(max_examples=40)
@given(st.lists(st.none() | st.floats() | st.integers(), max_size=40))
def test_any_values_are_drawn(values: list[float | None]) -> None:
    """No numbers are too strange to be drawn or described, and all that is drawn lies in the picture."""
    describe(values)
    for drawn in (sparkline(values), line_chart(chart(*values))):
        for line in lines(drawn):
            assert all(-1 <= x <= 521 and -1 <= y <= 201 for x, y in line)


def test_a_line_is_told_in_words() -> None:
    """What is drawn is said for those who do not see it: how many runs, between what, and the newest."""
    assert describe([2, None, 0.5]) == "3 runs: from 0.5 to 2, the newest 0.5"
    assert describe([2, None]) == "2 runs: from 2 to 2, the newest none"
    assert describe([None]) == "1 run without a value"
    assert describe([math.nan, 1.0, 3.0]) == "3 runs: from 1 to 3, the newest 3"


def test_this_run_is_the_newest() -> None:
    """A measure's own value follows the earlier ones."""
    assert over_runs(Measure(name="m", value=3.0, earlier=(1.0, None))) == (1.0, None, 3.0)


def test_imports_are_left_alone() -> None:
    """What finds modules is Python's own again once the charts are there."""
    assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("pygal")]
