"""The quality report of a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from report_reader import Element, read_page, section, table
from sample_reports import PEOPLE, quality_report

from lakehouse.errors import ConfigError
from lakehouse.reports.blocks import Verdict
from lakehouse.reports.findings import Drift, FailingRows, QualityReport, RowCounts, RuleResult, SchemaChange
from lakehouse.reports.pages import render_page
from lakehouse.reports.quality import Reveal, quality_page


def report(*verdicts: Verdict) -> QualityReport:
    """A report of rules with these verdicts, and of nothing else."""
    return QualityReport(
        table="silver.orders",
        job="zones",
        run="1",
        started=datetime(2026, 11, 27, tzinfo=UTC),
        took=timedelta(seconds=1.25),
        rules=tuple(RuleResult(rule=f"Rule {at}", verdict=one) for at, one in enumerate(verdicts)),
    )


def drift(verdict: Verdict) -> Drift:
    """A drift with a verdict."""
    return Drift(column="currency", measure="PSI", value=0.3, limit=0.25, verdict=verdict, appeared=("Euro",))


def shown(one: QualityReport, reveal: Reveal = ()) -> Element:
    """The page of a report, as it is read."""
    return read_page(render_page(quality_page(one, reveal=reveal)))


@pytest.mark.parametrize(
    ("verdicts", "verdict", "headline"),
    [
        ((), "Passed", "0 rules, and none failed."),
        (("Passed", "Passed"), "Passed", "2 rules, and none failed."),
        (("Passed", "Failed"), "Failed", "Of 2 rules, 1 failed."),
        (("Error", "Failed", "Failed"), "Error", "Of 3 rules, 2 failed, 1 could not be worked out."),
        (("Warning", "Passed"), "Warning", "Of 2 rules, 1 passed with a warning."),
    ],
)
def test_the_gravest_rule_decides(verdicts: tuple[Verdict, ...], verdict: Verdict, headline: str) -> None:
    """An error is graver than a failure, and that than a warning; the headline counts each."""
    page = quality_page(report(*verdicts))
    assert (page.verdict, page.headline) == (verdict, headline)


def test_changes_and_drift_warn() -> None:
    """A refused change of the schema, or a drift too far, is a warning where every rule passed, and no more."""
    passed = report("Passed")
    change = SchemaChange(column="a", change="removed", verdict="Failed")
    assert replace(passed, schema_changes=(change,)).verdict == "Warning"
    assert replace(passed, drift=(drift("Failed"),)).verdict == "Warning"
    assert replace(passed, drift=(drift("Passed"),)).verdict == "Passed"
    assert replace(report("Failed"), drift=(drift("Failed"),)).verdict == "Failed"


@pytest.mark.parametrize(
    ("written", "verdict", "said"),
    [
        (7, "Passed", "Every row that was read is accounted for."),
        (5, "Failed", "2 rows of those read went nowhere."),
        (8, "Failed", "1 row more went out than were read."),
    ],
)
def test_rows_are_accounted_for(written: int, verdict: Verdict, said: str) -> None:
    """Rows in are rows out, quarantined and dropped by name; a report that does not add up says so and fails."""
    rows = RowCounts(read=10, written=written, quarantined=2, dropped={"repeated": 1})
    one = replace(report("Passed"), rows=rows)
    assert one.verdict == verdict
    found = section(shown(one), "Rows")
    assert found.find("p", class_="note")[0].text == said
    labels = [(item.find("dt")[0].text, item.find("span", class_="value")[0].text) for item in found.find("div")]
    assert labels == [("Read", "10"), ("Written", str(written)), ("Quarantined", "2"), ("Dropped: repeated", "1")]


def test_the_gravest_rules_come_first() -> None:
    """Rules are sorted by verdict, and keep the order of the ruleset below that; reason, labels and metrics are with them."""
    rows = table(shown(quality_report()), "Rules, the gravest first")[1:]
    assert [row[0] for row in rows] == ["Error", *["Failed"] * 3, *["Passed"] * 4]
    assert rows[1][2] == "Column.order_id.Uniqueness 0.9996"
    assert rows[1][1].endswith("22 keys are there more than once")
    assert "team: finance" in rows[3][1]


def test_metrics_have_a_line_over_runs() -> None:
    """A metric with earlier runs has a sparkline that is described; one without has none."""
    before = RuleResult(rule="R", verdict="Passed", metrics={"m": 0.5, "n": 2.0}, earlier={"m": (1.0, None)})
    [spark] = shown(replace(report(), rules=(before,))).find("span", class_="spark")
    assert spark.attributes["aria-label"] == "3 runs: from 0.5 to 1, the newest 0.5"
    assert spark.find("svg")


def test_values_are_not_in_the_page_unless_asked_for() -> None:
    """By default no value of a row and no category is in the text of the page; nulls are, and so are counts."""
    html = render_page(quality_page(quality_report()))
    for secret in (*PEOPLE, "SO-880", "C-10", "EUR<", "Euro", "2026-11-26", "GBP<"):
        assert secret not in html
    page = read_page(html)
    rows = table(page, 'Completeness "customer_email" >= 0.98')
    assert rows[1] == ["•••••masked", "•••••masked", "null", "•••••masked", "•••••masked", "•••••masked"]
    assert "New: 1 category" in section(page, "Drift").text
    assert "Gone: 2 categories" in section(page, "Drift").text


def test_values_of_named_columns_are_told() -> None:
    """Values and categories of the columns that are named are shown, those of others are not."""
    page = shown(quality_report(), reveal=["order_id", "currency"])
    rows = table(page, 'IsPrimaryKey "order_id"')
    assert rows[1] == ["SO-880400", "•••••masked", "•••••masked", "EUR", "•••••masked", "•••••masked"]
    assert "New: Euro" in section(page, "Drift").text
    assert PEOPLE[0] not in page.text


def test_all_values_are_told_when_asked() -> None:
    """Everything is shown, and nothing speaks of masks."""
    page = shown(quality_report(), reveal="all")
    assert f"{PEOPLE[0]}@example.com" in page.text
    assert "masked" not in section(page, "Failing rows").text


def test_one_name_is_no_list_of_names() -> None:
    """A single name would be read as a set of letters, and is refused."""
    with pytest.raises(ConfigError, match=r"\['order_id'\], or 'all'"):
        quality_page(quality_report(), reveal="order_id")


def test_failing_rows_say_how_many_there_are() -> None:
    """Below the rows is how many of how many are listed; the rows answer to the verdict of their rule."""
    page = shown(quality_report())
    [listing] = [
        one for one in page.find("div", class_="listing") if one.find("caption")[0].text == 'IsPrimaryKey "order_id"'
    ]
    assert listing.find("p", class_="remark")[0].text == "4 rows of 44 that fail this rule."
    assert {row.attributes["data-row"] for row in listing.find("tbody")[0].find("tr")} == {"Failed"}


@pytest.mark.parametrize(("rows", "total"), [((("1", "2"),), 1), ((("1",), ("2",)), 1)])
def test_failing_rows_have_to_fit(rows: tuple[tuple[str, ...], ...], total: int) -> None:
    """A value without a column would be told below another's name; more rows than there are is a mistake."""
    with pytest.raises(ConfigError, match="give 1 values a row, and a total of"):
        FailingRows(rule="R", columns=("a",), rows=rows, total=total)


def test_schema_changes_are_listed() -> None:
    """What was, what is, and what kind of change it is."""
    assert table(shown(quality_report()), "Columns that changed")[1:] == [
        ["added", "channel", "none", "string"],
        ["removed", "paid_at", "timestamp", "none"],
        ["type changed", "total", "decimal(10,2)", "decimal(18,4)"],
    ]


def test_what_is_not_there_is_said() -> None:
    """A run that found nothing says so in each section, and has no table."""
    page = shown(report())
    said = [one.find("p", class_="note")[0].text for one in page.find("section")]
    assert said == [
        "The ruleset has no rules.",
        "No rows are listed.",
        "No column changed.",
        "No column is watched for drift.",
    ]
    assert page.find("table") == []


def test_remarks_sum_up() -> None:
    """The banner says what went to quarantine, what changed and what drifted."""
    assert quality_page(quality_report()).remarks == (
        "2,307 rows of 57,140 went to quarantine.",
        "The schema changed: 3 columns.",
        "1 column drifted.",
    )
    assert quality_page(report("Passed")).remarks == ()
