"""Debezium in Avro: messages of an independent writer, in Confluent's frame, and every fault."""

from __future__ import annotations

import base64
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import fastavro
import feed_samples
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DateType,
    DecimalType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from lakehouse.cdc.feeds.connect_avro import read_schema
from lakehouse.cdc.parsing import parse_changes, route
from lakehouse.errors import ConfigError, PreflightError
from lakehouse.transforms import avro

KEY, VALUE, HEARTBEAT = 6, 1_000_007, 9
SCHEMAS: dict[int, str] = {
    number: feed_samples.FEEDS.joinpath("debezium-avro", f"{name}.avsc").read_text(encoding="utf-8")
    for number, name in ((KEY, "key"), (VALUE, "value"), (HEARTBEAT, "heartbeat"))
}
CUSTOMERS = StructType(
    [
        StructField("id", LongType()),
        StructField("name", StringType()),
        StructField("amount", DecimalType(12, 2)),
        StructField("ratio", DecimalType(20, 6)),
        StructField("score", DoubleType()),
        StructField("born", DateType()),
        StructField("created", TimestampType()),
        StructField("updated", TimestampType()),
        StructField("seen", TimestampType()),
        StructField("opens", StringType()),
        StructField("photo", BinaryType()),
        StructField("tags", ArrayType(StringType())),
    ]
)
SOURCE = {
    "version": "3.6.3.Final", "connector": "postgresql", "name": "shop", "ts_ms": 1795491344644, "snapshot": "false",
    "db": "shop", "schema": "public", "table": "customers", "txId": 730, "lsn": 27286336,
}  # fmt: skip
ROW = {
    "id": 9007199254740993, "name": 'Zoë "Z"', "amount": Decimal("-3092.18"), "ratio": {"scale": 3, "value": b"\x27\x10"},
    "score": 0.1, "born": -11667, "created": 1782907200123456, "updated": datetime(2026, 7, 1, 12, 0, 0, 123000, tzinfo=UTC),
    "seen": "2026-07-01T10:00:00.123456Z", "opens": 43200123456, "photo": b"\x00\xff", "tags": ["a", None],
}  # fmt: skip
CHANGE = {
    "id": 9007199254740993, "name": 'Zoë "Z"', "amount": Decimal("-3092.18"), "ratio": Decimal("10.000000"),
    "score": 0.1, "born": date(1938, 1, 22), "created": datetime.fromisoformat("2026-07-01 12:00:00.123456"),
    "updated": datetime.fromisoformat("2026-07-01 12:00:00.123000"),
    "seen": datetime.fromisoformat("2026-07-01 10:00:00.123456"), "opens": "12:00:00.123456",
    "photo": bytearray(b"\x00\xff"), "tags": ["a", None],
    "_op": "upsert", "_sequence": 27286336, "_provided": None,
    "_event_time": datetime.fromisoformat("2026-11-24 03:35:44.644"),
}  # fmt: skip
GONE = dict.fromkeys(CUSTOMERS.names) | {
    "id": 7, "_op": "delete", "_sequence": 27286336, "_provided": None, "_event_time": CHANGE["_event_time"],
}  # fmt: skip


def framed(number: int, message: dict[str, Any], *, told: int | None = None) -> str:
    """A message in its frame, as base64."""
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(json.loads(SCHEMAS[number])), message)
    return base64.b64encode(b"\x00" + (told or number).to_bytes(4, "big") + body.getvalue()).decode()


def value(op: str, *, told: int | None = None, **images: Any) -> str:
    """A change."""
    return framed(VALUE, {"op": op, "source": SOURCE, "ts_ms": 1795491344908} | images, told=told)


def line(value: str | None, *, key: str | None = None, topic: str = "shop.public.customers") -> str:
    """A line of a topic."""
    return json.dumps({"topic": topic, "key": key, "value": value})


def test_messages_of_another_writer_are_read(text_rows: Any, outcomes: Any) -> None:
    """Numbers, decimals, times, bytes and lists come out as they were written; markers and keys as in the JSON feed."""
    marked = {"id": 7, "name": "__debezium_unavailable_value", "photo": b"__debezium_unavailable_value"}
    records = [
        line(value("c", after=ROW), key=framed(KEY, {"id": ROW["id"]})),
        value("r", after=ROW),
        line(value("u", before={"id": 7}, after=ROW)),
        line(value("u", after=marked)),
        line(value("d", before={"id": 7})),
        line(value("d"), key=framed(KEY, {"id": 7})),
        line(value("d"), key='{"id": 7}'),
        line(None, key=framed(KEY, {"id": 7})),
        line(framed(HEARTBEAT, {"ts_ms": 1}), topic="__debezium-heartbeat.shop"),
    ]
    options: dict[str, Any] = {"feed": "debezium-avro", "schema": CUSTOMERS, "keys": "id", "schemas": SCHEMAS}
    assert outcomes(parse_changes(text_rows(records), **options)) == {
        0: [CHANGE],
        1: [CHANGE | {"_sequence": 0}],
        2: [GONE, CHANGE],
        3: [GONE | {"_op": "upsert", "_provided": [name for name in CUSTOMERS.names if name not in ("name", "photo")]}],
        4: [GONE],
        5: [GONE],
        6: [GONE],
        7: ("tombstone",),
        8: ("heartbeat",),
    }


def test_what_cannot_be_read_is_set_aside(text_rows: Any, outcomes: Any) -> None:
    """A schema that is not there, another frame and a broken body are told apart, without a word of the content."""
    good = value("c", after=ROW)
    cut = base64.b64encode(base64.b64decode(good)[:20]).decode()
    headless = base64.b64encode(b"\x01" + base64.b64decode(good)).decode()
    frame = "the value is no Avro message in the frame of Confluent's serializer, as base64"
    records = [
        value("c", after=ROW, told=8),
        line(value("c", after=ROW, told=8)),
        cut,
        headless,
        line('{"op": "c"}'),
        "not base64",
        "AAAAAAY=",
        "",
        line(value("d")),
    ]
    options: dict[str, Any] = {"feed": "debezium-avro", "schema": CUSTOMERS, "keys": "id", "schemas": SCHEMAS}
    found = outcomes(parse_changes(text_rows(records), **options))
    assert [found[i] for i in range(len(records))] == [
        *[("malformed", "the option schemas lacks the Avro schema 8")] * 2,
        ("malformed", f"the body does not fit the Avro schema {VALUE}"),
        *[("malformed", frame)] * 5,
        ("missing_key", "no value for key id"),
    ]


def test_logical_types_speak_where_connect_does_not() -> None:
    """A schema without Connect's names is described by Avro's own; names are resolved in and out of their namespaces."""
    kinds = {
        "price": {"type": "fixed", "name": "Price", "size": 8, "logicalType": "decimal", "precision": 12, "scale": 2},
        "day": {"type": "int", "logicalType": "date"},
        "again": ["null", "a.b.Price"],
        "plain": "string",
    }
    fields = [{"name": name, "type": kind} for name, kind in kinds.items()]
    row = {"type": "record", "name": "Row", "fields": fields}
    schema = {
        "type": "record",
        "name": "Envelope",
        "namespace": "a.b",
        "fields": [{"name": "before", "type": ["null", row]}, {"name": "after", "type": ["null", "Row"]}],
    }
    found = read_schema(schema, origin="the Avro schema 1")
    decimal = {"name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "2"}}
    entries = [
        {"field": "price", **decimal},
        {"field": "day", "name": "org.apache.kafka.connect.data.Date"},
        {"field": "again", **decimal},
        {"field": "plain"},
    ]
    assert json.loads(found.connect)["fields"] == [{"field": image, "fields": entries} for image in ("before", "after")]
    assert "logicalType" not in found.avro


def test_the_table_is_in_the_topic_or_in_the_folders(spark: SparkSession) -> None:
    """Only a schema could tell the table in a message, so the topic does, or for bare values the place of the file."""
    there, folder = value("c", after=ROW), "s3://landing/sales/orders/part-0.txt"
    cases = {
        (line(there), "f"): "public.customers",
        (line(None), "f"): "public.customers",
        (line(there, topic="customers"), folder): None,
        (line(there, topic="__debezium-heartbeat.shop"), folder): None,
        (there, folder): "sales.orders",
        (there, "f"): None,
        ("not base64", folder): "sales.orders",
    }
    frame = spark.createDataFrame(list(cases), "_raw STRING, _source_file STRING")
    found = frame.select("_raw", "_source_file", route("debezium-avro")).collect()
    assert {(row[0], row[1]): row[2] for row in found} == cases


@pytest.mark.parametrize(
    ("schemas", "problem"),
    [
        ({}, "option schemas of feed debezium-avro must map ids"),
        ([SCHEMAS[KEY]], "option schemas of feed debezium-avro must map ids"),
        ({"orders": SCHEMAS[KEY]}, "has the id 'orders'; use the number that the registry gave"),
        ({1 << 31: SCHEMAS[KEY]}, "has the id 2147483648; use the number"),
        ({7: "orders.avro"}, "the Avro schema 7 is no JSON text; .* a file that ends in .avsc"),
        ({"7": '"string"'}, "the Avro schema 7 is no Avro record"),
        ({7: {"type": "record"}}, "the Avro schema 7 is no Avro record"),
    ],
)
def test_schemas_that_are_none_are_refused(text_rows: Any, schemas: Any, problem: str) -> None:
    """The refusal names the id and what to give instead."""
    with pytest.raises(ConfigError, match=problem):
        parse_changes(text_rows([]), feed="debezium-avro", schema=CUSTOMERS, keys="id", schemas=schemas)


def test_a_session_without_the_module_is_refused(text_rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal says how the module is added on a cluster."""

    def absent(*_: Any) -> None:
        msg = "'JavaPackage' object is not callable"
        raise TypeError(msg)

    monkeypatch.setattr(avro, "from_avro", absent)
    with pytest.raises(PreflightError, match=r"--packages org.apache.spark:spark-avro_2.12:.*--extra-jars"):
        parse_changes(text_rows([]), feed="debezium-avro", schema=CUSTOMERS, keys="id", schemas=SCHEMAS)
