"""Rules on one frame as probes: what is counted or computed of all of it, and what its schema says."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, DecimalType

from lakehouse.quality.judging import RuleError
from lakehouse.quality.patterns import longest_text, too_long, whole_match
from lakehouse.quality.probes import (
    Compile,
    Probe,
    Reading,
    Subject,
    col,
    count,
    near,
    number_probe,
    plain,
    predicate,
    share,
    within,
)
from lakehouse.quality.rules import Rule
from lakehouse.quality.values import NUMBERS, WHOLE

EXACT_DIGITS = 28
"""Decimals up to here are summed exactly: Spark gives a sum ten digits more, and has 38."""


def _row_count(rule: Rule, subject: Subject) -> Probe:  # noqa: ARG001 - every rule type is compiled alike
    return number_probe(rule, "Dataset.*.RowCount", (count(predicate(rule.where)),), lambda rows: rows)


def _column_count(rule: Rule, subject: Subject) -> Probe:
    return number_probe(rule, "Dataset.*.ColumnCount", (), lambda: len(subject.frame.columns))


def _column_exists(rule: Rule, subject: Subject) -> Probe:
    name, names = plain(rule.parameters[0]), subject.frame.columns
    failure = f"there is no column {name}{near(name, names)}"
    return Probe(read=lambda: Reading(value=float(name in names), failure=failure))


def _names_match(rule: Rule, subject: Subject) -> Probe:
    written, names = plain(rule.parameters[0]), subject.frame.columns
    pattern, longest = whole_match(written), longest_text(written)
    if longest is not None and max(map(len, names), default=0) > longest:
        raise RuleError(too_long(longest))

    def read(*matches: bool) -> Reading:
        missed = [name for name, matched in zip(names, matches, strict=True) if not matched]
        ratio = share(len(names) - len(missed), len(names))
        return Reading(
            value=ratio,
            metrics={"Dataset.*.ColumnNamesPatternMatchRatio": ratio},
            failure=f"names that do not match: {', '.join(missed)}",
        )

    return Probe(aggregates=tuple(F.lit(name).rlike(pattern) for name in names), read=read)


def _sum(rule: Rule, subject: Subject) -> Probe:
    name = plain(rule.parameters[0])
    return number_probe(rule, f"Column.{name}.Sum", (_total(rule, subject),), lambda total: total)


def _mean(rule: Rule, subject: Subject) -> Probe:
    name = plain(rule.parameters[0])
    asked = (_total(rule, subject), F.count(within(predicate(rule.where), col(name))))
    return number_probe(rule, f"Column.{name}.Mean", asked, lambda total, rows: float(total) / rows if rows else None)


def _total(rule: Rule, subject: Subject) -> Column:
    name = plain(rule.parameters[0])
    number = require_number(subject.column_type(name), name)
    return F.sum(within(predicate(rule.where), summand(col(name), number)))


def _deviation(rule: Rule, subject: Subject) -> Probe:
    """Of the whole, not of a sample."""
    name = plain(rule.parameters[0])
    deviation = F.stddev_pop(within(predicate(rule.where), _double(subject, name)))
    return number_probe(rule, f"Column.{name}.StandardDeviation", (deviation,), lambda value: value)


def _correlation(rule: Rule, subject: Subject) -> Probe:
    names, where = [plain(one) for one in rule.parameters], predicate(rule.where)
    first, second = (within(where, _double(subject, name)) for name in names)
    return number_probe(
        rule, f"Multicolumn.{','.join(names)}.ColumnCorrelation", (F.corr(first, second),), lambda value: value
    )


def summand(value: Column, data_type: DataType) -> Column:
    """A number in a type whose sums do not overflow, and are exact where there is such a type."""
    if isinstance(data_type, WHOLE):
        return value.cast("decimal(20,0)")
    exact = isinstance(data_type, DecimalType) and data_type.precision <= EXACT_DIGITS
    return value if exact else value.cast("double")


def require_number(data_type: DataType, name: str) -> DataType:
    """The type of a column of numbers.

    Raises:
        RuleError: it is of another type.
    """
    if not isinstance(data_type, NUMBERS):
        msg = f"the column {name} is of type {data_type.simpleString()}, which is no number"
        raise RuleError(msg)
    return data_type


def _double(subject: Subject, name: str) -> Column:
    require_number(subject.column_type(name), name)
    return col(name).cast("double")


MEASURES: Mapping[str, Compile] = {
    "ColumnCorrelation": _correlation,
    "ColumnCount": _column_count,
    "ColumnExists": _column_exists,
    "ColumnNamesMatchPattern": _names_match,
    "Mean": _mean,
    "RowCount": _row_count,
    "StandardDeviation": _deviation,
    "Sum": _sum,
}
"""The compilers of these rule types."""
