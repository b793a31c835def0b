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

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import TimestampType

from lakehouse.cdc.changes import DELETE, UPSERT, ParsedChanges
from lakehouse.cdc.feeds.assembly import Cell, Contract, Reading, assemble, require_bronze
from lakehouse.cdc.feeds.records import Records, csv_records, require_columns, typed_records
from lakehouse.columns import RAW
from lakehouse.errors import ConfigError
from lakehouse.transforms.decoding import decode, require_timezone


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


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of DMS files; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns, or Parquet rows lack a key column.
    """
    require_bronze(df, contract)
    return parse_records(_records(df, contract, options), contract, options)


def parse_records(records: Records, contract: Contract, options: Options) -> ParsedChanges:
    """Parse records whose columns are known."""
    frame = records.frame.select(
        "*",
        F.upper(F.trim(records.control(options.op_column))).alias("op"),
        records.control(options.sequence_column).alias("change"),
        records.control(options.timestamp_column).alias("at"),
        _file_name().alias("name"),
        is_loaded(options).alias("load"),
    )
    at = decode("at", TimestampType(), timezone=options.timezone)
    sequence, fault = _sequence(options, at.value)
    updated = F.col("op") == "U"
    types = {name: contract.schema[name].dataType for name in contract.names}
    images = {key: records.cell(f"{options.before_image_prefix}{key}", types[key]) for key in contract.key_names}
    reading = Reading(
        raw=records.raw,
        kind=F.lit(None).cast("string"),
        malformed=records.malformed,
        operation=_operation(),
        unknown=f"{options.op_column} is none of I, U, D",
        sequence=sequence,
        event_time=at.value,
        row={name: records.cell(name, types[name]) for name in contract.names},
        old_key={key: Cell(F.when(updated, image.column), image.typed) for key, image in images.items()},
        faults=[fault, F.when(at.failed, F.lit(f"{options.timestamp_column} is no timestamp"))],
    )
    return assemble(frame, reading, contract, timezone=options.timezone, binary="hex")


def _records(df: DataFrame, contract: Contract, options: Options) -> Records:
    if RAW not in df.columns:
        require_columns(df, contract.key_names, where="Parquet rows of DMS")
        return typed_records(df, timezone=options.timezone)
    names = layout(contract, options)
    return csv_records(
        df,
        positional=F.when(is_loaded(options), load_fields(names, options)).otherwise(literals(names)),
        header=options.header,
        delimiter=options.delimiter,
        null_value=options.null_value,
    )


def is_loaded(options: Options) -> Column:
    """Whether the file of a staged row belongs to the full load."""
    return _file_name().rlike(options.load_pattern)


def load_fields(names: Sequence[str], options: Options) -> Column:
    """The names of the fields of a full-load record: it leaves the operation out unless the task says otherwise."""
    without = [name for name in names if name != options.op_column]
    return F.when(F.size("values") == len(without), literals(without)).otherwise(literals(names))


def literals(names: Sequence[str]) -> Column:
    """The names as an array."""
    return F.array(*(F.lit(name) for name in names))


def layout(contract: Contract, options: Options) -> tuple[str, ...]:
    """The names of the fields of a change in a file without a header."""
    if options.columns is not None:
        return tuple(options.columns)
    stamp = () if options.timestamp_column is None else (options.timestamp_column,)
    sequence = () if options.sequence_column is None else (options.sequence_column,)
    return (options.op_column, *stamp, *contract.names, *sequence)


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
