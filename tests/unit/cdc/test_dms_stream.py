"""DMS streams: the recorded stream against the server's own log, and the messages a task may send."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DecimalType, DoubleType, LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.parsing import parse_changes, route
from lakehouse.errors import ConfigError

LINES = 7063
RECORDS = {"customers": 1527, "products": 344, "orders": 1982, "order_items": 3204}


BRONZE = "_raw STRING, _source_file STRING, _row BIGINT"
SCHEMA = StructType(
    [
        StructField("id", LongType()),
        StructField("amount", DecimalType(38, 2)),
        StructField("tags", ArrayType(DoubleType())),
        StructField("note", StringType()),
    ]
)


def message(operation: str, data: Any, *, before: Any = None, **metadata: Any) -> str:
    """One message of table public.t; metadata given as None is left out."""
    told = {
        "record-type": "data",
        "operation": operation,
        "schema-name": "public",
        "table-name": "t",
        "commit-timestamp": "2026-11-24T03:35:44.644718Z",
        "stream-position": "00000000/01A05B40.1.00000000/01A06BC8",
    } | metadata
    body = {"data": data, **(before or {}), "metadata": {k: v for k, v in told.items() if v is not None}}
    return json.dumps(body)


def parsed(spark: SparkSession, messages: list[str]) -> ParsedChanges:
    """The messages parsed; `_row` is their place in the list."""
    rows = [(text, "f", place) for place, text in enumerate(messages)]
    return parse_changes(spark.createDataFrame(rows, BRONZE), feed="dms-stream", schema=SCHEMA, keys="id")


def bronze(spark: SparkSession, path: str) -> DataFrame:
    """Bronze rows of a file of JSON lines."""
    return (
        spark.read.text(path)
        .select(
            F.col("value").alias("_raw"),
            F.lit(path).alias("_source_file"),
            F.monotonically_increasing_id().alias("_row"),
        )
        .withColumn("_table", route("dms-stream"))
    )


def test_every_recorded_change_is_the_one_the_server_made(spark: SparkSession, shop: Any) -> None:
    """The recorded stream parses to exactly the changes of each table, where the feed writes an empty text as null."""
    result = parse_changes(
        bronze(spark, shop.path("dms_kinesis", "shop.jsonl.gz")),
        feed="dms-stream",
        schema=shop.schema,
        keys=shop.keys,
        table=f"public.{shop.name}",
    )
    assert shop.actual(result.changes) == shop.expected(empty_is_null=True)
    assert result.rejected.collect() == []
    kinds = {row["_kind"]: row["count"] for row in result.skipped.groupBy("_kind").count().collect()}
    controls = {"customers": 3}.get(shop.name, 2)  # the exceptions table, this table, and its added column
    assert kinds == {"control": controls, "other_table": LINES - RECORDS[shop.name] - controls}


def test_a_message_of_every_kind_and_every_fault(spark: SparkSession, outcomes: Any) -> None:
    """Each message becomes its changes, is skipped by kind, or is set aside with a reason that never quotes a value."""
    old = {"before-image": {"id": 8}}
    messages = [
        message("load", {"id": 1, "amount": 1.10}, **{"stream-position": None}),
        message("insert", {"id": 7}),
        message("update", {"id": 7}, **{"stream-position": "FFFFFFFF/00000010.1.x"}),
        message("update", {"id": 7}, before=old),
        message("update", {"id": 7, "BI_id": 9}),
        message("update", {"id": 7, "BI_id": 7}),
        message("delete", {"id": 7, "amount": "no number"}),
        message("delete", {}, before=old),
        message("truncate", {"id": 7}),
        message("insert", {"amount": 1}),
        message("insert", {"id": 7}, **{"stream-position": None}),
        message("insert", {"id": 7}, **{"stream-position": "binlog.000001:4"}),
        message("insert", {"id": "seven", "amount": 1.005, "tags": "x"}, **{"commit-timestamp": "never"}),
        message("insert", None),
        message("create-table", None, **{"record-type": "control"}),
        message("insert", {"id": 7}, **{"table-name": "awsdms_apply_exceptions"}),
        message("insert", {"id": 7}, **{"record-type": "comment"}),
        message("insert", {"id": 7}, **{"record-type": None}),
        '{"data":{"id":1}}',
        "not json",
        '{"data":{"id":1},"metadata":{"record-type":"data"}',
        "[]",
    ]
    found = outcomes(parsed(spark, messages))
    row = {
        "id": 7, "amount": None, "tags": None, "note": None, "_op": "upsert", "_sequence": 0x1A05B40,
        "_provided": None, "_event_time": datetime.fromisoformat("2026-11-24 03:35:44.644718"),
    }  # fmt: skip
    gone = row | {"_op": "delete"}
    odd = "the text is not one JSON object of the form of DMS messages"
    assert found == {
        0: [row | {"id": 1, "amount": Decimal("1.10"), "_sequence": 0}],
        1: [row],
        2: ("bad_value", "metadata.stream-position is no log address (hi/lo in hex)"),
        3: [gone | {"id": 8}, row],
        4: [gone | {"id": 9}, row],
        5: [row],
        6: [gone],
        7: [gone | {"id": 8}],
        8: ("unknown_operation", "metadata.operation is none of load, insert, update, delete"),
        9: ("missing_key", "no value for key id"),
        10: ("missing_sequence", "no sequence"),
        11: ("bad_value", "metadata.stream-position is no log address (hi/lo in hex)"),
        12: (
            "bad_value",
            (
                "metadata.commit-timestamp is no timestamp; id is no bigint; amount is no decimal(38,2); "
                "tags is no array<double>"
            ),
        ),
        13: ("malformed", "the message has no data"),
        14: ("control",),
        15: ("control",),
        16: ("malformed", "metadata.record-type is neither data nor control"),
        17: ("malformed", "the message has no metadata with a record type"),
        18: ("malformed", "the message has no metadata with a record type"),
        19: ("malformed", odd),
        20: ("malformed", odd),
        21: ("malformed", odd),
    }


def test_no_digit_is_lost(spark: SparkSession, outcomes: Any) -> None:
    """Numbers of 38 digits, integers beyond 2^53, trailing zeros in text, and JSON inside a column stay as written."""
    template = message("insert", {"id": 0, "amount": 0, "tags": [1.5, 2], "note": 0})
    amount = "123456789012345678901234567890123456.78"
    exact = template.replace('"amount": 0', f'"amount": {amount}').replace('"id": 0', '"id": 9007199254740993')
    found = outcomes(
        parsed(
            spark,
            [
                exact.replace('"note": 0', '"note": 1.10'),
                exact.replace('"note": 0', '"note": {"a":1.5,"b":[1,"2"]}'),
                exact.replace('"note": 0', '"note": "{\\"a\\": 1.50}"'),
                exact.replace('"note": 0', '"note": true'),
                exact.replace('"note": 0', '"note": "a \\"7\\" \\\\ 8"'),
            ],
        )
    )
    notes = ["1.10", '{"a":1.5,"b":[1,"2"]}', '{"a": 1.50}', "true", 'a "7" \\ 8']
    assert [found[place][0]["note"] for place in range(5)] == notes
    assert [(found[place][0]["id"], found[place][0]["amount"]) for place in range(5)] == [
        (9007199254740993, Decimal(amount))
    ] * 5
    assert found[0][0]["tags"] == [1.5, 2.0]


@pytest.mark.parametrize(
    ("raw", "table"),
    [
        (message("insert", {"id": 1}), "public.t"),
        (message("create-table", None, **{"record-type": "control"}), "public.t"),
        (message("insert", {"id": 1}, **{"table-name": "awsdms_status"}), None),
        (message("insert", {"id": 1}, **{"schema-name": ""}), None),
        ("{}", None),
        ("not json", None),
        (None, None),
    ],
)
def test_the_table_is_in_the_metadata(spark: SparkSession, raw: str | None, table: str | None) -> None:
    """The route of a message is its schema and table; control tables and text that is no message have none."""
    frame = spark.createDataFrame([(raw,)], "_raw STRING")
    assert frame.select(route("dms-stream")).collect()[0][0] == table


def test_an_unknown_form_of_position_is_refused(spark: SparkSession) -> None:
    """Only log addresses of PostgreSQL are known as a sequence."""
    with pytest.raises(ConfigError, match="the one form known is 'postgresql'"):
        parse_changes(spark.createDataFrame([], BRONZE), feed="dms-stream", schema=SCHEMA, keys="id", sequence="oracle")
