"""The history table (SCD 2): the event log, annotated with the interval in which each event was the truth.

One row per distinct event, keyed by (keys, `_sequence`):

- a *version* spans `[_valid_from, _valid_to)`: from the first event of its run to the event that ended it, null = open; its
  values and `_sequence` are those of the run's last event;
- an *absorbed* event (it changed no tracked column and another event of its run followed) and a *tombstone* (a delete, or
  what a truncate of the table means for the key) are zero-width: `_valid_from = _valid_to = _sequence`. Half-open queries
  and `where _is_current` never see them.

Because no event is ever forgotten, folding the stored rows of a key together with new events gives the same table
however the events were ordered, split or repeated. Compaction forgets events before a horizon on purpose; from then on
events before it are refused, and rows that end before it are never read again.
"""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, DataType, StringType, StructField, StructType

from lakehouse.cdc import events as ev
from lakehouse.cdc.changes import EVENT_TIME_TYPE, PROVIDED_TYPE, TRUNCATE, UPSERT, ChangeSpec
from lakehouse.cdc.sequences import literal
from lakehouse.cdc.truncates import truncates_of, with_truncates
from lakehouse.columns import (
    EFFECTIVE_FROM,
    EFFECTIVE_TO,
    EVENT_TIME,
    IS_CURRENT,
    IS_LATEST,
    OP,
    PROCESSED_DATE,
    PROVIDED,
    SEQUENCE,
    VALID_FROM,
    VALID_TO,
    quoted,
)
from lakehouse.errors import ConfigError

ANNOTATION = (VALID_FROM, VALID_TO, EFFECTIVE_FROM, EFFECTIVE_TO, IS_CURRENT, IS_LATEST)

SHOWN = (VALID_FROM, VALID_TO, EFFECTIVE_FROM, EFFECTIVE_TO, IS_CURRENT, SEQUENCE)
"""What people see of a version, beside its payload."""

IS_VERSION = f"({VALID_TO} IS NULL OR {VALID_FROM} <> {VALID_TO})"
"""SQL: whether a row's interval has a width. Never null: a row without an end is open."""

# Working columns of a fold; none of them reaches a table.
LATE_KEY = "__lh_late_key"

_OLD = "__lh_old"
_AS_STORED = "__lh_as_stored"


def history_schema(payload: StructType, sequence: DataType) -> StructType:
    """The columns of the history table of this payload, all nullable."""
    reserved = [
        (SEQUENCE, sequence),
        (OP, StringType()),
        (PROVIDED, PROVIDED_TYPE),
        (EVENT_TIME, EVENT_TIME_TYPE),
        (VALID_FROM, sequence),
        (VALID_TO, sequence),
        (EFFECTIVE_FROM, EVENT_TIME_TYPE),
        (EFFECTIVE_TO, EVENT_TIME_TYPE),
        (IS_CURRENT, BooleanType()),
        (IS_LATEST, BooleanType()),
    ]
    return StructType([*payload.fields, *(StructField(name, kind) for name, kind in reserved)])


def apply_history(
    history: DataFrame, changes: DataFrame, spec: ChangeSpec, *, truncates: DataFrame | None = None
) -> DataFrame:
    """The next history table: the specification that `merge_history` is tested against.

    A pure function of the set of events: order, batches and repeats do not matter. `history` may be empty (start with
    `history_schema`). Bad rows (null key, null sequence) must have been set aside before. The day that rows of a table may keep
    (`_processed_date`) is left out: it is no part of what they are.

    Args:
        history: the rows so far.
        changes: the change log.
        spec: keys and tracked columns.
        truncates: `_sequence` and `_event_time` of the truncates in earlier change logs; None: there were none.

    Raises:
        MissingColumnsError: the spec names columns that are not there.
    """
    stored = stored_events(history, base=F.lit(False))
    batch = ev.normalise(changes, spec)
    known = truncates_of(batch, spec, truncates)
    events = stored.unionByName(new_events(batch.where(F.col(OP) != TRUNCATE), spec, normalised=True))
    folded = fold(with_truncates(events, known, spec), spec, partial=True)
    return folded.select(*[F.col(quoted(name)) for name in history.columns if name != PROCESSED_DATE])


def stored_events(history: DataFrame, *, base: Column, complete: Column | None = None) -> DataFrame:
    """Rows of a history table as events.

    Args:
        history: the rows.
        base: marks those that stand for everything before them.
        complete: marks those whose values are final (default: the base rows).
    """
    kept = [F.col(quoted(name)) for name in history.columns if name not in {*ANNOTATION, PROCESSED_DATE}]
    final = base if complete is None else complete
    return history.select(
        *kept,
        F.lit(True).alias(ev.STORED),
        F.struct(*ANNOTATION).alias(_OLD),
        base.alias(ev.BASE),
        final.alias(ev.COMPLETE),
    )


def new_events(changes: DataFrame, spec: ChangeSpec, *, normalised: bool = False) -> DataFrame:
    """A change log as events that no table holds yet."""
    batch = changes if normalised else ev.normalise(changes, spec)
    sequence = batch.schema[SEQUENCE].dataType
    annotation = history_schema(StructType([]), sequence)
    old = StructType([annotation[name] for name in ANNOTATION])
    return batch.select(
        "*", F.lit(None).cast(old).alias(_OLD), F.lit(False).alias(ev.BASE), F.lit(False).alias(ev.COMPLETE)
    )


def fold(events: DataFrame, spec: ChangeSpec, *, partial: bool) -> DataFrame:
    """Fold the events of each key: one row per distinct event, annotated, with what became of it (`__lh_outcome`).

    `__lh_late_key` marks keys with an event older than their base row: their fold is wrong, they need all stored rows.

    Args:
        events: stored and new events of the same keys. Of a key, either all stored rows or its latest one as a base.
        spec: keys and tracked columns.
        partial: whether some event may leave columns out, which costs a window per column.
    """
    payload = ev.payload_of(events.schema)
    single = _with_lateness(_effective(ev.collapse(events, spec), spec), spec)
    refilled = F.lit(False)
    if partial:
        as_stored = F.when(F.col(ev.STORED), F.struct(*[F.col(quoted(name)) for name in payload.names]))
        single = ev.fill(single.select("*", as_stored.alias(_AS_STORED)), spec, complete=F.col(ev.COMPLETE))
        before = ev.comparable(payload.names, payload, within=f"{_AS_STORED}.")
        refilled = ~ev.comparable(payload.names, payload).eqNullSafe(before)
    moved = ~F.struct(*ANNOTATION).eqNullSafe(F.col(_OLD))
    outcome = (
        F.when(F.col(ev.STORED) & ~moved & ~refilled, ev.UNCHANGED)
        .when(F.col(ev.STORED) | F.col(ev.DISPLACES), ev.UPDATED)
        .otherwise(ev.INSERTED)
    )
    annotated = _annotate(single, spec, payload).withColumn(ev.OUTCOME, outcome)
    return annotated.drop(_OLD, _AS_STORED, ev.SOURCES, ev.IMPLIED)


def _effective(single: DataFrame, spec: ChangeSpec) -> DataFrame:
    """Without what truncates mean for keys of which nothing is older; before a base row there may be."""
    if ev.IMPLIED not in single.columns:
        return single
    so_far = ev.by_key(spec).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    begun = F.count_if((F.col(OP) != TRUNCATE) | F.col(ev.STORED)).over(so_far) > 0
    has_base = F.max(ev.BASE).over(ev.of_key(spec))
    return single.withColumn("__lh_begun", begun | has_base).where("__lh_begun").drop("__lh_begun")


def _with_lateness(single: DataFrame, spec: ChangeSpec) -> DataFrame:
    """Say of every event whether it is new and older than what was stored, and of every key whether it has such events."""
    whole = ev.of_key(spec)
    has_base = F.max(F.col(ev.BASE) | F.col(ev.DISPLACES)).over(whole)
    newest = F.max(F.when(F.col(ev.STORED), F.col(SEQUENCE))).over(whole)
    is_new = ev.is_new(single)
    return single.select(
        "*",
        (has_base & ~F.first(ev.BASE).over(whole)).alias(LATE_KEY),
        F.when(is_new & (F.col(SEQUENCE) < newest), 1).otherwise(0).alias(ev.LATE),
        F.when(is_new, 1).otherwise(0).alias(ev.APPLIED),
    )


def _annotate(single: DataFrame, spec: ChangeSpec, payload: StructType) -> DataFrame:
    """Cut the events of each key into runs and give every row its interval."""
    window = ev.by_key(spec)
    so_far = window.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    upsert = F.col(OP) == UPSERT
    tracked = ev.comparable(ev.tracked_columns(spec, payload), payload)
    extends = upsert & (F.lag(OP).over(window) == UPSERT) & tracked.eqNullSafe(F.lag(tracked).over(window))
    begun = single.withColumn("__lh_extends", F.coalesce(extends, F.lit(False)))
    # A run starts at its first event; a base row brings the start of the run that it ends.
    start = (
        F.when(F.col(ev.BASE), F.struct(F.col(f"{_OLD}.{VALID_FROM}").alias("s"), F.col(f"{_OLD}.{EFFECTIVE_FROM}").alias("t")))
        .when(~F.col("__lh_extends"), F.struct(F.col(SEQUENCE).alias("s"), F.col(EVENT_TIME).alias("t")))
    )  # fmt: skip
    followed = begun.select(
        "*",
        F.last(start, ignorenulls=True).over(so_far).alias("__lh_start"),
        F.lead(F.struct(SEQUENCE, EVENT_TIME, "__lh_extends")).over(window).alias("__lh_next"),
    )
    last = F.col("__lh_next").isNull()
    zero_width = ev.is_end() | F.coalesce(F.col("__lh_next.__lh_extends"), F.lit(False))
    intervals = {
        VALID_FROM: F.when(zero_width, F.col(SEQUENCE)).otherwise(F.col("__lh_start.s")),
        VALID_TO: F.when(zero_width, F.col(SEQUENCE)).otherwise(F.col(f"__lh_next.{SEQUENCE}")),
        EFFECTIVE_FROM: F.when(zero_width, F.col(EVENT_TIME)).otherwise(F.col("__lh_start.t")),
        EFFECTIVE_TO: F.when(zero_width, F.col(EVENT_TIME)).otherwise(F.col(f"__lh_next.{EVENT_TIME}")),
        IS_CURRENT: last & ~zero_width,
        IS_LATEST: last,
    }
    return followed.select(
        *[F.col(quoted(name)) for name in single.columns], *[column.alias(name) for name, column in intervals.items()]
    )


def versions(history: DataFrame) -> DataFrame:
    """The versions alone: every interval that has a width. Absorbed events and tombstones are left out."""
    return history.where(IS_VERSION)


def current(history: DataFrame) -> DataFrame:
    """The open version of every key that is not deleted."""
    return history.where(F.col(IS_CURRENT))


def as_of(history: DataFrame, instant: datetime | None = None, *, sequence: object = None) -> DataFrame:
    """The versions that were the truth at a point: an instant of event time, or a position in the sequence.

    Args:
        history: a history table.
        instant: zone-aware; compared with `_effective_from` / `_effective_to`. Needs a feed that carries event times.
        sequence: a value of the sequence's type (for a struct: a tuple in field order); compared with `_valid_from` /
            `_valid_to`.

    Raises:
        ConfigError: neither or both are given, or the instant has no time zone.
    """
    if (instant is None) == (sequence is None):
        msg = "as_of needs an instant or a sequence, and not both"
        raise ConfigError(msg)
    if instant is not None:
        if instant.tzinfo is None:
            msg = "as_of needs an instant with a time zone, for example datetime(2026, 1, 1, tzinfo=UTC)"
            raise ConfigError(msg)
        return history.where(_covers(EFFECTIVE_FROM, EFFECTIVE_TO, F.lit(instant)))
    return history.where(_covers(VALID_FROM, VALID_TO, literal(sequence, history.schema[SEQUENCE].dataType)))


def _covers(start: str, end: str, point: Column) -> Column:
    open_ended = F.col(IS_CURRENT) & F.col(end).isNull()
    return (F.col(start) <= point) & (open_ended | (point < F.col(end)))
