"""How one rule is worked out: what is asked of frames, how the answers are read, and what the rule says of each row."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StructType

from lakehouse.columns import alike, quoted
from lakehouse.quality.files import FileFacts
from lakehouse.quality.judging import RuleError
from lakehouse.quality.rules import Comparison, Condition, Number, Rule

ALL = Comparison("=", Number(Decimal(1)))
"""What is asked of a share when nothing else is: that it is 1."""

NOTHING = "there is nothing to measure: no row, or no value"

Attach = Callable[[DataFrame, str], DataFrame]
"""Adds a column of a name to a frame, one row for one row: whether the row passes; null: the rule has nothing to say of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the answers come to.

    Attributes:
        value: what the condition is asked of; None: there was nothing to measure.
        metrics: under Glue's names; those without a value are left out.
        failure: why the rule failed, if it did; None: the value is not as the condition asks.
    """

    value: float | None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The values of some columns together, counted: how many rows have any, how many values there are, and how many stand once."""

    columns: tuple[str, ...]
    where: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """How often the values of a column stand in it: numbers by bins, others each by itself.

    Attributes:
        column: its name.
        data_type: its type.
        numeric: whether that is one of numbers.
        number: how many bins.
        edges: where they begin, and where the last one ends, not included; none: from the least number to the greatest.
    """

    column: str
    data_type: DataType
    numeric: bool
    number: int
    edges: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How one rule is worked out. What it asks is answered in this order, and `read` is called with all answers.

    Attributes:
        aggregates: asked of the frame.
        sources: one aggregate of another dataset each, by its alias.
        groups: asked of the frame: rows, values, values that stand once, and the sum of n * ln(n) over the counts n.
        bins: asked of the frame: a profile.
        query: a frame of one row.
        read: makes of the answers what was measured.
        expected: what is asked of the value.
        name: of the measure whose earlier values the condition may speak of; as `Evaluation.metrics` has it.
        qualifier: what tells its metrics from others that Glue gives the same names.
        detects: whether all metrics of the reading are held against those of earlier runs, instead of the value against
            `expected`.
        flag: whether a row passes; null where the rule leaves it out. None: it says nothing of rows.
        nothing: why the rule fails if there is nothing to measure.
    """

    aggregates: tuple[Column, ...] = ()
    sources: tuple[tuple[str, Column], ...] = ()
    groups: Groups | None = None
    bins: Bins | None = None
    query: DataFrame | None = None
    read: Callable[..., Reading]
    expected: Condition = ALL
    name: str = ""
    qualifier: str = ""
    detects: bool = False
    flag: Column | Attach | None = None
    nothing: str = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What rules are asked of.

    Attributes:
        frame: the primary dataset.
        sources: the other ones, by alias.
        as_of: the instant of the evaluation, with its zone.
        query: makes a frame of a query in SQL.
        files: the files at a path, or below it; None: those that the primary dataset was read from. Raises RuleError where
            they cannot be listed.
        history: metrics of earlier runs, the oldest first.
    """

    frame: DataFrame
    sources: Mapping[str, DataFrame]
    as_of: datetime
    query: Callable[[str], DataFrame]
    files: Callable[[str | None], Sequence[FileFacts]]
    history: Sequence[Mapping[str, float]] = ()

    def column_type(self, name: str) -> DataType:
        """The type of a column of the primary dataset.

        Raises:
            RuleError: it has no such column, or two that Spark takes for one.
        """
        return column_type(self.frame.schema, name, where="the frame")

    def source(self, alias: str) -> DataFrame:
        """Another dataset.

        Raises:
            RuleError: there is none of this alias.
        """
        if alias not in self.sources:
            there = f"there are: {', '.join(self.sources)}" if self.sources else "there is none"
            msg = f"there is no source {alias}{near(alias, self.sources) or '; ' + there}"
            raise RuleError(msg)
        return self.sources[alias]


Compile = Callable[[Rule, Subject], Probe]
"""Makes a probe of a rule; raises RuleError where the rule does not fit what it is asked of."""


def column_type(schema: StructType, name: str, *, where: str) -> DataType:
    """The type of a column; letter case counts.

    Raises:
        RuleError: there is no such column, or there are two that Spark takes for one.
    """
    if name not in schema.names:
        there = f"; there are: {', '.join(schema.names)}"
        msg = f"{where} has no column {name}{near(name, schema.names) or there}"
        raise RuleError(msg)
    if name in alike(schema.names):
        msg = f"{where} has several columns that Spark takes for {name}: rename one"
        raise RuleError(msg)
    return schema[name].dataType


def near(name: str, names: Mapping[str, Any] | list[str]) -> str:
    """The nearest of some names, as a question; empty: none is near.

    >>> near("customer_ID", ["id", "customer_id"])
    '; did you mean customer_id?'
    """
    folded = {one.lower(): one for one in names}
    found = difflib.get_close_matches(name.lower(), folded, n=1)
    return f"; did you mean {folded[found[0]]}?" if found else ""


def predicate(where: str | None) -> Column | None:
    """The `where` of a rule; null is as false. None: all rows count."""
    return None if where is None else F.expr(where)


def within(where: Column | None, value: Column) -> Column:
    """The value in rows that count, null in the others."""
    return value if where is None else F.when(where, value)


def count(where: Column | None) -> Column:
    """How many rows count."""
    return F.count(within(where, F.lit(1)))


def col(name: str) -> Column:
    """A column, whatever is in its name."""
    return F.col(quoted(name))


def plain(name: object) -> str:
    """A parameter as text: in quotes or not makes no difference."""
    return str(getattr(name, "value", name))


def share(part: int, whole: int) -> float | None:
    """A part of a whole; None: there is no whole."""
    return part / whole if whole else None


def qualifier(rule: Rule) -> str:
    """What tells the metrics of a rule with `where` from those of all rows."""
    return f" (where: {rule.where})" if rule.where is not None else ""


def number_probe(
    rule: Rule, name: str, aggregates: tuple[Column, ...], read: Callable[..., float | Decimal | None]
) -> Probe:
    """One number under Glue's name, which the condition of the rule is about; without a condition it has to be 1."""

    def reading(*answers: Any) -> Reading:
        value = read(*answers)
        number = None if value is None else float(value)
        return Reading(value=number, metrics={name: number})

    return Probe(
        aggregates=aggregates,
        read=reading,
        expected=rule.condition or ALL,
        name=name + qualifier(rule),
        qualifier=qualifier(rule),
    )


def share_probe(rule: Rule, flag: Column, name: str, expected: Condition | None) -> Probe:
    """The share of the rows that pass among those that count; None: all have to."""
    return Probe(
        aggregates=(F.count(flag), F.count_if(flag)),
        read=share_reading(name, every=expected is None),
        expected=expected or ALL,
        name=name + qualifier(rule),
        qualifier=qualifier(rule),
        flag=flag,
    )


def share_reading(name: str, *, every: bool) -> Callable[[int, int], Reading]:
    """Makes of how many rows there are and how many pass what was measured; `every`: none may fail."""

    def read(rows: int, passing: int) -> Reading:
        value = share(passing, rows)
        failure = f"{rows - passing} of {rows} rows do not pass" if every else None
        return Reading(value=value, metrics={name: value}, failure=failure)

    return read
