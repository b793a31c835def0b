"""The rows that a gate judges: of a batch, of later ones, and day by day."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DateType

from lakehouse.cdc.changes import UPSERT
from lakehouse.columns import BATCH, FILE, OP, ORIGIN, PROVIDED, ROW, quoted
from lakehouse.errors import ConfigError
from lakehouse.runtime.quarantine import Slice

NO_DATE = "no date"
"""What the rows without a day are called; after all days in the order of texts."""


def judged_rows(changes: DataFrame) -> DataFrame:
    """The changes that a gate judges: the upserts that carry every column."""
    whole = F.col(PROVIDED).isNull() if PROVIDED in changes.columns else F.lit(True)
    return changes.where((F.col(OP) == UPSERT) & whole)


def judged_after(slice_: Slice, changes: DataFrame, batch: int) -> DataFrame:
    """The changes that a gate judges, of the batches after one.

    Args:
        slice_: the bronze rows that the changes were made from.
        changes: what the recipe made of them.
        batch: the batch.
    """
    rows = judged_rows(changes)
    if batch <= slice_.since:
        return rows
    later = slice_.rows.where(F.col(BATCH) > batch).select(FILE, ROW)
    same = (F.col(f"{ORIGIN}.file") == later[FILE]) & (F.col(f"{ORIGIN}.row") == later[ROW])
    return rows.join(later, on=same, how="left_semi")


def days_of(rows: DataFrame, by: str, table: str) -> list[tuple[date | None, DataFrame]]:
    """The days of some rows, the oldest first, and those without one last.

    Raises:
        ConfigError: there is no such column of dates.
    """
    if by not in rows.columns or not isinstance(rows.schema[by].dataType, DateType):
        dates = [one.name for one in rows.schema.fields if isinstance(one.dataType, DateType)]
        msg = f"quality.by: {table} has no column {by} of dates; those of dates are: {', '.join(dates) or 'none'}"
        raise ConfigError(msg)
    day = F.col(quoted(by))
    found = [row[0] for row in rows.select(day).distinct().collect()]
    dated = sorted(one for one in found if one is not None)
    parts: list[tuple[date | None, DataFrame]] = [(one, rows.where(day == F.lit(one))) for one in dated]
    return [*parts, *([(None, rows.where(day.isNull()))] if None in found else [])]
