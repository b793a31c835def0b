"""Debezium: row changes as JSON, from a topic (`{"topic", "key", "value"}`) or as bare value envelopes.

| | |
|---|---|
| operation | `op`: c, u, r upsert, d deletes, t truncates; m (logical message) is skipped |
| order | postgresql `source.lsn`; mysql (file, pos, row); sqlserver (commit_lsn, change_lsn, event_serial_no); snapshot rows below all |
| an absent column | null: the row was written before the column existed. The unavailable marker: unchanged, left out of `_provided` |
| key change | arrives as delete and create; an update whose `before` has another key becomes delete and upsert |
| cannot be told | the value behind an unavailable marker; the wall clock's zone of zone-less timestamps (option `timezone`) |

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
from lakehouse.cdc.decoding import BinaryText, require_timezone
from lakehouse.cdc.feeds.assembly import Cell, Contract, Reading, assemble, provided_names, require_bronze, staged
from lakehouse.cdc.feeds.debezium_values import Decimals, TimeUnit, is_described, is_unavailable, plain_text
from lakehouse.cdc.json_text import as_written, bind, parse_object, quote_numbers, texts
from lakehouse.columns import RAW
from lakehouse.errors import ConfigError

Connector = Literal["postgresql", "mysql", "sqlserver"]

_SNAPSHOTS = ("true", "first", "first_in_data_collection", "last_in_data_collection", "last")
_SOURCE = (
    *("schema", "db", "table", "ts_ms", "ts_us", "snapshot"),
    *("lsn", "file", "pos", "row", "commit_lsn", "change_lsn", "event_serial_no"),
)
_NUMBERS = dict.fromkeys(("ts_ms", "ts_us", "lsn", "pos", "event_serial_no"), "BIGINT") | {"row": "INT"}
_LAST_MILLISECOND = 253_402_300_799_999  # of the year 9999; a number beyond it is no time
_PLAIN = ("op", "ts_ms", "status", "id", "ddl")
_LINE = texts(["topic", "key", "value"])


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
    source = StructType([StructField("source", texts(["schema", "db", "table"])), StructField("op", StringType())])
    value = StructType([*source.fields, StructField("payload", source)])
    line = StructType([*_LINE.fields, *value.fields])

    def of_line(line: Column) -> Column:
        is_line = line["topic"].isNotNull() | line["key"].isNotNull() | line["value"].isNotNull()
        inner = bind(parse_object(line["value"], value), _source_table)
        return F.when(is_line & line["value"].isNull(), _topic_table(line["topic"])).otherwise(
            F.when(is_line, inner).otherwise(_source_table(line))
        )

    return bind(parse_object(F.col(RAW), line), of_line)


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of Debezium; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    require_bronze(df, contract, RAW)
    frame = _staged(df, contract)
    op = F.col("envelope.op")
    snapshot = (op == "r") | ((op == "c") & F.col("envelope.source.snapshot").isin(*_SNAPSHOTS))
    texts_of = {name: F.col(f"t{i}") for i, name in enumerate(contract.names)}
    there = {name: ~is_unavailable(text, options.unavailable) for name, text in texts_of.items()}
    frame, row = _plain(frame, contract, options, texts_of)
    keys_before = {key: F.when(op == "u", F.col("envelope.before")[key]) for key in contract.key_names}
    frame, old = _plain(frame, contract, options, keys_before)
    reading = Reading(
        raw=F.col("raw"),
        kind=_kind(),
        malformed=_malformed(),
        operation=F.when(op.isin("c", "u", "r"), UPSERT).when(op == "d", DELETE).when(op == "t", TRUNCATE),
        unknown="op is none of c, u, r, d, t, m",
        sequence=_sequence(options.connector, F.coalesce(snapshot, F.lit(False))),
        event_time=_event_time(),
        row={name: Cell(F.when(there[name], text)) for name, text in row.items()},
        old_key={key: Cell(text) for key, text in old.items()},
        provided=F.when((op != "d") & (op != "t"), provided_names(there)),
    )
    return assemble(frame, reading, contract, timezone=options.timezone, binary=options.binary)


def _staged(df: DataFrame, contract: Contract) -> DataFrame:
    """Columns: envelope, topic, key, is_line, value, t<i> (payload text), entries, the source's numbers."""
    envelope, message, written = _shapes(contract)
    lines = staged(df, raw=F.col(RAW), line=parse_object(F.col(RAW), _LINE))
    is_line = F.coalesce(*(F.col("line")[name] for name in _LINE.names)).isNotNull()
    values = lines.select(
        *("origin", "table", "raw", "line"),
        is_line.alias("is_line"),
        F.when(is_line, F.col("line.value")).otherwise(F.col("raw")).alias("value"),
    )
    messages = values.select(
        "*",
        parse_object(quote_numbers(F.col("value")), message).alias("message"),
        # Nested values and JSON in string columns are kept as they were written, numbers unquoted.
        parse_object(F.col("value"), written).alias("written"),
    )
    plain = F.struct(*(F.col("message")[name].alias(name) for name in envelope.names))
    wrapped = F.col("message.payload").isNotNull()
    opened = messages.select(
        *("origin", "table", "raw", "is_line", "value", "line", "message"),
        F.when(wrapped, F.col("message.payload")).otherwise(plain).alias("envelope"),
        F.when(wrapped, F.col("written.payload.after")).otherwise(F.col("written.after")).alias("written"),
        _first("message.schema.fields", "after")["fields"].alias("described"),
    )
    keyed = opened.select("*", F.when(F.col("envelope.op") == "d", _key(F.col("line.key"))).alias("key"))
    return keyed.select(
        *("origin", "table", "raw", "is_line", "value", "message", "envelope"),
        F.col("line.topic").alias("topic"),
        *(_image(contract, name).alias(f"t{i}") for i, name in enumerate(contract.names)),
        _entries(contract).alias("entries"),
        *(F.expr(f"try_cast(envelope.source.{name} AS {kind})").alias(name) for name, kind in _NUMBERS.items()),
    )


def _shapes(contract: Contract) -> tuple[StructType, StructType, StructType]:
    """The envelope; the message around it, wrapped or not; and the part of the message that is read a second time."""
    image = texts(contract.names)
    fields = ArrayType(StructType([*texts(["field", "name"]).fields, StructField("parameters", texts(["scale"]))]))
    envelope = StructType(
        [
            StructField("before", image),
            StructField("after", image),
            StructField("source", texts(_SOURCE)),
            *texts(_PLAIN).fields,
        ]
    )
    entry = StructType([StructField("field", StringType()), StructField("fields", fields)])
    schema = StructType([StructField("fields", ArrayType(entry))])
    message = StructType([*envelope.fields, StructField("payload", envelope), StructField("schema", schema)])
    images = StructType([StructField("after", image)])
    written = StructType([*images.fields, StructField("payload", images)])
    return envelope, message, written


def _image(contract: Contract, name: str) -> Column:
    """The text of a column: after the change, or for the key of a delete what `before` or the message key says."""
    exact = as_written(F.col("envelope.after")[name], F.col("written")[name], contract.schema[name].dataType)
    if name not in contract.key_names:
        return exact
    gone = F.coalesce(F.col("envelope.before")[name], F.try_element_at("key", F.lit(name)))
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


def _key(text: Column) -> Column:
    """The message key as a map of texts, unwrapped when it carries its schema."""
    exact = quote_numbers(text)
    payload = parse_object(
        exact, StructType([StructField("schema", StringType()), StructField("payload", StringType())])
    )
    inner = bind(payload, lambda p: F.when(p["schema"].isNotNull() & p["payload"].startswith("{"), p["payload"]))
    return F.from_json(F.coalesce(inner, exact), "map<string,string>")


def _kind() -> Column:
    envelope, message = F.col("envelope"), F.col("message")
    changes = envelope["op"].isNotNull()
    heartbeat = F.col("topic").startswith("__debezium-heartbeat")
    beat = ~changes & envelope["source"].isNull() & envelope["ts_ms"].isNotNull() & envelope["status"].isNull()
    empty = F.col("is_line") & (F.col("value").isNull() | (F.trim("value") == "null"))
    unwrapped = message["schema"].isNotNull() & message["payload"].isNull() & ~changes
    return (
        F.when(heartbeat, "heartbeat")
        .when(empty | unwrapped, "tombstone")
        .when(~changes & envelope["status"].isin("BEGIN", "END") & envelope["id"].isNotNull(), "transaction")
        .when(~changes & envelope["ddl"].isNotNull(), "schema_change")
        .when(beat & envelope["before"].isNull() & envelope["after"].isNull(), "heartbeat")
        .when(envelope["op"] == "m", "message")
    )


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


def _event_time() -> Column:
    """When the source committed the change, by its own clock; null where it does not say."""
    last = F.lit(_LAST_MILLISECOND)
    micros = F.when(F.col("ts_us").between(-last * 1000, last * 1000), F.timestamp_micros("ts_us"))
    millis = F.when(F.col("ts_ms").between(-last, last), F.timestamp_millis("ts_ms"))
    return F.coalesce(micros, millis)


def _source_table(message: Column) -> Column:
    def table(source: Column) -> Column:
        schema = F.when(source["schema"] != "", source["schema"]).otherwise(source["db"])
        return F.when((schema != "") & (source["table"] != ""), F.concat_ws(".", schema, source["table"]))

    payload = message["payload"]
    return F.when(payload["op"].isNotNull(), table(payload["source"])).when(
        message["op"].isNotNull(), table(message["source"])
    )


def _topic_table(topic: Column) -> Column:
    parts = F.when(topic.rlike(r"^[^.]+(\.[^.]+)+\.[^.]+$") & ~topic.startswith("__debezium-"), F.split(topic, r"\."))
    return F.when(parts.isNotNull(), F.array_join(F.slice(parts, -2, 2), "."))
