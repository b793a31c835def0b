"""Canal: recorded messages with several rows, and every type and fault."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import feed_samples
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import BinaryType, DecimalType, LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.parsing import parse_changes, route, split_changes

PRODUCTS = StructType(
    [
        StructField("id", LongType()),
        StructField("name", StringType()),
        StructField("description", StringType()),
        StructField("weight", DecimalType(10, 3)),
    ]
)
NAME = "a.b `c`"
SCHEMA = StructType(
    [StructField("id", LongType()), StructField(NAME, StringType()), StructField("photo", BinaryType())]
)
ES = 1589373515000


def message(kind: str | None, data: Any = None, **told: Any) -> str:
    """One message about shop.t; what is given as None is left out."""
    body = {
        "database": "shop", "table": "t", "type": kind, "isDdl": False, "es": ES, "id": 3, "ts": ES + 477, "sql": "",
        "data": data,
    } | told  # fmt: skip
    return json.dumps({k: v for k, v in body.items() if v is not None})


def parsed(bronze: DataFrame, **told: Any) -> ParsedChanges:
    """What the feed makes of the rows."""
    return parse_changes(bronze, feed="canal", schema=SCHEMA, keys="id", **told)


def test_the_recorded_messages_become_changes(text_rows: Any, outcomes: Any) -> None:
    """Each row of a message is a change of its own, in the order of the array; what is of another table is skipped."""
    bronze = text_rows(feed_samples.records("canal"))
    table = "inventory.products2"
    found = outcomes(parse_changes(bronze, feed="canal", schema=PRODUCTS, keys="id", table=table))
    assert feed_samples.written(found) == feed_samples.expected("canal")


def test_a_message_of_every_type_and_every_fault(text_rows: Any, outcomes: Any) -> None:
    """Each row becomes its changes, is skipped by kind, or is set aside with a reason that never quotes a value."""
    seven = {"id": "7", NAME: "seven", "photo": "\x00ÿ"}
    eight = {"id": "8", NAME: None, "photo": None}
    messages = [
        message("INSERT", [seven, eight, {"id": "9"}]),
        message("UPDATE", [seven, eight], old=[{"id": "6"}, {NAME: "x"}]),
        message("UPDATE", [{"id": "7", NAME: "seven"}, seven]),
        message("UPDATE", [seven, eight], old=[{"id": "6"}]),
        message("DELETE", [seven]),
        message("TRUNCATE", isDdl=True),
        message("ALTER", isDdl=True),
        message("QUERY", isDdl=True),
        message("QUERY"),
        message("XACOMMIT"),
        message("MHEARTBEAT"),
        message("INSERT"),
        message("INSERT", []),
        message("INSERT", [None]),
        message(None, [seven]),
        message("REPLACE", [seven]),
        message("INSERT", [{"id": None}, {"id": "seven", "photo": "漢"}], es="x"),
        message("INSERT", [seven], id=None),
        "not json",
        message("INSERT", [seven]) + "x",
    ]
    bronze = text_rows(messages)
    at = {"es": ES, "id": 3, "place": 0}
    row = {
        "id": 7, NAME: "seven", "photo": b"\x00\xff", "_op": "upsert", "_provided": None,
        "_sequence": at, "_event_time": datetime.fromisoformat("2020-05-13 12:38:35"),
    }  # fmt: skip
    empty, second = {NAME: None, "photo": None}, {"_sequence": at | {"place": 1}}
    gone = row | empty | {"_op": "delete"}
    odd = ("malformed", "the text is not one JSON object of the form of Canal messages")
    nothing = ("malformed", "the message has no data")
    unknown = ("unknown_operation", "type is none of INSERT, UPDATE, DELETE, TRUNCATE")
    assert outcomes(parsed(bronze)) == {
        (0, 0): [row],
        (0, 1): [row | empty | second | {"id": 8}],
        (0, 2): [row | empty | {"id": 9, "_sequence": at | {"place": 2}}],
        (1, 0): [gone | {"id": 6}, row],
        (1, 1): [row | empty | second | {"id": 8}],
        (2, 0): [row | {"photo": None, "_provided": ["id", NAME]}],
        (2, 1): [row | second],
        3: ("malformed", "old has another number of rows than data"),
        (4, 0): [gone],
        5: [gone | {"id": None, "_op": "truncate"}],
        6: ("ddl",),
        7: ("ddl",),
        8: unknown,
        9: ("transaction",),
        10: ("heartbeat",),
        11: nothing,
        12: nothing,
        (13, 0): nothing,
        (14, 0): ("malformed", "the message has no type"),
        (15, 0): unknown,
        (16, 0): ("missing_key", "no value for key id"),
        (16, 1): ("bad_value", "es is no whole number; photo is no binary; id is no bigint"),
        (17, 0): ("missing_sequence", "no sequence"),
        18: odd,
        19: odd,
    }


def test_a_part_is_a_message_of_its_own(text_rows: Any, outcomes: Any) -> None:
    """What is set aside keeps the text of its one row, which is a message again; columns beside it stay what they are."""
    text = message("UPDATE", [{"id": "7"}, {"id": "x", NAME: "1.10"}], old=[{"id": "6"}, {NAME: 'q"'}])
    whole = text_rows([text, "not json"], header="h")
    rows = split_changes(whole, feed="canal").orderBy("_row", "_part").collect()
    assert [(row["_table"], row["_part"], row["_header"]) for row in rows] == [
        ("shop.t", 0, "h"),
        ("shop.t", 1, "h"),
        (None, None, "h"),
    ]
    about = {
        "database": "shop", "table": "t", "type": "UPDATE", "isDdl": "false", "es": str(ES), "id": "3", "ts": str(ES + 477),
    }  # fmt: skip
    second = about | {"data": [{"id": "x", NAME: "1.10"}], "old": [{NAME: 'q"'}]}
    assert json.loads(rows[1]["_raw"]) == second
    assert rows[2]["_raw"] == "not json"
    again = outcomes(parsed(text_rows([row["_raw"] for row in rows]), table="shop.t"))
    assert [change["id"] for change in again[0, 0]] == [6, 7]
    assert again[1, 0] == ("bad_value", "id is no bigint")


@pytest.mark.parametrize(
    ("raw", "table"),
    [
        (message("INSERT", [{"id": "1"}]), "shop.t"),
        (message("TRUNCATE", isDdl=True), "shop.t"),
        (message("QUERY", table=""), None),
        ("{}", None),
        ("not json", None),
        (None, None),
    ],
)
def test_the_table_is_in_the_message(spark: SparkSession, raw: str | None, table: str | None) -> None:
    """The route of a message is its database and table."""
    assert spark.createDataFrame([(raw,)], "_raw STRING").select(route("canal")).collect()[0][0] == table


def test_no_digit_is_lost(text_rows: Any, outcomes: Any) -> None:
    """Values that a producer writes as numbers keep their digits through the cut."""
    text = (
        message("INSERT", [{"id": 1, "weight": 0}])
        .replace(": 0}", ": 1234567.890}")
        .replace('"id": 1', f'"id": {2**53 + 1}')
    )
    found = outcomes(parse_changes(text_rows([text]), feed="canal", schema=PRODUCTS, keys="id"))[0, 0][0]
    assert (found["id"], found["weight"]) == (2**53 + 1, Decimal("1234567.890"))
