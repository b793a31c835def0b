"""DMS files: recorded CSV and Parquet against the server's own log, and the rows a task may write."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DecimalType, LongType, StringType, StructField, StructType, TimestampType

from lakehouse.cdc.csv_records import split_records
from lakehouse.cdc.parsing import parse_changes, route
from lakehouse.errors import ConfigError, MissingColumnsError

SCHEMA = StructType(
    [
        StructField("id", LongType()),
        StructField("name", StringType()),
        StructField("amount", DecimalType(12, 2)),
        StructField("at", TimestampType()),
    ]
)
HEADER = "Op,ts,id,name,amount,at,AR_H_CHANGE_SEQ,BI_id"
SEQUENCE = "20261124033544640000000000027286336"
CHANGE = "s3://lake/public/t/20261124-033545787.csv"
LOAD = "s3://lake/public/t/LOAD00000001.csv"
BRONZE = "_raw STRING, _header STRING, _table STRING, _source_file STRING, _row BIGINT"


def at(text: str) -> datetime:
    """A timestamp as it is collected, in UTC without a zone."""
    return datetime.fromisoformat(text)


def csv_bronze(spark: SparkSession, folder: str) -> DataFrame:
    """Bronze rows of a folder of CSV files with headers."""
    lines = [
        (line, str(path), number)
        for path in sorted(Path(folder).glob("*.csv"))
        for number, line in enumerate(path.read_bytes().decode().removesuffix("\n").split("\n"))
    ]
    records = split_records(spark.createDataFrame(lines, "_raw STRING, _source_file STRING, _line BIGINT"))
    headers = records.where("_row = 0").select("_source_file", F.col("_raw").alias("_header"))
    return records.where("_row > 0").join(headers, on="_source_file", how="inner").withColumn("_table", route("dms-s3"))


def parquet_bronze(spark: SparkSession, folder: str) -> DataFrame:
    """Bronze rows of a folder of Parquet files, whose columns differ."""
    frames = [
        spark.read.parquet(str(path)).select(
            "*", F.lit(str(path)).alias("_source_file"), F.lit(0).cast("bigint").alias("_row")
        )
        for path in sorted(Path(folder).glob("*.parquet"))
    ]
    merged = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), frames)
    return merged.withColumn("_table", route("dms-s3"))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_every_recorded_change_is_the_one_the_server_made(spark: SparkSession, shop: Any, form: str) -> None:
    """Recorded files parse to exactly the changes, values and keys that the server's trigger logged."""
    folder = shop.path("dms_s3", form, "public", shop.name)
    parsed = parse_changes(
        csv_bronze(spark, folder) if form == "csv" else parquet_bronze(spark, folder),
        feed="dms-s3",
        schema=shop.schema,
        keys=shop.keys,
        table=f"public.{shop.name}",
        timestamp_column="dms_commit_ts",
    )
    assert shop.actual(parsed.changes) == shop.expected()
    assert parsed.rejected.collect() == []
    assert parsed.skipped.collect() == []


def test_a_change_of_every_kind_and_every_fault(spark: SparkSession, outcomes: Any) -> None:
    """Each CSV record becomes its changes, or is set aside with a reason that never quotes a value."""
    good = f'2026-11-24 03:35:44.644718,7,"a,""b""\nc",12.50,2026-11-24 04:00:00,{SEQUENCE}'
    records = [
        (LOAD, HEADER.removeprefix("Op,"), "2026-11-24 03:00:00,1,x,1.00,NULL,NULL,NULL"),
        (LOAD, HEADER, "I,2026-11-24 03:00:00,1,x,1.00,,,"),
        (CHANGE, HEADER, f"I,{good},NULL"),
        (CHANGE, HEADER, f"U,{good},8"),
        (CHANGE, HEADER, f"u,{good},7\r"),
        (CHANGE, HEADER, f"D,2026-11-24 03:35:44.644718,7,NULL,no number,NULL,{SEQUENCE},7"),
        (CHANGE, HEADER, f'I,,9,"NULL",,NULL,{SEQUENCE},NULL'),
        (CHANGE, "Op,id,AR_H_CHANGE_SEQ,name", f"I,7,{SEQUENCE},"),
        (CHANGE, HEADER, f"X,{good},7"),
        (CHANGE, HEADER, f"NULL,{good},7"),
        (LOAD, HEADER, f"D,{good},7"),
        (CHANGE, HEADER, f"I,{good}"),
        (CHANGE, HEADER, f'I,"{good},7'),
        (CHANGE, "Op,id,id", "I,1,1"),
        (CHANGE, 'Op,"id', "I,1"),
        (CHANGE, HEADER, f"I,2026-11-24 03:35:44,NULL,secret,1.00,NULL,{SEQUENCE},NULL"),
        (CHANGE, HEADER, "I,2026-11-24 03:35:44,7,secret,1.00,NULL,NULL,NULL"),
        (CHANGE, HEADER, "I,2026-11-24 03:35:44,7,secret,1.00,NULL,secret,NULL"),
        (CHANGE, HEADER, f"U,never,seven,secret,1.005,today,{SEQUENCE},eight"),
    ]
    rows = [(raw, header, None, file, number) for number, (file, header, raw) in enumerate(records)]
    parsed = parse_changes(
        spark.createDataFrame(rows, BRONZE), feed="dms-s3", schema=SCHEMA, keys="id", timestamp_column="ts"
    )
    load = {
        "id": 1, "name": "x", "amount": Decimal("1.00"), "at": None, "_op": "upsert", "_sequence": Decimal(0),
        "_provided": None, "_event_time": at("2026-11-24 03:00:00"),
    }  # fmt: skip
    upsert = {
        "id": 7, "name": 'a,"b"\nc', "amount": Decimal("12.50"), "at": at("2026-11-24 04:00:00"), "_op": "upsert",
        "_sequence": Decimal(SEQUENCE), "_provided": None, "_event_time": at("2026-11-24 03:35:44.644718"),
    }  # fmt: skip
    gone = upsert | {"name": None, "amount": None, "at": None, "_op": "delete"}
    bare = upsert | {"amount": None, "at": None, "_event_time": None}
    assert outcomes(parsed) == {
        0: [load],
        1: [load],
        2: [upsert],
        3: [gone | {"id": 8}, upsert],
        4: [upsert],
        5: [gone],
        6: [bare | {"id": 9, "name": "NULL"}],
        7: [bare | {"name": ""}],
        8: ("unknown_operation", "Op is none of I, U, D"),
        9: ("unknown_operation", "Op is none of I, U, D"),
        10: ("unknown_operation", "Op is none of I, U, D"),
        11: ("malformed", "the record has another number of fields than the header"),
        12: ("malformed", "the record is not CSV by RFC 4180"),
        13: ("malformed", "the header names a column twice"),
        14: ("malformed", "the header is not CSV by RFC 4180"),
        15: ("missing_key", "no value for key id"),
        16: ("missing_sequence", "no sequence"),
        17: ("bad_value", "ar_h_change_seq is not made of digits"),
        18: (
            "bad_value",
            (
                "ts is no timestamp; id is no bigint; amount is no decimal(12,2); at is no timestamp; "
                "id before the change is no bigint"
            ),
        ),
    }
    raws = {row["_origin"]["row"]: row["_raw"] for row in parsed.rejected.collect()}
    assert raws == {number: records[number][2] for number in range(8, 19)}


def test_files_without_a_header_are_read_by_position(spark: SparkSession, outcomes: Any) -> None:
    """The default layout is operation, timestamp, schema, sequence; load records may leave the operation out."""
    rows = [
        ("2026-11-24,1,x,NULL,NULL,NULL", None, None, LOAD, 0),
        (f"I,2026-11-24,2,y,NULL,NULL,{SEQUENCE}", None, None, CHANGE, 1),
        (f"2026-11-24,2,y,NULL,NULL,{SEQUENCE}", None, None, CHANGE, 2),
    ]
    frame = spark.createDataFrame(rows, BRONZE)
    found = outcomes(parse_changes(frame, feed="dms-s3", schema=SCHEMA, keys="id", timestamp_column="ts"))
    assert {row: [(change["id"], change["_sequence"]) for change in found[row]] for row in (0, 1)} == {
        0: [(1, Decimal(0))],
        1: [(2, Decimal(SEQUENCE))],
    }
    assert found[2] == ("malformed", "the record has another number of fields than the header")


def test_without_a_change_sequence_time_file_and_row_order(spark: SparkSession, outcomes: Any) -> None:
    """The sequence is then (phase, at, file name, row): load rows rank below, a change without a time has none."""
    rows = [
        ("x,2026-11-24 03:00:00", "id,ts", "public.t", LOAD, 4),
        ("I,x,2026-11-24 03:35:44.644718", "Op,id,ts", "public.t", CHANGE, 5),
        ("I,x,NULL", "Op,id,ts", "public.t", CHANGE, 6),
        ("I,x,2026-11-24 03:35:44", "Op,id,ts", "public.other", CHANGE, 7),
        ("I,x,2026-11-24 03:35:44", "Op,id,ts", None, CHANGE, 8),
    ]
    found = outcomes(
        parse_changes(
            spark.createDataFrame(rows, BRONZE),
            feed="dms-s3",
            schema=StructType([StructField("id", StringType())]),
            keys=["id"],
            table="public.t",
            timestamp_column="ts",
            sequence_column=None,
            timezone="Europe/Berlin",
        )
    )
    load = {"phase": 0, "at": at("2026-11-24 02:00:00"), "file": "LOAD00000001.csv", "row": 4}
    assert found[4][0]["_sequence"] == load
    later = {"phase": 1, "at": at("2026-11-24 02:35:44.644718"), "file": "20261124-033545787.csv", "row": 5}
    assert found[5][0]["_sequence"] == later
    assert found[6] == ("missing_sequence", "no sequence")
    assert found[7] == ("other_table",)
    assert found[8] == ("malformed", "the record names no table")


def test_parquet_rows_are_cast_exactly_or_set_aside(spark: SparkSession, outcomes: Any) -> None:
    """Columns of another type go through text: a digit that does not fit is a bad value, a wall clock is in `timezone`."""
    noon = at("2026-07-01 12:00:00")
    rows = [
        ("I", 7, Decimal("12.500"), noon, SEQUENCE, None, 1),
        ("U", 7, Decimal("12.505"), noon, SEQUENCE, 7, 2),
        ("U", 7, None, None, SEQUENCE, 8, 3),
        (None, 7, None, None, None, None, 4),
    ]
    columns = (
        "op STRING, ID INT, amount DECIMAL(10,3), at TIMESTAMP_NTZ, ar_h_change_seq STRING, BI_id INT, _row BIGINT"
    )
    frame = spark.createDataFrame(rows, columns).withColumn("_source_file", F.lit(CHANGE))
    parsed = parse_changes(frame, feed="dms-s3", schema=SCHEMA, keys="id", timezone="Europe/Berlin")
    event = {
        "id": 7, "name": None, "amount": Decimal("12.50"), "at": at("2026-07-01 10:00:00"), "_op": "upsert",
        "_sequence": Decimal(SEQUENCE), "_provided": None, "_event_time": None,
    }  # fmt: skip
    empty = event | {"amount": None, "at": None}
    assert outcomes(parsed) == {
        1: [event],
        2: ("bad_value", "amount is no decimal(12,2)"),
        3: [empty | {"id": 8, "_op": "delete"}, empty],
        4: ("unknown_operation", "Op is none of I, U, D"),
    }
    raw = parsed.rejected.where("_reason = 'bad_value'").collect()[0]["_raw"]
    assert json.loads(raw) == {
        "op": "U",
        "ID": 7,
        "amount": 12.505,
        "at": "2026-07-01T12:00:00.000",
        "ar_h_change_seq": SEQUENCE,
        "BI_id": 7,
    }


def test_hostile_names_and_the_types_of_the_change_log(spark: SparkSession) -> None:
    """Dots, backticks, blanks and letters of any script name columns; the payload keeps its order and types."""
    names = ["a.b", "tick`tick", " blank ", "größe 😀", 'quo"te']
    schema = StructType([StructField(name, LongType()) for name in names])
    header = "Op,seq," + ",".join('"' + name.replace('"', '""') + '"' for name in names)
    frame = spark.createDataFrame([("U,1,1,2,3,4,5", header, None, CHANGE, 1)], BRONZE)
    changes = parse_changes(frame, feed="dms-s3", schema=schema, keys=names[:2], sequence_column="SEQ").changes
    assert [(field.name, field.dataType.simpleString()) for field in changes.schema.fields] == [
        *((name, "bigint") for name in names),
        ("_op", "string"),
        ("_sequence", "decimal(38,0)"),
        ("_provided", "array<string>"),
        ("_event_time", "timestamp"),
        ("_origin", "struct<file:string,row:bigint,part:int>"),
    ]
    assert changes.collect()[0][:5] == (1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("s3://bucket/prefix/public/customers/LOAD00000001.csv", "public.customers"),
        ("file:///x/sch%C3%B6n/a%20b%2Bc+d/20261124-1.csv", "schön.a b+c+d"),
        ("/x/100%/t/1.csv", "100%.t"),
        ("/x/%FF/t/1.csv", "\ufffd.t"),
        ("1.csv", None),
        ("t/1.csv", None),
        (None, None),
    ],
)
def test_the_table_is_in_the_last_two_folders(spark: SparkSession, file: str | None, table: str | None) -> None:
    """The route of a row is `schema.table`, percent escapes undone; too few folders give none."""
    frame = spark.createDataFrame([(file,)], "_source_file STRING")
    assert frame.select(route("dms-s3")).collect()[0][0] == table


def test_parquet_rows_need_their_keys(spark: SparkSession) -> None:
    """A frame without a key column is refused with its name before anything runs."""
    frame = spark.createDataFrame([("a", "f", 1)], "name STRING, _source_file STRING, _row BIGINT")
    with pytest.raises(MissingColumnsError, match="id"):
        parse_changes(frame, feed="dms-s3", schema=SCHEMA, keys="id")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"feed": "dms_s3"}, "no feed 'dms_s3'; did you mean 'dms-s3'"),
        ({"delimeter": ";"}, "no option 'delimeter'; did you mean 'delimiter'"),
        ({"timezone": "Mars"}, "timezone 'Mars' is not known"),
        ({"columns": "id"}, "must be a list of names"),
        ({"schema": StructType([StructField("_op", StringType())]), "keys": "_op"}, "reserved column names: _op"),
        ({"keys": []}, "at least one key"),
    ],
)
def test_what_is_wrong_with_the_call_is_said(spark: SparkSession, wrong: dict[str, Any], message: str) -> None:
    """Unknown feeds, options and zones, reserved names and missing keys are refused with the nearest remedy."""
    call: dict[str, Any] = {"feed": "dms-s3", "schema": SCHEMA, "keys": "id"} | wrong
    with pytest.raises(ConfigError, match=message):
        parse_changes(spark.createDataFrame([], BRONZE), **call)


def test_keys_must_be_in_the_schema(spark: SparkSession) -> None:
    """A key that the schema does not name is refused."""
    with pytest.raises(MissingColumnsError, match="the schema of the feed lacks other"):
        parse_changes(spark.createDataFrame([], BRONZE), feed="dms-s3", schema=SCHEMA, keys=["id", "other"])
