"""Full extracts as change logs, and the rows of extracts as their feed reads them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.parsing import parse_changes
from lakehouse.cdc.snapshots import SnapshotRules, diff_snapshot
from lakehouse.errors import ConfigError, IncompatibleSchemaError, MissingColumnsError

ROW = "id INT, v STRING"
SCHEMA = StructType([StructField("id", LongType()), StructField("v", StringType())])


def found(changes: DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The change log in a fixed order."""
    return sorted((tuple(row) for row in changes.select("_op", *columns).collect()), key=repr)


def test_an_extract_is_the_difference_to_the_known_rows(spark: SparkSession) -> None:
    """New and changed rows are upserts, missing keys deletes, equal rows nothing; all at the version."""
    known = spark.createDataFrame([(1, "a", 9), (2, "b", 9), (3, None, 9), (4, "d", 9)], f"{ROW}, _sequence INT")
    extract = spark.createDataFrame([("a", 1), ("B", 2), (None, 3), ("e", 5)], "v STRING, id INT")
    changes = diff_snapshot(known, extract, keys="id", version=10)
    assert found(changes, "id", "v", "_sequence") == [
        ("delete", 4, None, 10),
        ("upsert", 2, "B", 10),
        ("upsert", 5, "e", 10),
    ]
    assert changes.schema["_sequence"].dataType == LongType()
    kept = diff_snapshot(known, extract, keys="id", version=10, hard_deletes="ignore")
    assert found(kept, "id") == [("upsert", 2), ("upsert", 5)]


def test_values_are_compared_as_the_merge_compares_them(spark: SparkSession) -> None:
    """Null, NaN, negative zero, maps in another order and decimals by value are equal; a null against a value is not."""
    schema = "id INT, `a.b` DOUBLE, m MAP<STRING, INT>, s STRUCT<x: INT, n: MAP<STRING, INT>>, `tick``é ` DECIMAL(6,2)"
    known = spark.createDataFrame(
        [
            (1, float("nan"), {"a": 1, "b": 2}, (1, {"k": 1}), None),
            (2, 0.0, None, None, None),
            (3, None, {"a": 1}, (1, {"k": 1}), None),
            (4, 1.0, {"a": 1}, (None, None), None),
        ],
        schema,
    )
    extract = spark.createDataFrame(
        [
            (1, float("nan"), {"b": 2, "a": 1}, (1, {"k": 1}), None),
            (2, -0.0, None, None, None),
            (3, None, {"a": 1}, (1, {"k": 2}), None),
            (4, 1.0, None, (None, None), None),
        ],
        schema,
    )
    changes = diff_snapshot(known, extract, keys=["id"], version=1)
    assert found(changes, "id", "`a.b`", "m", "`tick``é `") == [
        ("upsert", 3, None, {"a": 1}, None),
        ("upsert", 4, 1.0, None, None),
    ]


def test_keys_of_any_name_and_rows_of_keys_alone(spark: SparkSession) -> None:
    """Two key columns with odd names and nothing beside them: keys come and go, none changes."""
    schema = "`a.b` INT, `k``2` STRING"
    known = spark.createDataFrame([(1, "x"), (1, "y")], schema)
    extract = spark.createDataFrame([(1, "x"), (2, "y")], schema)
    changes = diff_snapshot(known, extract, keys=["a.b", "k`2"], version=date(2026, 11, 24))
    assert found(changes, "`a.b`", "`k``2`", "_sequence") == [
        ("delete", 1, "y", date(2026, 11, 24)),
        ("upsert", 2, "y", date(2026, 11, 24)),
    ]


def test_a_version_that_is_a_moment_is_the_event_time(spark: SparkSession) -> None:
    """Without a column for it, and for deletes, the version says when a change happened; a number says nothing."""
    schema = f"{ROW}, changed TIMESTAMP"
    known = spark.createDataFrame([(1, "a", None), (2, "b", None)], schema)
    changed = datetime(2026, 11, 23, 8, tzinfo=UTC)
    extract = spark.createDataFrame([(1, "b", changed), (3, "c", None)], schema)
    version = datetime(2026, 11, 24, 0, 0, 0, 1, tzinfo=UTC)
    at = F.date_format("_event_time", "dd HH:mm:ss.SSSSSS").alias("at")
    changes = diff_snapshot(known, extract, keys="id", version=version, event_time="changed").select("*", at)
    assert found(changes, "id", "at") == [
        ("delete", 2, "24 00:00:00.000001"),
        ("upsert", 1, "23 08:00:00.000000"),
        ("upsert", 3, "24 00:00:00.000001"),
    ]
    counted = diff_snapshot(known, extract, keys="id", version=5).select("*", at)
    assert {row["at"] for row in counted.collect()} == {None}
    with pytest.raises(ConfigError, match="v is string"):
        diff_snapshot(known, extract, keys="id", version=5, event_time="v")


def test_a_key_that_is_there_twice_fails_without_its_value(spark: SparkSession) -> None:
    """Equal duplicates too: which of them is meant is for the caller to say."""
    known = spark.createDataFrame([], ROW)
    extract = spark.createDataFrame([(4711, "a"), (4711, "a")], ROW)
    with pytest.raises(Exception, match="more than once") as error:
        diff_snapshot(known, extract, keys="id", version=1).collect()
    assert "4711" not in str(error.value)


def test_frames_that_do_not_fit_are_refused_with_names(spark: SparkSession) -> None:
    """A missing column, an extra one, another type, a missing key, a version that is none."""
    known = spark.createDataFrame([], ROW)
    with pytest.raises(MissingColumnsError, match="the snapshot lacks v"):
        diff_snapshot(known, known.drop("v"), keys="id", version=1)
    with pytest.raises(IncompatibleSchemaError, match="lack: w"):
        diff_snapshot(known, known.withColumn("w", F.lit(1)), keys="id", version=1)
    with pytest.raises(IncompatibleSchemaError, match="v is int, not string"):
        diff_snapshot(known, known.withColumn("v", F.lit(1)), keys="id", version=1)
    with pytest.raises(MissingColumnsError, match="the known rows lacks key"):
        diff_snapshot(known, known, keys="key", version=1)
    for version in (None, datetime(2026, 1, 1)):  # noqa: DTZ001 - the missing zone is the point
        with pytest.raises(ConfigError, match="a snapshot needs a version"):
            diff_snapshot(known, known, keys="id", version=version)


def test_rules_that_mean_nothing_are_refused() -> None:
    """There is no third way to treat missing keys, and a share is between 0 and 1."""
    with pytest.raises(ConfigError, match="use close"):
        SnapshotRules(hard_deletes="new_record")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="from 0 to 1"):
        SnapshotRules(max_delete_ratio=20)


def read(df: DataFrame, **options: Any) -> ParsedChanges:
    """The rows of an extract."""
    return parse_changes(df, feed="snapshot", schema=SCHEMA, keys="id", **options)


def test_every_row_of_an_extract_is_an_upsert_at_its_version(spark: SparkSession) -> None:
    """CSV, JSON and typed rows alike; values that are none of the contract's types are rejected with the reason."""
    bronze = "_raw STRING, _header STRING, _source_file STRING, _row LONG"
    csv = spark.createDataFrame([("1,a", "id,v", "f", 1), ("x,b", "id,v", "f", 2), (",c", "id,v", "f", 3)], bronze)
    parsed = read(csv, version=date(2026, 11, 24))
    assert found(parsed.changes, "id", "v", "_sequence") == [("upsert", 1, "a", date(2026, 11, 24))]
    assert sorted((row["_origin"]["row"], row["_reason"]) for row in parsed.rejected.collect()) == [
        (2, "bad_value"),
        (3, "missing_key"),
    ]
    json = spark.createDataFrame([('{"id": 1, "v": "a"}', None, "f", 1), ('{"id": 2}', None, "f", 2)], bronze)
    assert found(read(json, version=7, form="json").changes, "id", "v", "_sequence") == [
        ("upsert", 1, "a", 7),
        ("upsert", 2, None, 7),
    ]
    typed = spark.createDataFrame([(1, "a", "f", 1)], "ID INT, V STRING, _source_file STRING, _row LONG")
    assert found(read(typed, version=7).changes, "id", "v") == [("upsert", 1, "a")]


def test_an_extract_that_lost_a_column_is_no_extract(spark: SparkSession) -> None:
    """A column that is missing would become null in every row: typed rows are refused, CSV rows rejected."""
    typed = spark.createDataFrame([(1, "f", 1)], "id INT, _source_file STRING, _row LONG")
    with pytest.raises(MissingColumnsError, match="the snapshot lacks v"):
        read(typed, version=7)
    csv = spark.createDataFrame([("1", "id", "f", 1)], "_raw STRING, _header STRING, _source_file STRING, _row LONG")
    rejected = read(csv, version=7).rejected.collect()
    assert [(row["_reason"], row["_detail"]) for row in rejected] == [
        ("malformed", "the header lacks a column of the contract")
    ]
    with pytest.raises(ConfigError, match="needs the option version"):
        read(typed)
