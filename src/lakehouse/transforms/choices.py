"""Columns of several types, resolved as AWS Glue does it, on plain frames.

A DynamicFrame has choice types: a column that is an int in some rows and a string in others. As a frame that is a struct with a
field for each type, named by it, of which one is not null: `struct<int: int, string: string>`. Any other column is a choice
of the one type it has.

| choice | becomes of a column `c` |
|---|---|
| `cast:T` | one column of type T: what is one, exactly, by the rules of `casting` |
| `project:T` | one column of type T: only the values that are of this type |
| `make_cols` | a column for each type: `c_int`, `c_string` |
| `make_struct` | a struct with a field for each type |

Glue drops what a cast or a projection leaves over; here it goes to `_rescued`, as in `conform`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    ByteType,
    DataType,
    LongType,
    MapType,
    ShortType,
    StructField,
    StructType,
)

from lakehouse.columns import RESCUED, quoted, require
from lakehouse.errors import ConfigError
from lakehouse.schemas.type_names import parse_type, type_text
from lakehouse.transforms.casting import convert
from lakehouse.transforms.rescuing import Rest, rescued

Choice = str
"""`cast:T`, `project:T`, `make_cols` or `make_struct`."""

_OWN_NAMES: dict[str, DataType] = {"byte": ByteType(), "short": ShortType(), "long": LongType()}
"""What Glue calls types that Spark's SQL calls otherwise."""
_NESTED = (ArrayType, MapType, StructType)


@dataclass(frozen=True, slots=True)
class _Alternative:
    """One type that a column can have: what Glue calls it, SQL for its values, and the type."""

    label: str
    sql: str
    data_type: DataType


@dataclass(frozen=True, slots=True)
class _Resolved:
    columns: tuple[Column, ...]
    rests: tuple[Rest, ...] = ()


def resolve_choice(df: DataFrame, choices: Mapping[str, Choice]) -> DataFrame:
    """Resolve columns that hold values of several types; the others stay as they are, and so do rows and places.

    With a `cast` or a `project` among the choices the frame gets a column `_rescued`: a JSON object of the values that were left
    over, by column, null when there are none. One pass: no shuffle, no action.

    >>> rows = spark.sql("SELECT named_struct('int', 7, 'string', CAST(NULL AS STRING)) AS n UNION ALL "
    ...                  "SELECT named_struct('int', NULL, 'string', '8x')")
    >>> [tuple(row) for row in resolve_choice(rows, {"n": "cast:long"}).collect()]
    [(7, None), (None, '{"n":{"string":"8x"}}')]

    Args:
        df: the rows.
        choices: what becomes of which column.

    Raises:
        MissingColumnsError: the frame lacks a column.
        ConfigError: a choice is none, names a type that is none or that the column does not have, or a new column is there already.
    """
    require(tuple(choices), df.columns, where="the frame")
    rests: list[Rest] = []
    columns: list[Column] = []
    for field in df.schema:
        if field.name not in choices:
            columns.append(F.col(quoted(field.name)))
            continue
        resolved = _resolve(field.name, choices[field.name], _alternatives(field.name, field.dataType))
        columns += resolved.columns
        rests += resolved.rests
    rescues = any(choice.startswith(("cast:", "project:")) for choice in choices.values())
    made = df.select(*columns, *([rescued(rests).alias(RESCUED)] if rescues else []))
    if twice := sorted({name for name in made.columns if made.columns.count(name) > 1}):
        msg = f"resolving makes columns twice: {', '.join(twice)}; drop or rename what is there"
        raise ConfigError(msg)
    return made


def _alternatives(name: str, data_type: DataType) -> list[_Alternative]:
    """The types a column can have: those of its fields, where each is named by its type, else its own."""
    if (
        isinstance(data_type, StructType)
        and len(data_type) > 1
        and all(_is_called(f.dataType, f.name) for f in data_type)
    ):
        return [_Alternative(f.name, f"{quoted(name)}.{quoted(f.name)}", f.dataType) for f in data_type]
    own = [label for label, kind in _OWN_NAMES.items() if kind == data_type]
    return [_Alternative((own or [data_type.typeName()])[0], quoted(name), data_type)]


def _is_called(data_type: DataType, name: str) -> bool:
    if isinstance(data_type, _NESTED) or name == data_type.typeName():
        return name == data_type.typeName()
    try:
        return _type_called(name) == data_type
    except ConfigError:
        return False


def _type_called(name: str) -> DataType:
    return _OWN_NAMES.get(name) or parse_type(name)


def _resolve(name: str, choice: Choice, alternatives: list[_Alternative]) -> _Resolved:
    action, _, wanted = choice.partition(":")
    match action, wanted:
        case "make_cols", "":
            return _Resolved(tuple(F.expr(one.sql).alias(f"{name}_{one.label}") for one in alternatives))
        case "make_struct", "":
            present = " OR ".join(f"{one.sql} IS NOT NULL" for one in alternatives)
            fields = F.struct(*(F.expr(one.sql).alias(one.label) for one in alternatives))
            return _Resolved((F.when(F.expr(present), fields).alias(name),))
        case "cast", text if text:
            return _cast(name, _type_called(text), alternatives)
        case "project", text if text:
            kept = [one for one in alternatives if text == one.label or _is_called(one.data_type, text)]
            if not kept:
                msg = f"column {name} is never {text}; it is {', '.join(one.label for one in alternatives)}"
                raise ConfigError(msg)
            return _keep(name, kept[0].data_type, [(one, one.sql if one in kept else None) for one in alternatives])
        case _:
            msg = f"column {name}: {choice!r} is no choice; use cast:T, project:T, make_cols or make_struct"
            raise ConfigError(msg)


def _cast(name: str, data_type: DataType, alternatives: list[_Alternative]) -> _Resolved:
    if isinstance(data_type, _NESTED):
        msg = (
            f"column {name}: a choice is cast to a plain type, not to {data_type.simpleString()}; conform it afterwards"
        )
        raise ConfigError(msg)
    conversions = [(one, convert(one.sql, one.data_type, data_type, timezone="UTC")) for one in alternatives]
    return _keep(name, data_type, [(one, None if made is None else made.sql) for one, made in conversions])


def _keep(name: str, data_type: DataType, values: list[tuple[_Alternative, str | None]]) -> _Resolved:
    """One column of the first value that there is; whatever else there is, is left over."""
    found = [sql for _, sql in values if sql is not None]
    kept = f"coalesce({', '.join(found)})" if found else f"CAST(NULL AS {type_text(data_type)})"
    fields: list[str] = []
    lost: list[str] = []
    earlier: list[str] = []
    for one, sql in values:
        taken = " OR ".join(earlier) or "false"
        is_left = f"{one.sql} IS NOT NULL AND ({taken} OR {'true' if sql is None else f'{sql} IS NULL'})"
        lost.append(f"({is_left})")
        fields.append(f"CASE WHEN {is_left} THEN {one.sql} END AS {quoted(one.label)}")
        earlier += [] if sql is None else [f"{sql} IS NOT NULL"]
    first = values[0][0]
    is_lost = " OR ".join(lost)
    # A column of one type is not wrapped.
    plain = first.sql == quoted(name)
    shape = first.data_type if plain else StructType([StructField(one.label, one.data_type) for one, _ in values])
    left = first.sql if plain else f"struct({', '.join(fields)})"
    rest = f"CASE WHEN {is_lost} THEN {left} END"
    return _Resolved((F.expr(kept).alias(name),), (Rest(name, shape, rest, is_lost),))
