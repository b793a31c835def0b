"""What is known of a column in a form that merges: a week is made of its days, and no row is read again.

Counts, sums, deviations, ends and the counts of few categories merge. How many different values there are beyond
`MOST_CATEGORIES`, and quantiles, do not: they take sketches, which are not here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from pyspark.sql import Row
from pyspark.sql.types import DoubleType, LongType, MapType, StringType, StructField, StructType, TimestampType

from lakehouse.errors import ConfigError
from lakehouse.quality.metrics import collected_instant, require_zone

MOST_CATEGORIES: Final = 100
"""How many different values are counted one by one; of more nothing is kept."""

_COUNTS = ("rows", "nonnulls", "numbers")
_MEASURES = ("total", "m2", "least", "greatest")
STATES = StructType(
    [
        StructField("run_id", StringType()),
        StructField("at", TimestampType()),
        StructField("table_name", StringType()),
        StructField("partition", StringType()),
        StructField("column_name", StringType()),
        *(StructField(name, LongType()) for name in _COUNTS),
        *(StructField(name, DoubleType()) for name in _MEASURES),
        StructField("categories", MapType(StringType(), LongType())),
    ]
)
"""The columns of the table that keeps states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnState:
    """What is known of one column in some rows; the default is of no rows at all.

    Attributes:
        rows: how many rows there are.
        nonnulls: how many have a value.
        numbers: how many have a finite number; the next four are of these.
        total: their sum.
        m2: the sum of the squared distances from their mean.
        least: the smallest; None: there is none.
        greatest: the largest; None: there is none.
        categories: how often each value stands there; None: not counted, or too many. Holds values of rows.

    Raises:
        ConfigError: the numbers cannot all be true.
    """

    rows: int = 0
    nonnulls: int = 0
    numbers: int = 0
    total: float = 0.0
    m2: float = 0.0
    least: float | None = None
    greatest: float | None = None
    categories: Mapping[str, int] | None = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no rows can be like."""
        sound = 0 <= self.numbers <= self.nonnulls <= self.rows
        if not sound or (self.least is None, self.greatest is None) != (self.numbers == 0,) * 2:
            msg = (
                f"no column has {self.rows} rows, {self.nonnulls} values and {self.numbers} numbers with these ends: "
                "0 <= numbers <= nonnulls <= rows must hold, with two ends where there are numbers and none where not"
            )
            raise ConfigError(msg)

    @property
    def mean(self) -> float:
        """The mean of the numbers; 0 of none."""
        return self.total / self.numbers if self.numbers else 0.0


def state_of(values: Iterable[object], *, categorical: bool = False) -> ColumnState:
    """The state of values that are at hand; None is null, and a boolean is no number.

    Args:
        values: of one column.
        categorical: whether each value is counted, as text.
    """
    every = list(values)
    there = [one for one in every if one is not None]
    finite = [float(one) for one in there if isinstance(one, int | float | Decimal) and not isinstance(one, bool)]
    numbers = [one for one in finite if math.isfinite(one)]
    total = _sum(numbers)
    mean = total / len(numbers) if numbers else 0.0
    return ColumnState(
        rows=len(every),
        nonnulls=len(there),
        numbers=len(numbers),
        total=total,
        m2=_sum([(one - mean) * (one - mean) for one in numbers]),
        least=min(numbers, default=None),
        greatest=max(numbers, default=None),
        categories=bounded(Counter(map(str, there))) if categorical else None,
    )


def merge_states(states: Iterable[ColumnState]) -> ColumnState:
    """The state of all rows together; of no states that of no rows.

    The rows must be different ones. In any order and grouping counts, ends and categories are the same to the last digit, sums
    and `m2` up to rounding. Method: Chan, Golub and LeVeque (1979), for any number of parts at once.
    """
    parts = list(states)
    measured = [one for one in parts if one.least is not None and one.greatest is not None]
    numbers = sum(one.numbers for one in measured)
    total = _sum([one.total for one in measured])
    mean = total / numbers if numbers else 0.0
    apart = [one.numbers * (one.mean - mean) * (one.mean - mean) for one in measured]
    return ColumnState(
        rows=sum(one.rows for one in parts),
        nonnulls=sum(one.nonnulls for one in parts),
        numbers=numbers,
        total=total,
        m2=_sum([*(one.m2 for one in measured), *apart]),
        least=min((one.least for one in measured if one.least is not None), default=None),
        greatest=max((one.greatest for one in measured if one.greatest is not None), default=None),
        categories=_merged_categories([one.categories for one in parts]),
    )


def _merged_categories(parts: Sequence[Mapping[str, int] | None]) -> Mapping[str, int] | None:
    counts: Counter[str] = Counter()
    for one in parts:
        if one is None:
            return None
        counts.update(one)
    return bounded(counts)


def bounded(counts: Mapping[str, int]) -> Mapping[str, int] | None:
    """How often each value stands there, in the order of values; None where there are more than `MOST_CATEGORIES`."""
    return dict(sorted(counts.items())) if len(counts) <= MOST_CATEGORIES else None


def _sum(numbers: Sequence[float]) -> float:
    """Rounded once, so that the order makes no difference; infinite or NaN where it leaves the doubles."""
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # fsum raises where plain addition gives an infinity or NaN
        return sum(numbers)


def state_metrics(state: ColumnState, column: str | None) -> dict[str, float]:
    """The metrics that a state knows, under Glue's names; those without a value are left out.

    Args:
        state: of a column, or of a table.
        column: its name; None: of the table, whose rows alone count.
    """
    if column is None:
        return {"Dataset.*.RowCount": float(state.rows)}
    found: dict[str, float | None] = {
        "Completeness": state.nonnulls / state.rows if state.rows else None,
        "Sum": state.total if state.numbers else None,
        "Mean": state.mean if state.numbers else None,
        "StandardDeviation": math.sqrt(state.m2 / state.numbers) if state.numbers else None,
        "Minimum": state.least,
        "Maximum": state.greatest,
        "DistinctValuesCount": None if state.categories is None else float(len(state.categories)),
    }
    return {f"Column.{column}.{name}": value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow:
    """What one run knows of one column of one part of a table.

    Attributes:
        run_id: the run.
        at: its instant, with a zone.
        table: the table.
        partition: the part: a day, a batch. Parts have no rows in common.
        column: the column; None: the table itself, of which only `rows` counts.
        state: what is known.

    Raises:
        ConfigError: the instant has no zone.
    """

    run_id: str
    at: datetime
    table: str
    partition: str
    column: str | None
    state: ColumnState

    def __post_init__(self) -> None:
        """Refuse an instant that is none."""
        require_zone(self.at)


def roll_up(
    rows: Iterable[StateRow], table: str, *, partitions: Collection[str] | None = None
) -> dict[str | None, ColumnState]:
    """The states of the columns of several parts of a table together, by column; None is the table itself.

    Of each part the newest run counts and no other, so a day that was loaded again is not in there twice. A column that not all
    parts have is of those that have it.

    Args:
        rows: in any order, of any tables.
        table: the table.
        partitions: the parts, such as the days of a week; None: all that are known.
    """
    mine = [row for row in rows if row.table == table and (partitions is None or row.partition in partitions)]
    newest: dict[str, tuple[datetime, str]] = {}
    for row in mine:
        newest[row.partition] = max(newest.get(row.partition, (row.at, row.run_id)), (row.at, row.run_id))
    current = {(row.partition, row.column): row for row in mine if newest[row.partition] == (row.at, row.run_id)}
    return merge_columns(current.values())


def merge_columns(rows: Iterable[StateRow]) -> dict[str | None, ColumnState]:
    """The states of different rows of a table together, by column; None is the table itself.

    A column that not all parts have is of those that have it.
    """
    columns: dict[str | None, list[ColumnState]] = {}
    for row in rows:
        columns.setdefault(row.column, []).append(row.state)
    return {column: merge_states(states) for column, states in columns.items()}


def state_record(row: StateRow) -> tuple[object, ...]:
    """A row as `STATES` has it, for `createDataFrame`."""
    state = row.state
    known = [getattr(state, name) for name in (*_COUNTS, *_MEASURES)]
    categories = None if state.categories is None else dict(state.categories)
    return (row.run_id, row.at, row.table, row.partition, row.column, *known, categories)


def state_row(record: Row) -> StateRow:
    """A collected row of `STATES`."""
    known = {name: record[name] for name in (*_COUNTS, *_MEASURES, "categories")}
    return StateRow(
        run_id=record["run_id"],
        at=collected_instant(record["at"]),
        table=record["table_name"],
        partition=record["partition"],
        column=record["column_name"],
        state=ColumnState(**known),
    )
