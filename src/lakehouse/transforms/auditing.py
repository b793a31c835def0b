"""Where rows came from: which run loaded them, in which batch, and when."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import BATCH, LOADED_AT, RUN_ID, quoted
from lakehouse.errors import ConfigError


def with_audit_columns(df: DataFrame, *, run_id: str, loaded_at: datetime, batch: int | None = None) -> DataFrame:
    """Add `_run_id` and `_loaded_at`, and with a batch `_batch`, behind the other columns.

    Those of an earlier run are replaced. The clock is the caller's, so a run that is done again gives the same rows.

    >>> from datetime import datetime, timezone
    >>> at = datetime(2026, 1, 2, tzinfo=timezone.utc)
    >>> with_audit_columns(spark.range(1), run_id="r1", loaded_at=at).columns
    ['id', '_run_id', '_loaded_at']

    Args:
        df: the rows.
        run_id: the run that loads them.
        loaded_at: when it does, with its time zone.
        batch: the number of the batch; None leaves the column out.

    Raises:
        ConfigError: `loaded_at` has no time zone, so it is no point in time.
    """
    if loaded_at.tzinfo is None:
        msg = "loaded_at has no time zone; use datetime.now(UTC), or give it the zone that it was read in"
        raise ConfigError(msg)
    added = {RUN_ID: F.lit(run_id), LOADED_AT: F.lit(loaded_at)}
    if batch is not None:
        added[BATCH] = F.lit(batch).cast("bigint")
    kept = [F.col(quoted(name)) for name in df.columns if name not in added]
    return df.select(*kept, *(column.alias(name) for name, column in added.items()))
