"""How a batch gets into a current table: with tombstones beside it, or with deleted rows kept and flagged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from lakehouse.cdc import current as scd1
from lakehouse.cdc import events as ev
from lakehouse.cdc import soft_deletes as soft
from lakehouse.cdc.changes import UPSERT, ChangeSpec
from lakehouse.cdc.reports import report
from lakehouse.cdc.truncates import imply, with_implied
from lakehouse.columns import AUTHORS, OP, SEQUENCE, quoted
from lakehouse.failpoints import reach
from lakehouse.tables.batches import Batch, assignments, condition, dated, settled, touched
from lakehouse.tables.bounds import Bound, bound_of, to_note
from lakehouse.tables.interleaving import moved, start_again
from lakehouse.tables.memory import Memory, truncates_frame
from lakehouse.tables.protocol import CommitMarker, Merge, Snapshot, Table, before
from lakehouse.tables.tallies import MergeResult, Tally, check_ties, tally
from lakehouse.tables.targets import Target, ensure

TOMBSTONES = "__tombstones"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writing:
    """The table that a batch is written into, and the marker and the note (see `lakehouse.tables.bounds`) that commits carry."""

    table: Table
    batch: Batch
    spec: ChangeSpec
    commit: CommitMarker | None
    note: str | None


def write_current(
    table: Table, batch: Batch, spec: ChangeSpec, memory: Memory, commit: CommitMarker | None, *, fresh: bool
) -> MergeResult:
    """Merge a measured batch into a current table that removes deleted rows; the tombstones are written first.

    The stored rows of its keys are read unless every event is newer than all that the table knows.
    """
    companion = table.sibling(TOMBSTONES)
    remembers = companion.exists()
    buried = companion.version() if remembers else None
    incomplete = _can_be_incomplete(table, batch)
    # A table made just now holds nothing.
    bound = bound_of([*([] if fresh else [table]), *([companion] if remembers else [])], memory.type)
    newer = not fresh and not incomplete and _is_newer(table, batch, bound, memory)
    if newer:
        reach("current_merge.newer")
        events = batch.events
    else:
        events = _with_stored(table, companion if remembers else None, batch, spec, fresh=fresh, partial=incomplete)
        events = _with_truncates(table, events, batch, memory, spec)
    folded = settled(scd1.fold(events, spec, partial=incomplete))
    counts = tally(folded, forgotten=F.count_if(F.col(scd1.NEW_DELETE)))
    reach("current_merge.folded")
    check_ties(counts, spec)
    note = to_note(bound.and_up_to(batch.last) if bound else None, memory.type)
    to = _Writing(table=table, batch=batch, spec=spec, commit=commit, note=note)
    known = None
    if counts.forgotten:
        reach("current_merge.before_tombstones")
        known = _remember_deletes(companion, folded.where(F.col(scd1.NEW_DELETE)), to)
        reach("current_merge.after_tombstones")
    counts, done = _commit_newer(to, folded, counts) if newer else _commit(to, folded, counts)
    if (remembers or companion.exists()) and moved(companion, known, buried):
        # A delete that came meanwhile may be newer than a row that was just written. Tombstones themselves only grow.
        start_again(table, done)
    reporting = partial(_report, table, batch, spec, done, known, incomplete=incomplete)
    return replace(counts.result(done), reporting=reporting)


def _is_newer(table: Table, batch: Batch, bound: Bound | None, memory: Memory) -> bool:
    """Whether the batch alone says what becomes of its keys, and the commit will say what became of rows."""
    if batch.truncates or memory.truncates or (batch.deletes and not table.counts_deletes):
        return False
    return bound is not None and bound.is_before(batch.first)


def _with_stored(
    table: Table, companion: Table | None, batch: Batch, spec: ChangeSpec, *, fresh: bool, partial: bool
) -> DataFrame:
    """The events of the batch, of the stored rows of its keys and of their tombstones."""
    stored = scd1.stored_events(touched(table.read(), batch, spec, fresh=fresh), spec, partial=partial)
    events = stored.unionByName(scd1.new_events(batch.events, like=stored))
    if companion is None:
        return events
    dead = touched(companion.read(), batch, spec, fresh=False)
    return events.unionByName(scd1.deletes_of(dead, like=stored))


def _report(
    table: Table, batch: Batch, spec: ChangeSpec, done: Snapshot | None, known: Snapshot | None, *, incomplete: bool
) -> DataFrame:
    rows = touched(before(table, done), batch, spec, fresh=False)
    stored = scd1.stored_events(rows, spec, partial=incomplete)
    companion = table.sibling(TOMBSTONES)
    if companion.exists():
        dead = touched(before(companion, known), batch, spec, fresh=False)
        stored = stored.unionByName(scd1.deletes_of(dead, like=stored))
    return report(stored, batch.events, spec, remnants=True)


def _commit(to: _Writing, folded: DataFrame, counts: Tally) -> tuple[Tally, Snapshot | None]:
    """Write what came out different from the stored rows."""
    if not counts.changed:
        return counts, None
    changed = folded.where(F.col(ev.OUTCOME) != ev.UNCHANGED)
    return counts, _merge(to, changed, counts)


def _commit_newer(to: _Writing, folded: DataFrame, counts: Tally) -> tuple[Tally, Snapshot | None]:
    """Write the last event of each key over whatever the table has of it; what that was is counted afterwards."""
    upserts, deletes = counts.inserted, counts.keys - counts.inserted
    possible = replace(counts, updated=upserts, deleted=deletes)
    done = _merge(to, folded, possible)
    if done.token is None:  # nothing but deletes of keys that the table does not have
        return replace(counts, inserted=0), None
    told = done.merged
    if told is not None and told.written == upserts and (told.deleted is not None or not deletes):
        deleted = told.deleted or 0
        updated = told.removed - deleted
        return replace(counts, inserted=upserts - updated, updated=updated, deleted=deleted), done
    # A task that ran twice may have counted twice.
    had = touched(before(to.table, done), to.batch, to.spec, fresh=False).select(*map(quoted, to.spec.keys))
    met = folded.join(had, on=list(to.spec.keys), how="left_semi")
    updated, deleted = met.where(F.col(OP) == UPSERT).count(), met.where(F.col(OP) != UPSERT).count()
    return replace(counts, inserted=upserts - updated, updated=updated, deleted=deleted), done


def _merge(to: _Writing, rows: DataFrame, counts: Tally) -> Snapshot:
    """One MERGE of rows that are to be as they are, or to go. Clauses that no row needs are left out: formats have cheaper plans then."""
    is_upsert = f"s.{OP} = '{UPSERT}'"
    columns = to.table.schema().names
    merge = Merge(
        on=condition(to.spec.keys, to.batch),
        update=_update(columns, to.spec, counts),
        update_when=is_upsert,
        delete_when=f"s.{OP} <> '{UPSERT}'" if counts.deleted else None,
        insert=assignments(columns) if counts.inserted else {},
        insert_when=is_upsert,
        settled=True,
        newest=to.note,
    )
    source = dated(rows, columns, to.spec).select(*map(quoted, [*columns, OP]))
    return to.table.merge(source, merge, commit=to.commit)


def write_soft(
    table: Table, batch: Batch, spec: ChangeSpec, memory: Memory, commit: CommitMarker | None, *, fresh: bool
) -> MergeResult:
    """Merge a measured batch into a current table that keeps deleted rows; it needs no other table."""
    incomplete = _can_be_incomplete(table, batch)
    stored = soft.stored_events(touched(table.read(), batch, spec, fresh=fresh), spec)
    events = stored.unionByName(soft.new_events(batch.events, like=stored))
    events = _with_truncates(table, events, batch, memory, spec)
    folded = settled(soft.fold(events, spec, partial=incomplete))
    counts = tally(folded)
    check_ties(counts, spec)
    done = _commit_soft(table, folded, counts, batch, spec, commit)
    return replace(counts.result(done), reporting=partial(_report_soft, table, batch, spec, done))


def _commit_soft(
    table: Table, folded: DataFrame, counts: Tally, batch: Batch, spec: ChangeSpec, commit: CommitMarker | None
) -> Snapshot | None:
    if not counts.changed:
        return None
    columns = table.schema().names
    merge = Merge(
        on=condition(spec.keys, batch),
        update=_update(columns, spec, counts),
        insert=assignments(columns) if counts.inserted else {},
        settled=True,
    )
    changed = dated(folded.where(F.col(ev.OUTCOME) != ev.UNCHANGED), columns, spec)
    source = changed.select(*map(quoted, columns))
    return table.merge(source, merge, commit=commit)


def _report_soft(table: Table, batch: Batch, spec: ChangeSpec, commit: Snapshot | None) -> DataFrame:
    stored = soft.stored_events(touched(before(table, commit), batch, spec, fresh=False), spec)
    return report(stored, batch.events, spec, remnants=True)


def _can_be_incomplete(table: Table, batch: Batch) -> bool:
    """Whether rows may be of several events; the table gets the column for it when the first such batch comes."""
    there = table.schema()
    if batch.partial and AUTHORS not in there.names:
        with_authors = scd1.current_schema(StructType([]), there[SEQUENCE].dataType, authors=True)
        table.evolve(add=StructType([with_authors[AUTHORS]]))
    return batch.partial or AUTHORS in there.names


def _with_truncates(table: Table, events: DataFrame, batch: Batch, memory: Memory, spec: ChangeSpec) -> DataFrame:
    """The events and what truncates mean for the keys of the batch; those in the batch mean it for every key."""
    known = truncates_frame(table, memory, memory.truncates)
    if known is None:
        return events
    among = events if batch.truncates else batch.events
    keys = among.select(*map(quoted, spec.keys)).distinct()
    return with_implied(events, imply(keys, known, like=events))


def _remember_deletes(companion: Table, deleted: DataFrame, to: _Writing) -> Snapshot:
    """Write the deletes that are new; the companion is made for the first ones, so that tables without any need none."""
    changes = to.batch.events.drop(ev.STORED).schema
    fresh = ensure(companion, Target(kind="tombstones", changes=changes, spec=to.spec))
    columns = [*to.spec.keys, SEQUENCE]
    source = deleted.select(*map(quoted, to.spec.keys), F.col(scd1.LAST_DELETE).alias(SEQUENCE))
    merge = Merge(
        on=condition(to.spec.keys, to.batch),
        update={} if fresh else assignments([SEQUENCE]),  # without updates the formats have cheaper plans
        update_when=f"s.{SEQUENCE} > t.{SEQUENCE}",
        insert=assignments(columns),
        settled=True,
        newest=to.note,
    )
    return companion.merge(source, merge, commit=to.commit)


def _update(columns: list[str], spec: ChangeSpec, counts: Tally) -> dict[str, str]:
    matched = counts.updated or (spec.deletes == "soft" and counts.deleted)
    return assignments([c for c in columns if c not in spec.keys]) if matched else {}
