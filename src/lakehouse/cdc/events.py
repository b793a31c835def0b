"""Events and how they are put in order: what the folds of the current and the history table share.

An event frame holds the payload columns, `_op`, `_sequence`, `_provided`, `_event_time` and `_stored`: whether the row came
out of the table (true) or out of the batch (false). Everything here runs in one window per key, ordered by sequence, so
that a merge needs one shuffle by key and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StringType, StructType

from lakehouse.cdc.changes import DELETE, EVENT_TIME_TYPE, PROVIDED_TYPE, TRUNCATE, UPSERT, ChangeSpec
from lakehouse.columns import (
    CHANGE_COLUMNS,
    EVENT_TIME,
    OP,
    PROVIDED,
    RESERVED,
    SEQUENCE,
    alike,
    as_tuple,
    quoted,
    require,
)
from lakehouse.errors import ConfigError, InvalidChangesError

WORKING = "__lh_"
"""Prefix of the columns a fold works with; none of them reaches a table."""

STORED = "__lh_stored"
DUPLICATES = "__lh_duplicates"
TIES = "__lh_ties"
LATE = "__lh_late"
APPLIED = "__lh_applied"
TIED = "__lh_tied"
DISPLACES = "__lh_displaces"
SOURCES = "__lh_sources"
OUTCOME = "__lh_outcome"
BASE = "__lh_base"
"""Marks rows of a history table that stand for everything before them."""
COMPLETE = "__lh_complete"
"""Marks rows whose values are final, however little their own event carried."""
IMPLIED = "__lh_implied"
"""Marks deletes that a truncate of the table means for one key: they are no rows of the batch and are not counted."""

# What becomes of a row of the table.
INSERTED = "inserted"
UPDATED = "updated"
DELETED = "deleted"
UNCHANGED = "unchanged"

_HASH = "__lh_content_hash"


def payload_of(schema: StructType) -> StructType:
    """The columns of a change log, or of a table made from one, that are data: all but the reserved ones."""
    return StructType([f for f in schema.fields if f.name not in RESERVED and not f.name.startswith(WORKING)])


def check_spec(spec: ChangeSpec, payload: StructType) -> None:
    """Refuse a spec that names columns the payload lacks, or tracks its own keys.

    Raises:
        MissingColumnsError: a key, tracked or null-ignoring column is not there.
        ConfigError: a key is tracked.
    """
    named = [*spec.keys, *(spec.track or ())]
    if not isinstance(spec.ignore_nulls, bool):
        named += spec.ignore_nulls
    require(named, payload.names, where="the change log")
    if tracked_keys := set(spec.track or ()) & set(spec.keys):
        msg = f"key columns cannot be tracked, a key never changes: {', '.join(sorted(tracked_keys))}"
        raise ConfigError(msg)


def check_names(schema: StructType) -> None:
    """Refuse a change log with names that the library keeps for itself, or that differ in letter case alone.

    Raises:
        InvalidChangesError: names them.
    """
    kept = (RESERVED - set(CHANGE_COLUMNS)) & set(schema.names)
    taken = sorted(kept | {name for name in schema.names if name.startswith(WORKING)})
    if taken:
        msg = (
            f"the change log uses reserved column names: {', '.join(taken)}. Rename or drop them; nothing was written."
        )
        raise InvalidChangesError(msg)
    if twice := alike(schema.names):
        msg = f"columns of the change log have names that differ in letter case alone: {', '.join(twice)}. Rename one."
        raise InvalidChangesError(msg)


def tracked_columns(spec: ChangeSpec, payload: StructType) -> tuple[str, ...]:
    """The columns whose change opens a new version, in payload order."""
    wanted = payload.names if spec.track is None else spec.track
    return tuple(name for name in payload.names if name in wanted and name not in spec.keys)


def normalise(changes: DataFrame, spec: ChangeSpec) -> DataFrame:
    """Bring a change log into the one shape the folds expect; row for row, nothing is dropped.

    Deletes keep only their keys, so that two images of one delete are the same event. `_provided` becomes the sorted list
    of the columns the event really carries (nulls left out under `ignore_nulls`), or null when it carries all.
    """
    check_names(changes.schema)
    payload = payload_of(changes.schema)
    require([OP, SEQUENCE], changes.columns, where="the change log")
    check_spec(spec, payload)
    _check_sequence(changes.schema[SEQUENCE].dataType, spec)
    given = F.col(PROVIDED) if PROVIDED in changes.columns else F.lit(None).cast(PROVIDED_TYPE)
    is_upsert = F.col(OP) == UPSERT
    values = [
        F.col(quoted(f.name)) if f.name in spec.keys else F.when(is_upsert, F.col(quoted(f.name))).alias(f.name)
        for f in payload.fields
    ]
    time = F.col(EVENT_TIME) if EVENT_TIME in changes.columns else F.lit(None)
    return changes.select(
        *values,
        F.col(OP),
        F.col(SEQUENCE),
        F.when(is_upsert, _carried(given, spec, payload)).alias(PROVIDED),
        time.cast(EVENT_TIME_TYPE).alias(EVENT_TIME),
        F.lit(False).alias(STORED),
    )


def _check_sequence(data_type: DataType, spec: ChangeSpec) -> None:
    if isinstance(data_type, MapType):
        msg = "_sequence is a map, which has no order; use a number, a timestamp, a text or a struct of them"
        raise InvalidChangesError(msg)
    if isinstance(data_type, StringType) and not spec.text_sequence:
        msg = (
            "_sequence is text, which orders '10' before '9'. Cast it to a number, or say text_sequence=True when it is "
            "of fixed width"
        )
        raise InvalidChangesError(msg)


def _carried(given: Column, spec: ChangeSpec, payload: StructType) -> Column:
    """The sorted names of the columns an event carries; null when it carries all of them."""
    others = [name for name in payload.names if name not in spec.keys]
    nullable = others if spec.ignore_nulls is True else as_tuple(spec.ignore_nulls or ())
    carries = [
        (given.isNull() | F.array_contains(given, name))
        & (F.col(quoted(name)).isNotNull() if name in nullable else F.lit(True))
        for name in others
    ]
    if not carries:
        return F.lit(None).cast(PROVIDED_TYPE)
    all_carried = carries[0]
    for carried in carries[1:]:
        all_carried = all_carried & carried
    names = F.array(*[F.when(carried, F.lit(name)) for carried, name in zip(carries, others, strict=True)])
    return F.when(~all_carried, F.array_sort(F.array_compact(names)))


def violations(spec: ChangeSpec) -> dict[str, Column]:
    """Aggregates that count what a batch may not hold, by what to call it in the error."""
    refused = {'truncate events, which on_truncate="fail" refuses': F.count_if(F.col(OP) == TRUNCATE)}
    keyless = F.lit(False)
    for key in spec.keys:
        keyless = keyless | F.col(quoted(key)).isNull()
    truncates = F.col(OP) == TRUNCATE
    known = F.col(OP).isin(UPSERT, DELETE, TRUNCATE)
    return {
        "rows without a key": F.count_if(keyless & ~truncates),
        "rows without a sequence": F.count_if(F.col(SEQUENCE).isNull()),
        "rows whose _op is not upsert, delete or truncate": F.count_if(~F.coalesce(known, F.lit(False))),
        **(refused if spec.on_truncate == "fail" else {}),
    }


def by_key(spec: ChangeSpec) -> WindowSpec:
    """One window per key, in sequence order. With soft deletes a delete comes behind the upsert at its place."""
    # Elsewhere a place holds one event, and ordering by more than `collapse` began with would sort once more.
    order = [F.col(SEQUENCE), *([F.desc(OP)] if spec.deletes == "soft" else [])]
    return Window.partitionBy(*[quoted(key) for key in spec.keys]).orderBy(*order)


def of_key(spec: ChangeSpec) -> WindowSpec:
    """All rows of a key."""
    return by_key(spec).rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)


def is_end() -> Column:
    """Whether the event ends what came before: a delete, or the truncate of the whole table."""
    return F.col(OP) != UPSERT


def is_new(events: DataFrame) -> Column:
    """Whether a row is one of the batch."""
    return ~F.col(STORED) & ~F.col(IMPLIED) if IMPLIED in events.columns else ~F.col(STORED)


def wins(spec: ChangeSpec) -> Column:
    """Whether the event is of the kind that wins a tie of a delete and an upsert."""
    return F.col(OP) == (UPSERT if spec.on_tie == "upsert_wins" else DELETE)


def collapse(
    events: DataFrame,
    spec: ChangeSpec,
    *,
    remnants: bool = False,
    deletes_apart: bool = False,
    rows: Column | None = None,
) -> DataFrame:
    """Keep one event per (key, sequence) and count what it stands for.

    Equal events are duplicates; the stored one stays. Different events at one sequence are a tie: a delete beats an
    upsert (or the other way round, see `wins`), then the larger content hash wins, which is the same winner whatever came
    first. What a truncate of the table means for the key gives way to an event of its own. Adds `_duplicates` and `_ties`:
    how many rows of the batch the kept event displaced, and `_displaces`: whether a row of the table was among them.

    Args:
        events: stored and new events of the same keys.
        spec: the keys, and which operation wins.
        remnants: whether a stored event may be what is left of one, its other columns overwritten since. Such a remnant
            is taken for the same event as a new one at its sequence.
        deletes_apart: keep a delete and the upsert at its sequence: where rows outlive their deletes, the upsert's values
            are still shown. They count as tied, and neither as lost.
        rows: whether an event that is stored is a row of the table; None: every one is.
    """
    payload = payload_of(events.schema)
    rank = F.when(F.col(OP) == TRUNCATE, 0).when(wins(spec), 2).otherwise(1)
    displaced = F.col("__lh_repeats") & F.col(STORED) & (F.lit(True) if rows is None else rows)
    keys = [quoted(key) for key in spec.keys]
    place = [F.col(SEQUENCE), *([F.col(OP) == DELETE] if deletes_apart else [])]
    # By the keys alone: this is the first window, and what it shuffles by has to serve all that follow.
    ranked = Window.partitionBy(*keys).orderBy(*place, rank.desc(), F.desc(_HASH), F.desc(STORED))
    same_moment = Window.partitionBy(*keys, *place)
    repeats = F.coalesce(reduce(and_, (F.lag(part).over(ranked) == part for part in place)), F.lit(False))
    same = repeats & (F.lag(_HASH).over(ranked) == F.col(_HASH)) & (F.lag(OP).over(ranked) == F.col(OP))
    if remnants:
        remnant = F.col(STORED) & F.col(PROVIDED).isNotNull()
        same = same | (repeats & (remnant | F.lag(remnant).over(ranked)))
    hashed = events.withColumn(_HASH, content_hash(payload, spec))
    flagged = hashed.select("*", repeats.alias("__lh_repeats"), F.coalesce(same, F.lit(False)).alias("__lh_same"))
    from_batch = is_new(events)
    lost = F.col("__lh_repeats") & ~F.col("__lh_same")
    tied = F.count_if(lost & (F.col(OP) != TRUNCATE)).over(same_moment) > 0
    if deletes_apart:
        real = Window.partitionBy(*keys, SEQUENCE)
        tied = tied | (F.count_if(F.col(OP) == DELETE).over(real) * F.count_if(F.col(OP) == UPSERT).over(real) > 0)
    counted = flagged.select(
        "*",
        F.count_if(F.col("__lh_same") & from_batch).over(same_moment).alias(DUPLICATES),
        F.count_if(lost & from_batch).over(same_moment).alias(TIES),
        tied.alias(TIED),
        F.max(displaced).over(same_moment).alias(DISPLACES),
    )
    return counted.where(~F.col("__lh_repeats")).drop(_HASH, "__lh_repeats", "__lh_same")


def content_hash(payload: StructType, spec: ChangeSpec) -> Column:
    """A hash of what the event itself carries.

    Every non-null value is hashed with the name of its column and null adds nothing, so a column that is added to the
    table later leaves the hashes of older events as they were.
    """
    parts: list[Column] = []
    for field in payload.fields:
        if field.name in spec.keys:
            continue
        own = F.when(carries(field.name), canonical(F.col(quoted(field.name)), field.dataType))
        parts += [F.when(own.isNotNull(), F.lit(field.name)), own]
    return F.xxhash64(F.lit(42), *parts, F.concat_ws("\x00", F.col(PROVIDED)))


def carries(name: str) -> Column:
    """Whether the event itself carries the column (and does not merely inherit its value)."""
    return F.col(PROVIDED).isNull() | F.array_contains(F.col(PROVIDED), name)


def comparable(names: Sequence[str], schema: StructType, *, within: str = "") -> Column:
    """A struct of the columns that `<=>` can compare: null equals null, NaN equals NaN, maps by their entries.

    `within` is the path of the struct that holds the columns, with its dot; empty for columns of the frame itself.
    """
    columns = [canonical(F.col(within + quoted(name)), schema[name].dataType) for name in names]
    return F.struct(F.lit(1).alias("c"), *[column.alias(f"c{i}") for i, column in enumerate(columns)])


def canonical(column: Column, data_type: DataType) -> Column:
    """The column in a form that can be compared and hashed: maps, which have no order, become the text of their entries."""
    if isinstance(data_type, MapType):
        return F.to_json(F.array_sort(F.map_entries(column)))
    return F.to_json(column) if _has_map(data_type) else column


def _has_map(data_type: DataType) -> bool:
    if isinstance(data_type, ArrayType):
        return _has_map(data_type.elementType)
    if isinstance(data_type, StructType):
        return any(_has_map(field.dataType) for field in data_type.fields)
    return isinstance(data_type, MapType)


def fill(events: DataFrame, spec: ChangeSpec, *, complete: Column) -> DataFrame:
    """Give every upsert the values it leaves out: those of the last upsert that carried them since the last delete.

    `complete` marks rows whose values are final already. Adds `__lh_sources`: for every column that the event left out the
    sequence of the event that wrote it (null: none did), and null for events that carry everything.
    """
    payload = payload_of(events.schema)
    others = [name for name in payload.names if name not in spec.keys]
    lives = by_key(spec).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    life = F.count_if(is_end()).over(lives)
    in_life = (
        by_key(spec)
        .partitionBy(*[quoted(key) for key in spec.keys], "__lh_life")
        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )
    upsert = F.col(OP) == UPSERT
    written = {
        name: F.last(
            F.when(
                upsert & (complete | carries(name)),
                F.struct(F.col(quoted(name)).alias("v"), F.col(SEQUENCE).alias("s")),
            ),
            ignorenulls=True,
        ).over(in_life)
        for name in others
    }
    numbered = events.withColumn("__lh_life", life)
    found = numbered.select("*", *[column.alias(f"__lh_w{i}") for i, column in enumerate(written.values())])
    sources = [
        F.struct(F.lit(name).alias("key"), F.col(f"__lh_w{i}.s").alias("value")) for i, name in enumerate(others)
    ]
    inherited = F.filter(F.array(*sources), lambda entry: ~F.array_contains(F.col(PROVIDED), entry["key"]))
    values = {name: F.when(upsert, F.col(f"__lh_w{i}.v")) for i, name in enumerate(others)}
    kept = [name for name in events.columns if name not in others]
    ordered = [values[name].alias(name) if name in values else F.col(quoted(name)) for name in payload.names]
    return found.select(
        *ordered,
        *[F.col(quoted(name)) for name in kept if name not in payload.names],
        F.when(upsert & F.col(PROVIDED).isNotNull(), F.map_from_entries(inherited)).alias(SOURCES),
    )
