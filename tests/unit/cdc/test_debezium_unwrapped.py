"""Debezium's flat messages: rows as the transformation writes them, with deletes rewritten or told by `__op`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.parsing import parse_changes, route
from lakehouse.errors import ConfigError

SCHEMA = StructType([StructField("id", LongType()), StructField("v", StringType()), StructField("doc", StringType())])
MARKER = "__debezium_unavailable_value"


def parsed(bronze: DataFrame) -> ParsedChanges:
    """What the feed makes of the rows."""
    return parse_changes(bronze, feed="debezium-unwrapped", schema=SCHEMA, keys="id", sequence={"__lsn": "bigint"})


def line(value: Any, topic: str = "shop.public.t") -> str:
    """A message as a line of a topic."""
    return json.dumps({"topic": topic, "key": "{}", "value": None if value is None else json.dumps(value)})


def test_a_message_of_every_form_and_every_fault(text_rows: Any, outcomes: Any) -> None:
    """Operations from `__op` or `__deleted`, markers as unchanged columns, tombstones skipped, the rest set aside."""
    row = {"id": 1, "v": "a", "doc": "x", "__lsn": 7}
    messages = [
        json.dumps(row | {"__op": "r", "__deleted": "false"}),
        line(row | {"__op": "u", "doc": MARKER}),
        line(row | {"__op": "d", "v": None}),
        json.dumps(row | {"__deleted": "true"}),
        json.dumps(row),
        json.dumps({"id": None, "__op": "t", "__lsn": 8}),
        line(None),
        "null",
        json.dumps(row | {"__op": "x"}),
        json.dumps(row | {"id": None, "__op": "c"}),
        json.dumps(row | {"__lsn": None, "__op": "c"}),
        json.dumps(row | {"__lsn": "later", "__op": "c"}),
        json.dumps(row | {"id": "one", "__op": "c"}),
        "not json",
    ]
    change = {"id": 1, "v": "a", "doc": "x", "_op": "upsert", "_sequence": 7, "_provided": None, "_event_time": None}
    gone = change | {"v": None, "doc": None, "_op": "delete"}
    assert outcomes(parsed(text_rows(messages))) == {
        0: [change],
        1: [change | {"doc": None, "_provided": ["id", "v"]}],
        2: [gone],
        3: [gone],
        4: [change],
        5: [gone | {"id": None, "_op": "truncate", "_sequence": 8}],
        6: ("tombstone",),
        7: ("tombstone",),
        8: ("unknown_operation", "__op is no operation that is known"),
        9: ("missing_key", "no value for key id"),
        10: ("missing_sequence", "no sequence"),
        11: ("bad_value", "__lsn is no bigint"),
        12: ("bad_value", "id is no bigint"),
        13: ("malformed", "the text is not one JSON object"),
    }


@pytest.mark.parametrize(
    ("raw", "table"),
    [
        (json.dumps({"id": 1, "__schema": "public", "__table": "t"}), "public.t"),
        (json.dumps({"id": 1, "__db": "shop", "__table": "t"}), "shop.t"),
        (line({"id": 1, "__schema": "sales", "__table": "t"}), "sales.t"),
        (line({"id": 1}), "public.t"),
        (line(None), "public.t"),
        (json.dumps({"id": 1}), None),
        ("not json", None),
        (None, None),
    ],
)
def test_the_table_is_in_added_fields_or_in_the_topic(spark: SparkSession, raw: str | None, table: str | None) -> None:
    """Added fields say it; a line of a topic says it in the topic's name."""
    frame = spark.createDataFrame([(raw,)], "_raw STRING")
    assert frame.select(route("debezium-unwrapped")).collect()[0][0] == table


def test_messages_need_an_order(spark: SparkSession) -> None:
    """Flat rows carry no order unless the transformation adds one."""
    frame = spark.createDataFrame([], "_raw STRING, _source_file STRING, _row BIGINT")
    with pytest.raises(ConfigError, match="feed debezium-unwrapped needs the option sequence"):
        parse_changes(frame, feed="debezium-unwrapped", schema=SCHEMA, keys="id")
