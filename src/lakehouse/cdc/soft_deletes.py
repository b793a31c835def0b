"""The current table that keeps deleted rows (SCD 1 with soft deletes): every key that ever was, flagged when it is deleted.

A row shows the values of the key's last upsert, whether or not a delete followed. Beside the payload it holds `_sequence`
(of its last event), `_is_deleted`, and what keeps it right under late events, so that it needs no table of tombstones:
`_upserted`, the sequence of the last upsert, and `_deletes`, the sequences of the deletes from there on and of the last one
before. A key of which only deletes are known has a flagged row without values.
"""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, DataType, StructField, StructType

from lakehouse.cdc import current as scd1
from lakehouse.cdc import events as ev
from lakehouse.cdc.changes import DELETE, PROVIDED_TYPE, TRUNCATE, UPSERT, ChangeSpec
from lakehouse.cdc.truncates import truncates_of, with_truncates
from lakehouse.columns import AUTHORS, DELETES, IS_DELETED, OP, SEQUENCE, UPSERTED, quoted

_BEFORE_STATE = "__lh_before_state"
_LAST_UPSERT = "__lh_last_upsert"
_KNOWN_DELETES = "__lh_known_deletes"
_DISPLACED = "__lh_displaced"


def soft_schema(payload: StructType, sequence: DataType, *, authors: bool = False) -> StructType:
    """The columns of the current table with soft deletes, all nullable."""
    state = [
        StructField(IS_DELETED, BooleanType()),
        StructField(UPSERTED, sequence),
        StructField(DELETES, ArrayType(sequence)),
    ]
    return StructType([*scd1.current_schema(payload, sequence, authors=authors).fields, *state])


def apply_soft(
    rows: DataFrame, changes: DataFrame, spec: ChangeSpec, *, truncates: DataFrame | None = None
) -> DataFrame:
    """The next current table with soft deletes: the specification of `merge_current` under `deletes="soft"`.

    A pure function of the set of events. Start with an empty frame of `soft_schema(..., authors=True)`. Under
    `on_tie="upsert_wins"` events have to carry every column, as in `apply_current`.

    Args:
        rows: the table so far.
        changes: the change log.
        spec: the keys.
        truncates: `_sequence` and `_event_time` of the truncates in earlier change logs; None: there were none.
    """
    batch = ev.normalise(changes, spec)
    known = truncates_of(batch, spec, truncates)
    stored = stored_events(rows, spec)
    new = new_events(batch.where(F.col(OP) != TRUNCATE), like=stored)
    folded = fold(with_truncates(stored.unionByName(new), known, spec), spec, partial=True)
    return folded.where(F.col(UPSERTED).isNotNull() | (F.size(DELETES) > 0)).select(*map(quoted, rows.columns))


def stored_events(rows: DataFrame, spec: ChangeSpec) -> DataFrame:
    """Rows of the table as the events that are known to have made them: upserts, by author, and deletes."""
    payload = ev.payload_of(rows.schema)
    known = scd1.with_authors(rows).withColumn(_BEFORE_STATE, F.struct(SEQUENCE, IS_DELETED, DELETES))
    before = known.withColumn(scd1.BEFORE, scd1.as_shown(payload))
    # The row's own sequence may be that of a delete; its values are those of its last upsert.
    as_live = before.withColumn(SEQUENCE, F.col(UPSERTED))
    upserts = F.filter(scd1.made_by(payload, spec), lambda by: by["s"].isNotNull())
    deletes = F.transform(DELETES, lambda at: F.struct(at.alias("s"), F.lit(None).cast(PROVIDED_TYPE).alias("p")))
    events = F.concat(
        F.transform(upserts, lambda by: F.struct(F.lit(UPSERT).alias("op"), by.alias("by"))),
        F.transform(deletes, lambda by: F.struct(F.lit(DELETE).alias("op"), by.alias("by"))),
    )
    exploded = as_live.select("*", F.explode(events).alias("__lh_event"))
    upsert = F.col("__lh_event.op") == UPSERT
    values = [
        F.col(quoted(name)) if name in spec.keys else F.when(upsert, F.col(quoted(name))).alias(name)
        for name in payload.names
    ]
    return exploded.select(
        *values,
        *scd1.as_stored(F.col("__lh_event.op"), F.col("__lh_event.by.s"), F.col("__lh_event.by.p")),
        scd1.BEFORE,
        _BEFORE_STATE,
    )


def new_events(batch: DataFrame, *, like: DataFrame) -> DataFrame:
    """Normalised events with the columns of the frame `like`."""
    nothing = F.lit(None).cast(like.schema[_BEFORE_STATE].dataType)
    return scd1.new_events(batch, like=like).withColumn(_BEFORE_STATE, nothing)


def fold(events: DataFrame, spec: ChangeSpec, *, partial: bool) -> DataFrame:
    """The row of each key after all its events, and what becomes of it (`__lh_outcome`); see `current.fold`."""
    spec = replace(spec, deletes="soft")
    # A delete that loses leaves nothing; one that wins leaves the values of the upsert at its place to be shown.
    single = ev.collapse(events, spec, remnants=partial, deletes_apart=spec.on_tie != "upsert_wins")
    payload = ev.payload_of(events.schema)
    if partial:
        filled = ev.fill(single, spec, complete=F.lit(False)).withColumnRenamed(ev.SOURCES, AUTHORS)
    else:
        filled = scd1.with_authors(single)
    row = _row_of_key(filled, spec)
    # The row's own event may have lost its place to a new one, and what the row was with it.
    had_row = F.col(_BEFORE_STATE).isNotNull() | F.col(_DISPLACED)
    shown = F.col(UPSERTED).isNull() | scd1.as_shown(payload).eqNullSafe(F.col(scd1.BEFORE))
    moved = ~shown | ~F.struct(SEQUENCE, IS_DELETED, DELETES).eqNullSafe(F.col(_BEFORE_STATE))
    remembered = F.col(UPSERTED).isNotNull() | (F.size(DELETES) > 0)
    outcome = (
        F.when(~had_row, F.when(remembered, ev.INSERTED).otherwise(ev.UNCHANGED))
        .when(F.col(IS_DELETED) & ~F.col(f"{_BEFORE_STATE}.{IS_DELETED}"), ev.DELETED)
        .when(moved, ev.UPDATED)
        .otherwise(ev.UNCHANGED)
    )
    return row.withColumn(ev.OUTCOME, outcome)


def _row_of_key(filled: DataFrame, spec: ChangeSpec) -> DataFrame:
    """Reduce each key to its last upsert (to its last event, if it has none), with the deletes that matter."""
    window = ev.by_key(spec)
    whole = ev.of_key(spec)
    is_delete, is_upsert = F.col(OP) == DELETE, F.col(OP) == UPSERT
    told = filled.select(
        *[F.col(quoted(name)) for name in filled.columns if name not in (*scd1.SUMMED, _BEFORE_STATE)],
        F.max(F.when(is_upsert, F.col(SEQUENCE))).over(whole).alias(_LAST_UPSERT),
        F.max(F.when(ev.is_end(), F.col(SEQUENCE))).over(whole).alias("__lh_last_end"),
        F.array_distinct(F.collect_list(F.when(is_delete, F.col(SEQUENCE))).over(whole)).alias(_KNOWN_DELETES),
        F.first(_BEFORE_STATE, ignorenulls=True).over(whole).alias(_BEFORE_STATE),
        F.max(ev.DISPLACES).over(whole).alias(_DISPLACED),
        F.lead(OP).over(window).isNull().alias("__lh_is_last"),
        *scd1.sums(filled, spec),
    )
    shown = F.when(F.col(_LAST_UPSERT).isNull(), F.col("__lh_is_last")).otherwise(
        is_upsert & (F.col(SEQUENCE) == F.col(_LAST_UPSERT))
    )
    # A truncate's own event gives way to an upsert at its place, so the flag asks for "behind", or a delete at the place.
    behind = F.col("__lh_last_end") > F.col(_LAST_UPSERT)
    deleted = F.col(_LAST_UPSERT).isNull() | behind | F.array_contains(_KNOWN_DELETES, F.col(_LAST_UPSERT))
    rows = told.withColumn(ev.LATE, scd1.late_in_key(spec)).where(shown)
    return rows.select(
        *[F.col(quoted(name)) for name in rows.columns if name not in (SEQUENCE, _LAST_UPSERT, _KNOWN_DELETES)],
        F.greatest(_LAST_UPSERT, "__lh_last_end").alias(SEQUENCE),
        F.coalesce(deleted, F.lit(False)).alias(IS_DELETED),
        F.col(_LAST_UPSERT).alias(UPSERTED),
        _mattering(spec).alias(DELETES),
    )


def _mattering(spec: ChangeSpec) -> Column:
    """Of the deletes, in order: the last one before the last upsert, and all from there on.

    Where upserts win, events carry every column and nothing is filled across a delete: the one before matters to nobody, and
    whether it lost to an upsert of its own place is not known any more.
    """
    deletes, upserted = F.array_sort(_KNOWN_DELETES), F.col(_LAST_UPSERT)
    before = F.array_max(F.filter(deletes, lambda at: at < upserted))
    if spec.on_tie == "upsert_wins":
        before = F.lit(None)
    return F.when(upserted.isNull(), deletes).otherwise(F.filter(deletes, lambda at: (at >= upserted) | (at == before)))
