"""Merge a change log into a Delta or Iceberg table: one MERGE, one commit, only rows that change.

Every merge goes the same way: look at the batch (one small job), fold it together with the stored rows it touches (one
job), and merge what came out different. A batch that changes nothing commits nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from lakehouse.cdc import current as scd1
from lakehouse.cdc import events as ev
from lakehouse.cdc import history as scd2
from lakehouse.cdc.changes import DELETE, UPSERT, ChangeSpec
from lakehouse.columns import AUTHORS, IS_LATEST, OP, SEQUENCE, quoted
from lakehouse.errors import CommitConflictError
from lakehouse.tables.batches import Batch, measure
from lakehouse.tables.protocol import CommitMarker, Merge, Table, applied_property
from lakehouse.tables.tallies import MergeResult, Tally, check_ties, tally
from lakehouse.tables.targets import Target, ensure, fitted

TOMBSTONES = "__tombstones"

_ATTEMPTS = 3


def merge_history(
    table: Table, changes: DataFrame, spec: ChangeSpec, *, commit: CommitMarker | None = None
) -> MergeResult:
    """Merge a change log into a history table (SCD 2), creating it when it is missing.

    The table is a function of the set of all events it was ever given; order, batches and repeats do not matter. A batch
    without late events reads the latest row of each key and never opens settled history; the keys of late events, and
    only these, are read whole.

    Raises:
        InvalidChangesError: null keys or sequences, unknown or truncate operations, ties under `on_tie="fail"`.
        IncompatibleSchemaError: the table does not fit.
        CommitConflictError: other writers were faster three times.
    """
    fresh = ensure(table, Target(kind="history", changes=changes.schema, spec=spec))
    return _merge(table, changes, spec, commit, _write_history, fresh=fresh)


def merge_current(
    table: Table, changes: DataFrame, spec: ChangeSpec, *, commit: CommitMarker | None = None
) -> MergeResult:
    """Merge a change log into a current table (SCD 1), creating it and its tombstone companion when they are missing.

    Deletes are remembered in `<table>__tombstones`, which is written first: it only ever grows by the largest sequence
    of a key, so that a crash in between changes no result.

    Raises:
        InvalidChangesError: null keys or sequences, unknown or truncate operations, ties under `on_tie="fail"`.
        IncompatibleSchemaError: the table does not fit.
        CommitConflictError: other writers were faster three times.
    """
    fresh = ensure(table, Target(kind="current", changes=changes.schema, spec=spec))
    fresh &= ensure(table.sibling(TOMBSTONES), Target(kind="tombstones", changes=changes.schema, spec=spec))
    return _merge(table, changes, spec, commit, _write_current, fresh=fresh)


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
    batch = measure(_settled(ev.normalise(fitted(changes, table), spec)), spec)
    result = _retried(partial(write, table, batch, spec, commit), fresh=fresh) if batch.rows else MergeResult()
    if commit and not result.commit:
        # A batch that changed nothing has no commit to carry its marker; the note saves the next run another look.
        table.set_properties({applied_property(commit.app): str(commit.sequence)})
    return result


def _retried(attempt: Callable[..., MergeResult], *, fresh: bool) -> MergeResult:
    """Read again and merge again when another writer was faster; its table is fresh no more."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return attempt(fresh=fresh)
        except CommitConflictError:
            fresh = False
    return attempt(fresh=fresh)


def _settled(df: DataFrame) -> DataFrame:
    """A frame that several jobs of one merge read: computed when the first of them runs, and a leaf to the planner.

    Caching alone would keep the whole plan of the feed and the fold behind every statement, which costs the planner more
    than the rows cost the executors.
    """
    return df.localCheckpoint(eager=False)


def _touched(stored: DataFrame, batch: Batch, spec: ChangeSpec, *, fresh: bool) -> DataFrame:
    """The stored rows whose keys are in the batch; of a fresh table there are none."""
    if fresh:
        return stored.limit(0)
    keys = batch.events.select(*map(quoted, spec.keys))
    return stored.where(batch.range.predicate()).join(keys, on=list(spec.keys), how="left_semi")


def _write_history(
    table: Table, batch: Batch, spec: ChangeSpec, commit: CommitMarker | None, *, fresh: bool
) -> MergeResult:
    keys = list(spec.keys)
    new = scd2.new_events(batch.events, spec, normalised=True)
    latest = _touched(table.read().where(F.col(IS_LATEST)), batch, spec, fresh=fresh)
    in_order = scd2.stored_events(latest, base=F.lit(True)).unionByName(new)
    folded = _settled(scd2.fold(in_order, spec, partial=batch.partial))
    settled = folded.where(~F.col(scd2.LATE_KEY))
    counts = tally(settled)
    if counts.seen == batch.rows:
        return _commit_history(table, settled, counts, batch, spec, commit, f"t.{IS_LATEST}")
    late_keys = folded.where(F.col(scd2.LATE_KEY)).select(*map(quoted, keys))
    stored = table.read().where(batch.range.predicate()).join(late_keys, on=keys, how="left_semi")
    late = scd2.stored_events(stored, base=F.lit(False)).unionByName(new.join(late_keys, on=keys, how="left_semi"))
    refolded = _settled(scd2.fold(late, spec, partial=True))
    total = counts.plus(tally(refolded))
    return _commit_history(table, settled.unionByName(refolded), total, batch, spec, commit)


def _commit_history(
    table: Table,
    folded: DataFrame,
    counts: Tally,
    batch: Batch,
    spec: ChangeSpec,
    commit: CommitMarker | None,
    *narrowing: str,
) -> MergeResult:
    check_ties(counts, spec)
    if not counts.changed:
        return counts.result(None)
    columns = table.schema().names
    identity = [*spec.keys, SEQUENCE]
    merge = Merge(
        on=_on(identity, batch, *narrowing),
        update=_assignments([c for c in columns if c not in identity]) if counts.updated else {},
        insert=_assignments(columns) if counts.inserted else {},
    )
    source = folded.where(F.col(ev.OUTCOME) != ev.UNCHANGED).select(*map(quoted, columns))
    return counts.result(table.merge(source, merge, commit=commit))


def _write_current(
    table: Table, batch: Batch, spec: ChangeSpec, commit: CommitMarker | None, *, fresh: bool
) -> MergeResult:
    companion = table.sibling(TOMBSTONES)
    there = table.schema()
    if batch.partial and AUTHORS not in there.names:
        with_authors = scd1.current_schema(StructType([]), there[SEQUENCE].dataType, authors=True)
        table.evolve(add=StructType([with_authors[AUTHORS]]))
    incomplete = batch.partial or AUTHORS in there.names
    stored = scd1.stored_events(_touched(table.read(), batch, spec, fresh=fresh), spec, partial=incomplete)
    dead = scd1.deletes_of(_touched(companion.read(), batch, spec, fresh=fresh), like=stored)
    events = stored.unionByName(dead).unionByName(scd1.new_events(batch.events, like=stored))
    folded = _settled(scd1.fold(events, spec, partial=incomplete))
    counts = tally(folded, forgotten=F.count_if(F.col(scd1.NEW_DELETE)))
    check_ties(counts, spec)
    if counts.forgotten:
        _remember_deletes(companion, folded.where(F.col(scd1.NEW_DELETE)), batch, spec, commit, fresh=fresh)
    return _commit_current(table, folded, counts, batch, spec, commit)


def _remember_deletes(
    companion: Table, deleted: DataFrame, batch: Batch, spec: ChangeSpec, commit: CommitMarker | None, *, fresh: bool
) -> None:
    columns = [*spec.keys, SEQUENCE]
    source = deleted.select(*map(quoted, spec.keys), F.col(scd1.LAST_DELETE).alias(SEQUENCE))
    merge = Merge(
        on=_on(spec.keys, batch),
        update={} if fresh else _assignments([SEQUENCE]),  # without updates the formats have cheaper plans
        update_when=f"s.{SEQUENCE} > t.{SEQUENCE}",
        insert=_assignments(columns),
    )
    companion.merge(source, merge, commit=commit)


def _commit_current(
    table: Table, folded: DataFrame, counts: Tally, batch: Batch, spec: ChangeSpec, commit: CommitMarker | None
) -> MergeResult:
    if not counts.changed:
        return counts.result(None)
    columns = table.schema().names
    is_upsert = f"s.{OP} = '{UPSERT}'"
    # Clauses that no row needs are left out: without inserts or deletes the formats have cheaper plans.
    merge = Merge(
        on=_on(spec.keys, batch),
        update=_assignments([c for c in columns if c not in spec.keys]) if counts.updated else {},
        update_when=is_upsert,
        delete_when=f"s.{OP} = '{DELETE}'" if counts.deleted else None,
        insert=_assignments(columns) if counts.inserted else {},
        insert_when=is_upsert,
    )
    source = folded.where(F.col(ev.OUTCOME) != ev.UNCHANGED).select(*map(quoted, [*columns, OP]))
    return counts.result(table.merge(source, merge, commit=commit))


def _on(columns: Sequence[str], batch: Batch, *narrowing: str) -> str:
    """The condition of a MERGE: equal on the columns (never null by contract), and what lets files be skipped."""
    equal = [f"t.{quoted(name)} = s.{quoted(name)}" for name in columns]
    return " AND ".join([*equal, *batch.range.sql("t"), *narrowing])


def _assignments(columns: Sequence[str]) -> dict[str, str]:
    return {name: f"s.{quoted(name)}" for name in columns}
