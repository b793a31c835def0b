"""MongoDB's change streams: documented events, what an update tells of its columns, and every fault."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import feed_samples
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.parsing import parse_changes, route
from lakehouse.errors import ConfigError

ADDRESS = StructType(
    [StructField("city", StringType()), StructField("zip", IntegerType()), StructField("since", TimestampType())]
)
USERS = StructType(
    [
        StructField("_id", StringType()),
        StructField("userName", StringType()),
        StructField("email", StringType()),
        StructField("phone", StringType()),
        StructField("logins", LongType()),
        StructField("balance", DecimalType(24, 4)),
        StructField("score", DoubleType()),
        StructField("joined", TimestampType()),
        StructField("photo", BinaryType()),
        StructField("address", ADDRESS),
        StructField("tags", ArrayType(StringType())),
        StructField("notes", StringType()),
    ]
)
SCHEMA = StructType(
    [
        StructField("_id", LongType()),
        StructField("a", StringType()),
        StructField("list", ArrayType(LongType())),
        StructField("x.y `z`", BinaryType()),
    ]
)
AT = 1565545664
RESUME = "825D50560000000001"


def event(kind: str | None, **told: Any) -> str:
    """One event of the document 1 of shop.things; what is given as None is left out."""
    body = {
        "_id": {"_data": RESUME},
        "operationType": kind,
        "clusterTime": {"$timestamp": {"t": AT, "i": 1}},
        "ns": {"db": "shop", "coll": "things"},
        "documentKey": {"_id": {"$numberLong": "1"}},
    } | told
    return json.dumps({k: v for k, v in body.items() if v is not None})


def update(fields: Any, *removed: str, cut: tuple[str, ...] = (), paths: Any = None, **told: Any) -> str:
    """An update by its fields."""
    description = {
        "updatedFields": fields,
        "removedFields": removed,
        "truncatedArrays": [{"field": field, "newSize": 1} for field in cut],
        "disambiguatedPaths": paths,
    }
    return event("update", updateDescription=description, **told)


def parsed(bronze: DataFrame, *, keys: Any = "_id", **options: Any) -> ParsedChanges:
    """What the feed makes of the rows."""
    return parse_changes(bronze, feed="mongodb", schema=SCHEMA, keys=keys, **options)


def test_the_documented_events_become_changes(text_rows: Any, outcomes: Any) -> None:
    """Canonical and relaxed events of every operation come out as written by hand."""
    bronze = text_rows(feed_samples.records("mongodb"))
    found = outcomes(parse_changes(bronze, feed="mongodb", schema=USERS, keys="_id"))
    assert feed_samples.written(found) == feed_samples.expected("mongodb")


def test_an_update_tells_what_it_sets_and_removes(text_rows: Any, outcomes: Any) -> None:
    """Whole columns are provided, a column changed inside is set aside by name, one outside of the contract is let be."""
    records = [
        update({"a": None, "list": [{"$numberLong": "7"}]}),
        update({}, "a", "list"),
        update({"list.0": 1}),
        update({}, "list.0"),
        update({}, cut=("list",)),
        update({"other.0": 1}, "other.x", cut=("other",)),
        update({"x.y `z`": {"$binary": {"base64": "AP8=", "subType": "00"}}}),
        update({"x.y `z`": {"$uuid": "73ffd264-44b3-4c69-90e8-e7d1dfc035d4"}}, paths={"x.y `z`": ["x.y `z`"]}),
        update({"x.y `z`": 1}, paths={"x.y `z`": ["x", "y `z`"]}),
        update({"a.1": 1}, paths={"a.1": ["a", 1]}),
    ]
    told = [None, None, None]
    part = ("bad_value", "the update tells only a part of list")
    found = outcomes(parsed(text_rows(records)))
    assert [
        outcome if isinstance(outcome, tuple) else [outcome[0][name] for name in ("_provided", *SCHEMA.names)]
        for outcome in (found[i] for i in range(len(records)))
    ] == [
        [["_id", "a", "list"], 1, None, [7], None],
        [["_id", "a", "list"], 1, *told],
        part,
        part,
        part,
        [["_id"], 1, *told],
        [["_id", "x.y `z`"], 1, None, None, b"\x00\xff"],
        [["_id", "x.y `z`"], 1, None, None, bytes.fromhex("73ffd26444b34c6990e8e7d1dfc035d4")],
        [["_id"], 1, *told],
        ("bad_value", "the update tells only a part of a"),
    ]


def test_the_document_may_stand_for_what_changed_inside(text_rows: Any, outcomes: Any) -> None:
    """With `use` the column changed inside comes from `fullDocument`, the others from the update; without a document it cannot."""
    newer = {"_id": 1, "a": "newer", "list": [1, 2]}
    records = [
        update({"list.1": 2, "a": "event"}, fullDocument=newer),
        update({"list.1": 2}, fullDocument=newer),
        update({"list.1": 2}),
    ]
    found = outcomes(parsed(text_rows(records), full_document="use"))
    assert [(found[i][0]["_provided"], found[i][0]["a"], found[i][0]["list"]) for i in (0, 1)] == [
        (["_id", "a", "list"], "event", [1, 2]),
        (["_id", "list"], None, [1, 2]),
    ]
    assert found[2] == ("bad_value", "the update tells only a part of list")


def test_another_key_may_change(text_rows: Any, outcomes: Any) -> None:
    """A key column that is not `_id` moves the row when the event knows what it was; a delete needs its key told."""
    before = {"_id": 1, "a": "old"}
    records = [
        update({"a": "new"}, fullDocumentBeforeChange=before),
        event("replace", fullDocument={"_id": 1, "a": "new"}, fullDocumentBeforeChange=before),
        update({"a": "new"}, documentKey={"_id": 1, "a": "old"}),
        update({"list": []}, fullDocumentBeforeChange=before),
        event("delete", fullDocumentBeforeChange=before),
        event("delete"),
        update({"list": []}),
    ]
    found = outcomes(parsed(text_rows(records), keys="a"))
    moved = [("delete", "old"), ("upsert", "new")]
    assert [
        outcome if isinstance(outcome, tuple) else [(change["_op"], change["a"]) for change in outcome]
        for outcome in (found[i] for i in range(len(records)))
    ] == [moved, moved, moved, [("upsert", "old")], [("delete", "old")], *[("missing_key", "no value for key a")] * 2]


def test_every_other_form_and_every_fault(text_rows: Any, outcomes: Any) -> None:
    """Lines of a topic, packed cluster times; and what is set aside, with a reason that never quotes a value."""
    one = {"_id": 1}
    insert = event("insert", fullDocument=one)
    line = {"topic": "prefix.shop.things", "key": "{}", "value": insert}
    text = "the text is not one JSON object of the form of change events"
    packed = (AT << 32) + 5
    records = [
        json.dumps(line),
        event("insert", fullDocument=one, clusterTime={"t": AT, "i": 5}, _id={"_data": RESUME.lower()}),
        event("insert", fullDocument=one, clusterTime={"$numberLong": str(packed)}),
        event("insert", fullDocument=one, clusterTime=packed, wallTime={"$date": "2019-08-11T17:47:45Z"}),
        json.dumps(line | {"value": None}),
        event("createIndexes"),
        event("sharded", fullDocument=one),
        event(None, fullDocument=one),
        event("insert"),
        event("update"),
        event("update", splitEvent={"fragment": 1, "of": 3}, updateDescription={}),
        event("delete", documentKey=None),
        event("insert", fullDocument=one, clusterTime=None),
        event("insert", fullDocument=one, _id={}),
        event("insert", fullDocument=one, clusterTime={"t": (1 << 63) - 1, "i": 1}),
        event(
            "insert",
            fullDocument={"_id": "secret"},
            clusterTime="now",
            _id={"_data": "secret"},
            wallTime={"$date": "now"},
        ),
        "not json",
        insert[:-1],
    ]
    place = {"t": AT, "i": 5, "token": RESUME}
    at = datetime.fromisoformat("2019-08-11 17:47:44")
    found = outcomes(parsed(text_rows(records)))
    assert [(found[i][0]["_sequence"], found[i][0]["_event_time"]) for i in range(4)] == [
        (place | {"i": 1}, at),
        (place, at),
        (place, at),
        (place, at.replace(second=45)),
    ]
    assert [found[i] for i in range(4, len(records))] == [
        ("tombstone",),
        ("ddl",),
        ("unknown_operation", "operationType is no operation that is known"),
        ("malformed", "the event has no operationType"),
        ("malformed", "the event has no fullDocument"),
        ("malformed", "the event has no updateDescription"),
        ("malformed", "the event is a fragment of a split event; join them before they land"),
        ("missing_key", "no value for key _id"),
        ("missing_sequence", "no sequence"),
        ("missing_sequence", "no sequence"),
        ("bad_value", "clusterTime is no timestamp"),
        (
            "bad_value",
            "clusterTime is no timestamp; _id._data is no hexadecimal text; wallTime is no timestamp; _id is no bigint",
        ),
        ("malformed", text),
        ("malformed", text),
    ]


def test_the_table_is_in_the_namespace(spark: SparkSession) -> None:
    """The route is database and collection, of a record without a value those of its topic; else there is none."""
    cases = {
        event("insert"): "shop.things",
        event("insert", ns={"db": "shop", "coll": "a.b"}): "shop.a.b",
        json.dumps({"topic": "x", "value": event("insert")}): "shop.things",
        json.dumps({"topic": "prefix.shop.things", "key": "{}", "value": None}): "shop.things",
        event("dropDatabase", ns={"db": "shop"}): None,
        event("invalidate", ns=None): None,
        "not json": None,
    }
    frame = spark.createDataFrame([(text,) for text in cases], "_raw STRING")
    assert {row[0]: row[1] for row in frame.select("_raw", route("mongodb")).collect()} == cases


@pytest.mark.parametrize("feed", ["mongodb", "debezium-mongodb"])
def test_an_unknown_choice_is_refused(text_rows: Any, feed: str) -> None:
    """The refusal names the option and what there is to choose from."""
    with pytest.raises(ConfigError, match=f"option full_document of feed {feed} is 'lookup'; use one of ignore, use"):
        parse_changes(text_rows([]), feed=feed, schema=SCHEMA, keys="_id", full_document="lookup")
