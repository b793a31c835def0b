"""Debezium: row changes as JSON, from a topic (`{"topic", "key", "value"}`) or as bare value envelopes.

| | |
|---|---|
| operation | `op`: c, u, r upsert, d deletes, t truncates; m (logical message) is skipped |
| order | postgresql `source.lsn`; mysql (file, pos, row); sqlserver (commit_lsn, change_lsn, event_serial_no); snapshot rows below all |
| an absent column | null: the row was written before the column existed. The unavailable marker: unchanged, left out of `_provided` |
| key change | arrives as delete and create; an update whose `before` has another key becomes delete and upsert |
| cannot be told | the value behind an unavailable marker; the wall clock's zone of zone-less timestamps (option `timezone`); large values of PostgreSQL that a key change left as they were, which only REPLICA IDENTITY FULL sends: the new key has null |

Whether a message carries its schema (`{"schema", "payload"}`) is seen message by message. A null value (tombstone) is
no change. Snapshot rows are those with op r or a `source.snapshot` that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, StringType, StructField, StructType

from lakehouse.cdc.changes import DELETE, TRUNCATE, UPSERT, ParsedChanges
from lakehouse.cdc.feeds.assembly import Cell, Contract, Reading, assemble, provided_names, require_bronze
from lakehouse.cdc.feeds.debezium_messages import (
    envelope_of,
    event_time,
    is_snapshot,
    key_texts,
    kind,
    opened,
    route_message,
)
from lakehouse.cdc.feeds.debezium_values import Decimals, TimeUnit, is_described, is_unavailable, plain_text
from lakehouse.cdc.feeds.topics import named_table, topic_records
from lakehouse.cdc.json_text import as_written, parse_object, texts
from lakehouse.columns import RAW
from lakehouse.errors import ConfigError
from lakehouse.transforms.decoding import BinaryText, require_timezone

Connector = Literal["postgresql", "mysql", "sqlserver"]

_SOURCE = (
    *("schema", "db", "table", "ts_ms", "ts_us", "snapshot"),
    *("lsn", "file", "pos", "row", "commit_lsn", "change_lsn", "event_serial_no"),
)
_NUMBERS = dict.fromkeys(("ts_ms", "ts_us", "lsn", "pos", "event_serial_no"), "BIGINT") | {"row": "INT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the connector is set.

    Attributes:
        connector: whose `source` block orders the changes.
        unavailable: `unavailable.value.placeholder`; also recognised in base64, in hex and in a list.
        decimals: how decimals are written in messages without a schema. `auto` and `text` read numbers and numeric
            text; `base64` (`decimal.handling.mode=precise`) reads bytes at the contract's scale. It must be said,
            because base64 may look like a number.
        time_unit: unit of integer timestamps in messages without a schema.
        timezone: zone of timestamps without one.
        binary: `binary.handling.mode`.
    """

    connector: Connector = "postgresql"
    unavailable: str = "__debezium_unavailable_value"
    decimals: Decimals = "auto"
    time_unit: TimeUnit = "us"
    timezone: str = "UTC"
    binary: BinaryText = "base64"

    def __post_init__(self) -> None:
        """Refuse what is not known."""
        require_timezone(self.timezone)
        for name, choices in (
            ("connector", get_args(Connector)),
            ("decimals", get_args(Decimals)),
            ("time_unit", get_args(TimeUnit)),
            ("binary", get_args(BinaryText)),
        ):
            if getattr(self, name) not in choices:
                msg = f"option {name} of feed debezium is {getattr(self, name)!r}; use one of {', '.join(choices)}"
                raise ConfigError(msg)


def route() -> Column:
    """`schema.table` (or `database.table`) from the source block, else from the topic of a tombstone; null for the rest.

    Null: heartbeats, transaction and schema-change topics, logical messages, text that is no message.
    """
    return route_message(
        texts(["schema", "db", "table"]),
        lambda source: named_table(
            F.when(source["schema"] != "", source["schema"]).otherwise(source["db"]), source["table"]
        ),
    )


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of Debezium; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    require_bronze(df, contract, RAW)
    return read(topic_records(df), contract, options)


def read(records: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse records of `topic_records`."""
    frame = _staged(records, contract)
    op = F.col("envelope.op")
    texts_of = {name: F.col(f"t{i}") for i, name in enumerate(contract.names)}
    there = {name: ~is_unavailable(text, options.unavailable) for name, text in texts_of.items()}
    frame, row = _plain(frame, contract, options, texts_of)
    keys_before = {key: F.when(op == "u", F.col("envelope.before")[key]) for key in contract.key_names}
    frame, old = _plain(frame, contract, options, keys_before)
    reading = Reading(
        raw=F.col("raw"),
        kind=kind(),
        malformed=F.coalesce("problem", _malformed()),
        operation=F.when(op.isin("c", "u", "r"), UPSERT).when(op == "d", DELETE).when(op == "t", TRUNCATE),
        unknown="op is none of c, u, r, d, t, m",
        sequence=_sequence(options.connector, is_snapshot()),
        event_time=event_time(),
        row={name: Cell(F.when(there[name], text)) for name, text in row.items()},
        old_key={key: Cell(text) for key, text in old.items()},
        provided=F.when((op != "d") & (op != "t"), provided_names(there)),
    )
    return assemble(frame, reading, contract, timezone=options.timezone, binary=options.binary)


def _staged(records: DataFrame, contract: Contract) -> DataFrame:
    """Columns: those of a message, t<i> (payload text), entries, the source's numbers."""
    body, schema, written = _shapes(contract)
    messages = opened(records, body, schema).select(
        "*",
        # Nested values and JSON in string columns are kept as they were written, numbers unquoted.
        parse_object(F.col("value"), written).alias("again"),
        _first("message.schema.fields", "after")["fields"].alias("described"),
        F.when(F.col("envelope.op") == "d", key_texts(F.col("key"))).alias("told"),
    )
    wrapped = F.col("message.payload").isNotNull()
    rewritten = F.when(wrapped, F.col("again.payload.after")).otherwise(F.col("again.after"))
    images = messages.select("*", rewritten.alias("written"))
    return images.select(
        *("origin", "table", "raw", "is_line", "value", "problem", "message", "envelope", "topic"),
        *(_image(contract, name).alias(f"t{i}") for i, name in enumerate(contract.names)),
        _entries(contract).alias("entries"),
        *(F.expr(f"try_cast(envelope.source.{name} AS {number})").alias(name) for name, number in _NUMBERS.items()),
    )


def _shapes(contract: Contract) -> tuple[StructType, StructType, StructType]:
    """The envelope; the schema that a message may carry; and the part of the message that is read a second time."""
    image = texts(contract.names)
    fields = ArrayType(StructType([*texts(["field", "name"]).fields, StructField("parameters", texts(["scale"]))]))
    body = envelope_of(StructField("before", image), StructField("after", image), StructField("source", texts(_SOURCE)))
    entry = StructType([StructField("field", StringType()), StructField("fields", fields)])
    schema = StructType([StructField("fields", ArrayType(entry))])
    images = StructType([StructField("after", image)])
    written = StructType([*images.fields, StructField("payload", images)])
    return body, schema, written


def _image(contract: Contract, name: str) -> Column:
    """The text of a column: after the change, or for the key of a delete what `before` or the message key says."""
    exact = as_written(F.col("envelope.after")[name], F.col("written")[name], contract.schema[name].dataType)
    if name not in contract.key_names:
        return exact
    gone = F.coalesce(F.col("envelope.before")[name], F.try_element_at("told", F.lit(name)))
    return F.when(F.col("envelope.op") == "d", gone).otherwise(exact)


def _entries(contract: Contract) -> Column:
    """What the message's own schema says of each column, in order: type name and scale; null when it has no schema."""
    names = F.array(*(F.lit(name) for name in contract.names))
    return F.when(F.col("described").isNotNull(), F.transform(names, lambda name: _first("described", name)))


def _plain(
    frame: DataFrame, contract: Contract, options: Options, texts_of: Mapping[str, Column]
) -> tuple[DataFrame, dict[str, Column]]:
    """The texts in the form the decoder reads: one expression for all columns of a type, which keeps plans small."""
    by_type: dict[DataType, list[str]] = {}
    for name in texts_of:
        if is_described(contract.schema[name].dataType):
            by_type.setdefault(contract.schema[name].dataType, []).append(name)
    plain = dict(texts_of)
    for data_type, names in by_type.items():
        column = f"plain{len(frame.columns)}"
        values = F.array(*(_described(texts_of[name], contract.names.index(name)) for name in names))
        frame = frame.withColumn(column, _read(values, data_type, options))
        plain |= {name: F.col(column)[place] for place, name in enumerate(names)}
    return frame, plain


def _read(values: Column, data_type: DataType, options: Options) -> Column:
    def read(value: Column) -> Column:
        return plain_text(value, data_type, decimals=options.decimals, time_unit=options.time_unit)

    return F.transform(values, read)


def _described(text: Column, place: int) -> Column:
    entry = F.get("entries", F.lit(place))
    return F.struct(text.alias("text"), entry["name"].alias("name"), entry["parameters"]["scale"].alias("scale"))


def _first(parts: str, name: str | Column) -> Column:
    """The part whose field is `name`; null when there is none."""
    return F.get(F.filter(parts, lambda part: part["field"] == name), F.lit(0))


def _malformed() -> Column:
    envelope = F.col("envelope")
    return (
        F.when(F.col("message").isNull(), "the text is not one JSON object of the form of Debezium messages")
        .when(envelope["op"].isNull(), "the message has no op")
        .when(envelope["op"].isin("c", "u", "r") & envelope["after"].isNull(), "the message has no after image")
    )


def _sequence(connector: Connector, snapshot: Column) -> Column:
    """Where the change stands in the source's log; null when the message does not say. Snapshot rows rank lowest."""
    source = F.col("envelope.source")
    if connector == "postgresql":
        return F.when(snapshot, F.lit(0).cast("bigint")).otherwise(F.col("lsn"))
    parts: Mapping[str, tuple[Column, Column]] = {
        "mysql": {
            "file": (source["file"], F.lit("")),
            "pos": (F.col("pos"), F.lit(0).cast("bigint")),
            "row": (F.coalesce("row", F.lit(0)), F.lit(0)),
        },
        "sqlserver": {
            "commit_lsn": (source["commit_lsn"], F.lit("")),
            "change_lsn": (source["change_lsn"], F.lit("")),
            "event_serial_no": (F.coalesce("event_serial_no", F.lit(0)).cast("bigint"), F.lit(0).cast("bigint")),
        },
    }[connector]
    lowest = F.struct(*(low.alias(name) for name, (_, low) in parts.items()))
    place = F.struct(*(value.alias(name) for name, (value, _) in parts.items()))
    known = [value.isNotNull() for value, _ in parts.values()]
    return F.when(snapshot, lowest).when(known[0] & known[1], place)
