"""What the messages of every Debezium connector have in common: the envelope, wrapped or not, and what is no change."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StringType, StructField, StructType

from lakehouse.cdc.feeds.topics import is_tombstone, route_record
from lakehouse.cdc.json_text import bind, parse_object, quote_numbers, texts
from lakehouse.transforms.decoding import instant

_SNAPSHOTS = ("true", "first", "first_in_data_collection", "last_in_data_collection", "last")  # `source.snapshot`
_CONTROLS = ("op", "ts_ms", "status", "id", "ddl")


def envelope_of(*fields: StructField) -> StructType:
    """The envelope with what a connector puts into it: `before`, `after` and `source` at least."""
    return StructType([*fields, *texts(_CONTROLS).fields])


def opened(records: DataFrame, envelope: StructType, schema: DataType | None = None) -> DataFrame:
    """Records of `topic_records` with their `message` and its `envelope`; numbers are text, digit by digit.

    Args:
        records: the records.
        envelope: the fields to read of the envelope.
        schema: what to read of the schema in a message that carries it.
    """
    wrapped = [StructField("payload", envelope), StructField("schema", schema or StringType())]
    message = parse_object(quote_numbers(F.col("value")), StructType([*envelope.fields, *wrapped]))
    messages = records.select("*", message.alias("message"))
    plain = F.struct(*(F.col("message")[name].alias(name) for name in envelope.names))
    payload = F.col("message.payload")
    return messages.select("*", F.when(payload.isNotNull(), payload).otherwise(plain).alias("envelope"))


def key_texts(key: Column) -> Column:
    """The message key as a map of texts, unwrapped when it carries its schema."""
    exact = quote_numbers(key)
    payload = parse_object(exact, texts(["schema", "payload"]))
    inner = bind(payload, lambda p: F.when(p["schema"].isNotNull() & p["payload"].startswith("{"), p["payload"]))
    return F.from_json(F.coalesce(inner, exact), "map<string,string>")


def is_snapshot() -> Column:
    """Whether a snapshot read the row; it then stands below every change. False when the message does not say."""
    op = F.col("envelope.op")
    read = (op == "r") | ((op == "c") & F.col("envelope.source.snapshot").isin(*_SNAPSHOTS))
    return F.coalesce(read, F.lit(False))


def kind() -> Column:
    """Why a message is skipped; null = it is not."""
    envelope, message = F.col("envelope"), F.col("message")
    changes = envelope["op"].isNotNull()
    heartbeat = F.col("topic").startswith("__debezium-heartbeat")
    beat = ~changes & envelope["source"].isNull() & envelope["ts_ms"].isNotNull() & envelope["status"].isNull()
    unwrapped = message["schema"].isNotNull() & message["payload"].isNull() & ~changes
    return (
        F.when(heartbeat, "heartbeat")
        .when(is_tombstone() | unwrapped, "tombstone")
        .when(~changes & envelope["status"].isin("BEGIN", "END") & envelope["id"].isNotNull(), "transaction")
        .when(~changes & envelope["ddl"].isNotNull(), "schema_change")
        .when(beat & envelope["before"].isNull() & envelope["after"].isNull(), "heartbeat")
        .when(envelope["op"] == "m", "message")
    )


def event_time() -> Column:
    """When the source committed the change, by its own clock (numbers `ts_us` and `ts_ms`); null where it does not say."""
    return F.coalesce(instant(F.col("ts_us"), per_second=1_000_000), instant(F.col("ts_ms"), per_second=1000))


def route_message(source: StructType, table: Callable[[Column], Column]) -> Column:
    """The table that the `source` block of a message names, else the topic of a tombstone; null for the rest.

    Args:
        source: what to read of the block.
        table: the table it names.
    """
    change = StructType([StructField("source", source), StructField("op", StringType())])

    def named(message: Column) -> Column:
        payload = message["payload"]
        return F.when(payload["op"].isNotNull(), table(payload["source"])).when(
            message["op"].isNotNull(), table(message["source"])
        )

    return route_record(StructType([*change.fields, StructField("payload", change)]), named)
