"""The current table (SCD 1): one row per live key, as the source has it, and the tombstones that keep it right.

A row holds the payload and `_sequence`, that of its last event. Where events may leave columns out, `_authors` says which
event wrote each column that the last one did not carry, so that a late event can still fill what a newer one left open.
A tombstone holds the keys and the largest `_sequence` at which the key was deleted: events below it are dead.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, MapType, StringType, StructField, StructType

from lakehouse.cdc import events as ev
from lakehouse.cdc.changes import DELETE, EVENT_TIME_TYPE, PROVIDED_TYPE, TRUNCATE, UPSERT, ChangeSpec
from lakehouse.cdc.truncates import truncates_of, with_truncates
from lakehouse.columns import AUTHORS, EVENT_TIME, OP, PROVIDED, SEQUENCE, quoted

LAST_DELETE = "__lh_last_delete"
NEW_DELETE = "__lh_new_delete"
BEFORE = "__lh_before"
SUMMED = (ev.DUPLICATES, ev.TIES, ev.TIED)

_LATE = "__lh_is_late"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentState:
    """A current table, its tombstones, and the truncates it was given; none is exact without the others.

    `truncates`: `_sequence` and `_event_time` of each; None: there were none.
    """

    rows: DataFrame
    tombstones: DataFrame
    truncates: DataFrame | None = None


def current_schema(payload: StructType, sequence: DataType, *, authors: bool = False) -> StructType:
    """The columns of the current table of this payload, all nullable."""
    fields = [*payload.fields, StructField(SEQUENCE, sequence)]
    if authors:
        fields.append(StructField(AUTHORS, MapType(StringType(), sequence)))
    return StructType(fields)


def tombstone_schema(payload: StructType, sequence: DataType, spec: ChangeSpec) -> StructType:
    """The columns of the tombstone companion: the keys and the sequence of the last delete."""
    return StructType([*(payload[key] for key in spec.keys), StructField(SEQUENCE, sequence)])


def apply_current(state: CurrentState, changes: DataFrame, spec: ChangeSpec) -> CurrentState:
    """The next current table and tombstones: the specification that `merge_current` is tested against.

    A pure function of the set of events: order, batches and repeats do not matter. Start with empty frames of
    `current_schema(..., authors=True)` and `tombstone_schema`. Bad rows must have been set aside before, and under
    `on_tie="upsert_wins"` events have to carry every column: which deletes count is not remembered then.

    Raises:
        MissingColumnsError: the spec names columns that are not there.
    """
    batch = ev.normalise(changes, spec)
    truncates = truncates_of(batch, spec, state.truncates)
    stored = stored_events(state.rows, spec, partial=True)
    dead = deletes_of(state.tombstones, like=stored)
    events = stored.unionByName(dead).unionByName(new_events(batch.where(F.col(OP) != TRUNCATE), like=stored))
    folded = fold(with_truncates(events, truncates, spec), spec, partial=True)
    rows = folded.where(F.col(OP) == UPSERT).select(*[F.col(quoted(name)) for name in state.rows.columns])
    deleted = folded.where(F.col(LAST_DELETE).isNotNull())
    keys = [F.col(quoted(key)) for key in spec.keys]
    tombstones = deleted.select(*keys, F.col(LAST_DELETE).alias(SEQUENCE))
    return CurrentState(rows=rows, tombstones=tombstones, truncates=truncates)


def stored_events(rows: DataFrame, spec: ChangeSpec, *, partial: bool) -> DataFrame:
    """Rows of a current table as the events that are known to have made them.

    With `partial`, a row whose columns come from several events becomes one event per author, each carrying the columns
    it wrote; `_before` keeps the row as it is, to see in the end whether it changed.
    """
    payload = ev.payload_of(rows.schema)
    values = [F.col(quoted(name)) for name in payload.names]
    if not partial:
        return rows.select(*values, *as_stored(F.lit(UPSERT), F.col(SEQUENCE), F.lit(None)))
    exploded = with_authors(rows).select(
        *values, as_shown(payload).alias(BEFORE), F.explode(made_by(payload, spec)).alias("__lh_by")
    )
    made = as_stored(F.lit(UPSERT), F.col("__lh_by.s"), F.col("__lh_by.p"))
    return exploded.select(*values, *made, F.col(BEFORE))


def with_authors(rows: DataFrame) -> DataFrame:
    """The rows with `_authors`, which a table that never saw a partial event lacks."""
    if AUTHORS in rows.columns:
        return rows
    return rows.withColumn(AUTHORS, F.lit(None).cast(MapType(StringType(), rows.schema[SEQUENCE].dataType)))


def made_by(payload: StructType, spec: ChangeSpec) -> Column:
    """The upserts that made a row, newest first: their sequences (s) and the columns they carried (p; null = all)."""
    others = [name for name in payload.names if name not in spec.keys]
    own = F.array_except(F.array(*[F.lit(name) for name in others]), F.map_keys(F.col(AUTHORS)))
    newest = F.struct(F.col(SEQUENCE).alias("s"), F.when(F.col(AUTHORS).isNotNull(), F.array_sort(own)).alias("p"))
    written = F.array_distinct(F.filter(F.map_values(F.col(AUTHORS)), lambda s: s.isNotNull()))
    older = F.transform(
        written,
        lambda s: F.struct(
            s.alias("s"), F.array_sort(F.map_keys(F.map_filter(F.col(AUTHORS), lambda _, by: by == s))).alias("p")
        ),
    )
    return F.concat(F.array(newest), F.coalesce(older, F.slice(F.array(newest), 1, 0)))


def as_shown(payload: StructType) -> Column:
    """What a row shows and who wrote it, in a form that can be compared."""
    authors = F.to_json(F.array_sort(F.map_entries(AUTHORS)))
    return F.struct(ev.comparable(payload.names, payload).alias("v"), authors.alias("a"))


def as_stored(operation: Column, sequence: Column, provided: Column) -> list[Column]:
    """The reserved columns of an event that the table holds."""
    return [
        operation.alias(OP),
        sequence.alias(SEQUENCE),
        provided.cast(PROVIDED_TYPE).alias(PROVIDED),
        F.lit(None).cast(EVENT_TIME_TYPE).alias(EVENT_TIME),
        F.lit(True).alias(ev.STORED),
    ]


def new_events(batch: DataFrame, *, like: DataFrame) -> DataFrame:
    """Normalised events with the columns of the frame `like`."""
    if BEFORE not in like.columns:
        return batch
    return batch.withColumn(BEFORE, F.lit(None).cast(like.schema[BEFORE].dataType))


def deletes_of(tombstones: DataFrame, *, like: DataFrame) -> DataFrame:
    """Tombstones as stored delete events with the columns of the frame `like`."""
    given = {SEQUENCE: F.col(SEQUENCE), OP: F.lit(DELETE), ev.STORED: F.lit(True)}
    columns = []
    for field in like.schema.fields:
        known = F.col(quoted(field.name)) if field.name in tombstones.columns else F.lit(None).cast(field.dataType)
        columns.append(given.get(field.name, known).alias(field.name))
    return tombstones.select(*columns)


def fold(events: DataFrame, spec: ChangeSpec, *, partial: bool) -> DataFrame:
    """The last event of each key with its values filled in, and what becomes of the key's row (`_outcome`).

    One row per key. Adds `_authors`, the sequence of the last delete (null: never), and sums over the key's events of the batch: how
    many are new, duplicates, losers of ties, and older than what the table knew of the key.

    Args:
        events: stored rows, tombstones and new events of the same keys.
        spec: the keys.
        partial: whether some event may leave columns out, which costs a window per column.
    """
    # A tombstone is no row: an upsert that beats one brings the row back.
    single = ev.collapse(events, spec, remnants=partial, rows=F.col(OP) == UPSERT)
    payload = ev.payload_of(events.schema)
    if partial:
        filled = ev.fill(single, spec, complete=F.lit(False)).withColumnRenamed(ev.SOURCES, AUTHORS)
        changed = ~as_shown(payload).eqNullSafe(F.col(BEFORE))
    else:
        changed = ~F.col(ev.STORED)
        filled = with_authors(single)
    outcome = (
        F.when(ev.is_end(), F.when(F.col("__lh_had_row"), ev.DELETED).otherwise(ev.UNCHANGED))
        .when(~F.col("__lh_had_row"), ev.INSERTED)
        .when(changed, ev.UPDATED)
        .otherwise(ev.UNCHANGED)
    )
    return _last_of_key(filled, spec, outcome)


def sums(events: DataFrame, spec: ChangeSpec) -> list[Column]:
    """What became of a key's events of the batch, over all of them."""
    whole = ev.of_key(spec)
    new = ev.is_new(events)
    newest_stored = F.max(F.when(F.col(ev.STORED), F.col(SEQUENCE))).over(whole)
    return [
        F.sum(ev.DUPLICATES).over(whole).alias(ev.DUPLICATES),
        F.sum(ev.TIES).over(whole).alias(ev.TIES),
        F.max(ev.TIED).over(whole).alias(ev.TIED),
        F.count_if(new).over(whole).alias(ev.APPLIED),
        (new & (F.col(SEQUENCE) < newest_stored)).alias(_LATE),
    ]


def late_in_key(spec: ChangeSpec) -> Column:
    """How many of a key's events are late, over all of them; needs the column that `sums` adds."""
    return F.count_if(_LATE).over(ev.of_key(spec))


def _last_of_key(filled: DataFrame, spec: ChangeSpec, outcome: Column) -> DataFrame:
    """Reduce each key to its last event, with what is known of the key as a whole, and what becomes of it."""
    window = ev.by_key(spec)
    whole = ev.of_key(spec)
    is_delete = F.col(OP) == DELETE
    stored = F.col(ev.STORED)
    last_delete = F.max(F.when(is_delete, F.col(SEQUENCE))).over(whole)
    known_delete = F.max(F.when(is_delete & stored, F.col(SEQUENCE))).over(whole)
    summed = filled.select(
        *[F.col(quoted(name)) for name in filled.columns if name not in SUMMED],
        last_delete.alias(LAST_DELETE),
        (last_delete.isNotNull() & ~last_delete.eqNullSafe(known_delete)).alias(NEW_DELETE),
        F.max((stored & ~is_delete) | F.col(ev.DISPLACES)).over(whole).alias("__lh_had_row"),
        F.lead(OP).over(window).isNull().alias("__lh_is_last"),
        *sums(filled, spec),
    )
    late = late_in_key(spec)
    return summed.select("*", late.alias(ev.LATE), outcome.alias(ev.OUTCOME)).where(F.col("__lh_is_last"))
