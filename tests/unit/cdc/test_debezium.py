"""Debezium: recorded topics against the server's own log, and every form a message may take."""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BinaryType,
    DataType,
    DateType,
    DecimalType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.feeds.debezium_values import unscaled
from lakehouse.cdc.parsing import parse_changes, route
from lakehouse.errors import ConfigError

BRONZE = "_raw STRING, _source_file STRING, _row BIGINT"
SCHEMA = StructType(
    [StructField("id", LongType()), StructField("name", StringType()), StructField("photo", BinaryType())]
)
MARKER = "__debezium_unavailable_value"
SOURCE = {"schema": "public", "table": "t", "lsn": 27286336, "ts_ms": 1795491344644, "ts_us": 1795491344644718}
TOPIC = "shop.public.t"


def envelope(op: str | None, *, before: Any = None, after: Any = None, source: Any = SOURCE) -> dict[str, Any]:
    """A value as Debezium writes it."""
    return {"before": before, "after": after, "source": source, "op": op, "ts_ms": 1795491344908}


def line(value: Any, *, key: Any = None, topic: str = TOPIC) -> str:
    """A line with key and value as JSON text."""
    texts = {"key": None if key is None else json.dumps(key), "value": None if value is None else json.dumps(value)}
    return json.dumps({"topic": topic, **texts})


def described(value: Any, *fields: dict[str, Any]) -> dict[str, Any]:
    """A value with its schema."""
    images = [{"type": "struct", "field": image, "fields": list(fields)} for image in ("before", "after")]
    return {"schema": {"type": "struct", "fields": images}, "payload": value}


def parsed(
    spark: SparkSession, messages: list[str | None], schema: StructType = SCHEMA, **options: Any
) -> ParsedChanges:
    """The messages parsed; `_row` is their place in the list."""
    rows = [(text, "f", place) for place, text in enumerate(messages)]
    return parse_changes(spark.createDataFrame(rows, BRONZE), feed="debezium", schema=schema, keys="id", **options)


def bronze(spark: SparkSession, path: str) -> DataFrame:
    """Bronze rows of a file of JSON lines."""
    return spark.read.text(path).select(
        F.col("value").alias("_raw"),
        F.lit(None).cast("string").alias("_table"),
        F.lit(path).alias("_source_file"),
        F.monotonically_increasing_id().alias("_row"),
    )


@pytest.mark.parametrize("recording", ["plain_string", "schema_precise"])
def test_every_recorded_change_is_the_one_the_server_made(spark: SparkSession, shop: Any, recording: str) -> None:
    """A recorded topic parses to exactly the changes, values and keys that the server's trigger logged."""
    result = parse_changes(
        bronze(spark, shop.path("debezium", recording, f"{shop.name}.jsonl.gz")),
        feed="debezium",
        schema=shop.schema,
        keys=shop.keys,
    )
    actual, expected = shop.actual(result.changes), shop.expected()
    assert actual == {
        place: {name: value for name, value in row.items() if name in actual.get(place, row)}
        for place, row in expected.items()
    }
    left_out = [name for place, row in expected.items() for name in row if name not in actual[place]]
    markers = {"attributes": 17, "description": 20} if shop.name == "products" else {}
    assert Counter(left_out) == markers
    assert result.rejected.collect() == []
    kinds = {row["_kind"] for row in result.skipped.collect()}
    assert kinds <= {"tombstone"}


def test_a_message_of_every_kind_and_every_fault(spark: SparkSession, outcomes: Any) -> None:
    """Each message becomes its changes, is skipped by kind, or is set aside with a reason that never quotes a value."""
    seven = {"id": 7, "name": "x", "photo": "AP8="}
    wrapped_key = {"schema": {"type": "struct"}, "payload": {"id": 7}}
    messages: dict[str, Any] = {
        line(envelope("c", after=seven)): "upsert",
        json.dumps(envelope("u", after=seven)): "upsert",
        line(described(envelope("u", before={"id": 7, "name": None}, after=seven))): "upsert",
        line(envelope("r", after=seven)): "snapshot",
        line(envelope("c", after=seven, source=SOURCE | {"snapshot": "true"})): "snapshot",
        line(envelope("u", before={"id": 8}, after=seven)): "move",
        line(envelope("d", before={"id": 7, "name": "", "photo": "?"})): "delete",
        line(envelope("d"), key={"id": 7}): "delete",
        line(described(envelope("d")), key=wrapped_key): "delete",
        line(envelope("t")): "truncate",
        line(None, key={"id": 7}): ("tombstone",),
        line({"schema": {"type": "struct"}, "payload": None}): ("tombstone",),
        line({"ts_ms": 1}, topic="__debezium-heartbeat.shop"): ("heartbeat",),
        json.dumps({"ts_ms": 1}): ("heartbeat",),
        line({"status": "BEGIN", "id": "729:1", "ts_ms": 1}, topic="shop.transaction"): ("transaction",),
        line({"source": SOURCE, "ddl": "ALTER", "ts_ms": 1}, topic="shop"): ("schema_change",),
        line(envelope("m")): ("message",),
        line(envelope("x", after=seven)): ("unknown_operation", "op is none of c, u, r, d, t, m"),
        line(envelope(None, after=seven)): ("malformed", "the message has no op"),
        line(envelope("c")): ("malformed", "the message has no after image"),
        line(envelope("c", after={"name": "secret"})): ("missing_key", "no value for key id"),
        line(envelope("d", before={"name": "secret"}), key={"other": 7}): ("missing_key", "no value for key id"),
        line(envelope("d")): ("missing_key", "no value for key id"),
        line(envelope("c", after=seven, source={})): ("missing_sequence", "no sequence"),
        line(envelope("c", after={"id": "secret", "photo": "*"})): ("bad_value", "id is no bigint; photo is no binary"),
        "not json": ("malformed", "the text is not one JSON object of the form of Debezium messages"),
        line(envelope("c", after=seven))[:-1]: (
            "malformed",
            "the text is not one JSON object of the form of Debezium messages",
        ),
        json.dumps({"topic": TOPIC, "value": "{"}): (
            "malformed",
            "the text is not one JSON object of the form of Debezium messages",
        ),
    }
    upsert = {
        "id": 7, "name": "x", "photo": bytearray(b"\x00\xff"), "_op": "upsert", "_sequence": 27286336,
        "_provided": None, "_event_time": datetime.fromisoformat("2026-11-24 03:35:44.644718"),
    }  # fmt: skip
    gone = upsert | {"name": None, "photo": None, "_op": "delete"}
    changes = {
        "upsert": [upsert],
        "snapshot": [upsert | {"_sequence": 0}],
        "move": [gone | {"id": 8}, upsert],
        "delete": [gone],
        "truncate": [gone | {"id": None, "_op": "truncate"}],
    }
    expected = {
        i: outcome if isinstance(outcome, tuple) else changes[outcome] for i, outcome in enumerate(messages.values())
    }
    assert outcomes(parsed(spark, list(messages))) == expected


def test_an_unavailable_value_is_not_provided(spark: SparkSession, outcomes: Any) -> None:
    """The marker, as text, in base64 or in a list, leaves the column out of `_provided`; an absent column is null."""
    encoded = base64.b64encode(MARKER.encode()).decode()
    found = outcomes(
        parsed(
            spark,
            [
                line(envelope("u", after={"id": 1, "name": MARKER, "photo": encoded})),
                line(envelope("u", after={"id": 1, "name": [MARKER], "photo": None})),
                line(envelope("u", after={"id": 1, "name": "x"})),
                line(envelope("d", before={"id": 1, "name": MARKER})),
            ],
        )
    )
    assert [(found[i][0]["_provided"], found[i][0]["name"], found[i][0]["photo"]) for i in range(4)] == [
        (["id"], None, None),
        (["id", "photo"], None, None),
        (None, "x", None),
        (None, None, None),
    ]
    other = outcomes(
        parsed(spark, [line(envelope("u", after={"id": 1, "name": "TOAST", "photo": None}))], unavailable="TOAST")
    )
    assert other[0][0]["_provided"] == ["id", "photo"]


DEZIMAL = "org.apache.kafka.connect.data.Decimal"
TIME = "io.debezium.time"
INSTANT = datetime.fromisoformat("2026-07-01 10:00:00.123456")
VALUES: list[tuple[DataType, Any, dict[str, Any] | None, Any]] = [
    (DecimalType(12, 2), "BLfi", {"name": DEZIMAL, "parameters": {"scale": "2"}}, Decimal("3092.18")),
    (DecimalType(12, 2), "1234", {"name": DEZIMAL, "parameters": {"scale": "4"}}, None),  # bytes D7 6D F8 are no 1234
    (DecimalType(12, 4), "1234", {"name": DEZIMAL, "parameters": {"scale": "4"}}, Decimal("-265.8824")),
    (DecimalType(12, 2), "/w==", {"name": DEZIMAL, "parameters": {"scale": "0"}}, Decimal("-1.00")),
    (DecimalType(12, 2), "Bw==", {"name": DEZIMAL, "parameters": {"scale": "-3"}}, Decimal("7000.00")),
    (DecimalType(12, 2), "****", {"name": DEZIMAL, "parameters": {"scale": "2"}}, None),
    (
        DecimalType(12, 2),
        {"scale": 3, "value": "JxA="},
        {"name": "io.debezium.data.VariableScaleDecimal"},
        Decimal("10.00"),
    ),
    (DecimalType(12, 2), "3092.18", None, Decimal("3092.18")),
    (DecimalType(12, 2), 3092.18, None, Decimal("3092.18")),
    (DecimalType(12, 2), 3092.185, None, None),
    (StringType(), "BLfi", {"name": DEZIMAL, "parameters": {"scale": "2"}}, "3092.18"),
    (StringType(), "/w==", {"name": DEZIMAL, "parameters": {"scale": "3"}}, "-0.001"),
    (StringType(), "-11667", {"name": "io.debezium.data.Json"}, "-11667"),
    (StringType(), -11667, {"name": f"{TIME}.Date"}, "1938-01-22"),
    (StringType(), 43200123, {"name": f"{TIME}.Time"}, "12:00:00.123"),
    (StringType(), 43200123456, {"name": f"{TIME}.MicroTime"}, "12:00:00.123456"),
    (StringType(), 43200123456789, {"name": f"{TIME}.NanoTime"}, "12:00:00.123456"),
    (DateType(), -11667, {"name": f"{TIME}.Date"}, date(1938, 1, 22)),
    (DateType(), -11667, None, date(1938, 1, 22)),
    (DateType(), "1938-01-22", None, date(1938, 1, 22)),
    (DateType(), -11667 * 86400000, {"name": f"{TIME}.Timestamp"}, date(1938, 1, 22)),
    (DateType(), 1, {"name": f"{TIME}.Timestamp"}, None),
    (DateType(), 10**9, None, None),
    (TimestampType(), 1782907200123, {"name": f"{TIME}.Timestamp"}, INSTANT.replace(microsecond=123000)),
    (TimestampType(), 1782907200123456, {"name": f"{TIME}.MicroTimestamp"}, INSTANT),
    (TimestampType(), 1782907200123456789, {"name": f"{TIME}.NanoTimestamp"}, INSTANT),
    (TimestampType(), "2026-07-01T10:00:00.123456Z", {"name": f"{TIME}.ZonedTimestamp"}, INSTANT),
    (TimestampType(), 1782907200123456, None, INSTANT),
    (TimestampType(), "2026-07-01T12:00:00.123456", None, INSTANT),
    (TimestampType(), 10**30, None, None),
    (TimestampNTZType(), 1782907200123456, None, datetime.fromisoformat("2026-07-01 12:00:00.123456")),
    (TimestampNTZType(), -1, None, datetime.fromisoformat("1969-12-31 23:59:59.999999")),
]


@pytest.mark.parametrize("data_type", sorted({case[0] for case in VALUES}, key=str), ids=str)
def test_values_are_read_as_the_message_says(spark: SparkSession, outcomes: Any, data_type: DataType) -> None:
    """The schema of a message decides how a value is read, the contract otherwise; integers are wall clocks of `timezone`."""
    cases = [case for case in VALUES if case[0] == data_type]
    schema = StructType([StructField("id", LongType()), StructField("v", data_type)])
    messages: list[str | None] = []
    for _, value, entry, _ in cases:
        told = envelope("c", after={"id": 1, "v": value})
        messages.append(line(told if entry is None else described(told, {"field": "id"}, {"field": "v", **entry})))
    found = outcomes(parsed(spark, messages, schema, timezone="Europe/Berlin"))
    faulty = ("bad_value", f"v is no {data_type.simpleString()}")
    expected = [faulty if want is None else want for *_, want in cases]
    assert [found[i] if isinstance(found[i], tuple) else found[i][0]["v"] for i in range(len(cases))] == expected


def test_options_speak_where_the_message_does_not(spark: SparkSession, outcomes: Any) -> None:
    """Without a schema, `decimals`, `time_unit` and `binary` say how values are written."""
    schema = StructType(
        [
            StructField("id", LongType()),
            StructField("amount", DecimalType(12, 2)),
            StructField("at", TimestampType()),
            StructField("photo", BinaryType()),
        ]
    )
    after = {"id": 1, "amount": "BLfi", "at": 1782907200123, "photo": "00ff"}
    options = {"decimals": "base64", "time_unit": "ms", "binary": "hex"}
    change = outcomes(parsed(spark, [line(envelope("c", after=after))], schema, **options))[0][0]
    assert change["amount"] == Decimal("3092.18")
    assert change["at"] == datetime.fromisoformat("2026-07-01 12:00:00.123")
    assert change["photo"] == b"\x00\xff"


def test_base64_holds_integers_of_any_sign_up_to_38_digits(spark: SparkSession) -> None:
    """Two's complement is read at every byte boundary; 39 digits and text that is no base64 are null."""
    edges = [1 << bits for bits in (0, 7, 8, 15, 16, 31, 32, 63, 64, 95, 96, 120)]
    numbers = {
        0,
        10**38 - 1,
        1 - 10**38,
        *edges,
        *(-n for n in edges),
        *(n - 1 for n in edges),
        *(-n - 1 for n in edges),
    }
    texts: dict[str, Decimal | None] = {
        base64.b64encode(n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True)).decode(): Decimal(n) for n in numbers
    }
    texts |= {base64.b64encode((10**38).to_bytes(16, "big", signed=True)).decode(): None, "*": None, "": None}
    frame = spark.createDataFrame([(text,) for text in texts], "text STRING")
    found = {
        row["text"]: row["value"] for row in frame.select("text", unscaled(F.col("text")).alias("value")).collect()
    }
    assert found == texts


def test_numbers_beyond_every_range_stop_no_batch(spark: SparkSession, outcomes: Any) -> None:
    """A position that fits no bigint is missing, a time beyond the year 9999 is unknown; nothing overflows."""
    huge = 9223372036854775807
    messages = [
        line(envelope("c", after={"id": 1}, source=source))
        for source in ({"lsn": 1, "ts_ms": huge}, {"lsn": 1, "ts_us": huge, "ts_ms": 0}, {"lsn": huge + 1})
    ]
    found = outcomes(parsed(spark, list(messages)))
    assert found[0][0]["_event_time"] is None
    assert found[1][0]["_event_time"] == datetime.fromisoformat("1970-01-01 00:00:00")
    assert found[2] == ("missing_sequence", "no sequence")
    mysql = line(envelope("c", after={"id": 1}, source={"file": "b.1", "pos": 4, "row": huge}))
    assert outcomes(parsed(spark, [mysql], connector="mysql"))[0][0]["_sequence"] == {"file": "b.1", "pos": 4, "row": 0}


@pytest.mark.parametrize(
    ("connector", "source", "sequence", "lowest"),
    [
        (
            "mysql",
            {"file": "mysql-bin.000003", "pos": 154, "row": 2},
            {"file": "mysql-bin.000003", "pos": 154, "row": 2},
            {"file": "", "pos": 0, "row": 0},
        ),
        (
            "sqlserver",
            {"commit_lsn": "00000027:00000758:0005", "change_lsn": "00000027:00000758:0003", "event_serial_no": 1},
            {"commit_lsn": "00000027:00000758:0005", "change_lsn": "00000027:00000758:0003", "event_serial_no": 1},
            {"commit_lsn": "", "change_lsn": "", "event_serial_no": 0},
        ),
    ],
)
def test_each_connector_orders_by_its_own_log(
    spark: SparkSession, outcomes: Any, connector: str, source: Any, sequence: Any, lowest: Any
) -> None:
    """The place in the source's log is the sequence, snapshot rows rank lowest, a message without a place has none."""
    messages = [
        line(envelope(op, after={"id": 1}, source=told)) for op, told in (("c", source), ("r", source), ("c", {}))
    ]
    found = outcomes(parsed(spark, list(messages), connector=connector))
    assert [found[0][0]["_sequence"], found[1][0]["_sequence"], found[2]] == [
        sequence,
        lowest,
        ("missing_sequence", "no sequence"),
    ]


@pytest.mark.parametrize(
    ("raw", "table"),
    [
        (line(envelope("c", after={})), "public.t"),
        (line(described(envelope("c", after={}))), "public.t"),
        (json.dumps(envelope("d")), "public.t"),
        (line(envelope("c", source={"db": "shop", "table": "t"})), "shop.t"),
        (line(None), "public.t"),
        (line(None, topic="my.prefix.public.t"), "public.t"),
        (line(None, topic="t"), None),
        (line({"ts_ms": 1}, topic="__debezium-heartbeat.shop"), None),
        (line({"status": "END", "id": "1"}, topic="a.b.transaction"), None),
        (line(envelope("m", source={"schema": "", "table": ""})), None),
        ("not json", None),
        (line(1), None),
        (None, None),
    ],
)
def test_the_table_is_in_the_source_or_the_topic(spark: SparkSession, raw: str | None, table: str | None) -> None:
    """The route of a message is the schema and table of its source, of its topic for tombstones, and none for the rest."""
    frame = spark.createDataFrame([(raw,)], "_raw STRING")
    assert frame.select(route("debezium")).collect()[0][0] == table


@pytest.mark.parametrize(
    ("topic", "kind"), [("_transactions.jsonl.gz", "transaction"), ("_heartbeats.jsonl", "heartbeat")]
)
def test_recorded_topics_without_rows_are_skipped(spark: SparkSession, shop_lines: Any, topic: str, kind: str) -> None:
    """Every line of the transaction and heartbeat topics is skipped under one kind and belongs to no table."""
    lines = shop_lines("debezium", "plain_string", topic)
    frame = spark.createDataFrame([(text, "f", place) for place, text in enumerate(lines)], BRONZE)
    routed = frame.withColumn("_table", route("debezium"))
    result = parse_changes(routed, feed="debezium", schema=SCHEMA, keys="id", table="public.t")
    assert result.changes.collect() == result.rejected.collect() == []
    assert Counter(row["_kind"] for row in result.skipped.collect()) == {kind: len(lines)}


@pytest.mark.parametrize(
    "wrong", [{"connector": "oracle"}, {"decimals": "double"}, {"time_unit": "s"}, {"binary": "raw"}]
)
def test_an_unknown_choice_is_refused(spark: SparkSession, wrong: dict[str, Any]) -> None:
    """The refusal names the option and what there is to choose from."""
    with pytest.raises(ConfigError, match=f"option {next(iter(wrong))} .*use one of"):
        parsed(spark, [None], **wrong)
