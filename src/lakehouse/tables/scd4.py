"""SCD 4: a current table and a history table side by side, fed by the same events."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.tables.batches import settled
from lakehouse.tables.merging import merge_current, merge_history
from lakehouse.tables.protocol import CommitMarker, Table
from lakehouse.tables.tallies import MergeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class BothResults:
    """What was done to each table."""

    current: MergeResult
    history: MergeResult


def merge_both(
    current: Table, history: Table, changes: DataFrame, spec: ChangeSpec, *, commit: CommitMarker | None = None
) -> BothResults:
    """Merge a change log into a history table and then into the current table beside it.

    The rows of the current table are the open versions of the history. Both merges see the same rows: the change log is
    worked out once. Each table is one commit; after a crash in between the history is ahead, and merging the same change
    log again brings the current table up to it and leaves the history as it is.

    Raises:
        InvalidChangesError: as `merge_history`; nothing was written. Or as `merge_current`, for events that leave columns out
            under `on_tie="upsert_wins"`: then the history was written.
        IncompatibleSchemaError: a table does not fit.
        CommitConflictError: other writers were faster five times.
    """
    same = settled(changes)
    told = merge_history(history, same, spec, commit=commit)
    return BothResults(history=told, current=merge_current(current, same, spec, commit=commit))
