"""wal2json: the recorded stream against the server's own log, and every action and fault."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DecimalType, DoubleType, LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.parsing import parse_changes, route

SCHEMA = StructType(
    [
        StructField("id", LongType()),
        StructField("amount", DecimalType(38, 2)),
        StructField("ratio", DoubleType()),
        StructField("note", StringType()),
    ]
)
FRAMES = 2 * 1496  # B and C of the 1,495 transactions with row changes and of the ALTER TABLE


def message(action: str, columns: Any = None, identity: Any = None, **told: Any) -> str:
    """One message about public.t; what is given as None is left out."""

    def cells(values: Any) -> Any:
        return None if values is None else [{"name": k, "type": "any", "value": v} for k, v in values.items()]

    body = {
        "action": action,
        "timestamp": "2026-11-24 03:35:44.644718+00",
        "lsn": "0/1A05B40",
        "schema": "public",
        "table": "t",
        "columns": cells(columns),
        "identity": cells(identity),
    } | told
    return json.dumps({k: v for k, v in body.items() if v is not None})


def parsed(bronze: DataFrame) -> ParsedChanges:
    """What the feed makes of the rows."""
    return parse_changes(bronze, feed="wal2json", schema=SCHEMA, keys="id")


def recorded(spark: SparkSession, path: str) -> DataFrame:
    """Bronze rows of the recorded stream."""
    row = F.monotonically_increasing_id().alias("_row")
    lines = spark.read.text(path).select(F.col("value").alias("_raw"), F.lit(path).alias("_source_file"), row)
    return lines.withColumn("_table", route("wal2json"))


def test_every_recorded_change_is_the_one_the_server_made(spark: SparkSession, shop: Any) -> None:
    """What the stream tells is what the trigger saw; what it leaves out is what the server did not change."""
    bronze = recorded(spark, shop.path("wal2json", "shop.jsonl.gz"))
    result = parse_changes(bronze, feed="wal2json", schema=shop.schema, keys=shop.keys, table=f"public.{shop.name}")
    actual = shop.actual(result.changes)
    expected = {place: row for place, row in shop.expected().items() if place[0] > 0}  # no full load in this feed
    assert actual.keys() == expected.keys()
    assert {place: {name: told[name] for name in actual[place]} for place, told in expected.items()} == actual
    left_out = {(place, name) for place, row in expected.items() for name in row.keys() - actual[place].keys()}
    names = {name for _, name in left_out}
    assert names == {"customers": {"loyalty_tier"}, "products": {"attributes", "description"}}.get(shop.name, set())
    if shop.name == "products":
        assert len({place for place, _ in left_out}) == 37
    assert result.rejected.collect() == []
    kinds = {row["_kind"]: row["count"] for row in result.skipped.groupBy("_kind").count().collect()}
    # Frames name no table, so they are told apart before tables are.
    assert kinds["transaction"] == FRAMES
    assert kinds.keys() == {"transaction", "other_table"}


def test_a_message_of_every_action_and_every_fault(text_rows: Any, outcomes: Any) -> None:
    """Each message becomes its changes, is skipped by kind, or is set aside with a reason that never quotes a value."""
    whole = {"id": 7, "amount": 1.10, "ratio": None, "note": ""}
    line = json.dumps({"lsn": "1/10", "xid": 7, "data": message("I", whole, lsn=None)})
    messages = [
        message("I", whole),
        message("I", {"id": 7}),
        message("U", {"id": 7, "amount": 1.10}, {"id": 7}),
        message("U", {"id": 7, "amount": 1.10, "ratio": 2}, {"id": 7, "amount": 1, "note": "out of line"}),
        message("U", whole, {"id": 8}),
        message("D", None, {"id": 7, "note": "old"}),
        message("T"),
        line,
        message("B", schema=None, table=None),
        message("C", schema=None, table=None),
        message("M", schema=None, table=None, content="hello"),
        message("X", whole),
        message("I", {"amount": 1}),
        message("I", whole, lsn=None),
        message("I", whole, lsn="16/B374D848/1"),
        message("I", {"id": "seven", "amount": 1.005}, timestamp="never"),
        message("U"),
        message("D"),
        '{"change":[]}',
        "not json",
        json.dumps({"lsn": "0/1", "data": "not json"}),
        "[]",
    ]
    row = {
        "id": 7, "amount": Decimal("1.10"), "ratio": None, "note": "", "_op": "upsert", "_sequence": 0x1A05B40,
        "_provided": None, "_event_time": datetime.fromisoformat("2026-11-24 03:35:44.644718"),
    }  # fmt: skip
    nothing = dict.fromkeys(("amount", "ratio", "note"))
    gone = row | nothing | {"_op": "delete"}
    odd = ("malformed", "the text is not one JSON object of the form of wal2json messages")
    assert outcomes(parsed(text_rows(messages))) == {
        0: [row],
        1: [row | nothing],
        2: [row | {"note": None, "_provided": ["id", "amount"]}],
        3: [row | {"ratio": 2.0, "note": "out of line"}],
        4: [gone | {"id": 8}, row],
        5: [gone],
        6: [gone | {"id": None, "_op": "truncate"}],
        7: [row | {"_sequence": (1 << 32) + 16}],
        8: ("transaction",),
        9: ("transaction",),
        10: ("message",),
        11: ("unknown_operation", "action is none of I, U, D, T, B, C, M"),
        12: ("missing_key", "no value for key id"),
        13: ("missing_sequence", "no sequence"),
        14: ("bad_value", "lsn is no log address (hi/lo in hex)"),
        15: ("bad_value", "timestamp is no timestamp; id is no bigint; amount is no decimal(38,2)"),
        16: ("malformed", "the message has no columns"),
        17: ("malformed", "the message has no identity"),
        18: ("malformed", "the message has no action; format version 1 is not read, set format-version 2"),
        19: odd,
        20: odd,
        21: odd,
    }


def test_no_digit_is_lost(text_rows: Any, outcomes: Any) -> None:
    """Decimals of 38 digits, integers beyond 2^53, and JSON inside a text stay as written."""
    amount = "123456789012345678901234567890123456.78"
    text = message("I", {"id": 0, "amount": -1, "ratio": 1e-300, "note": '{"a": 1.50, "b": [1e3]}'})
    exact = text.replace('"value": 0', '"value": 9007199254740993').replace('"value": -1', f'"value": {amount}')
    assert outcomes(parsed(text_rows([exact])))[0][0].items() >= {
        "id": 9007199254740993, "amount": Decimal(amount), "ratio": 1e-300, "note": '{"a": 1.50, "b": [1e3]}',
    }.items()  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "table"),
    [
        (message("I", {"id": 1}), "public.t"),
        (message("T"), "public.t"),
        (json.dumps({"lsn": "0/1", "data": message("D", None, {"id": 1})}), "public.t"),
        (message("B", schema=None, table=None), None),
        (json.dumps({"lsn": "0/1", "data": "not json"}), None),
        ("{}", None),
        ("not json", None),
        (None, None),
    ],
)
def test_the_table_is_in_the_message(spark: SparkSession, raw: str | None, table: str | None) -> None:
    """The route of a change is its schema and table, also from the line around it; frames have none."""
    frame = spark.createDataFrame([(raw,)], "_raw STRING")
    assert frame.select(route("wal2json")).collect()[0][0] == table
