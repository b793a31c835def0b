"""Checks of history tables: what other tools leave behind, by hand, and our own tables with something broken in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.history import apply_history, history_schema
from lakehouse.cdc.history_checks import HistoryColumns, check_history, versions_only
from lakehouse.errors import MissingColumnsError

SPEC = ChangeSpec(keys="id")
THEIRS = versions_only(start="valid_from", end="valid_to", current="is_current")
Broken = tuple[int | None, str, list[int | None]]


def found(history: DataFrame, columns: HistoryColumns | None = None, spec: ChangeSpec = SPEC) -> list[Broken]:
    """The report: key, rule, sequences."""
    rows = check_history(history, spec, columns).collect()
    return sorted(((row["key"]["id"], row["rule"], row["sequences"]) for row in rows), key=repr)


def theirs(spark: SparkSession, rows: Sequence[tuple[Any, ...]]) -> DataFrame:
    """A table of versions."""
    return spark.createDataFrame(
        rows, "id INT, v STRING, noise STRING, valid_from INT, valid_to INT, is_current BOOLEAN"
    )


def test_every_rule_on_a_table_of_another_tool(spark: SparkSession) -> None:
    """One key for each way in which hand-written merges break a history; keys without fault are not reported."""
    rows = [
        (1, "x", "", 1, 5, False), (1, "y", "", 5, None, True),
        (2, "x", "", 1, 6, False), (2, "y", "", 5, None, True),
        (3, "x", "", 1, None, True), (3, "y", "", 5, None, True),
        (4, "x", "", 9, 5, False),
        (5, "x", "", 5, 5, False),
        (6, "x", "", 1, 5, False), (6, "x", "", 5, None, True),
        (7, "x", "", 1, None, False),
        (8, "x", "", 1, 5, True), (8, "y", "", 5, None, True),
        (9, "x", "", 1, 3, False), (9, "x", "", 5, None, True),
        (10, "x", "", None, None, True),
        (None, "x", "", 1, None, True),
        (11, "x", "", 1, 3, False), (11, None, "", 3, 4, False), (11, "x", "", 4, None, True),
    ]  # fmt: skip
    assert found(theirs(spark, rows), THEIRS) == [
        (10, "null_start", [None]),
        (2, "overlap", [1, 5]),
        (3, "overlap", [1, 5]),
        (3, "two_current", [1, 5]),
        (4, "inverted", [9]),
        (5, "zero_width", [5]),
        (6, "equal_neighbours", [1, 5]),
        (7, "current_flag", [1]),
        (8, "current_flag", [1]),
        (None, "null_key", [1]),
    ]


def test_a_sentinel_is_an_open_end(spark: SparkSession) -> None:
    """A value that means "open" is one; read as a date, it would hide two open versions."""
    rows = [(1, "x", "", 1, 9999, True), (1, "y", "", 5, 9999, True)]
    columns = versions_only(start="valid_from", end="valid_to", open_end="9999")
    assert found(theirs(spark, rows), columns) == [(1, "overlap", [1, 5]), (1, "two_current", [1, 5])]
    assert found(theirs(spark, rows[:1]), columns) == []


def test_only_tracked_columns_make_neighbours_differ(spark: SparkSession) -> None:
    """A version that differs from the one before in an untracked column only should not be one."""
    rows = [(1, "x", "a", 1, 5, False), (1, "x", "b", 5, None, True)]
    assert found(theirs(spark, rows), THEIRS) == []
    tracked = ChangeSpec(keys="id", track="v")
    assert found(theirs(spark, rows), THEIRS, tracked) == [(1, "equal_neighbours", [1, 5])]


@pytest.mark.parametrize(
    ("damage", "report"),
    [
        ("true", []),
        ("_sequence <> 5", [(1, "gap", [3])]),
        ("_sequence <> 3", [(1, "orphan", [1])]),
        ("_sequence <> 7", [(1, "latest_flag", [5])]),
    ],
)
def test_our_own_table_with_a_row_lost(spark: SparkSession, damage: str, report: list[Broken]) -> None:
    """An absorbed event, a version, a delete and another version: each row is needed, and its loss is seen."""
    payload = StructType([StructField("id", LongType()), StructField("v", StringType())])
    events = [(1, "x", "upsert", 1), (1, "x", "upsert", 3), (1, None, "delete", 5), (1, "y", "upsert", 7)]
    changes = spark.createDataFrame(events, "id LONG, v STRING, _op STRING, _sequence LONG")
    empty = spark.createDataFrame([], history_schema(payload, LongType()))
    history = apply_history(empty, changes, SPEC)
    assert history.count() == 4
    assert found(history.where(damage)) == report


def test_our_own_table_with_a_flag_turned(spark: SparkSession) -> None:
    """The flags are redundant, so that a wrong one is seen."""
    changes = spark.createDataFrame([(1, "x", "upsert", 1)], "id LONG, v STRING, _op STRING, _sequence LONG")
    payload = StructType([StructField("id", LongType()), StructField("v", StringType())])
    history = apply_history(spark.createDataFrame([], history_schema(payload, LongType())), changes, SPEC)
    turned = history.withColumn("_is_current", ~F.col("_is_current")).withColumn("_is_latest", ~F.col("_is_latest"))
    assert found(turned) == [(1, "current_flag", [1]), (1, "latest_flag", [1])]


def test_an_empty_table_is_fine_and_a_missing_column_is_named(spark: SparkSession) -> None:
    """No rows, no report; a column that is not there is an error."""
    assert found(theirs(spark, []), THEIRS) == []
    with pytest.raises(MissingColumnsError, match="_valid_from"):
        check_history(theirs(spark, []), SPEC)
