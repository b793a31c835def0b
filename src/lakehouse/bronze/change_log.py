"""Bronze rows of change feeds: each record as it arrived, with the columns that say where and when it did."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType, TimestampType

from lakehouse.cdc.csv_records import split_records
from lakehouse.cdc.parsing import route
from lakehouse.columns import BATCH, FILE, HEADER, LOADED_AT, RAW, RESERVED, ROW, RUN_ID, TABLE, quoted
from lakehouse.errors import IncompatibleSchemaError

AUDIT = StructType(
    [
        StructField(TABLE, StringType()),
        StructField(FILE, StringType()),
        StructField(ROW, LongType()),
        StructField(BATCH, LongType()),
        StructField(LOADED_AT, TimestampType()),
        StructField(RUN_ID, StringType()),
    ]
)
"""Columns every bronze table ends with. `_row` is the position in the file, from 1."""

TEXT = StructType([StructField(RAW, StringType()), StructField(HEADER, StringType()), *AUDIT.fields])
"""The bronze table of text files: the record's text, and for CSV the text of the file's header."""


def text_records(lines: DataFrame, *, csv: bool, header: bool) -> DataFrame:
    """Physical lines as records.

    Args:
        lines: `_raw`, `_source_file`, `_line` (rising within the file).
        csv: whether a record may go on over several lines, inside quotes.
        header: whether the first record of each file names the columns.
    """
    if not csv:
        return lines.select(RAW, F.lit(None).cast(StringType()).alias(HEADER), FILE, F.col("_line").alias(ROW))
    records = split_records(lines)
    if not header:
        return records.select(RAW, F.lit(None).cast(StringType()).alias(HEADER), FILE, ROW)
    file = Window.partitionBy(FILE).orderBy(ROW).rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    first = F.first(F.struct(ROW, RAW)).over(file)
    named = records.select(RAW, FILE, ROW, first.alias("__lh_first"))
    return named.where(F.col(ROW) > F.col(f"__lh_first.{ROW}")).select(
        RAW, F.col(f"__lh_first.{RAW}").alias(HEADER), FILE, ROW
    )


def typed_records(rows: DataFrame) -> DataFrame:
    """Rows of typed files as records: their own columns, `_source_file` and `_row`.

    Raises:
        IncompatibleSchemaError: a file uses a reserved column name.
    """
    if taken := sorted((set(rows.columns) & RESERVED) - {FILE, ROW}):
        msg = f"the files use reserved column names: {', '.join(taken)}. Rename them before they land."
        raise IncompatibleSchemaError(msg)
    return rows


def with_audit(records: DataFrame, *, feed: str, batch: int, loaded_at: datetime, run_id: str) -> DataFrame:
    """Records with the audit columns, ready to be appended. The clock and the run are arguments."""
    payload = [F.col(quoted(name)) for name in records.columns if name not in (FILE, ROW)]
    return records.select(
        *payload,
        route(feed).alias(TABLE),
        F.col(FILE),
        F.col(ROW).cast(LongType()).alias(ROW),
        F.lit(batch).cast(LongType()).alias(BATCH),
        F.lit(loaded_at).cast(TimestampType()).alias(LOADED_AT),
        F.lit(run_id).alias(RUN_ID),
    )
