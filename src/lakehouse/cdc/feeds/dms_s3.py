"""AWS DMS to S3: CSV or Parquet files, a full load followed by changes.

| | |
|---|---|
| operation | column `Op`: I and U upsert, D deletes; a full-load row has no `Op`, or I |
| order | `AR_H_CHANGE_SEQ` (35 digits) as decimal(38,0), load rows 0; without that column the struct (phase, at, file, row) of timestamp column, file name and row, load rows in phase 0 |
| an absent column | null: files written before a column was added do not name it |
| key change | column `BI_<key>` (a before-image rule of the task) that differs from the key: delete and upsert at one position |
| cannot be told | truncates; key changes without `BI_` columns; in CSV, the text `NULL` from null when the task does not quote |

Bronze rows with `_raw` are CSV records, `_header` naming the fields; without `_raw` they are Parquet rows. Names match
exactly in CSV, by Spark's own rule in Parquet; `Op`, the timestamp and the sequence column match in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BinaryType,
    DataType,
    DateType,
    StringType,
    TimestampNTZType,
    TimestampType,
)

from lakehouse.cdc.changes import DELETE, UPSERT, ParsedChanges
from lakehouse.cdc.csv_records import fields, tokens
from lakehouse.cdc.decoding import NESTED, decode, instant_text, require_timezone
from lakehouse.cdc.feeds.assembly import Cell, Contract, Reading, assemble, require_bronze, staged
from lakehouse.columns import BATCH, FILE, HEADER, LOADED_AT, RAW, ROW, RUN_ID, TABLE, quoted, require
from lakehouse.errors import ConfigError

_BRONZE = frozenset({TABLE, FILE, ROW, HEADER, BATCH, LOADED_AT, RUN_ID})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the task's S3 endpoint is set.

    Attributes:
        op_column: name of the operation column.
        timestamp_column: `TimestampColumnName` of the endpoint; becomes `_event_time`.
        sequence_column: column with AR_H_CHANGE_SEQ; None orders by timestamp, file name and row instead.
        before_image_prefix: prefix of the before-image columns.
        null_value: `CsvNullValue`; unquoted it is null.
        delimiter: `CsvDelimiter`, one character.
        header: True refuses CSV records without `_header`, False ignores `_header`, None takes it where it is.
        columns: every field of a file without a header, in file order; default: operation, timestamp column, schema,
            sequence column. A full-load record may leave the operation out.
        timezone: zone of timestamps, which DMS writes without one.
        load_pattern: regular expression for the names of full-load files.
    """

    op_column: str = "Op"
    timestamp_column: str | None = None
    sequence_column: str | None = "ar_h_change_seq"
    before_image_prefix: str = "BI_"
    null_value: str = "NULL"
    delimiter: str = ","
    header: bool | None = None
    columns: Sequence[str] | None = None
    timezone: str = "UTC"
    load_pattern: str = "^LOAD"

    def __post_init__(self) -> None:
        """Refuse a zone that does not exist and a `columns` that is one name instead of a list."""
        require_timezone(self.timezone)
        if isinstance(self.columns, str):
            msg = "option columns of feed dms-s3 must be a list of names, in file order"
            raise ConfigError(msg)


def route() -> Column:
    """`schema.table` from the last two folders of `_source_file` (a URI, perhaps percent-encoded); null with fewer folders."""
    schema, table = (F.regexp_extract(F.col(FILE), r"([^/]+)/([^/]+)/[^/]*+$", group) for group in (1, 2))
    return F.when((schema != "") & (table != ""), F.concat_ws(".", _unescaped(schema), _unescaped(table)))


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of DMS files; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns, or Parquet rows lack a key column.
    """
    require_bronze(df, contract)
    records = _csv(df, contract, options) if RAW in df.columns else _parquet(df, contract, options)
    frame = records.frame.select(
        "*",
        F.upper(F.trim(records.control(options.op_column))).alias("op"),
        records.control(options.sequence_column).alias("change"),
        records.control(options.timestamp_column).alias("at"),
        _file_name().alias("name"),
    ).withColumn("load", F.col("name").rlike(options.load_pattern))
    at = decode("at", TimestampType(), timezone=options.timezone)
    sequence, fault = _sequence(options, at.value)
    updated = F.col("op") == "U"
    images = {key: records.cell(f"{options.before_image_prefix}{key}") for key in contract.key_names}
    reading = Reading(
        raw=records.raw,
        kind=F.lit(None).cast("string"),
        malformed=records.malformed,
        operation=_operation(),
        unknown=f"{options.op_column} is none of I, U, D",
        sequence=sequence,
        event_time=at.value,
        row={name: records.cell(name) for name in contract.names},
        old_key={key: Cell(F.when(updated, image.column), image.typed) for key, image in images.items()},
        faults=[fault, F.when(at.failed, F.lit(f"{options.timestamp_column} is no timestamp"))],
    )
    return assemble(frame, reading, contract, timezone=options.timezone, binary="hex")


@dataclass(frozen=True, slots=True)
class _Records:
    """A staged frame and how to find a column of the file in it: payload by name, controls in any case, as text."""

    frame: DataFrame
    raw: Column
    malformed: Column
    cell: Callable[[str], Cell]
    any_case: Callable[[str], Column]

    def control(self, name: str | None) -> Column:
        """Text of a control column; null where the file has none or an empty one."""
        column = F.lit(None).cast("string") if name is None else self.any_case(name)
        return F.when(column != "", column)


def _csv(df: DataFrame, contract: Contract, options: Options) -> _Records:
    header = F.col(HEADER) if HEADER in df.columns and options.header is not False else F.lit(None).cast("string")
    layout = F.array(*(F.lit(name) for name in _layout(contract, options)))
    # A full-load file leaves the operation out unless the task says otherwise: the number of fields tells.
    without = F.filter(layout, lambda name: name != options.op_column)
    short = _file_name().rlike(options.load_pattern) & (F.size("values") == F.size(without))
    positional = F.when(short, without).otherwise(layout)
    frame = (
        staged(df, raw=F.col(RAW), header=header)
        .withColumn("values", fields(tokens("raw", delimiter=options.delimiter), null_value=options.null_value))
        .withColumn("named", fields(tokens("header", delimiter=options.delimiter)))
        .withColumn("names", F.when(F.col("header").isNull(), positional).otherwise(F.col("named")))
        .withColumn("lowered", F.transform("names", F.lower))
    )
    problem = (
        F.when(F.col("header").isNull() & F.lit(options.header is True), "the file has no header")
        .when(F.col("values").isNull(), "the record is not CSV by RFC 4180")
        .when(F.col("names").isNull(), "the header is not CSV by RFC 4180")
        .when(F.size(F.array_distinct("names")) != F.size("names"), "the header names a column twice")
        .when(F.size("values") != F.size("names"), "the record has another number of fields than the header")
    )

    def at(names: str, name: str) -> Column:
        return F.get("values", F.array_position(names, name).cast("int") - 1)

    return _Records(
        frame, F.col("raw"), problem, lambda name: Cell(at("names", name)), lambda name: at("lowered", name.lower())
    )


def _layout(contract: Contract, options: Options) -> tuple[str, ...]:
    if options.columns is not None:
        return tuple(options.columns)
    stamp = () if options.timestamp_column is None else (options.timestamp_column,)
    sequence = () if options.sequence_column is None else (options.sequence_column,)
    return (options.op_column, *stamp, *contract.names, *sequence)


def _parquet(df: DataFrame, contract: Contract, options: Options) -> _Records:
    payload = [name for name in df.columns if name not in _BRONZE]
    places = {name.lower(): i for i, name in enumerate(payload)} | {name: i for i, name in enumerate(payload)}
    require(contract.key_names, [*places], where="Parquet rows of DMS")
    types = [df.schema[name].dataType for name in payload]
    frame = staged(df, **{f"p{i}": F.col(quoted(name)) for i, name in enumerate(payload)})
    row = F.struct(*(F.col(f"p{i}").alias(name) for i, name in enumerate(payload)))
    raw = F.to_json(row, {"timeZone": options.timezone})
    wanted = {name: contract.schema[name].dataType for name in contract.names}
    wanted |= {f"{options.before_image_prefix}{key}": wanted[key] for key in contract.key_names}

    def text(name: str) -> Column:
        place = places.get(name, places.get(name.lower()))
        return F.lit(None).cast("string") if place is None else _text(F.col(f"p{place}"), types[place])

    def cell(name: str) -> Cell:
        place = places.get(name, places.get(name.lower()))
        if place is not None and types[place].simpleString() == wanted[name].simpleString():
            return Cell(F.col(f"p{place}"), typed=True)
        return Cell(text(name))

    return _Records(frame, raw, F.lit(None).cast("string"), cell, text)


def _text(column: Column, data_type: DataType) -> Column:
    """Exact text of a typed value, from which the contract's type is decoded."""
    match data_type:
        case TimestampType():
            return instant_text(column)
        case BinaryType():
            return F.hex(column)
        case _ if isinstance(data_type, NESTED):
            return F.to_json(column)
        case StringType() | DateType() | TimestampNTZType() | _:
            return column.cast("string")


def _file_name() -> Column:
    return F.regexp_extract("origin.file", r"[^/]*+$", 0)


def _operation() -> Column:
    op = F.col("op")
    loaded = F.col("load") & (op.isNull() | op.isin("", "I"))
    return F.when(loaded | (~F.col("load") & op.isin("I", "U")), UPSERT).when(~F.col("load") & (op == "D"), DELETE)


def _sequence(options: Options, at: Column) -> tuple[Column, Column]:
    """The sequence, and a fault where there is text that is none."""
    load = F.col("load")
    if options.sequence_column is not None:
        digits = F.col("change").rlike(r"^\d{1,38}$")
        value = F.when(load, F.lit(0).cast("decimal(38,0)")).when(digits, F.expr("try_cast(change AS DECIMAL(38,0))"))
        fault = F.when(
            ~load & F.col("change").isNotNull() & ~digits, f"{options.sequence_column} is not made of digits"
        )
        return value, fault
    place = F.struct(
        F.when(load, 0).otherwise(1).alias("phase"),
        at.alias("at"),
        F.col("name").alias("file"),
        F.col("origin.row").alias("row"),
    )
    known = F.lit(True) if options.timestamp_column is None else load | F.col("at").isNotNull()
    return F.when(known, place), F.lit(None).cast("string")


def _unescaped(part: Column) -> Column:
    # A plus is a plus in a path, and a stray percent sign must not fail the load.
    broken = part.rlike("%(?![0-9A-Fa-f]{2})")
    return F.when(broken, part).otherwise(F.url_decode(F.replace(part, F.lit("+"), F.lit("%2B"))))
