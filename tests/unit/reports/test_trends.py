"""The page of many runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_reader import Element, read_page
from sample_reports import CURRENCY, PAID, ROWS, runs

from lakehouse.errors import ConfigError
from lakehouse.reports.blocks import Verdict
from lakehouse.reports.pages import render_page
from lakehouse.reports.trends import RunSummary, trend_page


def run(day: int, **verdicts: Verdict) -> RunSummary:
    """The run of a day."""
    started = datetime(2026, 11, day, tzinfo=UTC)
    return RunSummary(run=f"run {day}", started=started, verdicts=verdicts, metrics={"m": float(day)}, read=10 * day)


def rows(page: Element, caption: str) -> list[list[Element]]:
    """The cells of a table."""
    [found] = [one for one in page.find("table") if one.find("caption")[0].text == caption]
    return [[cell for cell in row.walk() if cell.tag in {"td", "th"}] for row in found.find("tbody")[0].find("tr")]


@settings(max_examples=5)
@given(st.permutations(runs()))
def test_the_order_of_runs_does_not_matter(shuffled: list[RunSummary]) -> None:
    """Runs are told by when they began, in whatever order they come."""
    assert trend_page("t", tuple(shuffled)) == trend_page("t", runs())


def test_the_newest_run_decides() -> None:
    """The verdict is that of the newest run; the headline counts those that passed."""
    page = trend_page("t", (run(3, a="Passed"), run(1, a="Failed"), run(2, a="Error", b="Passed")))
    assert (page.verdict, page.headline) == ("Passed", "1 of 3 runs passed.")
    assert trend_page("t", runs()).headline == "26 of 30 runs passed."


def test_rules_over_runs() -> None:
    """Each rule has a strip of its verdicts; the gravest now come first, then those that failed most."""
    page = read_page(render_page(trend_page("t", runs())))
    found = rows(page, "Rules, the gravest first")
    assert [row[1].text for row in found][:2] == [PAID, CURRENCY]
    assert [row[0].text.strip() for row in found] == ["Error", *["Failed"] * 3, *["Passed"] * 4]
    assert [row[1].text for row in found][4] == ROWS
    [strip] = found[1][3].find("span", class_="strip")
    assert [one.attributes["class"] for one in strip.find("i")] == ["passed"] * 27 + ["failed"] * 3
    assert found[1][2].text == "3"


def test_a_rule_that_a_run_did_not_ask() -> None:
    """A rule that came later, or went, has no verdict in the other runs, and is not counted as failed there."""
    page = read_page(render_page(trend_page("t", (run(1, old="Failed"), run(2, new="Passed")))))
    new, old = sorted(rows(page, "Rules, the gravest first"), key=lambda row: row[1].text)
    assert [cell.text.strip() for cell in new][:3] == ["Passed", "new", "0"]
    assert [cell.text.strip() for cell in old][:3] == ["not asked", "old", "1"]
    assert [one.attributes["class"] for one in new[3].find("i")] == ["absent", "passed"]


def test_metrics_have_charts() -> None:
    """A chart for rows read, one for the share quarantined, and one for each metric; rings mark runs that did not pass."""
    page = read_page(render_page(trend_page("t", (run(1, a="Passed"), run(2, a="Failed"), run(3, a="Passed")))))
    figures = {one.find("span", class_="title")[0].text: one for one in page.find("figure")}
    assert list(figures) == ["Rows read", "Share quarantined", "m"]
    remarks = [one.text for one in figures["m"].find("span", class_="remark")]
    assert remarks == ["3 runs: from 1 to 3, the newest 3", "A ring is a run that did not pass."]
    rings = [one for group in figures["m"].find("g", class_="serie-1") for one in group.find("circle")]
    assert len(rings) == 1


def test_runs_are_listed_with_their_reports() -> None:
    """The newest first; a run that has a report links to it, one without does not."""
    first = RunSummary(
        run="a", started=datetime(2026, 1, 1, tzinfo=UTC), verdicts={"r": "Passed"}, read=9, quarantined=2
    )
    second = RunSummary(run="b", started=first.started + timedelta(days=1), file="b.html")
    page = read_page(render_page(trend_page("t", (first, second))))
    newest, oldest = rows(page, "Runs, the newest first")
    assert [one.attributes["href"] for one in newest[1].find("a")] == ["./b.html"]
    assert oldest[1].find("a") == []
    assert [cell.text.strip() for cell in oldest][2:] == ["2026-01-01 00:00:00 UTC", "1", "0", "9", "2"]


def test_a_trend_needs_a_run() -> None:
    """Without runs there is nothing to tell."""
    with pytest.raises(ConfigError, match=r"silver\.orders needs a run"):
        trend_page("silver.orders", ())
