"""Oracle GoldenGate: one operation a record, as its JSON formatter writes them (`format=json`, operations, not rows).

| | |
|---|---|
| operation | `op_type`: I and U upsert, D deletes, T truncates |
| order | `pos`, the place in the trail in digits, as decimal(38,0). `op_ts` has ties and inversions |
| an absent column | of an update: unchanged (only changed columns are logged); it is taken from `before` where that has it, else left out of `_provided`. Of an insert: null |
| key change | an update whose `before` has another key: delete and upsert at one place |
| cannot be told | whether a null in an update was logged as such or not at all, where the producer writes null for both: merge with `ignore_nulls` then |

A record is an operation, or a line `{"topic", "key", "value"}` with the operation as text in `value`. The key columns are those of the
contract; `primary_keys` is not needed. Timestamps have no zone, floating numbers the digits that the producer wrote.
Format: https://docs.oracle.com/en/middleware/goldengate/big-data/19.1/gbdig/using-pluggable-formatters.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import MapType, StringType, StructField, StructType, TimestampType

from lakehouse.cdc.changes import DELETE, TRUNCATE, UPSERT, ParsedChanges
from lakehouse.cdc.feeds.assembly import Cell, Contract, Reading, assemble, provided_names, require_bronze
from lakehouse.cdc.feeds.topics import is_tombstone, route_record, topic_records
from lakehouse.cdc.json_text import as_written, parse_object, quote_numbers, texts
from lakehouse.columns import RAW
from lakehouse.errors import ConfigError
from lakehouse.transforms.decoding import BinaryText, decode, require_timezone

_IMAGES = StructType([StructField(name, MapType(StringType(), StringType())) for name in ("before", "after")])
_OPERATION = StructType([*texts(["op_type", "op_ts", "pos"]).fields, *_IMAGES.fields])


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the formatter is set.

    Attributes:
        timezone: zone of timestamps, which name none.
        binary: how bytes are written.
    """

    timezone: str = "UTC"
    binary: BinaryText = "base64"

    def __post_init__(self) -> None:
        """Refuse what is not known."""
        require_timezone(self.timezone)
        if self.binary not in get_args(BinaryText):
            msg = f"option binary of feed goldengate is {self.binary!r}; use one of {', '.join(get_args(BinaryText))}"
            raise ConfigError(msg)


def route() -> Column:
    """`schema.table` of an operation (of `catalog.schema.table` the last two); null for text that is none."""

    def named(operation: Column) -> Column:
        table = F.regexp_extract(operation["table"], r"^(?:[^.]+\.)?([^.]+\.[^.]+)$", 1)
        return F.when(table != "", table)

    return route_record(texts(["table"]), named)


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of GoldenGate; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    require_bronze(df, contract, RAW)
    frame = _staged(topic_records(df), contract)
    kind, position = F.col("kind"), F.col("operation.pos")
    updated = kind == "U"
    at = decode("at", TimestampType(), timezone=options.timezone)
    told = {name: (F.col(f"has_after{i}"), F.col(f"has_before{i}")) for i, name in enumerate(contract.names)}
    row = {
        name: F.when(told[name][0], F.col(f"after{i}")).otherwise(F.col(f"before{i}"))
        for i, name in enumerate(contract.names)
    }
    places = {name: i for i, name in enumerate(contract.names)}
    digits = position.rlike(r"^\d{1,38}$")
    reading = Reading(
        raw=F.col("raw"),
        kind=F.when(is_tombstone(), "tombstone"),
        malformed=_malformed(),
        operation=F.when(kind.isin("I", "U"), UPSERT).when(kind == "D", DELETE).when(kind == "T", TRUNCATE),
        unknown="op_type is none of I, U, D, T",
        sequence=F.when(digits, F.expr("try_cast(operation.pos AS DECIMAL(38,0))")),
        event_time=at.value,
        row={name: Cell(value) for name, value in row.items()},
        old_key={key: Cell(F.when(updated, F.col(f"before{places[key]}"))) for key in contract.key_names},
        faults=[
            F.when(position.isNotNull() & ~digits, "pos is not made of digits"),
            F.when(at.failed, "op_ts is no timestamp"),
        ],
        provided=F.when(updated, provided_names({name: after | before for name, (after, before) in told.items()})),
    )
    return assemble(frame, reading, contract, timezone=options.timezone, binary=options.binary)


def _staged(records: DataFrame, contract: Contract) -> DataFrame:
    """Columns: those of a record, operation, kind, at, and by place has_after, after, has_before, before."""
    opened = records.select(
        "*",
        parse_object(quote_numbers(F.col("value")), _OPERATION).alias("operation"),
        parse_object(F.col("value"), _IMAGES).alias("written"),
    )

    def told(image: str) -> list[Column]:
        exact, written = F.col("operation")[image], F.col("written")[image]
        return [
            column
            for i, field in enumerate(contract.schema.fields)
            for column in (
                F.coalesce(F.map_contains_key(exact, field.name), F.lit(False)).alias(f"has_{image}{i}"),
                as_written(exact[field.name], written[field.name], field.dataType).alias(f"{image}{i}"),
            )
        ]

    return opened.select(
        *("origin", "table", "raw", "is_line", "value", "operation"),
        F.col("operation.op_type").alias("kind"),
        F.col("operation.op_ts").alias("at"),
        *told("after"),
        *told("before"),
    )


def _malformed() -> Column:
    operation, kind = F.col("operation"), F.col("kind")
    return (
        F.when(operation.isNull(), "the text is not one JSON object of the form of GoldenGate operations")
        .when(kind.isNull(), "the operation has no op_type")
        .when(kind.isin("I", "U") & operation["after"].isNull(), "the operation has no after image; set format=json")
        .when((kind == "D") & operation["before"].isNull(), "the operation has no before image; set format=json")
    )
