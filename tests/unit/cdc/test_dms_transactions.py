"""DMS transaction files: the recorded changes in the order of their commits, and the records that a task may write."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import reduce
from typing import Any

import feed_samples
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, DecimalType, LongType, StringType, StructField, StructType
from recorded_shop import RECORDINGS

from lakehouse.cdc.parsing import check_options, parse_changes, route
from lakehouse.errors import ConfigError

EMPLOYEES = StructType(
    [
        StructField("id", LongType()),
        StructField("last", StringType()),
        StructField("first", StringType()),
        StructField("hired", DateType()),
        StructField("office", StringType()),
    ]
)
NAME = "a.b `c`"
SCHEMA = StructType(
    [StructField("id", LongType()), StructField("op", StringType()), StructField(NAME, DecimalType(9, 2))]
)
NAMED = "CDC_TXN-20170313120000001.csv"
CHANGE = f"s3://lake/cdc/{NAMED}"
LOAD = "s3://lake/hr/t/LOAD00000001.csv"
BRONZE = "_raw STRING, _header STRING, _source_file STRING, _row BIGINT"


def routed(spark: SparkSession, rows: list[tuple[str | None, str | None, str | None, int]]) -> DataFrame:
    """Bronze rows as a job loads them."""
    return spark.createDataFrame(rows, BRONZE).withColumn("_table", route("dms-transactions"))


def test_the_documented_records_become_changes(spark: SparkSession, outcomes: Any) -> None:
    """Records are read by position and go to the table that they name, in the order of file and row."""
    lines = feed_samples.records("dms-transactions", "records.csv")
    bronze = routed(spark, [(text, None, CHANGE, place) for place, text in enumerate(lines)])
    result = parse_changes(bronze, feed="dms-transactions", schema=EMPLOYEES, keys="id", table="hr.employee")
    assert feed_samples.written(outcomes(result)) == feed_samples.expected("dms-transactions")


@pytest.mark.parametrize("shop", ["products"], indirect=True)
def test_every_recorded_change_is_the_one_the_server_made(spark: SparkSession, shop: Any) -> None:
    """The recorded files, rendered as transaction files with the load beside them, are what the server's trigger logged."""
    tables = ("products", "orders", "order_items")
    recorded = [RECORDINGS["dms csv"].read(spark, f"public.{name}") for name in tables]
    bronze = reduce(DataFrame.unionByName, recorded)
    load = F.col("_source_file").rlike("/LOAD[^/]*$")
    # What follows the operation and its comma comes after the names of the table.
    table = F.concat(F.substring_index("_table", ".", -1), F.lit(",public,"))
    record = F.concat(F.substring("_raw", 1, 2), table, F.expr("substring(_raw, 3)"))
    file = F.regexp_replace("_source_file", "/public/[^/]+/([^/]+)$", "/cdc/CDC_TXN-$1")
    rendered = bronze.select(
        F.when(load, F.col("_raw")).otherwise(record).alias("_raw"),
        F.when(load, F.col("_header")).alias("_header"),
        F.when(load, F.col("_source_file")).otherwise(file).alias("_source_file"),
        "_row",
    ).withColumn("_table", route("dms-transactions"))
    result = parse_changes(
        rendered,
        feed="dms-transactions",
        schema=shop.schema,
        keys=shop.keys,
        table="public.products",
        timestamp_column="dms_commit_ts",
        sequence_column="ar_h_change_seq",
    )
    assert shop.actual(result.changes) == shop.expected()
    assert result.rejected.collect() == []
    skipped = {row["_kind"]: row["count"] for row in result.skipped.groupBy("_kind").count().collect()}
    assert skipped == {"other_table": bronze.where("_table <> 'public.products'").count()}


def test_a_record_of_every_kind_and_every_fault(spark: SparkSession, outcomes: Any) -> None:
    """Load records rank below; what cannot be read is set aside with a reason that never quotes a value."""
    stamp = "2026-11-24 03:35:44.644718"
    records = [
        (f"I|t|hr|{stamp}|7|x|1.10|NULL", None, CHANGE),
        (f"U|t|hr|{stamp}|7|NULL|1.10|8", None, CHANGE),
        (f'd|"t"|"hr"|{stamp}|7|"a|b"|none|NULL\r', None, CHANGE),
        (f"{stamp}|7|x|1.10|NULL", None, LOAD),
        (f"I|{stamp}|7|x|1.10|NULL", None, LOAD),
        (f"{stamp}|x|7", "ts|op|id", LOAD),
        (f"T|t|hr|{stamp}|7|x|1.10|NULL", None, CHANGE),
        (f"U|t|hr|{stamp}|7|x|1.10", None, CHANGE),
        (f"U|t|hr|{stamp}|7|x|1.10|NULL", "I|t|hr|1", CHANGE),
        (f"U|t|hr|{stamp}|NULL|x|1.10|NULL", None, CHANGE),
        (f"U|t|hr|{stamp}|seven|x|1.105|NULL", None, CHANGE),
        ("U|t|hr|NULL|7|x|1.10|NULL", None, CHANGE),
        ('U|t|hr|"', None, CHANGE),
        ("U|u|hr|1", None, CHANGE),
        ("7|t", None, CHANGE),
        (None, None, CHANGE),
    ]
    result = parse_changes(
        routed(spark, [(raw, header, file, row) for row, (raw, header, file) in enumerate(records)]),
        feed="dms-transactions",
        schema=SCHEMA,
        keys="id",
        table="hr.t",
        delimiter="|",
        timestamp_column="ts",
        columns={"hr.t": ["ts", "id", "op", NAME, "BI_id"]},
    )
    at = datetime.fromisoformat(stamp)
    row = {
        "id": 7, "op": "x", NAME: Decimal("1.10"), "_op": "upsert", "_provided": None, "_event_time": at,
        "_sequence": {"phase": 1, "at": at, "file": NAMED, "row": 0},
    }  # fmt: skip

    def placed(place: int, **told: Any) -> dict[str, Any]:
        return row | {"_sequence": {"phase": 1, "at": at, "file": NAMED, "row": place}} | told

    def loaded(place: int, **told: Any) -> dict[str, Any]:
        return row | {"_sequence": {"phase": 0, "at": at, "file": "LOAD00000001.csv", "row": place}} | told

    empty = {"op": None, NAME: None, "_op": "delete"}
    width = ("malformed", "the record has another number of fields than the header")
    assert outcomes(result) == {
        0: [placed(0)],
        1: [placed(1, id=8, **empty), placed(1, op=None)],
        2: [placed(2, **empty)],
        3: [loaded(3)],
        4: [loaded(4)],
        5: [loaded(5, **{NAME: None})],
        6: ("unknown_operation", "_op is none of I, U, D"),
        7: width,
        8: ("malformed", "transaction files have no header; set header: false"),
        9: ("missing_key", "no value for key id"),
        10: ("bad_value", f"id is no bigint; {NAME} is no decimal(9,2)"),
        11: ("missing_sequence", "no sequence"),
        12: ("malformed", "the record is not CSV by RFC 4180"),
        13: ("other_table",),
        14: width,
        15: ("malformed", "the record is not CSV by RFC 4180"),
    }


@pytest.mark.parametrize(
    ("raw", "file", "table"),
    [
        ("I,t,s,1", CHANGE, "s.t"),
        ("D;t;s", CHANGE, "s.t"),
        ('U\t"a\t""b"""\t"s"\t1', CHANGE, 's.a\t"b"'),
        ("I,a.b,c d,1\n2", CHANGE, "c d.a.b"),
        ("I,t,,1", CHANGE, None),
        ("I,t", CHANGE, None),
        ("1,t,s", CHANGE, None),
        ("", CHANGE, None),
        (None, CHANGE, None),
        ("1,t,s", LOAD, "hr.t"),
        ("I,t,s,1", None, "s.t"),
    ],
)
def test_the_table_is_in_the_record(spark: SparkSession, raw: str | None, file: str | None, table: str | None) -> None:
    """The route is the schema and table that the record names, whatever the delimiter; of load files it is the folder."""
    frame = spark.createDataFrame([(raw, file)], "_raw STRING, _source_file STRING")
    assert frame.select(route("dms-transactions")).collect()[0][0] == table


@pytest.mark.parametrize("columns", [["id"], {"hr.t": "id"}])
def test_columns_are_lists_by_table(columns: Any) -> None:
    """Names that are not given as a list for each table are refused before there is data."""
    with pytest.raises(ConfigError, match=r"a list of names for each schema\.table"):
        check_options("dms-transactions", {"columns": columns})
