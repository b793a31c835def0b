"""Rules on how often values stand in a frame as probes: they share one grouping for each set of columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import and_, or_

from pyspark.sql import Column, Window
from pyspark.sql import functions as F

from lakehouse.quality.judging import RuleError
from lakehouse.quality.probes import (
    Compile,
    Groups,
    Probe,
    Reading,
    Subject,
    col,
    count,
    number_probe,
    plain,
    predicate,
    qualifier,
    share,
    within,
)
from lakehouse.quality.rules import Rule


def _grouped(rule: Rule, subject: Subject) -> Probe:
    """Uniqueness, IsUnique, UniqueValueRatio, DistinctValuesCount and Entropy; rows without any value are left out."""
    names, where = tuple(plain(one) for one in rule.parameters), predicate(rule.where)
    for name in names:
        _require_comparable(subject, name)
    measure = "Uniqueness" if rule.type == "IsUnique" else rule.type

    def read(rows: int, distinct: int, unique: int, spread: float) -> float | None:
        if measure == "DistinctValuesCount":
            return distinct
        if measure == "Entropy":
            return math.log(rows) - spread / rows if rows else None
        return share(unique, distinct if measure == "UniqueValueRatio" else rows)

    probe = number_probe(rule, f"{_place(names)}.{measure}", (), read)
    if rule.type == "IsUnique":
        probe = replace(probe, read=_telling(probe.read))
    stands_once = F.when(any_value(names), within(where, _times(names, where) == 1))
    flag = stands_once if measure in {"Uniqueness", "UniqueValueRatio"} else None
    return replace(probe, groups=Groups(columns=names, where=rule.where), flag=flag)


def _primary_key(rule: Rule, subject: Subject) -> Probe:
    names, where = tuple(plain(one) for one in rule.parameters), predicate(rule.where)
    for name in names:
        _require_comparable(subject, name)
    whole = reduce(and_, (col(name).isNotNull() for name in names))

    def read(rows: int, complete: int, *counts: int) -> Reading:
        grouped, _, unique, _ = counts
        metrics = {
            f"{_place(names)}.Completeness": share(complete, rows),
            f"{_place(names)}.Uniqueness": share(unique, grouped),
        }
        return Reading(
            value=float(complete == rows and unique == grouped) if rows else None,
            metrics=metrics,
            failure=f"{rows - complete} of {rows} rows lack a value, and {grouped - unique} have one that is not theirs alone",
        )

    return Probe(
        aggregates=(count(where), F.count(within(where, F.when(whole, F.lit(1))))),
        groups=Groups(columns=names, where=rule.where),
        read=read,
        qualifier=qualifier(rule),
        flag=within(where, whole & (_times(names, where) == 1)),
    )


def _telling(read: Callable[..., Reading]) -> Callable[..., Reading]:
    """A reading that says of a failure how many rows repeat a value."""

    def telling(rows: int, distinct: int, unique: int, spread: float) -> Reading:
        failure = f"{rows - unique} of {rows} rows have a value that is not theirs alone"
        return replace(read(rows, distinct, unique, spread), failure=failure)

    return telling


def _place(names: tuple[str, ...]) -> str:
    return f"{'Column' if len(names) == 1 else 'Multicolumn'}.{','.join(names)}"


def any_value(names: Sequence[str]) -> Column:
    """Whether a row has a value in any of some columns."""
    return reduce(or_, (col(name).isNotNull() for name in names))


def _times(names: tuple[str, ...], where: Column | None) -> Column:
    """How often the values of a row stand in rows that count."""
    return count(where).over(Window.partitionBy(*map(col, names)))


def _require_comparable(subject: Subject, name: str) -> None:
    data_type = subject.column_type(name)
    if data_type.typeName() in {"map", "variant", "void", "interval"}:
        msg = f"the column {name} is of type {data_type.simpleString()}, whose values cannot be told apart"
        raise RuleError(msg)


GROUPINGS: Mapping[str, Compile] = {
    "DistinctValuesCount": _grouped,
    "Entropy": _grouped,
    "IsPrimaryKey": _primary_key,
    "IsUnique": _grouped,
    "UniqueValueRatio": _grouped,
    "Uniqueness": _grouped,
}
"""The compilers of these rule types."""
