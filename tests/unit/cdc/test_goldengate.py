"""GoldenGate: the operations of its documentation, compressed updates, changes of key, and every fault."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import feed_samples
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import BinaryType, DecimalType, LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.parsing import parse_changes, route
from lakehouse.errors import ConfigError

KEYS = ("CUST_CODE", "ORDER_DATE", "PRODUCT_CODE", "ORDER_ID")
ORDERS = StructType(
    [
        StructField("CUST_CODE", StringType()),
        StructField("ORDER_DATE", StringType()),
        StructField("PRODUCT_CODE", StringType()),
        StructField("ORDER_ID", LongType()),
        StructField("PRODUCT_PRICE", DecimalType(12, 2)),
        StructField("PRODUCT_AMOUNT", StringType()),
        StructField("TRANSACTION_ID", LongType()),
    ]
)
SCHEMA = StructType(
    [StructField("id", LongType()), StructField("a.b `c`", StringType()), StructField("photo", BinaryType())]
)


def operation(kind: str | None, **told: Any) -> str:
    """One operation on QA.T; what is given as None is left out."""
    body = {"table": "QA.T", "op_type": kind, "op_ts": "2015-11-05 18:45:36.000000", "pos": "0000000001"} | told
    return json.dumps({k: v for k, v in body.items() if v is not None})


def parsed(bronze: DataFrame, **options: Any) -> ParsedChanges:
    """What the feed makes of the rows."""
    return parse_changes(bronze, feed="goldengate", schema=SCHEMA, keys="id", **options)


def test_the_documented_operations_become_changes(text_rows: Any, outcomes: Any) -> None:
    """Inserts, updates, compressed updates, a change of key, a delete and a truncate come out as written by hand."""
    bronze = text_rows(feed_samples.records("goldengate"))
    found = outcomes(parse_changes(bronze, feed="goldengate", schema=ORDERS, keys=KEYS))
    assert feed_samples.written(found) == feed_samples.expected("goldengate")


def test_every_other_form_and_every_fault(text_rows: Any, outcomes: Any) -> None:
    """Lines of a topic, hostile names, bytes; and what is set aside, with a reason that never quotes a value."""
    after = {"id": 9007199254740993, "a.b `c`": {"x": [1.5]}, "photo": "AP8="}
    line = {"topic": "QA.T", "key": "9007199254740993", "value": operation("I", after=after)}
    text = "the text is not one JSON object of the form of GoldenGate operations"
    records = [
        json.dumps(line),
        json.dumps(line | {"value": None}),
        operation(
            "U", after={"id": 1}, before={"id": 1, "a.b `c`": "kept"}, pos="00000000000000000000000000000000000123"
        ),
        operation("X", after={"id": 1}),
        operation(None, after={"id": 1}),
        operation("U", before={"id": 1}),
        operation("D", after={"id": 1}),
        operation("I", after={"a.b `c`": "x"}),
        operation("I", after={"id": 1}, pos=None),
        operation("I", after={"id": "secret", "photo": "*"}, pos="secret", op_ts="secret"),
        "not json",
        "[]",
    ]
    found = outcomes(parsed(text_rows(records)))
    first = found[0][0]
    assert (first["id"], first["a.b `c`"], first["photo"]) == (9007199254740993, '{"x":[1.5]}', b"\x00\xff")
    assert (found[2][0]["_sequence"], found[2][0]["a.b `c`"]) == (Decimal(123), "kept")
    assert found[2][0]["_provided"] == ["id", "a.b `c`"]
    assert [found[i] for i in (1, *range(3, len(records)))] == [
        ("tombstone",),
        ("unknown_operation", "op_type is none of I, U, D, T"),
        ("malformed", "the operation has no op_type"),
        ("malformed", "the operation has no after image; set format=json"),
        ("malformed", "the operation has no before image; set format=json"),
        ("missing_key", "no value for key id"),
        ("missing_sequence", "no sequence"),
        ("bad_value", "pos is not made of digits; op_ts is no timestamp; id is no bigint; photo is no binary"),
        ("malformed", text),
        ("malformed", text),
    ]


def test_the_table_is_in_the_operation(spark: SparkSession) -> None:
    """The route is the table without its catalog, alone or in a line; text that names none has no route."""
    cases = {
        operation("I"): "QA.T",
        operation("I", table="PDB1.QA.T"): "QA.T",
        json.dumps({"topic": "x", "value": operation("I")}): "QA.T",
        operation("I", table="T"): None,
        operation("I", table=None): None,
        "not json": None,
    }
    frame = spark.createDataFrame([(text,) for text in cases], "_raw STRING")
    assert {row[0]: row[1] for row in frame.select("_raw", route("goldengate")).collect()} == cases


def test_an_unknown_choice_is_refused(text_rows: Any) -> None:
    """The refusal names the option and what there is to choose from."""
    with pytest.raises(ConfigError, match="option binary of feed goldengate is 'raw'; use one of base64, hex"):
        parsed(text_rows([]), binary="raw")
