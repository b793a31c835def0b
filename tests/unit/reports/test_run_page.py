"""The page of a run of a job."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hostile_strings import HOSTILE
from report_reader import Element, read_page, section, table
from sample_reports import PEOPLE, run_report

from lakehouse.reports.blocks import Verdict
from lakehouse.reports.findings import FailingRows, RuleResult
from lakehouse.reports.pages import render_page
from lakehouse.reports.quality import Reveal
from lakehouse.reports.run_page import run_page
from lakehouse.reports.runs import BesideContract, FileCounts, JudgedTable, RowFates, RunReport, TargetCounts
from lakehouse.reports.texts import visible

IDLE = RunReport(job="shop", run="1", started=datetime(2026, 11, 27, tzinfo=UTC), took=timedelta(seconds=1.25))


def judged(*verdicts: Verdict) -> tuple[JudgedTable, ...]:
    """A source table with rules of these verdicts."""
    rules = tuple(RuleResult(rule=f"Rule {place}", verdict=one) for place, one in enumerate(verdicts))
    return (JudgedTable(table="shop.orders", rules=rules, on_failure="warn", rows=9, failed=0),)


def late(many: int) -> tuple[TargetCounts, ...]:
    """A table that came too late for some changes."""
    return (TargetCounts(table="silver.orders", kind="current", source="shop.orders", too_late=many),)


def shown(report: RunReport, reveal: Reveal = ()) -> Element:
    """The page of a report, as it is read."""
    return read_page(render_page(run_page(report, reveal=reveal)))


def figures(part: Element) -> list[tuple[str, str]]:
    """What the figures of a section count, and their values."""
    [found] = part.find("dl", class_="figures")
    return [(one.find("dt")[0].text, one.find("span", class_="value")[0].text) for one in found.find("div")]


@pytest.mark.parametrize(
    ("report", "verdict"),
    [
        (IDLE, "Passed"),
        (replace(IDLE, judged=judged("Passed")), "Passed"),
        (replace(IDLE, rows=RowFates(read=9, skipped={"control": 9})), "Passed"),
        (replace(IDLE, files=FileCounts(repeated=1, hidden=1)), "Passed"),
        (replace(IDLE, beside=(BesideContract(table="t", column="c", state="unknown", rows=1),)), "Passed"),
        (replace(IDLE, rows=RowFates(read=9, quarantined={"bad_value": 1})), "Warning"),
        (replace(IDLE, files=FileCounts(refused={"truncated": 1})), "Warning"),
        (replace(IDLE, targets=late(1)), "Warning"),
        (replace(IDLE, judged=judged("Passed", "Failed")), "Warning"),
        (replace(IDLE, judged=judged("Passed", "Error")), "Warning"),
        (replace(IDLE, judged=judged("Passed", "Failed"), stopped=True), "Failed"),
    ],
)
def test_the_verdict_is_what_became_of_the_run(report: RunReport, verdict: Verdict) -> None:
    """Failed where rules stopped it; a warning where something was set aside or rules did not pass; passed else."""
    assert run_page(report).verdict == verdict


def test_the_banner_sums_up() -> None:
    """What was read and changed, then what somebody should know of, a sentence each."""
    page = run_page(run_report())
    assert page.headline == "58,702 rows read, 107,076 rows changed in 2 tables."
    assert page.remarks == (
        "The run went on though rules did not pass: of 9 rules, 3 failed, 1 could not be worked out.",
        "44 rows went to quarantine.",
        "3 changes came too late for a table, and went to quarantine.",
        "3 files were refused.",
        "The columns of 1 table changed.",
    )
    assert run_page(IDLE).remarks == ()
    stopped = run_page(replace(run_report(), stopped=True))
    assert stopped.headline == "The run was stopped by its rules: of 9 rules, 3 failed, 1 could not be worked out."
    assert stopped.remarks[0] == "44 rows went to quarantine."


def test_rows_and_files_are_counted_by_reason() -> None:
    """Rows read are those kept, quarantined and skipped; below are the reasons, the most frequent first; so for files."""
    page = shown(run_report())
    told = figures(section(page, "Rows"))
    assert told == [("Read", "58,702"), ("Kept", "58,646"), ("Quarantined", "44"), ("Skipped", "12")]
    assert table(page, "Rows not kept")[1:] == [
        ["Quarantined", "missing_value", "40"],
        ["Quarantined", "bad_value", "4"],
        ["Skipped", "control", "12"],
    ]
    told = figures(section(page, "Files"))
    assert told == [("New", "36"), ("Repeated", "2"), ("Hidden", "1"), ("Refused", "3")]
    assert table(page, "Files not read")[1:] == [["Refused", "encoding", "2"], ["Refused", "truncated", "1"]]


def test_each_table_has_its_counts() -> None:
    """A row for each target, by kind and name, with where its changes are from and which commit was made, if one was."""
    headings, *rows = table(shown(run_report()), "What was written")
    assert headings[1:] == [
        "Changes", "Applied", "Duplicate", "Late", "Tie", "Too late", "Inserted", "Updated", "Deleted",
    ]  # fmt: skip
    assert rows == [
        ["silver.customerscurrent, from shop.customersno commit", "1,550", "0", "1,547", "0", "0", "3", "0", "0", "0"],
        ["silver.orderscurrent, from shop.ordersversion 7", "57,096", "57,090", "5", "17", "1", "0", "40,104", "9,870", "12"],
        ["silver.orders_historyhistory, from shop.ordersversion 4611686018427387904", "57,096", "57,090", "5", "17", "1", "0", "57,090", "0", "0"],
    ]  # fmt: skip


def test_rules_are_told_by_source_table() -> None:
    """Each source table has its rules with sparklines, and what was to become of rows that fail; figures are of all."""
    page = shown(run_report())
    rules = section(page, "Rules")
    assert figures(rules) == [("Error", "1"), ("Failed", "3"), ("Passed", "5")]
    assert [row[0] for row in table(page, "Rules of shop.orders, the gravest first")[1:]][:2] == ["Error", "Failed"]
    assert len(table(page, "Rules of shop.customers 2026-11-25, the gravest first")) == 2
    assert len(rules.find("span", class_="spark")) == 6
    remarks = [one.text for one in rules.find("p", class_="remark") if "judged" in one.text]
    assert remarks[0] == "57,140 rows judged, 6,238 of them fail a rule of rows. What is done when rules fail: warn."
    assert remarks[1] == "1,562 rows judged. What is done when rules fail: warn."
    assert "shop.orders: " in section(page, "Failing rows").find("caption")[0].text


def test_a_month_of_days_is_a_table_of_days() -> None:
    """Days that passed are a line each; the rules of those that did not come first, and then those of the last day."""
    good, bad = RuleResult(rule="Good", verdict="Passed"), RuleResult(rule="Bad", verdict="Failed")
    days = [("2026-11-01", good), ("2026-11-02", bad), ("2026-11-03", good), ("2026-11-04", good)]
    report = replace(
        IDLE,
        judged=tuple(
            JudgedTable(table="shop.orders", part=day, rules=(good, rule), on_failure="warn", rows=9, failed=0)
            for day, rule in days
        ),
    )
    page = shown(report)
    assert table(page, "Days of shop.orders")[1:] == [
        ["Passed", "2026-11-01", "", "9"],
        ["Failed", "2026-11-02", "Bad", "9"],
        ["Passed", "2026-11-03", "", "9"],
        ["Passed", "2026-11-04", "", "9"],
    ]
    listed = [one.find("caption")[0].text for one in section(page, "Rules").find("table")]
    assert listed == [
        "Days of shop.orders",
        "Rules of shop.orders 2026-11-02, the gravest first",
        "Rules of shop.orders 2026-11-04, the gravest first",
    ]


def test_columns_that_changed_and_that_no_contract_names_are_listed() -> None:
    """What tables got, a line each, and what lies beside the contracts; where there is neither, that is said."""
    page = shown(run_report())
    assert table(page, "How tables changed")[1:] == [
        ["silver.orders", "+ channel string"],
        ["silver.orders", "~ total decimal(10,2) -> decimal(18,4) (widened)"],
    ]
    assert table(page, "What is not as the contracts say")[1:] == [
        ["Unknown", "shop.orders", "coupon", "811"],
        ["Missing", "shop.orders", "paid_at", "57,140"],
    ]
    said = "No table changed, and nothing was found beside the contracts."
    assert section(shown(IDLE), "Columns").find("p", class_="note")[0].text == said


def test_a_run_without_a_ruleset_does_not_speak_of_rules() -> None:
    """Nothing is said of rules that nobody asked for."""
    headings = [one.find("h2")[0].text.partition(":")[0] for one in shown(IDLE).find("section")]
    assert headings == ["Tables", "Rows", "Files", "Columns"]


def test_a_run_that_was_stopped_tells_of_its_rules() -> None:
    """What is counted as a run goes on is left out where it did not: noughts would be wrong."""
    page = shown(replace(IDLE, judged=judged("Failed"), stopped=True))
    headings = [one.find("h2")[0].text.partition(":")[0] for one in page.find("section")]
    assert headings == ["Rules", "Failing rows", "Tables"]
    assert section(page, "Tables").find("p", class_="note")[0].text == "No table was written; the batch waits."


def test_values_are_not_in_the_page_unless_asked_for() -> None:
    """Masked values are not in the bytes of the page; those of a revealed column are."""
    html = render_page(run_page(run_report()))
    for secret in (*PEOPLE, "SO-880", "C-10", "Euro", "2026-11-26"):
        assert secret not in html
    assert PEOPLE[0] in render_page(run_page(run_report(), reveal="all"))
    revealed = render_page(run_page(run_report(), reveal=["order_id"]))
    assert "SO-880400" in revealed
    assert PEOPLE[0] not in revealed


def report_of(texts: tuple[str, ...]) -> RunReport:
    """A report with texts wherever a name, a reason or a value may be."""
    rules = tuple(RuleResult(rule=text, verdict="Failed", reason=text or "x", metrics={text: 1.0}) for text in texts)
    counts = {f"{text}{place}": 1 for place, text in enumerate(texts)}
    return replace(
        IDLE,
        job=texts[0],
        run=texts[-1],
        files=FileCounts(refused=counts),
        rows=RowFates(read=2 * len(texts), quarantined=counts, skipped=counts),
        targets=tuple(
            TargetCounts(table=text, kind=text, source=text, version=text or "x", evolved=(text,)) for text in texts
        ),
        beside=tuple(BesideContract(table=text, column=text, state=text or "x", rows=1) for text in texts),
        judged=tuple(
            JudgedTable(
                table=text,
                rules=rules[:1],
                on_failure=text,
                rows=1,
                failed=1,
                failing=(FailingRows(rule=text, columns=(text,), rows=((text,),), total=1),),
            )
            for text in texts
        ),
    )


def test_hostile_texts_stay_texts() -> None:
    """Five hundred hostile strings in every name, reason and value leave the elements of the page as plain ones do, and are shown."""
    page = shown(report_of(HOSTILE), reveal="all")
    plain = shown(report_of(("plain",) * len(HOSTILE)), reveal="all")
    assert page.shape.replace("<wbr ></wbr>", "") == plain.shape.replace("<wbr ></wbr>", "")
    [beside] = [one for one in page.find("table") if one.find("caption")[0].text == "What is not as the contracts say"]
    assert [one.text for one in beside.find("th", scope="row")] == [visible(text) for text in HOSTILE]
