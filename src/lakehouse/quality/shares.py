"""Rules that pass or fail each row as probes: the share of the rows that pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    StringType,
    TimestampType,
)

from lakehouse.columns import quoted
from lakehouse.quality.judging import RuleError
from lakehouse.quality.patterns import longest_text, too_long
from lakehouse.quality.probes import Compile, Probe, Reading, Subject, col, plain, predicate, share_probe, within
from lakehouse.quality.rules import Comparison, Matches, Rule, Text
from lakehouse.quality.values import MOST_DIGITS, NUMBERS, TIMES, Values, freshness
from lakehouse.transforms.casting import convert

DATA_TYPES: Mapping[str, DataType] = {
    "BOOLEAN": BooleanType(),
    "DATE": DateType(),
    "DOUBLE": DoubleType(),
    "FLOAT": FloatType(),
    "INTEGER": IntegerType(),
    "LONG": LongType(),
    "STRING": StringType(),
    "TIMESTAMP": TimestampType(),
}
"""The types of ColumnDataType by name, DECIMAL(precision,scale) aside."""


def _completeness(rule: Rule, subject: Subject) -> Probe:
    """Completeness and IsComplete."""
    name = plain(rule.parameters[0])
    subject.column_type(name)
    flag = within(predicate(rule.where), col(name).isNotNull())
    return share_probe(rule, flag, f"Column.{name}.Completeness", rule.condition)


def _values(rule: Rule, subject: Subject) -> Probe:
    name, where = plain(rule.parameters[0]), predicate(rule.where)
    values = Values(column=col(name), data_type=subject.column_type(name), as_of=subject.as_of)
    probe = Probe(read=lambda: Reading(value=None))
    if rule.condition is not None:
        flag = within(where, values.satisfy(rule.condition))
        probe = share_probe(rule, flag, f"Column.{name}.ColumnValues.Compliance", rule.threshold)
        if isinstance(rule.condition, Matches) and (longest := longest_text(rule.condition.pattern)) is not None:
            probe = _with_limit(probe, within(where, values.longer_than(longest)), longest)
    if not isinstance(values.data_type, NUMBERS):
        return probe
    return _with_ends(probe, within(where, values.number()), f"Column.{name}.Minimum", f"Column.{name}.Maximum")


def _length(rule: Rule, subject: Subject) -> Probe:
    name, where = plain(rule.parameters[0]), predicate(rule.where)
    data_type = subject.column_type(name)
    if not isinstance(data_type, StringType):
        msg = f"the column {name} is of type {data_type.simpleString()}, and only texts have a length"
        raise RuleError(msg)
    length = F.coalesce(F.length(col(name)), F.lit(0))
    probe = Probe(read=lambda: Reading(value=None))
    if rule.condition is not None:
        values = Values(column=length, data_type=IntegerType(), as_of=subject.as_of)
        flag = within(where, values.satisfy(rule.condition))
        probe = share_probe(rule, flag, f"Column.{name}.ColumnLength.Compliance", rule.threshold)
    return _with_ends(probe, within(where, length), f"Column.{name}.MinimumLength", f"Column.{name}.MaximumLength")


def _freshness(rule: Rule, subject: Subject) -> Probe:
    name = plain(rule.parameters[0])
    data_type = subject.column_type(name)
    if not isinstance(data_type, TIMES) or rule.condition is None:
        msg = f"the column {name} is of type {data_type.simpleString()}, and only dates and timestamps have an age"
        raise RuleError(msg)
    values = Values(column=col(name), data_type=data_type, as_of=subject.as_of)
    fresh = col(name).isNotNull() & values.satisfy(freshness(rule.condition))
    return share_probe(
        rule, within(predicate(rule.where), fresh), f"Column.{name}.DataFreshness.Compliance", rule.threshold
    )


def _data_type(rule: Rule, subject: Subject) -> Probe:
    """Whether a value is one of a type, exactly; null is one of no type."""
    name = plain(rule.parameters[0])
    source = subject.column_type(name)
    match rule.condition:
        case Comparison(comparator="=" | "!=" as comparator, operand=Text(value=wanted)):
            form = dict(rule.options).get("format")
            passes = fits(name, source, wanted) if form is None else _has_form(name, source, _named_type(wanted), form)
        case _:
            msg = 'compares with the name of a type, such as "INTEGER"'
            raise RuleError(msg)
    flag = within(predicate(rule.where), passes if comparator == "=" else ~passes)
    return share_probe(rule, flag, f"Column.{name}.ColumnDataType.Compliance", rule.threshold)


def fits(name: str, source: DataType, wanted: str) -> Column:
    """Whether a value is one of a type and loses nothing; null is one of no type.

    Args:
        name: the column.
        source: its type.
        wanted: the other type, as ColumnDataType calls it.

    Raises:
        RuleError: there is no such type.
    """
    converted = convert(quoted(name), source, _named_type(wanted), timezone="UTC")
    return F.lit(False) if converted is None else F.expr(converted.sql).isNotNull()


def _has_form(name: str, source: DataType, target: DataType, form: object) -> Column:
    if not isinstance(source, StringType) or not isinstance(target, DateType | TimestampType):
        msg = f"a format is for texts that are dates or timestamps, and the column {name} is of type {source.simpleString()}"
        raise RuleError(msg)
    return F.try_to_timestamp(col(name), F.lit(plain(form))).isNotNull()


def _named_type(name: str) -> DataType:
    decimal = re.fullmatch(r"DECIMAL\((\d{1,2}), *(\d{1,2})\)", name.upper())
    if decimal and int(decimal[2]) <= int(decimal[1]) <= MOST_DIGITS and int(decimal[1]):
        return DecimalType(int(decimal[1]), int(decimal[2]))
    if name.upper() not in DATA_TYPES:
        msg = f"there is no type {name}; there are: {', '.join(DATA_TYPES)}, DECIMAL(precision,scale)"
        raise RuleError(msg)
    return DATA_TYPES[name.upper()]


def _with_limit(probe: Probe, longer: Column, longest: int) -> Probe:
    """The probe, which is an error where a text is longer than its pattern takes."""

    def read(refused: int, *rest: int) -> Reading:
        if refused:
            raise RuleError(too_long(longest))
        return probe.read(*rest)

    return replace(probe, aggregates=(F.count_if(longer), *probe.aggregates), read=read)


def _with_ends(probe: Probe, value: Column, least: str, most: str) -> Probe:
    """The probe, which also tells the least and the most."""

    def read(low: float | None, high: float | None, *rest: int) -> Reading:
        reading = probe.read(*rest)
        return replace(reading, metrics={least: low, most: high, **reading.metrics})

    return replace(probe, aggregates=(F.min(value), F.max(value), *probe.aggregates), read=read)


SHARES: Mapping[str, Compile] = {
    "ColumnDataType": _data_type,
    "ColumnLength": _length,
    "ColumnValues": _values,
    "Completeness": _completeness,
    "DataFreshness": _freshness,
    "IsComplete": _completeness,
}
"""The compilers of these rule types."""
