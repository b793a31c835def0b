"""Merge a change log into a Delta or Iceberg table: one MERGE, one commit, only rows that change.

Every merge goes the same way: look at the batch (one small job), fold it together with the stored rows it touches (one
job), and merge what came out different. A batch that changes nothing commits nothing. Of a current table the stored rows are read
only where some event of the batch is not newer than all that the table knows (see `lakehouse.tables.bounds`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from pyspark.sql import DataFrame

from lakehouse.cdc import events as ev
from lakehouse.cdc.changes import ChangeSpec
from lakehouse.errors import InvalidChangesError
from lakehouse.failpoints import reach
from lakehouse.tables.batches import Batch, measure, settled
from lakehouse.tables.current_merge import TOMBSTONES, write_current, write_soft
from lakehouse.tables.history_merge import write_history
from lakehouse.tables.interleaving import require_read
from lakehouse.tables.memory import Memory, note_truncates, recall
from lakehouse.tables.outcomes import retried
from lakehouse.tables.protocol import CommitMarker, Table, applied_property, to_note
from lakehouse.tables.tallies import MergeResult
from lakehouse.tables.targets import Target, ensure, fitted


def merge_history(
    table: Table, changes: DataFrame, spec: ChangeSpec, *, commit: CommitMarker | None = None
) -> MergeResult:
    """Merge a change log into a history table (SCD 2), creating it when it is missing.

    The table is a function of the set of all events it was ever given; order, batches and repeats do not matter. A batch
    without late events reads the latest row of each key and never opens settled history; the keys of late events, and
    only these, are read whole.

    Raises:
        InvalidChangesError: null keys or sequences, unknown or refused operations, ties under `on_tie="fail"`.
        IncompatibleSchemaError: the table does not fit.
        CommitConflictError: other writers were faster five times.
    """
    fresh = ensure(table, Target(kind="history", changes=changes.schema, spec=spec))
    return _merge(table, changes, spec, commit, write_history, fresh=fresh)


def merge_current(
    table: Table, changes: DataFrame, spec: ChangeSpec, *, commit: CommitMarker | None = None
) -> MergeResult:
    """Merge a change log into a current table (SCD 1), creating it when it is missing.

    Deletes are remembered in `<table>__tombstones`, made when the first one comes and written before the table: it only
    ever grows by the largest sequence of a key, so that a crash in between changes no result. With `deletes="soft"` deleted rows stay, flagged by
    `_is_deleted`, and there is no companion.

    Raises:
        InvalidChangesError: null keys or sequences, unknown or refused operations, ties under `on_tie="fail"`, events that
            leave columns out under `on_tie="upsert_wins"`.
        IncompatibleSchemaError: the table does not fit.
        CommitConflictError: other writers were faster five times.
    """
    fresh = ensure(table, Target(kind="current", changes=changes.schema, spec=spec))
    if spec.deletes == "soft":
        return _merge(table, changes, spec, commit, write_soft, fresh=fresh)
    companion = table.sibling(TOMBSTONES)
    if companion.exists():
        ensure(companion, Target(kind="tombstones", changes=changes.schema, spec=spec))
    return _merge(table, changes, spec, commit, write_current, fresh=fresh)


def _merge(
    table: Table,
    changes: DataFrame,
    spec: ChangeSpec,
    commit: CommitMarker | None,
    write: Callable[..., MergeResult],
    *,
    fresh: bool,
) -> MergeResult:
    """Measure and write. A table made just now is not read: most of a first load would be looking at nothing."""
    memory = recall(table)
    batch = measure(settled(ev.normalise(fitted(changes, table), spec)), spec, memory.horizon_literal)
    if batch.partial and spec.on_tie == "upsert_wins" and write is not write_history:
        msg = (
            "some events leave columns out (_provided, or ignore_nulls): of these a current table is no function of the set "
            "of events under on_tie='upsert_wins'. Keep a history and show its open versions, or use on_tie='resolve'; "
            "nothing was written."
        )
        raise InvalidChangesError(msg)
    reach("merging.measured")
    result = MergeResult()
    if batch.rows or batch.truncates:
        known = memory.truncates
        memory = note_truncates(table, memory, batch.truncates)
        result = retried(partial(_attempt, table, batch, spec, memory, commit, write, fresh))
        new = len(memory.truncates) - len(known)
        result = replace(result, applied=result.applied + new, duplicate=result.duplicate + batch.truncate_rows - new)
    if commit and not result.commit:
        # A batch that changed nothing has no commit to carry its marker; the note saves the next run another look.
        reach("merging.before_note")
        table.set_properties({applied_property(commit.app): to_note(commit)})
        reach("merging.after_note")
    rows = batch.rows + batch.truncate_rows + batch.too_late
    return replace(result, input=rows, quarantined=batch.too_late)


def _attempt(
    table: Table,
    batch: Batch,
    spec: ChangeSpec,
    memory: Memory,
    commit: CommitMarker | None,
    write: Callable[..., MergeResult],
    fresh: bool,  # noqa: FBT001 - bound by `partial`, which the number comes after
    number: int,
) -> MergeResult:
    """Read, fold and merge once. After another writer was faster, what the table remembers may be more, and it is not fresh."""
    version = table.version()
    known = recall(table) if number else memory
    result = write(table, batch, spec, known, commit, fresh=fresh and not version)
    require_read(table, result.commit, version)
    return result
