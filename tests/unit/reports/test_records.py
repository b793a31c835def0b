"""What is kept of a run for later pages."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hostile_strings import HOSTILE
from hypothesis import given
from hypothesis import strategies as st
from sample_reports import COMPLETE, CURRENCY, PEOPLE, run_report

from lakehouse.reports.blocks import Verdict
from lakehouse.reports.findings import RuleResult
from lakehouse.reports.records import RunRecord, read_record, with_earlier, write_record
from lakehouse.reports.runs import JudgedTable, RunReport
from lakehouse.reports.trends import summarize, trend_page


def kept(report: RunReport) -> RunRecord:
    """What is read of what was written."""
    record = read_record(write_record(report))
    assert record is not None
    return record


def of_rules(*rules: RuleResult, table: str = "shop.orders") -> RunReport:
    """A run that asked these rules of one table."""
    judged = JudgedTable(table=table, rules=rules, metrics=rules[0].metrics, on_failure="warn", rows=1, failed=0)
    return replace(run_report(), judged=(judged,))


def rule(value: float, text: str = "RowCount > 0", name: str = "Dataset.*.RowCount") -> RuleResult:
    """A rule that measured one metric."""
    return RuleResult(rule=text, verdict="Passed", metrics={name: value})


def test_a_record_holds_what_a_trend_needs() -> None:
    """Verdicts, metrics and counts come back as they were written."""
    report = run_report()
    record = kept(report)
    assert (record.job, record.run, record.started) == (report.job, report.run, report.started)
    assert (record.verdict, record.read, record.quarantined) == ("Warning", 58_702, 44)
    assert {(one.table, one.rule): one.verdict for one in record.rules}["shop.orders", COMPLETE] == "Failed"
    assert record.metrics["shop.customers"] == {"Dataset.*.RowCount": 1_562.0}
    assert len(record.rules) == 9


def test_a_record_holds_no_values() -> None:
    """No value of a failing row is in it, also where the page tells them; it is plain JSON in ASCII."""
    text = write_record(run_report())
    for secret in (*PEOPLE, "SO-880", "C-10", "Euro", "2026-11-26"):
        assert secret not in text
    told = json.loads(text)
    assert told["targets"][0]["updated"] == 9_870
    assert told["rows"] == {
        "read": 58_702, "kept": 58_646, "quarantined": {"missing_value": 40, "bad_value": 4}, "skipped": {"control": 12},
    }  # fmt: skip


def test_hostile_names_come_back() -> None:
    """Any name of a table, a rule and a metric is read as it was written, halves of letters too."""
    texts = [*HOSTILE, "\ud800"]
    record = kept(of_rules(*(rule(1.0, text, text) for text in texts)))
    assert [(one.rule, dict(one.metrics)) for one in record.rules] == [(text, {text: 1.0}) for text in texts]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_left_out(value: float) -> None:
    """JSON has no infinities; the metric is missing rather than wrong."""
    text = write_record(of_rules(rule(value)))
    assert not {"NaN", "Infinity"} & set(text.replace('"', " ").replace("-", " ").replace(",", " ").split())
    assert [dict(one.metrics) for one in kept(of_rules(rule(value))).rules] == [{}]


WHOLE = write_record(run_report())


@given(st.integers(0, len(WHOLE) - 3))
def test_a_part_of_a_record_is_none(length: int) -> None:
    """Cut anywhere, it is passed over."""
    assert read_record(WHOLE[:length]) is None


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", "7", '"text"', "[" * 100_000, '{"version": 2}',
        WHOLE.replace('"Warning"', '"Fine"'), WHOLE.replace("+00:00", ""), WHOLE.replace('"rules": [', '"rules": [7,'),
        WHOLE.replace('"metrics": {', '"metrics": {"a": "b",'),
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_record_is_none(text: str) -> None:
    """Other JSON, another version, an unknown verdict, an instant without a zone, and things of other types are passed over."""
    assert read_record(text) is None


def test_a_rule_looks_back_on_the_runs_that_asked_it() -> None:
    """Metrics of the same table and the same words, the oldest first; a run that measured nothing for it is a gap."""
    before = [
        kept(of_rules(rule(1.0))),
        kept(of_rules(rule(50.0, CURRENCY))),
        kept(of_rules(rule(60.0), table="shop.customers")),
        kept(of_rules(rule(float("nan")))),
        kept(of_rules(rule(3.0))),
    ]
    [found] = with_earlier(of_rules(rule(4.0)), before).rules
    assert found.earlier == {"Dataset.*.RowCount": (1.0, None, 3.0)}
    [new] = with_earlier(of_rules(rule(4.0, "RowCount > 1")), before).rules
    assert new.earlier == {"Dataset.*.RowCount": ()}


def test_a_part_looks_back_on_the_parts_before_it() -> None:
    """Days of one run are points of one line, after those of earlier runs; the same rule twice in a ruleset is two points."""
    days = of_rules(rule(2.0)).judged + of_rules(rule(3.0), rule(3.5)).judged + of_rules(rule(4.0)).judged
    found = with_earlier(replace(run_report(), judged=days), [kept(of_rules(rule(1.0)))])
    assert [one.earlier["Dataset.*.RowCount"] for one in found.rules] == [
        (1.0,), (1.0, 2.0), (1.0, 2.0), (1.0, 2.0, 3.0, 3.5),
    ]  # fmt: skip


def test_of_several_parts_the_gravest_verdict_counts() -> None:
    """A table that was judged day by day has one verdict for each rule, and the metrics of its last day."""

    def day(name: str, verdict: Verdict, value: float) -> JudgedTable:
        asked = (replace(rule(value), verdict=verdict),)
        return JudgedTable(table="t", part=name, rules=asked, metrics={"m": value}, on_failure="warn", rows=1, failed=0)

    days = day("1", "Passed", 1.0), day("2", "Failed", 2.0), day("3", "Passed", 3.0)
    one = summarize(kept(replace(run_report(), judged=days)))
    assert (one.verdicts, one.metrics) == ({"t: RowCount > 0": "Failed"}, {"t: m": 3.0})


def test_the_trend_of_runs_tells_rules_by_table_and_runs_by_what_became_of_them() -> None:
    """Two tables may have the same rule and metric; the verdict is that of the run, not of its gravest rule."""
    one = summarize(kept(run_report()), file="a.html")
    assert one.verdict == "Warning"
    assert one.verdicts["shop.customers: RowCount > 0"] == "Passed"
    assert one.verdicts[f"shop.orders: {COMPLETE}"] == "Failed"
    assert one.metrics["shop.customers: Dataset.*.RowCount"] == 1_562.0
    page = trend_page("shop_to_warehouse", (one,), kind="Runs of a job")
    assert (page.kind, page.verdict, page.headline) == ("Runs of a job", "Warning", "0 of 1 run passed.")
