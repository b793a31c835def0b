"""A batch of change events before it meets a table: what is in it, and which keys it can touch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, DateType, DecimalType, IntegralType

from lakehouse.cdc import events as ev
from lakehouse.cdc.changes import DELETE, TRUNCATE, ChangeSpec
from lakehouse.columns import EVENT_TIME, OP, PROCESSED_DATE, PROVIDED, SEQUENCE, quoted
from lakehouse.errors import InvalidChangesError
from lakehouse.tables.bounds import as_place, place_type
from lakehouse.tables.memory import Truncate, as_truncates

# Bounds become literals of a query plan, and plans end up in logs. Numbers and dates only: a text key may be an address.
_BOUNDED = (IntegralType, DecimalType, DateType)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """Smallest and largest value of the key columns that have numbers or dates, to let a table skip files."""

    bounds: dict[str, tuple[object, object]] = field(default_factory=dict)

    def predicate(self) -> Column:
        """Whether a row can be one of the batch."""
        within = F.lit(True)
        for name, (low, high) in self.bounds.items():
            within = within & F.col(quoted(name)).between(F.lit(low), F.lit(high))
        return within

    def sql(self, alias: str) -> list[str]:
        """The same as SQL conditions over the alias of a table."""
        return [
            f"{alias}.{quoted(name)} BETWEEN {_literal(low)} AND {_literal(high)}"
            for name, (low, high) in self.bounds.items()
        ]


def _literal(value: object) -> str:
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, Decimal):
        return f"{value:f}BD"
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Normalised events and what one look at them told.

    Attributes:
        events: those that are to be folded, as `lakehouse.cdc.events.normalise` makes them.
        rows: how many there are.
        partial: whether some event leaves columns out.
        range: the keys it can touch; no bounds when it truncates the table.
        too_late: how many events lie before the horizon and were left out.
        truncates: the truncates in it, each once.
        truncate_rows: how many rows they were.
        deletes: whether some event is a delete.
        first: the place of the oldest event in the sequence, see `lakehouse.tables.bounds`; None: not known.
        last: that of the newest one.
    """

    events: DataFrame
    rows: int
    partial: bool
    range: KeyRange
    too_late: int = 0
    truncates: tuple[Truncate, ...] = ()
    truncate_rows: int = 0
    deletes: bool = False
    first: Any = None
    last: Any = None


def measure(events: DataFrame, spec: ChangeSpec, horizon: Column | None = None) -> Batch:
    """Look at a batch once, in one job, and refuse what no merge may see.

    Args:
        events: a normalised change log.
        spec: its keys, and whether truncates are applied.
        horizon: the sequence before which events are too late; None: none is.

    Raises:
        InvalidChangesError: null keys or sequences, unknown or (unless they are applied) truncate operations, with their
            numbers.
    """
    lost = F.lit(False) if horizon is None else F.coalesce(F.col(SEQUENCE) < horizon, F.lit(False))
    truncate = (F.col(OP) == TRUNCATE) & ~lost if spec.on_truncate == "apply" else F.lit(False)
    truncated = F.collect_set(F.when(truncate, F.struct(SEQUENCE, EVENT_TIME)))
    violations = ev.violations(spec)
    bounded = [key for key in spec.keys if _is_bounded(events.schema[key].dataType)]
    counts = [
        F.count(F.lit(1)),
        F.coalesce(F.bool_or(F.col(PROVIDED).isNotNull()), F.lit(False)),
        F.count_if(lost),
        F.count_if(truncate),
        truncated,
        F.coalesce(F.bool_or(F.col(OP) == DELETE), F.lit(False)),
        *_ends(events),
    ]
    bounds = [bound(quoted(key)) for key in bounded for bound in (F.min, F.max)]
    found = list(events.agg(*counts, *violations.values(), *bounds).head() or ())
    rows, partial, too_late, truncate_rows, truncates, deletes, first, last, *rest = found
    broken = {label: number for label, number in zip(violations, rest, strict=False) if number}
    if broken:
        listed = "; ".join(f"{number} {label}" for label, number in broken.items())
        msg = f"the change log cannot be merged: {listed}. Set such rows aside first; nothing was written."
        raise InvalidChangesError(msg)
    edges = rest[len(violations) :]
    kept = rows - too_late - truncate_rows
    ranges = {key: (edges[2 * i], edges[2 * i + 1]) for i, key in enumerate(bounded)} if kept else {}
    return Batch(
        events=events.where(~lost & ~truncate) if kept < rows else events,
        rows=kept,
        partial=partial,
        range=KeyRange(bounds={} if truncates else ranges),
        too_late=too_late,
        truncates=as_truncates(truncates, events.schema[SEQUENCE].dataType),
        truncate_rows=truncate_rows,
        deletes=deletes,
        first=first,
        last=last,
    )


def _ends(events: DataFrame) -> list[Column]:
    """The places of the oldest and the newest event."""
    data_type = events.schema[SEQUENCE].dataType
    place = as_place(F.col(SEQUENCE), data_type) if place_type(data_type) else F.lit(None)
    return [F.min(place), F.max(place)]


def _is_bounded(data_type: DataType) -> bool:
    return isinstance(data_type, _BOUNDED)


def settled(df: DataFrame) -> DataFrame:
    """A frame that several jobs of one merge read: computed when the first of them runs, and a leaf to the planner.

    Caching alone would keep the whole plan of the feed and the fold behind every statement, which costs the planner more
    than the rows cost the executors.
    """
    return df.localCheckpoint(eager=False)


def dated(rows: DataFrame, columns: Sequence[str], spec: ChangeSpec) -> DataFrame:
    """Rows that are about to be written, with the day of their batch where the table has a column for it."""
    if PROCESSED_DATE not in columns:
        return rows
    return rows.withColumn(PROCESSED_DATE, F.lit(spec.processed_on).cast(DateType()))


def touched(stored: DataFrame, batch: Batch, spec: ChangeSpec, *, fresh: bool) -> DataFrame:
    """The stored rows that the batch can touch: those of its keys, or all when it truncates; of a fresh table none."""
    if fresh:
        return stored.limit(0)
    if batch.truncates:
        return stored
    keys = batch.events.select(*map(quoted, spec.keys))
    return stored.where(batch.range.predicate()).join(keys, on=list(spec.keys), how="left_semi")


def condition(columns: Sequence[str], batch: Batch, *narrowing: str) -> str:
    """The condition of a MERGE: equal on the columns (never null by contract), and what lets files be skipped."""
    return " AND ".join([*equal(columns), *batch.range.sql("t"), *narrowing])


def equal(columns: Iterable[str]) -> list[str]:
    """That target and source agree on the columns, as conditions of a MERGE."""
    return [f"t.{quoted(name)} = s.{quoted(name)}" for name in columns]


def assignments(columns: Iterable[str]) -> dict[str, str]:
    """The columns of the target from the columns of the source of the same name."""
    return {name: f"s.{quoted(name)}" for name in columns}
