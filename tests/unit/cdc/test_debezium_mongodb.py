"""Debezium's connector of MongoDB: documented messages, updates with and without a document, and every fault."""

from __future__ import annotations

import json
from typing import Any

import feed_samples
from pyspark.sql import SparkSession
from pyspark.sql.types import (
    DecimalType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from lakehouse.cdc.parsing import parse_changes, route

CUSTOMERS = StructType(
    [
        StructField("_id", LongType()),
        StructField("first_name", StringType()),
        StructField("last_name", StringType()),
        StructField("email", StringType()),
        StructField("spent", DecimalType(10, 2)),
        StructField("since", TimestampType()),
        StructField("address", StructType([StructField("city", StringType()), StructField("ratio", DoubleType())])),
    ]
)
SCHEMA = StructType([StructField("_id", StringType()), StructField("a", StringType())])
SOURCE = {"db": "shop", "collection": "things", "ts_ms": 1558965508000, "ord": 1}


def message(op: str | None, *, source: Any = SOURCE, **told: Any) -> str:
    """A bare value; documents are given as text."""
    return json.dumps({"op": op, "source": source, "ts_ms": 1} | told)


def line(value: str, identity: str) -> str:
    """A line of a topic with the message key of a document."""
    return json.dumps({"topic": "x.shop.things", "key": json.dumps({"id": identity}), "value": value})


def test_the_documented_messages_become_changes(text_rows: Any, outcomes: Any) -> None:
    """Messages of every operation, with and without schema, key and pre-image, come out as written by hand."""
    bronze = text_rows(feed_samples.records("debezium-mongodb"))
    found = outcomes(parse_changes(bronze, feed="debezium-mongodb", schema=CUSTOMERS, keys="_id"))
    assert feed_samples.written(found) == feed_samples.expected("debezium-mongodb")


def test_keys_of_every_kind_and_every_fault(text_rows: Any, outcomes: Any) -> None:
    """The message key of a delete is read in each form of `_id`; what cannot be read is set aside without its values."""
    told = json.dumps({"_id": 1, "a": "x"})
    text = "the text is not one JSON object of the form of Debezium messages"
    document = "a document in the message is not one JSON object"
    records = [
        line(message("d"), '{"$oid": "596e275826f08b2730779e1f"}'),  # pragma: allowlist secret - an object identifier
        line(message("d"), '"1234"'),
        line(message("d"), "1234"),
        line(message("d"), '{"hi":"kafka","nums":[10,100]}'),
        line(message("d"), "secret"),
        message("x", after=told),
        message(None, after=told),
        message("c"),
        message("u"),
        message("u", after="secret"),
        message("u", updateDescription={"updatedFields": "secret"}),
        message("c", after=told, source={}),
        message("c", after=json.dumps({"a": "secret"})),
        "not json",
    ]
    found = outcomes(parse_changes(text_rows(records), feed="debezium-mongodb", schema=SCHEMA, keys="_id"))
    keys = [(found[i][0]["_op"], found[i][0]["_id"]) for i in range(4)]
    identities = (
        "596e275826f08b2730779e1f",  # pragma: allowlist secret - as above
        "1234",
        "1234",
        '{"hi":"kafka","nums":[10,100]}',
    )
    assert keys == [("delete", identity) for identity in identities]
    assert [found[i] for i in range(4, len(records))] == [
        ("missing_key", "no value for key _id"),
        ("unknown_operation", "op is none of c, u, r, d"),
        ("malformed", "the message has no op"),
        ("malformed", "the message has no after image"),
        ("malformed", "the message has no after image and no updateDescription"),
        ("malformed", document),
        ("malformed", document),
        ("missing_sequence", "no sequence"),
        ("missing_key", "no value for key _id"),
        ("malformed", text),
    ]


def test_an_update_may_be_read_by_its_fields_alone(text_rows: Any, outcomes: Any) -> None:
    """With `ignore` a document that may be newer is not looked at."""
    after = json.dumps({"_id": "k", "a": "newer", "b": 1})
    updates = [
        line(message("u", after=after, updateDescription={"updatedFields": fields}), '"k"')
        for fields in ('{"a": "event"}', '{"a.b": 1}')
    ]
    options: dict[str, Any] = {"feed": "debezium-mongodb", "schema": SCHEMA, "keys": "_id"}
    found = outcomes(parse_changes(text_rows(updates), full_document="ignore", **options))
    assert (found[0][0]["a"], found[1]) == ("event", ("bad_value", "the update tells only a part of a"))
    assert [change[0]["a"] for change in outcomes(parse_changes(text_rows(updates), **options)).values()] == [
        "newer"
    ] * 2


def test_the_table_is_in_the_source_or_the_topic(spark: SparkSession) -> None:
    """The route is database and collection of the source block, of a tombstone those of its topic."""
    cases = {
        message("c"): "shop.things",
        json.dumps({"payload": {"op": "c", "source": SOURCE}, "schema": {}}): "shop.things",
        line(message("c"), "1"): "shop.things",
        json.dumps({"topic": "x.shop.things", "key": "{}", "value": None}): "shop.things",
        json.dumps({"topic": "__debezium-heartbeat.x", "key": "{}", "value": '{"ts_ms": 1}'}): None,
        "not json": None,
    }
    frame = spark.createDataFrame([(text,) for text in cases], "_raw STRING")
    assert {row[0]: row[1] for row in frame.select("_raw", route("debezium-mongodb")).collect()} == cases
