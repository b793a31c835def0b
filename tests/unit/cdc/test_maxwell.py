"""Maxwell: the messages of its data format, and every type and fault."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DecimalType, LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.parsing import parse_changes, route

SCHEMA = StructType(
    [
        StructField("id", LongType()),
        StructField("daemon", StringType()),
        StructField("price", DecimalType(38, 2)),
    ]
)
LAST = 9223372036854775807
AT = 1449786310


def message(kind: str, data: Any = None, **told: Any) -> str:
    """One message about test.maxwell; what is given as None is left out."""
    body = {
        "database": "test", "table": "maxwell", "type": kind, "ts": AT, "xid": 940752, "commit": True, "data": data,
    } | told  # fmt: skip
    return json.dumps({k: v for k, v in body.items() if v is not None})


def parsed(bronze: DataFrame) -> ParsedChanges:
    """What the feed makes of the rows."""
    return parse_changes(bronze, feed="maxwell", schema=SCHEMA, keys="id")


def test_a_message_of_every_type_and_every_fault(text_rows: Any, outcomes: Any) -> None:
    """Each message becomes its changes, is skipped by kind, or is set aside with a reason that never quotes a value."""
    lem = {"id": 1, "daemon": "Stanislaw Lem", "price": 1.10}
    messages = [
        message("insert", lem, commit=None, xoffset=0),
        message("update", lem, old={"daemon": "Lem"}),
        message("update", lem, old={"id": 7}),
        message("delete", lem),
        message("bootstrap-start", {}),
        message("bootstrap-insert", lem, xid=None, commit=None),
        message("bootstrap-complete", {}),
        message("table-alter", None, sql="ALTER TABLE maxwell ..."),
        message("database-create", None, table=None),
        message("replace", lem),
        message("insert", {"daemon": "nobody"}),
        message("insert", lem, ts=None),
        message("insert", lem, commit=None),
        message("insert", lem | {"price": "1.005"}, xid="x"),
        message("insert"),
        message("insert", lem, type=None),
        "not json",
        message("insert", lem, ts=LAST),
    ]
    row: dict[str, Any] = lem | {
        "price": Decimal("1.10"), "_op": "upsert", "_provided": None,
        "_event_time": datetime.fromisoformat("2015-12-10 22:25:10"),
        "_sequence": {"phase": 1, "ts": AT, "xid": 940752, "xoffset": LAST},
    }  # fmt: skip
    gone = row | {"daemon": None, "price": None, "_op": "delete"}
    assert outcomes(parsed(text_rows(messages))) == {
        0: [row | {"_sequence": row["_sequence"] | {"xoffset": 0}}],
        1: [row],
        2: [gone | {"id": 7}, row],
        3: [gone],
        4: ("bootstrap",),
        5: [row | {"_sequence": {"phase": 0, "ts": AT, "xid": 0, "xoffset": LAST}}],
        6: ("bootstrap",),
        7: ("ddl",),
        8: ("ddl",),
        9: ("unknown_operation", "type is none of insert, update, delete, bootstrap-insert"),
        10: ("missing_key", "no value for key id"),
        11: ("missing_sequence", "no sequence"),
        12: ("missing_sequence", "no sequence"),
        13: ("bad_value", "xid is no whole number; price is no decimal(38,2)"),
        14: ("malformed", "the message has no data"),
        15: ("malformed", "the message has no type"),
        16: ("malformed", "the text is not one JSON object of the form of Maxwell messages"),
        17: [row | {"_event_time": None, "_sequence": row["_sequence"] | {"ts": LAST}}],
    }


def test_no_digit_is_lost(text_rows: Any, outcomes: Any) -> None:
    """Numbers of 38 digits, and integers beyond 2^53 stay as written; a JSON column is JSON again, without blanks."""
    text = message("insert", {"id": 0, "daemon": {"a": [1.5]}, "price": -1})
    price = "123456789012345678901234567890123456.78"
    exact = text.replace('"id": 0', '"id": 9007199254740993').replace('"price": -1', f'"price": {price}')
    found = outcomes(parsed(text_rows([exact])))[0][0]
    assert (found["id"], found["price"], found["daemon"]) == (9007199254740993, Decimal(price), '{"a":[1.5]}')


@pytest.mark.parametrize(
    ("raw", "table"),
    [
        (message("insert", {"id": 1}), "test.maxwell"),
        (message("database-create", None, table=None), None),
        ("{}", None),
        ("not json", None),
        (None, None),
    ],
)
def test_the_table_is_in_the_message(spark: SparkSession, raw: str | None, table: str | None) -> None:
    """The route of a message is its database and table."""
    assert spark.createDataFrame([(raw,)], "_raw STRING").select(route("maxwell")).collect()[0][0] == table
