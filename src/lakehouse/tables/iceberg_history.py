"""The snapshots of an Iceberg table: which ones it descends from, what each carries, and the way back by one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession

from lakehouse.tables import commits
from lakehouse.tables.jvm import java_static
from lakehouse.tables.protocol import MergedRows, Snapshot

_MAIN = "main"


def ancestors(spark: SparkSession, table: Any) -> Iterator[Snapshot]:
    """The current snapshot of Iceberg's own table object, and those it descends from, newest first."""
    as_json = java_static(spark, "org.apache.iceberg.SnapshotParser.toJson")
    snapshot = table.currentSnapshot()
    while snapshot is not None:
        made = _to_snapshot(as_json(snapshot))
        yield made
        snapshot = None if made.parent is None else table.snapshot(made.parent)


def instant(millis: int) -> datetime:
    """A moment, as Iceberg writes it."""
    return datetime.fromtimestamp(millis / 1000, tz=UTC)


def go_back(spark: SparkSession, table: Any, made: Snapshot) -> bool:
    """Make the parent of the current snapshot the current one, in one swap of the metadata that was looked at.

    Not through `manageSnapshots`, which tries again upon whatever came meanwhile and would undo that as well.

    Returns:
        False, with nothing undone, when the current snapshot is not the one that was `made`.
    """
    operations = table.operations()
    seen = operations.refresh()
    current = seen.currentSnapshot()
    if current is None or int(current.snapshotId()) != made.version:
        return False
    builder = java_static(spark, "org.apache.iceberg.TableMetadata.buildFrom")(seen)
    builder = builder.removeRef(_MAIN) if made.parent is None else builder.setBranchSnapshot(made.parent, _MAIN)
    operations.commit(seen, builder.build())
    return True


def _to_snapshot(text: str) -> Snapshot:
    """One snapshot from its JSON."""
    entry = json.loads(text)
    summary: dict[str, str] = dict(entry["summary"])
    return Snapshot(
        version=int(entry["snapshot-id"]),
        committed_at=instant(entry["timestamp-ms"]),
        operation=summary.pop("operation"),
        parent=entry.get("parent-snapshot-id"),
        marker=commits.to_marker(summary),
        token=summary.get(commits.TOKEN),
        newest=summary.get(commits.NEWEST),
        merged=_merged(summary),
        metrics=summary,
    )


def _merged(summary: Mapping[str, str]) -> MergedRows | None:
    """What a snapshot says of the rows of a MERGE, if it was one that leaves data files as they are (merge-on-read)."""
    if "deleted-data-files" in summary:
        return None
    removed = int(summary.get("added-position-deletes", 0)) - int(summary.get("removed-position-deletes", 0))
    return MergedRows(written=int(summary.get("added-records", 0)), removed=removed)
