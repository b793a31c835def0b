"""Lines over runs as SVG inside a page, drawn by pygal.

Pygal is pure Python and names what it draws by classes, so the style sheet of the page colours it, in dark mode and in print
too. Its own style, scripts and tooltips are taken out: the page forbids them, and its comment holds the day of the drawing.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from typing import Any

import pygal
from markupsafe import Markup
from pygal.style import Style

from lakehouse.reports.blocks import Chart, Measure
from lakehouse.reports.texts import counted, number

# For its plugins pygal leaves a finder among those of every import, of a kind that Python calls old, and warns of each time.
sys.meta_path[:] = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("pygal")]

_LARGEST = 1e100
"""Further out, a scale has no numbers to be drawn with."""

_DOTTED = 90
"""Points up to which each has a dot; of more, dots would be the line."""

_DECIMALS = re.compile(r"\d+\.\d+")
_DROPPED = {"defs", "desc", "title"}
_PLAIN: dict[str, Any] = {"js": (), "css": (), "no_prefix": True, "show_legend": False, "allow_interruptions": True}


def sparkline(values: Sequence[float | None]) -> Markup:
    """Draw values as a line without axes, the newest with a dot; nothing if there are fewer than two."""
    points = _drawable(values)
    if sum(one is not None for one in points) < 2:  # noqa: PLR2004  a line has two ends
        return Markup()
    chart = pygal.Line(
        **_PLAIN,
        width=132,
        height=32,
        margin=4,
        spacing=0,
        show_x_labels=False,
        show_y_labels=False,
        show_dots=False,
    )
    chart.add(None, points)
    chart.add(None, [*[None] * (len(points) - 1), points[-1]], show_dots=True, dots_size=3)
    return _drawn(chart)


def line_chart(chart: Chart) -> Markup:
    """Draw a chart with axes; nothing if no point has a value."""
    points = _drawable([one.value for one in chart.points])
    known = [one for one in points if one is not None]
    if not known:
        return Markup()
    low, high = min(known), max(known)
    drawn = pygal.Line(
        **_PLAIN,
        width=520,
        height=200,
        margin=6,
        spacing=8,
        dots_size=2,
        x_labels=[one.label for one in chart.points],
        x_labels_major_count=min(3, len(points)),
        show_minor_x_labels=False,
        truncate_label=16,
        value_formatter=number,
        style=Style(label_font_size=14, major_label_font_size=14),  # the room for labels, where they are largest
        y_labels=sorted({low, (low + high) / 2, high}),
    )
    drawn.add(None, points, show_dots=len(points) <= _DOTTED)
    ringed = [value if one.marked else None for one, value in zip(chart.points, points, strict=True)]
    drawn.add(None, ringed, stroke=False, dots_size=5)
    return _drawn(drawn)


def describe(values: Sequence[float | None]) -> str:
    """Say what a line shows, for those who do not see it.

    >>> describe([0.9, None, 1.0])
    '3 runs: from 0.9 to 1, the newest 1'
    """
    known = [one for one in values if one is not None and not math.isnan(one)]
    if not known:
        return f"{counted(len(values), 'run')} without a value"
    newest = "none" if values[-1] is None else number(values[-1])
    return f"{counted(len(values), 'run')}: from {number(min(known))} to {number(max(known))}, the newest {newest}"


def over_runs(measure: Measure) -> tuple[float | None, ...]:
    """The values of a measure, this run's last."""
    return (*measure.earlier, measure.value)


def _drawable(values: Sequence[float | None]) -> list[float | None]:
    """What has no place on a scale is a gap."""
    return [one if one is not None and math.isfinite(one) and abs(one) < _LARGEST else None for one in values]


def _drawn(chart: Any) -> Markup:
    chart.add_xml_filter(_pruned)
    return Markup(chart.render(is_unicode=True, disable_xml_declaration=True))  # nosec B704  # noqa: S704 pygal escapes the labels


def _pruned(root: Any) -> Any:
    """Take out what is not drawn, and what a page of ours has no place for."""
    for parent in list(root.iter()):
        for child in list(parent):
            if _is_dropped(child):
                parent.remove(child)
    for node in root.iter():
        for name in ("d", "x", "y", "cx", "cy", "width", "height"):
            if name in node.attrib:
                node.attrib[name] = _DECIMALS.sub(lambda found: f"{float(found[0]):.1f}", node.attrib[name])
    root.attrib.pop("id", None)
    root.attrib["class"] = "plot-area"
    root.attrib["aria-hidden"] = "true"  # the page describes it beside
    root.attrib["focusable"] = "false"
    return root


def _is_dropped(node: Any) -> bool:
    if not isinstance(node.tag, str):
        return True  # a comment
    classes = node.attrib.get("class", "").split()
    empty = node.tag == "g" and not len(node)
    return node.tag in _DROPPED or empty or "background" in classes or "tooltip-overlay" in classes
