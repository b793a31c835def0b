"""AWS DMS to Kinesis or Kafka: one JSON message a change, `data` and `metadata`.

| | |
|---|---|
| operation | `metadata.operation`: load, insert and update upsert, delete deletes; control records are skipped |
| order | the change's log position, first part of `metadata.stream-position` (`hi/lo` in hex: hi * 2^32 + lo) as bigint; load rows 0 |
| an absent column | null: DMS leaves null and, by default, empty columns out |
| key change | `before-image`, or `BI_<key>` in `data`, that differs from the key: delete and upsert at one position |
| cannot be told | the empty text from null; truncates; key changes without a before image |

`metadata.timestamp` is shared by many records and orders nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType, TimestampType

from lakehouse.cdc.changes import DELETE, UPSERT, ParsedChanges
from lakehouse.cdc.feeds.assembly import Cell, Contract, Reading, assemble, require_bronze, staged
from lakehouse.cdc.feeds.postgresql import log_address
from lakehouse.cdc.json_text import as_written, bind, parse_object, quote_numbers, texts
from lakehouse.columns import RAW
from lakehouse.errors import ConfigError
from lakehouse.transforms.decoding import decode, require_timezone

Form = Literal["postgresql"]

CONTROL = "control"
_METADATA = texts(
    ["record-type", "operation", "schema-name", "table-name", "commit-timestamp", "timestamp", "stream-position"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the task's stream endpoint is set.

    Attributes:
        sequence: form of `stream-position`; PostgreSQL's log addresses are the one form that is known.
        before_image_prefix: prefix of before-image columns inside `data`.
        timezone: zone of timestamps that name none.
    """

    sequence: Form = "postgresql"
    before_image_prefix: str = "BI_"
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse what is not known."""
        require_timezone(self.timezone)
        if self.sequence not in get_args(Form):
            msg = f"option sequence of feed dms-stream is {self.sequence!r}; the one form known is 'postgresql'"
            raise ConfigError(msg)


def route() -> Column:
    """`schema.table` from the metadata; null for control tables and for text that is no such message."""
    schema = StructType([StructField("metadata", texts(["schema-name", "table-name"]))])
    return bind(parse_object(F.col(RAW), schema), lambda message: _table(message["metadata"]))


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of a DMS stream; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    require_bronze(df, contract, RAW)
    frame = _staged(df, contract, options)
    operation = F.col("metadata.operation")
    at = decode("at", TimestampType(), timezone=options.timezone)
    load = operation == "load"
    position = F.when(load, F.lit(0).cast("bigint")).otherwise(F.col("position"))
    stated = ~load & F.col("metadata")["stream-position"].isNotNull()
    prefix = options.before_image_prefix
    reading = Reading(
        raw=F.col("raw"),
        kind=F.when(_is_control(F.col("metadata")), CONTROL),
        malformed=_malformed(),
        operation=F.when(operation.isin("load", "insert", "update"), UPSERT).when(operation == "delete", DELETE),
        unknown="metadata.operation is none of load, insert, update, delete",
        sequence=position,
        event_time=at.value,
        row={name: Cell(_value(contract, name)) for name in contract.names}
        | {
            key: Cell(F.coalesce(_value(contract, key), F.when(operation == "delete", _old(key, prefix))))
            for key in contract.key_names
        },
        old_key={key: Cell(F.when(operation == "update", _old(key, prefix))) for key in contract.key_names},
        faults=[
            F.when(stated & F.col("position").isNull(), "metadata.stream-position is no log address (hi/lo in hex)"),
            F.when(at.failed, "metadata.commit-timestamp is no timestamp"),
        ],
    )
    return assemble(frame, reading, contract, timezone=options.timezone, binary="hex")


def _staged(df: DataFrame, contract: Contract, options: Options) -> DataFrame:
    image = [f"{options.before_image_prefix}{key}" for key in contract.key_names]
    message = StructType(
        [
            StructField("data", texts([*contract.names, *image])),
            StructField("before-image", texts(contract.key_names)),
            StructField("metadata", _METADATA),
            StructField("control", StringType()),
        ]
    )
    written = StructType([StructField("data", texts(contract.names))])
    frame = staged(
        df,
        raw=F.col(RAW),
        message=parse_object(quote_numbers(F.col(RAW)), message),
        # Nested values and JSON in string columns are kept as they were written, numbers unquoted.
        written=parse_object(F.col(RAW), written),
    )
    metadata = F.col("message.metadata")
    position = metadata["stream-position"]
    return frame.select(
        *("origin", "table", "raw", "message", "written"),
        metadata.alias("metadata"),
        F.coalesce(metadata["commit-timestamp"], metadata["timestamp"]).alias("at"),
        log_address(F.substring_index(position, ".", 1)).alias("position"),
    )


def _malformed() -> Column:
    metadata = F.col("metadata")
    return (
        F.when(F.col("message").isNull(), "the text is not one JSON object of the form of DMS messages")
        .when(metadata.isNull() | metadata["record-type"].isNull(), "the message has no metadata with a record type")
        .when(metadata["record-type"] != "data", "metadata.record-type is neither data nor control")
        .when(F.col("message.data").isNull(), "the message has no data")
    )


def _is_control(metadata: Column) -> Column:
    return (metadata["record-type"] == "control") | metadata["table-name"].startswith("awsdms_")


def _table(metadata: Column) -> Column:
    schema, table = metadata["schema-name"], metadata["table-name"]
    return F.when((schema != "") & (table != "") & ~table.startswith("awsdms_"), F.concat_ws(".", schema, table))


def _value(contract: Contract, name: str) -> Column:
    return as_written(F.col("message.data")[name], F.col("written.data")[name], contract.schema[name].dataType)


def _old(key: str, prefix: str) -> Column:
    return F.coalesce(F.col("message")["before-image"][key], F.col("message.data")[f"{prefix}{key}"])
