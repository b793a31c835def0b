"""Rows that fail rules, for a report."""

from __future__ import annotations

from pyspark.sql import SparkSession

from lakehouse.quality.outcomes import Outcome, Verdict
from lakehouse.reports.findings import FailingRows
from lakehouse.runtime.failing_rows import find_failing_rows

SCHEMA = "id long, `e.mail` string, raw binary, tags map<string,int>, _op string, _origin struct<file:string,row:long,part:int>, DataQualityRulesFail array<string>"
POSITIVE, COMPLETE, MOSTLY = 'ColumnValues "id" > 0', 'IsComplete "raw"', 'ColumnValues "id" > -9 with threshold > 0.1'


def outcome(rule: str, verdict: Verdict) -> Outcome:
    """What came of a rule."""
    return Outcome(rule=rule, verdict=verdict, reason="", metrics={}, labels={})


def test_the_first_rows_of_each_rule_are_found(spark: SparkSession) -> None:
    """By file and row, as many as asked for, with the count of all; a rule that passed lists none; values are texts."""
    rows = [
        (
            -place,
            f"p{place}@x",
            None if place == 3 else b"\xab",
            {"a": place},
            "upsert",
            (f"file:///in/{place % 2}.json", 10 - place, 0),
            [MOSTLY, POSITIVE, *([COMPLETE] if place == 3 else [])],
        )
        for place in range(9)
    ]
    frame = spark.createDataFrame(rows, SCHEMA)
    outcomes = [outcome(COMPLETE, "Failed"), outcome(MOSTLY, "Passed"), outcome(POSITIVE, "Failed")]
    columns = ("_source_file", "_row", "id", "e.mail", "raw", "tags")
    assert find_failing_rows(frame, outcomes, reveal=True, most=3) == (
        FailingRows(rule=COMPLETE, columns=columns, rows=(("1.json", "7", "-3", "p3@x", None, "{a -> 3}"),), total=1),
        FailingRows(
            rule=POSITIVE,
            columns=columns,
            rows=(
                ("0.json", "2", "-8", "p8@x", "AB", "{a -> 8}"),
                ("0.json", "4", "-6", "p6@x", "AB", "{a -> 6}"),
                ("0.json", "6", "-4", "p4@x", "AB", "{a -> 4}"),
            ),
            total=9,
        ),
    )
    masked, first = find_failing_rows(frame, outcomes, most=1)
    assert masked.rows == (("1.json", "7", "", "", None, ""),)
    assert (first.rows, first.total) == ((("0.json", "2", "", "", "", ""),), 9)


def test_nothing_is_asked_where_no_rule_failed(spark: SparkSession) -> None:
    """Rules that passed or are errors have no failing rows."""
    rows = spark.createDataFrame([(1, [POSITIVE, COMPLETE])], "id long, DataQualityRulesFail array<string>")
    assert find_failing_rows(rows, [outcome(POSITIVE, "Passed"), outcome(COMPLETE, "Error")]) == ()


def test_rows_without_an_origin_have_no_place(spark: SparkSession) -> None:
    """A frame of no feed has its own columns alone; a rule on the whole dataset has no failing rows."""
    rows = spark.createDataFrame([(1, [POSITIVE])], "id long, DataQualityRulesFail array<string>")
    [found] = find_failing_rows(rows, [outcome("RowCount > 7", "Failed"), outcome(POSITIVE, "Failed")], reveal=True)
    assert (found.columns, found.rows, found.total) == (("id",), (("1",),), 1)
