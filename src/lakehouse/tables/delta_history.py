"""The history of a Delta table: which commits it descends from, and what each of them carries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from lakehouse.errors import CommitError
from lakehouse.tables import commits
from lakehouse.tables.delta_log import read_commits
from lakehouse.tables.protocol import MergedRows, Snapshot, TableRef

FOREVER = 1 << 31
"""More commits than any table has."""
_FEW = 32
"""Commits that are read one by one; of more, Spark reads several at once."""


def read_history(
    spark: SparkSession, ref: TableRef, target: str, *, after: int = -1, limit: int = FOREVER
) -> list[Row]:
    """The newest commits after a version, newest first, what a restore undid included. A Spark job where they are many."""
    few = read_commits(spark, ref, target, after=after, limit=limit, most=_FEW)
    if few is not None:
        return few
    text = f"DESCRIBE HISTORY {target}" + (f" LIMIT {limit}" if limit < FOREVER else "")
    # As a number: a collected timestamp would be in the zone of the Python process.
    millis = F.unix_millis("timestamp").alias("millis")
    history = spark.sql(text)
    rows = history.select("version", millis, "operation", "operationParameters", "operationMetrics", "userMetadata")
    return [row for row in rows.collect() if row.version > after]


def descent(history: Sequence[Row]) -> Iterator[Row]:
    """The commits the newest one descends from, newest first: a RESTORE descends from what it restored."""
    below = FOREVER
    for row in history:
        if row.version > below:
            continue
        yield row
        if row.operation == "RESTORE":
            below = _restored(row, history)


def _restored(row: Row, history: Sequence[Row]) -> int:
    """The version that a RESTORE went back to; by timestamp it is the newest one of that time."""
    version = row.operationParameters.get("version")
    if version is not None:
        return int(version)
    instant = datetime.fromisoformat(row.operationParameters["timestamp"].replace(" ", "T").rstrip("Z"))
    millis = instant.replace(tzinfo=instant.tzinfo or UTC).timestamp() * 1000
    return max(
        (other.version for other in history if other.millis <= millis and other.version < row.version), default=-1
    )


def find_commit(history: Sequence[Row], token: str, *, where: str) -> Snapshot | None:
    """The commit that carries the token, or None.

    Raises:
        CommitError: the store took the commit more than once, since the answer to the first try was lost.
    """
    found = [made for made in map(to_snapshot, history) if made.token == token]
    if len(found) > 1:
        msg = (
            f"the store took a commit to {where} more than once, as versions "
            f"{', '.join(str(made.version) for made in found)}: its rows are there as often. "
            f"Restore version {found[-1].parent}, and run again."
        )
        raise CommitError(msg)
    return found[0] if found else None


def last_restore(history: Sequence[Row]) -> Snapshot:
    """The last time that the table was taken back."""
    return next(to_snapshot(row) for row in history if row.operation == "RESTORE")


def committed_at(row: Row) -> datetime:
    """When a commit was made."""
    return datetime.fromtimestamp(row.millis / 1000, tz=UTC)


def since(history: Sequence[Row]) -> list[tuple[datetime, int]]:
    """When each version became current, and its number, oldest first."""
    return [(committed_at(row), int(row.version)) for row in reversed(history)]


def metadata(row: Row) -> dict[str, str]:
    """What our own commits carry; other writers' metadata count as none."""
    try:
        metadata = json.loads(row.userMetadata or "{}")
    except ValueError:
        return {}
    return metadata if isinstance(metadata, dict) else {}


def to_snapshot(row: Row) -> Snapshot:
    """One entry of the history."""
    carried = metadata(row)
    return Snapshot(
        version=int(row.version),
        committed_at=committed_at(row),
        operation=row.operation,
        parent=int(row.version) - 1,
        marker=commits.to_marker(carried),
        token=carried.get(commits.TOKEN),
        newest=carried.get(commits.NEWEST),
        merged=_merged(row.operationMetrics or {}) if row.operation == "MERGE" else None,
        metrics=dict(row.operationMetrics or {}),
    )


def _merged(metrics: Mapping[str, str]) -> MergedRows | None:
    """What Delta counted of a MERGE."""
    counts = [metrics.get(f"numTargetRows{kind}") for kind in ("Inserted", "Updated", "Deleted")]
    if not all(count is not None and count.isdecimal() for count in counts):
        return None
    inserted, updated, deleted = (int(count or 0) for count in counts)
    return MergedRows(written=inserted + updated, removed=updated + deleted, deleted=deleted)
