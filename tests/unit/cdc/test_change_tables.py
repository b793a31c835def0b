"""Feeds made of change tables: those that Delta and Iceberg themselves give, SQL Server's, and any table with columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import ChangeSpec, ParsedChanges
from lakehouse.cdc.current import CurrentState, apply_current, current_schema, tombstone_schema
from lakehouse.cdc.parsing import parse_changes, route
from lakehouse.errors import ConfigError, MissingColumnsError

SCHEMA = StructType([StructField("id", LongType()), StructField("v", StringType())])
SPEC = ChangeSpec(keys="id")
Change = tuple[str, int | None, str | None, Any]


def changes_of(parsed: ParsedChanges) -> list[Change]:
    """Operation, key, value and sequence of every change, in a fixed order."""
    rows = parsed.changes.select("_op", "id", "v", "_sequence").collect()
    return sorted((tuple(row) for row in rows), key=repr)


def kinds_of(parsed: ParsedChanges) -> dict[str, int]:
    """How many rows were skipped, by kind."""
    return {row["_kind"]: row["count"] for row in parsed.skipped.groupBy("_kind").count().collect()}


def folded(parsed: ParsedChanges) -> list[tuple[Any, ...]]:
    """The current rows that the changes make."""
    spark = parsed.changes.sparkSession
    state = CurrentState(
        rows=spark.createDataFrame([], current_schema(SCHEMA, LongType(), authors=True)),
        tombstones=spark.createDataFrame([], tombstone_schema(SCHEMA, LongType(), SPEC)),
    )
    return sorted(tuple(row) for row in apply_current(state, parsed.changes, SPEC).rows.select("id", "v").collect())


def test_the_change_data_feed_of_a_delta_table_makes_the_table_again(spark: SparkSession, tmp_path: Path) -> None:
    """Updates, a change of key, a delete and an overwrite, as Delta itself tells them."""
    table = f"delta.`{tmp_path / 'source'}`"
    spark.sql(
        f"CREATE TABLE {table} (id BIGINT, v STRING) USING delta TBLPROPERTIES (delta.enableChangeDataFeed = true)"
    )
    spark.sql(f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, NULL)")  # nosec B608  # noqa: S608 - names of our own
    spark.sql(f"UPDATE {table} SET v = 'A' WHERE id = 1")  # nosec B608  # noqa: S608 - names of our own
    spark.sql(f"UPDATE {table} SET id = 9 WHERE id = 2")  # nosec B608  # noqa: S608 - names of our own
    spark.sql(f"DELETE FROM {table} WHERE id = 3")  # nosec B608  # noqa: S608 - names of our own
    spark.sql(f"INSERT OVERWRITE {table} VALUES (1, 'A'), (4, 'd')")  # nosec B608  # noqa: S608 - names of our own
    feed = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 0)
    parsed = parse_changes(feed.load(str(tmp_path / "source")), feed="delta-cdf", schema=SCHEMA, keys="id")
    assert changes_of(parsed) == [
        ("delete", 2, None, 3),
        ("delete", 3, None, 4),
        ("delete", 9, None, 5),
        ("upsert", 1, "A", 2),
        ("upsert", 1, "A", 5),
        ("upsert", 1, "a", 1),
        ("upsert", 2, "b", 1),
        ("upsert", 3, "c", 1),
        ("upsert", 4, "d", 5),
        ("upsert", 4, None, 1),
        ("upsert", 9, "b", 3),
    ]
    # The image before the update of 1, and the deletes of 1 and 4 in the overwrite, which inserts them again.
    assert kinds_of(parsed) == {"before_image": 3}
    assert parsed.rejected.count() == 0
    assert folded(parsed) == sorted(tuple(row) for row in spark.table(table).collect())


def test_row_47_the_changelog_of_an_iceberg_table_makes_the_table_again(spark: SparkSession) -> None:
    """The raw changes, with the rows that copy-on-write only carries over, and the view with images of updates."""
    table = "lake.changelog.source"
    spark.sql("CREATE NAMESPACE IF NOT EXISTS lake.changelog")
    spark.sql(f"CREATE TABLE {table} (id BIGINT, v STRING) USING iceberg TBLPROPERTIES ('format-version' = '2')")
    spark.sql(f"INSERT INTO {table} SELECT /*+ COALESCE(1) */ * FROM VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, NULL)")  # nosec B608  # noqa: S608 - names of our own
    spark.sql(f"UPDATE {table} SET v = 'A' WHERE id = 1")  # nosec B608  # noqa: S608 - names of our own
    spark.sql(f"UPDATE {table} SET id = 9 WHERE id = 2")  # nosec B608  # noqa: S608 - names of our own
    spark.sql(f"DELETE FROM {table} WHERE id = 3")  # nosec B608  # noqa: S608 - names of our own
    raw = spark.table(f"{table}.changes").select("id", "v", "_change_type", "_change_ordinal")
    parsed = parse_changes(raw, feed="iceberg-changelog", schema=SCHEMA, keys="id")
    expected = [
        ("delete", 2, None, 2),
        ("delete", 3, None, 3),
        ("upsert", 1, "A", 1),
        ("upsert", 1, "a", 0),
        ("upsert", 2, "b", 0),
        ("upsert", 3, "c", 0),
        ("upsert", 4, None, 0),
        ("upsert", 9, "b", 2),
    ]
    assert changes_of(parsed) == expected
    # Each of the three statements writes its file again: 3, 3 and 3 rows are carried over, each a delete and an insert.
    assert kinds_of(parsed) == {"before_image": 1, "carry_over": 18}
    assert folded(parsed) == sorted(tuple(row) for row in spark.table(table).collect())
    view = spark.sql(f"CALL lake.system.create_changelog_view(table => '{table}', identifier_columns => array('id'))")
    images = spark.table(view.collect()[0][0])
    assert changes_of(parse_changes(images, feed="iceberg-changelog", schema=SCHEMA, keys="id")) == expected


SQL_SERVER = "`__$start_lsn` BINARY, `__$seqval` BINARY, `__$operation` INT, `__$update_mask` BINARY, id INT, v STRING"


def test_row_48_the_rows_of_a_sql_server_change_table(spark: SparkSession) -> None:
    """All changes: insert, update with both images, a change of key in two forms, delete; as the documentation numbers them."""

    def lsn(number: int) -> bytearray:
        return bytearray(number.to_bytes(10))

    mask = bytearray(b"\x02")
    rows = [
        (lsn(256), lsn(1), 2, mask, 1, "a"),
        (lsn(256), lsn(2), 2, mask, 2, "b"),
        (lsn(257), lsn(1), 3, mask, 1, "a"),
        (lsn(257), lsn(1), 4, mask, 1, "A"),
        (lsn(258), lsn(1), 1, mask, 2, "b"),
        (lsn(258), lsn(1), 2, mask, 7, "b"),
        (lsn(259), lsn(1), 1, mask, 1, "A"),
        (lsn(260), lsn(1), 6, mask, 1, "?"),
    ]
    parsed = parse_changes(spark.createDataFrame(rows, SQL_SERVER), feed="sqlserver-cdc", schema=SCHEMA, keys="id")

    def at(start: int, within: int) -> tuple[str, str]:
        return f"{start:020X}", f"{within:020X}"

    assert changes_of(parsed) == [
        ("delete", 1, None, at(259, 1)),
        ("delete", 2, None, at(258, 1)),
        ("upsert", 1, "A", at(257, 1)),
        ("upsert", 1, "a", at(256, 1)),
        ("upsert", 2, "b", at(256, 2)),
        ("upsert", 7, "b", at(258, 1)),
    ]
    assert kinds_of(parsed) == {"before_image": 1}
    assert [row["_reason"] for row in parsed.rejected.collect()] == ["unknown_operation"]


def test_the_net_changes_of_sql_server_as_csv(text_rows: Any) -> None:
    """Net changes have no `__$seqval`; their operation 5 is an insert or an update; text says 0x before the hex."""
    header = "__$start_lsn,__$operation,__$update_mask,id,v"
    records = ["0x0000002D000000A80001,5,0x02,1,a", "0x0000002D000000A80002,1,NULL,2,NULL", "later,5,0x02,3,c"]
    parsed = parse_changes(text_rows(records, header), feed="sqlserver-cdc", schema=SCHEMA, keys="id")
    assert changes_of(parsed) == [
        ("delete", 2, None, ("0000002D000000A80002", "00")),
        ("upsert", 1, "a", ("0000002D000000A80001", "00")),
    ]
    rejected = parsed.rejected.collect()
    assert [(row["_reason"], row["_detail"], row["_raw"]) for row in rejected] == [
        ("bad_value", "__$start_lsn is no hexadecimal text", records[2])
    ]


def typed(spark: SparkSession, rows: Sequence[tuple[Any, ...]]) -> DataFrame:
    """A typed change table."""
    return spark.createDataFrame(
        rows, "kind STRING, at TIMESTAMP, no INT, id BIGINT, v STRING, _source_file STRING, _row BIGINT"
    )


def test_any_table_with_an_operation_and_a_sequence(spark: SparkSession, outcomes: Any) -> None:
    """Operations in any case, a null operation as an upsert, a sequence of two columns, and what is set aside."""
    noon = datetime.fromisoformat("2026-11-24 12:00")
    rows = [
        ("i", noon, 1, 1, "a"),
        ("Update", noon, 2, 1, "b"),
        (None, noon, 3, 1, "c"),
        (" delete ", noon, 4, 1, "c"),
        ("truncate", noon, 5, None, None),
        ("merge", noon, 6, 1, "x"),
        ("I", noon, 7, None, "x"),
        ("I", None, 8, 1, "x"),
    ]
    bronze = typed(spark, [(*row, "f", place) for place, row in enumerate(rows)])
    parsed = parse_changes(
        bronze, feed="columns", schema=SCHEMA, keys="id", op_column="kind", event_time="at",
        sequence={"at": "timestamp", "no": "bigint"},
    )  # fmt: skip
    row = {"id": 1, "_op": "upsert", "_provided": None, "_event_time": noon}

    def place(number: int) -> dict[str, Any]:
        return {"at": noon, "no": number}

    assert outcomes(parsed) == {
        0: [row | {"v": "a", "_sequence": place(1)}],
        1: [row | {"v": "b", "_sequence": place(2)}],
        2: [row | {"v": "c", "_sequence": place(3)}],
        3: [row | {"v": None, "_op": "delete", "_sequence": place(4)}],
        4: [row | {"id": None, "v": None, "_op": "truncate", "_sequence": place(5)}],
        5: ("unknown_operation", "kind is no operation that is known"),
        6: ("missing_key", "no value for key id"),
        7: ("missing_sequence", "no sequence"),
    }
    assert parsed.changes.schema["_sequence"].dataType.simpleString() == "struct<at:timestamp,no:bigint>"


def test_a_csv_table_without_header_and_operations(text_rows: Any) -> None:
    """Fields by their order; without an operation column every row is an upsert; text that is no sequence is set aside."""
    bronze = text_rows(["7,1,a", "8,1,NULL", "nine,1,c"])
    parsed = parse_changes(
        bronze, feed="columns", schema=SCHEMA, keys="id", sequence={"no": "bigint"}, columns=["no", "id", "v"]
    )
    assert changes_of(parsed) == [("upsert", 1, "a", 7), ("upsert", 1, None, 8)]
    assert [(row["_reason"], row["_detail"]) for row in parsed.rejected.collect()] == [("bad_value", "no is no bigint")]


def test_json_objects_with_an_operation_and_a_sequence(text_rows: Any) -> None:
    """One object a record, numbers to the last digit; what is no object is set aside."""
    records = [
        '{"id": 9007199254740993, "v": "a", "__op": "c", "__lsn": 36028797018963969}',
        '{"id": 1, "v": {"n": 1.5}, "__op": "u", "__lsn": 36028797018963970}',
        '{"id": 1, "__op": "d", "__lsn": 36028797018963971}',
        '{"id": 1, "v": "x", "__op": "c"}',
        "[]",
    ]
    parsed = parse_changes(
        text_rows(records), feed="columns", schema=SCHEMA, keys="id", form="json", op_column="__op", upserts=["c", "u", "r"],
        deletes=["d"], sequence={"__lsn": "bigint"},
    )  # fmt: skip
    assert changes_of(parsed) == [
        ("delete", 1, None, 36028797018963971),
        ("upsert", 1, '{"n":1.5}', 36028797018963970),
        ("upsert", 9007199254740993, "a", 36028797018963969),
    ]
    rejected = parsed.rejected.orderBy("_origin.row").collect()
    assert [(row["_reason"], row["_detail"]) for row in rejected] == [
        ("missing_sequence", "no sequence"),
        ("malformed", "the text is not one JSON object"),
    ]


def test_required_values(text_rows: Any) -> None:
    """An upsert without one is set aside, also when it is left out; a delete needs none, and a bad value is a bad value."""
    records = [
        '{"id": 1, "v": "a", "n": 1, "op": "I"}',
        '{"id": 2, "n": 2, "op": "I"}',
        '{"id": 3, "v": null, "n": 3, "op": "U"}',
        '{"id": 4, "v": null, "n": 4, "op": "D"}',
        '{"id": null, "v": null, "n": 5, "op": "U"}',
        '{"id": "six", "v": null, "n": 6, "op": "U"}',
    ]
    told: dict[str, Any] = {"form": "json", "op_column": "op", "sequence": {"n": "bigint"}, "required": ["id", "v"]}
    parsed = parse_changes(text_rows(records), feed="columns", schema=SCHEMA, keys="id", **told)
    assert changes_of(parsed) == [("delete", 4, None, 4), ("upsert", 1, "a", 1)]
    assert [(row["_reason"], row["_detail"]) for row in parsed.rejected.orderBy("_origin.row").collect()] == [
        ("missing_value", "no value for required column v"),
        ("missing_value", "no value for required column v"),
        ("missing_key", "no value for key id"),
        ("bad_value", "id is no bigint"),
    ]
    with pytest.raises(MissingColumnsError, match="w"):
        parse_changes(text_rows(records), feed="columns", schema=SCHEMA, keys="id", **{**told, "required": "w"})


def test_what_a_record_leaves_out_is_not_required_of_it(text_rows: Any) -> None:
    """Where a feed tells which columns an event carries, the others stay as they are, and are not asked for."""
    key = [{"name": "id", "type": "bigint", "value": 1}]
    record = {"action": "U", "lsn": "0/10", "schema": "app", "table": "items", "columns": key, "identity": key}
    parsed = parse_changes(text_rows([json.dumps(record)]), feed="wal2json", schema=SCHEMA, keys="id", required="v")
    assert [(row["_op"], row["_provided"]) for row in parsed.changes.collect()] == [("upsert", ["id"])]
    assert parsed.rejected.collect() == []


def test_what_cannot_order_changes_is_refused(spark: SparkSession) -> None:
    """No sequence, an unknown type, one value with two meanings, and columns that are not there."""
    frame = typed(spark, [])

    def parse(feed: str = "columns", **options: Any) -> ParsedChanges:
        return parse_changes(frame, feed=feed, schema=SCHEMA, keys="id", **options)

    with pytest.raises(ConfigError, match="feed columns needs the option sequence"):
        parse()
    with pytest.raises(ConfigError, match="must name columns and their types"):
        parse(sequence="no")
    with pytest.raises(ConfigError, match="number"):
        parse(sequence={"no": "number"})
    with pytest.raises(ConfigError, match="share D"):
        parse(sequence={"no": "int"}, upserts=["D"])
    with pytest.raises(MissingColumnsError, match="position"):
        parse(sequence={"position": "int"})
    for feed in ("delta-cdf", "iceberg-changelog", "sqlserver-cdc"):
        with pytest.raises(MissingColumnsError):
            parse(feed)


def test_files_are_routed_by_their_folders(spark: SparkSession) -> None:
    """The last two folders name schema and table."""
    frame = spark.createDataFrame([("file:/land/sales/orders/1.parquet",)], "_source_file STRING")
    for feed in ("columns", "sqlserver-cdc", "delta-cdf", "iceberg-changelog"):
        assert frame.select(route(feed)).collect()[0][0] == "sales.orders"
