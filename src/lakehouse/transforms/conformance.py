"""Frames to a contract: every value is kept as it is, cast exactly, rescued or quarantined, and none is lost in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    CharType,
    DataType,
    MapType,
    StructField,
    StructType,
    VarcharType,
)

from lakehouse.columns import BAD_VALUE, DETAIL, REASON, RESCUED, alike, quoted
from lakehouse.errors import ConfigError, IncompatibleSchemaError
from lakehouse.schemas.type_names import type_text
from lakehouse.transforms.decoding import require_timezone
from lakehouse.transforms.fitting import Fit, Fitted, Match, Rules, fit, match_names
from lakehouse.transforms.rescuing import Rest, rescued

MISSING_VALUE = "missing_value"

_WORKING = "__lh_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The rows of one frame in two. Every row is in exactly one of them."""

    valid: DataFrame
    quarantined: DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """SQL for what is wrong with a column that is not nullable."""

    field: StructField
    bad: str
    missing: str


def conform(
    df: DataFrame,
    schema: StructType,
    *,
    extra: Literal["rescue", "drop", "refuse"] = "rescue",
    defaults: Mapping[str, object] | None = None,
    timezone: str = "UTC",
) -> DataFrame:
    """Bring a frame to the columns and types of a schema, by name, structs, arrays and maps included.

    Every row comes out once, in any order, with the columns of the schema and three more:

    - `_rescued`: a JSON object of what did not fit, by column, in the shape it had; null when all did. A value that does not
      fit is null in its place: of a struct only the field, of an array the element, of a map the value of the entry.
      What fits is said by `casting`: the value itself, never one near it.
    - `_reason`, `_detail`: why the row cannot be kept: `bad_value` or `missing_value` in a column that is not nullable. Null
      for all other rows; see `split_quarantined`. Within a value, what is not nullable and misses makes the whole value not fit.

    So a value of the frame is in its column or in `_rescued`. Names match exactly, or else when one name alone differs only in
    letter case. A column that the frame lacks is null. One pass: no shuffle, no action.

    >>> orders = spark.createDataFrame([("7", "4.50", "x"), ("8", "4.505", None)], "id string, amount string, note string")
    >>> from lakehouse.schemas.type_names import parse_schema
    >>> for row in conform(orders, parse_schema({"id": "int", "amount": "decimal(9,2)"})).collect():
    ...     print(row.id, row.amount, row._rescued)
    7 4.50 {"note":"x"}
    8 None {"amount":"4.505"}

    Args:
        df: the rows.
        schema: the columns, their types, and which may be null.
        extra: columns and fields that the schema lacks: `rescue` them, `drop` them, or `refuse` the frame.
        defaults: values for columns that the frame lacks.
        timezone: zone of timestamps and dates that name none.

    Raises:
        IncompatibleSchemaError: the frame has a column twice or, under `refuse`, one that the schema lacks.
        ConfigError: the schema has a type that no frame has, or the name of one of the three columns; a default or
            an option is none.
    """
    _check(df, schema, extra, defaults or {}, timezone)
    frame, names = _with_defaults(df, schema, defaults or {})
    matched = match_names(names, schema.names)
    if extra == "refuse":
        _refuse_extra(
            StructType([StructField(n, f.dataType) for n, f in zip(names, frame.schema, strict=True)]), schema
        )
    rules = Rules(timezone=timezone, keep_extra=extra == "rescue")
    columns = [quoted(name) for name in frame.columns]
    fits = [
        None if place is None else fit(columns[place], frame.schema[place].dataType, field.dataType, rules)
        for place, field in zip(matched.taken, schema, strict=True)
    ]
    worked_out, fitted = _worked_out(frame, fits)
    return _laid_out(worked_out, names, columns, schema, matched, fitted, rules)


def split_quarantined(conformed: DataFrame, *, rescued: Literal["keep", "quarantine"] = "keep") -> Split:
    """Split what `conform` made: rows of the schema and `_rescued`, and rows that cannot be kept with their `_reason`.

    Args:
        conformed: what `conform` returned.
        rescued: rows of which something was rescued are kept, or quarantined as `bad_value`.
    """
    reason = F.col(REASON)
    if rescued == "quarantine":
        reason = F.coalesce(reason, F.when(F.col(RESCUED).isNotNull(), F.lit(BAD_VALUE)))
    return Split(
        valid=conformed.where(reason.isNull()).drop(REASON, DETAIL),
        quarantined=conformed.where(reason.isNotNull()).withColumn(REASON, reason),
    )


def _check(df: DataFrame, schema: StructType, extra: str, defaults: Mapping[str, object], timezone: str) -> None:
    require_timezone(timezone)
    if extra not in {"rescue", "drop", "refuse"}:
        msg = f"extra is {extra!r}; it is one of 'rescue', 'drop', 'refuse'"
        raise ConfigError(msg)
    if taken := sorted({RESCUED, REASON, DETAIL} & {*schema.names, *df.columns}):
        msg = f"conform writes {', '.join(taken)} itself; drop or rename what is there"
        raise ConfigError(msg)
    if unknown := sorted(defaults.keys() - set(schema.names)):
        msg = f"there are defaults for columns that the schema lacks: {', '.join(unknown)}; it has {', '.join(schema.names)}"
        raise ConfigError(msg)
    for field in schema:
        if _has_fixed_length(field.dataType):
            msg = f"column {field.name} is {field.dataType.simpleString()}, which no frame has; declare string"
            raise ConfigError(msg)
    for names, where in ((df.columns, "frame"), (schema.names, "schema")):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            msg = f"the {where} has columns twice: {', '.join(twice)}; rename or drop one of each"
            raise IncompatibleSchemaError(msg)


def _has_fixed_length(data_type: DataType) -> bool:
    match data_type:
        case StructType():
            return any(_has_fixed_length(field.dataType) for field in data_type)
        case ArrayType():
            return _has_fixed_length(data_type.elementType)
        case MapType():
            return _has_fixed_length(data_type.keyType) or _has_fixed_length(data_type.valueType)
        case _:
            return isinstance(data_type, (CharType, VarcharType))


def _with_defaults(df: DataFrame, schema: StructType, defaults: Mapping[str, object]) -> tuple[DataFrame, list[str]]:
    """The frame with a column for each default that is needed, and what its columns are called to the caller."""
    matched = match_names(df.columns, schema.names)
    absent = {name for name, place in zip(schema.names, matched.taken, strict=True) if place is None}
    needed = {name: value for name, value in defaults.items() if name in absent}
    names = df.columns
    frame = df.toDF(*(f"{_WORKING}column_{i}" for i in range(len(names)))) if alike(names) else df
    added = [F.lit(value).alias(f"{_WORKING}default_{i}") for i, value in enumerate(needed.values())]
    return (frame.select("*", *added) if added else frame), [*names, *needed]


def _refuse_extra(source: DataType, schema: DataType) -> None:
    if found := list(_extra_paths(source, schema, "")):
        msg = f"the frame has columns that the schema lacks: {', '.join(found)}; drop them, or let conform rescue them"
        raise IncompatibleSchemaError(msg)


def _extra_paths(source: DataType, target: DataType, path: str) -> Sequence[str]:
    match source, target:
        case StructType(), StructType():
            matched = match_names(source.names, target.names)
            pairs = [(source[at], field) for at, field in zip(matched.taken, target, strict=True) if at is not None]
            nested = [_extra_paths(have.dataType, field.dataType, f"{path}{have.name}.") for have, field in pairs]
            return [*(path + source.names[at] for at in matched.extra), *(name for names in nested for name in names)]
        case ArrayType(), ArrayType():
            return _extra_paths(source.elementType, target.elementType, path)
        case MapType(), MapType():
            return _extra_paths(source.valueType, target.valueType, path)
        case _:
            return []


def _worked_out(frame: DataFrame, fits: Sequence[Fit | None]) -> tuple[DataFrame, list[Fitted | None]]:
    """The frame with a column for each step, so that none is computed twice, and what the steps come to."""
    steps: list[str] = []
    fitted: list[Fitted | None] = []
    for one in fits:
        if one is None:
            fitted.append(None)
            continue
        names = [f"{_WORKING}step_{len(steps) + i}" for i in range(len(one.steps))]
        steps += one.steps
        fitted.append(one.finish(names))
    made = [F.expr(step).alias(f"{_WORKING}step_{i}") for i, step in enumerate(steps)]
    return (frame.select("*", *made) if made else frame), fitted


def _laid_out(
    frame: DataFrame, names: Sequence[str], columns: Sequence[str], schema: StructType, matched: Match,
    fitted: Sequence[Fitted | None], rules: Rules,
) -> DataFrame:  # fmt: skip
    rests = [
        Rest(names[place], frame.schema[place].dataType, part.rest, part.is_lost)
        for place, part in zip(matched.taken, fitted, strict=True)
        if place is not None and part is not None and part.rest is not None
    ]
    if rules.keep_extra:
        rests += [
            Rest(names[place], frame.schema[place].dataType, columns[place], f"{columns[place]} IS NOT NULL")
            for place in matched.extra
        ]
    values = [
        F.expr(f"CAST(NULL AS {type_text(field.dataType)})" if part is None else part.value).alias(field.name)
        for field, part in zip(schema, fitted, strict=True)
    ]
    faults = [_fault(field, part) for field, part in zip(schema, fitted, strict=True) if not field.nullable]
    bad, missing = (
        " OR ".join(conditions) or "false" for conditions in ([f.bad for f in faults], [f.missing for f in faults])
    )
    reason = F.when(F.expr(bad), F.lit(BAD_VALUE)).when(F.expr(missing), F.lit(MISSING_VALUE))
    return frame.select(*values, rescued(rests).alias(RESCUED), reason.alias(REASON), _detail(faults).alias(DETAIL))


def _fault(field: StructField, part: Fitted | None) -> _Fault:
    """When a column that is not nullable has no value, and whether it had one that does not fit."""
    if part is None:
        return _Fault(field=field, bad="false", missing="true")
    return _Fault(field=field, bad=f"({part.is_null} AND {part.is_lost})", missing=part.is_null)


def _detail(faults: Sequence[_Fault]) -> Column:
    said = [
        F.when(F.expr(fault.bad), F.lit(f"{fault.field.name} is no {fault.field.dataType.simpleString()}")).when(
            F.expr(fault.missing), F.lit(f"no value for {fault.field.name}")
        )
        for fault in faults
    ]
    text = F.concat_ws("; ", *said) if said else F.lit("")
    return F.when(text != "", text)
