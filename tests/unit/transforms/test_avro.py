"""Events in Avro are exchanged with an independent writer and reader, behind both headers."""

from __future__ import annotations

import io
import json
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.errors import ConfigError, IncompatibleSchemaError, PreflightError
from lakehouse.schemas.wire import ConfluentHeader, GlueHeader, Header, write_message
from lakehouse.transforms import avro
from lakehouse.transforms.avro import decode_avro, encode_avro

GLUE = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63"
AT = {"type": "long", "logicalType": "timestamp-micros"}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}


def schema(*fields: dict[str, Any]) -> str:
    """Customer events with these fields."""
    return json.dumps({"type": "record", "name": "CustomerEvent", "namespace": "shop", "fields": list(fields)})


def optional(name: str, kind: Any) -> dict[str, Any]:
    """A field that may be absent."""
    return {"name": name, "type": ["null", kind], "default": None}


V1 = schema(optional("id", "int"), optional("email", "string"), optional("at", AT))
V2 = schema(
    optional("id", "long"), optional("mail", "string") | {"aliases": ["email"]}, optional("at", AT), optional("paid", MONEY),
    optional("tags", {"type": "array", "items": "string"}),
)  # fmt: skip
NOON = datetime(2026, 11, 27, 12, 0, 0, 123456, tzinfo=UTC)


def written(text: str, event: dict[str, Any], header: Header) -> bytearray:
    """A message of the independent writer."""
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(json.loads(text)), event)
    return bytearray(write_message(header, body.getvalue()))


def test_messages_of_another_writer_are_read(spark: SparkSession) -> None:
    """Each message is read by the schema that its header names, as the newest; what cannot be read says why, and stops nothing."""
    v1, v2 = ConfluentHeader(schema_id=7), GlueHeader(version_id=GLUE)
    first = {"id": 1, "email": "ada@example.com", "at": NOON}
    second = {"id": 2**40, "mail": None, "at": None, "paid": Decimal("12.30"), "tags": ["a", "b"]}
    nothing = dict.fromkeys(("id", "email", "at"))
    compressed = GlueHeader(version_id=GLUE, is_compressed=True)
    messages = [
        written(V1, first, v1),
        written(V2, second, v2),
        written(V1, nothing, v1),
        written(V1, first, ConfluentHeader(schema_id=8)),
        written(V1, first, v1)[:9],
        written(V2, second, compressed),
        bytearray(b"{}"),
        bytearray(b"\x03" + zlib.compress(b"")),
        bytearray(),
        None,
    ]
    df = spark.createDataFrame(list(enumerate(messages)), "place int, message binary").repartition(2)
    read = df.select("place", decode_avro(F.col("message"), schemas={7: V1, GLUE: V2}, reader=V2).alias("read"))
    found = {row.place: row.read for row in read.collect()}
    noon = NOON.replace(tzinfo=None)
    none: dict[str, Any] = dict.fromkeys(("id", "mail", "at", "paid", "tags"))
    events = {place: one.event.asDict() for place, one in found.items() if one.event is not None}
    assert events == {
        0: none | {"id": 1, "mail": "ada@example.com", "at": noon},
        1: none | {"id": 2**40, "paid": Decimal("12.30"), "tags": ["a", "b"]},
        2: none,
    }
    no_header = "there is no header of Confluent, nor one of Glue before a body that is not compressed"
    assert {place: one.problem for place, one in found.items()} == dict.fromkeys((0, 1, 2, 9)) | {
        3: "no schema is given for the id 8",
        4: "the body does not fit the schema 7",
        **dict.fromkeys((5, 6, 7, 8), no_header),
    }


def test_what_is_written_is_read_by_another_reader(spark: SparkSession) -> None:
    """Events become messages that the independent reader understands, behind either header; none becomes none."""
    event = "struct<id bigint, mail string, at timestamp, paid decimal(9,2), tags array<string>>"
    df = spark.createDataFrame(
        [(1, (5, "ada", NOON, Decimal("0.05"), ["x"])), (2, (None,) * 5), (3, None)],
        f"place int, event {event}",
    )
    headers: dict[str, Header] = {"confluent": ConfluentHeader(schema_id=7), "glue": GlueHeader(version_id=GLUE)}
    made = df.select("place", *(encode_avro(F.col("event"), schema=V2, header=h).alias(n) for n, h in headers.items()))
    rows = {row.place: row for row in made.collect()}
    reading = fastavro.parse_schema(json.loads(V2))
    for name, header in headers.items():
        start = header.to_bytes()
        assert all(bytes(rows[place][name]).startswith(start) for place in (1, 2))
        bodies = [io.BytesIO(bytes(rows[place][name])[len(start) :]) for place in (1, 2)]
        assert [fastavro.schemaless_reader(body, reading, None) for body in bodies] == [
            {"id": 5, "mail": "ada", "at": NOON, "paid": Decimal("0.05"), "tags": ["x"]},
            dict.fromkeys(("id", "mail", "at", "paid", "tags")),
        ]
        assert rows[3][name] is None


def test_schemas_that_cannot_be_read_are_refused_beforehand(spark: SparkSession) -> None:
    """A reader that a writer's schema contradicts is an error before any event is read, with field and reason."""
    del spark  # columns need it
    required = schema({"name": "id", "type": "int"})
    with pytest.raises(IncompatibleSchemaError, match="what schema 7 wrote: id null cannot be read as int"):
        decode_avro(F.col("message"), schemas={7: V1}, reader=required)
    with pytest.raises(ConfigError, match="is an Avro record"):
        decode_avro(F.col("message"), schemas={7: V1}, reader='"string"')
    with pytest.raises(ConfigError, match="no Avro schema is given"):
        decode_avro(F.col("message"), schemas={}, reader=V1)
    with pytest.raises(ConfigError, match="without compression"):
        encode_avro(F.col("event"), schema=V1, header=GlueHeader(version_id=GLUE, is_compressed=True))


def test_a_session_without_the_module_is_told_how_to_get_it(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What pyspark raises without the jar becomes a message with the options to add."""
    del spark  # columns need it

    def absent(*_: object) -> None:
        msg = "'JavaPackage' object is not callable"
        raise TypeError(msg)

    monkeypatch.setattr(avro, "to_avro", absent)
    with pytest.raises(PreflightError, match=r"--packages org.apache.spark:spark-avro_2.12:.*--extra-jars"):
        encode_avro(F.col("event"), schema=V1, header=ConfluentHeader(schema_id=7))
