"""Rules on more than one dataset as probes: how far the frame agrees with others, and what queries in SQL say of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import and_, or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType

from lakehouse.columns import quoted
from lakehouse.quality.judging import RuleError
from lakehouse.quality.measures import require_number, summand
from lakehouse.quality.probes import (
    ALL,
    Attach,
    Compile,
    Probe,
    Reading,
    Subject,
    col,
    column_type,
    count,
    number_probe,
    plain,
    share,
    share_reading,
)
from lakehouse.quality.rules import Rule
from lakehouse.quality.values import NUMBERS

KEY, VALUE, TIMES, FOUND = "__dq_key_", "__dq_value_", "__dq_times", "__dq_found"


def _row_count_match(rule: Rule, subject: Subject) -> Probe:
    alias = plain(rule.parameters[0])
    subject.source(alias)
    probe = number_probe(rule, f"Dataset.{alias}.RowCountMatch", (count(None),), share)
    return replace(probe, sources=((alias, count(None)),))


def _schema_match(rule: Rule, subject: Subject) -> Probe:
    """The share of the columns of both that both have, with one type."""
    alias = plain(rule.parameters[0])
    own, other = (
        {field.name: field.dataType.simpleString() for field in frame.schema.fields}
        for frame in (subject.frame, subject.source(alias))
    )
    same = sum(other.get(name) == data_type for name, data_type in own.items())
    return number_probe(rule, f"Dataset.{alias}.SchemaMatch", (), lambda: share(same, len(own | other)))


def _aggregate_match(rule: Rule, subject: Subject) -> Probe:
    sides = [_side(plain(one), subject) for one in rule.parameters]
    own = [asked for side in sides for asked in side.asked if side.alias is None]
    others = [(side.alias, asked) for side in sides for asked in side.asked if side.alias is not None]
    names = list(dict.fromkeys(side.column for side in sides))

    ordered = sorted(sides, key=lambda side: side.alias is not None)  # the frame answers before its sources
    places = [2 * ordered.index(side) for side in sides]

    def read(*answers: float | None) -> float | None:
        first, second = (side.value(*answers[place : place + 2]) for side, place in zip(sides, places, strict=True))
        return first / second if first is not None and second else None

    probe = number_probe(rule, f"Column.{','.join(names)}.AggregateMatch", tuple(own), read)
    return replace(probe, sources=tuple(others))


class _Side:
    """One aggregate: of which dataset (None: the frame), of which column, and what is asked for it."""

    def __init__(self, function: str, alias: str | None, column: str, data_type: DataType) -> None:
        self.function, self.alias, self.column = function, alias, column
        self.asked = (F.sum(summand(col(column), require_number(data_type, column))), F.count(col(column)))

    def value(self, total: float | None, rows: float | None) -> float | None:
        """The sum or the average; None: there is no value."""
        if total is None or not rows:
            return None
        return float(total) if self.function == "sum" else float(total) / rows


def _side(text: str, subject: Subject) -> _Side:
    parts = re.fullmatch(r"(sum|avg)\(([^()]+)\)", text)
    function, place = (parts[1], parts[2].strip()) if parts else ("sum", text)
    alias, _, name = place.rpartition(".")
    if not alias or place in subject.frame.columns:
        return _Side(function, None, place, subject.column_type(place))
    data_type = column_type(subject.source(alias).schema, name, where=f"the source {alias}")
    return _Side(function, alias, name, data_type)


def _referential_integrity(rule: Rule, subject: Subject) -> Probe:
    names = _names(plain(rule.parameters[0]))
    reference = plain(rule.parameters[1])
    alias, _, inside = reference.partition(".{") if reference.endswith("}") else reference.rpartition(".")
    others = _names(inside.removesuffix("}"))
    source = subject.source(alias)
    for name, other in zip(names, others, strict=True):
        _require_alike(subject.column_type(name), column_type(source.schema, other, where=f"the source {alias}"), name)
    known = source.select(*_renamed(others, KEY)).distinct().withColumn(FOUND, F.lit(True))
    same = reduce(and_, (col(name) == F.col(f"{KEY}{place}") for place, name in enumerate(names)))
    attach = _joined(known, same, F.coalesce(F.col(FOUND), F.lit(False)))
    return _joined_share(rule, subject, attach, f"Column.{alias}.ReferentialIntegrity")


def _dataset_match(rule: Rule, subject: Subject) -> Probe:
    alias, keys = plain(rule.parameters[0]), _mapping(plain(rule.parameters[1]))
    source = subject.source(alias)
    rest = [name for name in subject.frame.columns if name not in keys]
    values = _mapping(plain(rule.parameters[2])) if len(rule.parameters) > 2 else {name: name for name in rest}  # noqa: PLR2004 - the optional one
    for name, other in (keys | values).items():
        _require_alike(subject.column_type(name), column_type(source.schema, other, where=f"the source {alias}"), name)
    kept = [F.first(col(other)).alias(f"{VALUE}{place}") for place, other in enumerate(values.values())]
    known = source.groupBy(*_renamed(list(keys.values()), KEY)).agg(count(None).alias(TIMES), *kept)
    same = reduce(and_, (col(name) == F.col(f"{KEY}{place}") for place, name in enumerate(keys)))
    equal = (col(name).eqNullSafe(F.col(f"{VALUE}{place}")) for place, name in enumerate(values))
    matched = F.coalesce(reduce(and_, equal, F.col(TIMES) == 1), F.lit(False))
    name = f"Dataset.{alias}.DatasetMatch"

    def read(rows: int, passing: int, lacking: int, distinct: int, times: int | None) -> Reading:
        if lacking or distinct < rows or (times or 0) > 1:
            msg = f"the key {', '.join(keys)} has nulls, or stands more than once in the frame or in {alias}"
            raise RuleError(msg)
        return share_reading(name, every=False)(rows, passing)

    any_null = reduce(or_, (col(key).isNull() for key in keys))
    query = subject.frame.join(known, on=same, how="left").agg(
        count(None), F.count_if(matched), F.count_if(any_null), F.count_distinct(*map(col, keys)), F.max(TIMES)
    )
    flag = _joined(known, same, matched)
    return Probe(query=query, read=read, expected=rule.condition or ALL, name=name, flag=flag)


def _custom_sql(rule: Rule, subject: Subject) -> Probe:
    """A number that a query gives, or the share of the rows that it gives."""
    text = plain(rule.parameters[0])
    found = subject.query(text)
    probe = _sql_rows(rule, subject, found) if rule.condition is None else _sql_number(rule, found)
    qualifier = f" ({' '.join(text.split())})"
    return replace(probe, name=probe.name + qualifier, qualifier=qualifier)


def _sql_number(rule: Rule, found: DataFrame) -> Probe:
    if len(found.columns) != 1 or not isinstance(found.schema[0].dataType, NUMBERS):
        msg = "the query has to give one number, in one column"
        raise RuleError(msg)
    name = "Dataset.*.CustomSQL"
    result = found.toDF(FOUND)

    def read(rows: int, value: float | None) -> float | None:
        if rows != 1:
            msg = f"the query has to give one row, and gives {rows}"
            raise RuleError(msg)
        return value

    probe = number_probe(rule, name, (), read)
    return replace(probe, query=result.agg(count(None), F.max(FOUND)))


def _sql_rows(rule: Rule, subject: Subject, found: DataFrame) -> Probe:
    """Rows pass that have the values of a row of the query, null being equal to null."""
    for field in found.schema.fields:
        if column_type(found.schema, field.name, where="the query") != subject.column_type(field.name):
            msg = f"the query gives {field.name} another type than the frame has"
            raise RuleError(msg)
    known = found.select(*_renamed(found.columns, KEY)).distinct().withColumn(FOUND, F.lit(True))
    same = reduce(and_, (col(name).eqNullSafe(F.col(f"{KEY}{place}")) for place, name in enumerate(found.columns)))
    attach = _joined(known, same, F.coalesce(F.col(FOUND), F.lit(False)))
    probe = _joined_share(rule, subject, attach, "Dataset.*.CustomSQL.Compliance")
    reading = share_reading(probe.name, every=rule.threshold is None)
    return replace(probe, read=reading, expected=rule.threshold or ALL)


def _joined_share(rule: Rule, subject: Subject, attach: Attach, name: str) -> Probe:
    query = attach(subject.frame, FOUND).agg(count(None), F.count_if(FOUND))
    reading = share_reading(name, every=False)
    return Probe(query=query, read=reading, expected=rule.condition or ALL, name=name, flag=attach)


def _joined(known: DataFrame, same: Column, passes: Column) -> Attach:
    """Join what is known, at most once to each row, and keep whether the row passes."""

    def attach(frame: DataFrame, name: str) -> DataFrame:
        own = [F.col(quoted(one)) for one in frame.columns]
        return frame.join(known, on=same, how="left").select(*own, passes.alias(name))

    return attach


def _renamed(names: Sequence[str], prefix: str) -> list[Column]:
    return [col(name).alias(f"{prefix}{place}") for place, name in enumerate(names)]


def _names(text: str) -> list[str]:
    return [one.strip() for one in text.split(",")]


def _mapping(text: str) -> dict[str, str]:
    pairs = [one.partition("->") for one in _names(text)]
    return {name.strip(): (other or name).strip() for name, _, other in pairs}


def _require_alike(own: DataType, other: DataType, name: str) -> None:
    if own != other and not (isinstance(own, NUMBERS) and isinstance(other, NUMBERS)):
        msg = f"{name} is of type {own.simpleString()} here and {other.simpleString()} there"
        raise RuleError(msg)


REFERENCES: Mapping[str, Compile] = {
    "AggregateMatch": _aggregate_match,
    "CustomSql": _custom_sql,
    "DatasetMatch": _dataset_match,
    "ReferentialIntegrity": _referential_integrity,
    "RowCountMatch": _row_count_match,
    "SchemaMatch": _schema_match,
}
"""The compilers of these rule types."""
