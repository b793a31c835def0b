"""How a batch gets into a history table: what is read, and the one MERGE that writes what came out different."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import events as ev
from lakehouse.cdc import history as scd2
from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.compaction import reaching
from lakehouse.cdc.reports import report
from lakehouse.cdc.truncates import imply, with_implied
from lakehouse.columns import IS_LATEST, SEQUENCE, quoted
from lakehouse.failpoints import reach
from lakehouse.tables.batches import Batch, assignments, condition, dated, settled, touched
from lakehouse.tables.memory import Memory, truncates_frame
from lakehouse.tables.protocol import CommitMarker, Merge, Snapshot, Table, before
from lakehouse.tables.tallies import MergeResult, Tally, check_ties, tally


def write_history(
    table: Table, batch: Batch, spec: ChangeSpec, memory: Memory, commit: CommitMarker | None, *, fresh: bool
) -> MergeResult:
    """Merge a measured batch into a history table.

    The latest rows of the batch's keys are enough for every key whose events all lie behind them. Only the others are
    read whole.
    """
    new = scd2.new_events(batch.events, spec, normalised=True)
    latest = touched(table.read().where(F.col(IS_LATEST)), batch, spec, fresh=fresh)
    stored = scd2.stored_events(latest, base=F.lit(True))
    implied = _implied(table, batch, memory, spec, latest, like=new)
    in_order = with_implied(stored.unionByName(new), implied)
    folded = settled(scd2.fold(in_order, spec, partial=batch.partial))
    done = folded.where(~F.col(scd2.LATE_KEY))
    counts = tally(done)
    reach("history_merge.folded")
    if counts.seen == batch.rows and not batch.truncates:
        result = _commit(table, done, counts, batch, spec, commit, f"t.{IS_LATEST}")
    else:
        late_keys = folded.where(F.col(scd2.LATE_KEY)).select(*map(quoted, spec.keys))
        refolded = settled(_fold_whole(table, batch, spec, memory, late_keys, with_implied(new, implied)))
        result = _commit(table, done.unionByName(refolded), counts.plus(tally(refolded)), batch, spec, commit)
    return replace(result, reporting=partial(_report, table, batch, spec, result.commit))


def _report(table: Table, batch: Batch, spec: ChangeSpec, commit: Snapshot | None) -> DataFrame:
    stored = scd2.stored_events(touched(before(table, commit), batch, spec, fresh=False), base=F.lit(False))
    return report(stored, batch.events, spec)


def _fold_whole(
    table: Table, batch: Batch, spec: ChangeSpec, memory: Memory, late_keys: DataFrame, new: DataFrame
) -> DataFrame:
    """Fold all stored rows of some keys with their new events. What ended before the horizon stays as it is."""
    keys = list(spec.keys)
    stored = table.read().where(batch.range.predicate()).join(late_keys, on=keys, how="left_semi")
    final = F.lit(False)
    horizon = memory.horizon_literal
    if horizon is not None:
        stored, final = reaching(stored, spec, horizon), F.col(SEQUENCE) < horizon
    events = scd2.stored_events(stored, base=F.lit(False), complete=final)
    mine = new.join(late_keys, on=keys, how="left_semi")
    return scd2.fold(events.unionByName(mine, allowMissingColumns=True), spec, partial=True)


def _implied(
    table: Table, batch: Batch, memory: Memory, spec: ChangeSpec, latest: DataFrame, *, like: DataFrame
) -> DataFrame | None:
    """What truncates mean for the keys of the batch, and what those in the batch mean for every key of the table."""
    known = truncates_frame(table, memory, memory.truncates)
    if known is None:
        return None
    keys = [F.col(quoted(key)) for key in spec.keys]
    # Truncates before a key's first new event are in its stored rows already.
    firsts = batch.events.groupBy(*keys).agg(F.min(SEQUENCE).alias(SEQUENCE))
    implied = imply(firsts, known, like=like)
    fresh = truncates_frame(table, memory, batch.truncates)
    return implied if fresh is None else implied.unionByName(imply(latest.select(*keys), fresh, like=like))


def _commit(
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
        on=condition(identity, batch, *narrowing),
        update=assignments([c for c in columns if c not in identity]) if counts.updated else {},
        insert=assignments(columns) if counts.inserted else {},
        settled=True,
    )
    changed = dated(folded.where(F.col(ev.OUTCOME) != ev.UNCHANGED), columns, spec)
    source = changed.select(*map(quoted, columns))
    return counts.result(table.merge(source, merge, commit=commit))
