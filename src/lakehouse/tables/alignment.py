"""Frames made to fit a table: same columns, same order, same types, or an error before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    ByteType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StructField,
    StructType,
)

from lakehouse.columns import quoted
from lakehouse.errors import IncompatibleSchemaError

_CHAIN: tuple[type[DataType], ...] = (ByteType, ShortType, IntegerType, LongType)
_WIDER = frozenset({*((a, b) for i, a in enumerate(_CHAIN) for b in _CHAIN[i + 1 :]), (FloatType, DoubleType)})


OUTSIDE = "a row of the frame does not fulfil the predicate whose rows it replaces"


def plain(data_type: DataType) -> DataType:
    """The type with everything nullable and no metadata, so that two types can be compared.

    >>> plain(ArrayType(LongType(), containsNull=False))
    ArrayType(LongType(), True)
    """
    if isinstance(data_type, StructType):
        return StructType([StructField(f.name, plain(f.dataType)) for f in data_type])
    if isinstance(data_type, ArrayType):
        return ArrayType(plain(data_type.elementType))
    if isinstance(data_type, MapType):
        return MapType(plain(data_type.keyType), plain(data_type.valueType))
    return data_type


def plain_schema(schema: StructType) -> StructType:
    """The schema of a table as both formats tell it: nullable columns, and of the metadata only the comment."""
    return StructType(
        [
            StructField(f.name, plain(f.dataType), metadata={k: v for k, v in f.metadata.items() if k == "comment"})
            for f in schema
        ]
    )


def is_wider(new: DataType, old: DataType) -> bool:
    """Whether every value of `old` is one of `new`, in the ways that both formats can widen a column.

    >>> is_wider(LongType(), IntegerType()), is_wider(DecimalType(12, 2), DecimalType(10, 2)), is_wider(LongType(), LongType())
    (True, True, False)
    """
    if isinstance(new, DecimalType) and isinstance(old, DecimalType):
        return new.scale == old.scale and new.precision > old.precision
    return (type(old), type(new)) in _WIDER


def fits(new: DataType, old: DataType) -> bool:
    """Whether a value of type `old` can be written to a column of type `new` without loss."""
    return isinstance(old, NullType) or plain(new) == plain(old) or is_wider(new, old)


def align(df: DataFrame, schema: StructType, *, where: str) -> DataFrame:
    """Match a frame to a table by column name: reorder, widen, and fill what is missing with null.

    Names are matched exactly, letter case included. Rows, their number and their order stay.

    Args:
        df: the rows.
        schema: the table's columns.
        where: the table's name, for the error.

    Raises:
        IncompatibleSchemaError: the frame has a column that the table has not, one twice, or one whose type does not fit.
    """
    repeated = sorted({a for a, b in pairwise(sorted(df.columns)) if a == b})
    unknown = [name for name in df.columns if name not in schema.names]
    if repeated or unknown:
        what = f"has columns twice: {', '.join(repeated)}" if repeated else f"has unknown columns: {', '.join(unknown)}"
        msg = f"the frame for {where} {what}; the table has {', '.join(schema.names)}: rename, drop or evolve first"
        raise IncompatibleSchemaError(msg)
    have = {field.name: field.dataType for field in df.schema}
    misfits = [
        f"{field.name} is {have[field.name].simpleString()}, not {field.dataType.simpleString()}"
        for field in schema
        if field.name in have and not fits(field.dataType, have[field.name])
    ]
    if misfits:
        msg = f"the frame for {where} does not fit: {'; '.join(misfits)}: cast first, or evolve the table"
        raise IncompatibleSchemaError(msg)
    return df.select(
        *(
            (F.col(quoted(field.name)) if field.name in have else F.lit(None))
            .cast(plain(field.dataType))
            .alias(field.name)
            for field in schema
        )
    )


def only_where(df: DataFrame, predicate: str) -> DataFrame:
    """The same rows, with a failure when the statement meets one that does not fulfil the predicate (null is a no)."""
    failing = F.raise_error(F.lit(OUTSIDE)).cast(BooleanType())
    return df.where(F.when(F.expr(predicate), F.lit(True)).otherwise(failing))


def plan_evolution(
    schema: StructType, *, add: StructType | None, widen: Mapping[str, DataType] | None, where: str
) -> tuple[list[StructField], dict[str, DataType]]:
    """What is still to be added and to be widened; columns that are there already, or wide enough, are left out.

    Raises:
        IncompatibleSchemaError: a column is there with a type that does not hold the new one, is to be narrowed, or is not there.
    """
    have = {field.name: field.dataType for field in schema}
    added = list(add or ())
    wanted = dict(widen or {})
    clashes = [
        f"{f.name} is {have[f.name].simpleString()} already, not {f.dataType.simpleString()}"
        for f in added
        if f.name in have and not fits(have[f.name], f.dataType)
    ]
    clashes += [
        f"{name} is {have[name].simpleString() if name in have else 'missing'} and cannot become {new.simpleString()}"
        for name, new in wanted.items()
        if name not in have or (plain(new) != plain(have[name]) and not is_wider(new, have[name]))
    ]
    if clashes:
        msg = f"{where} cannot evolve: {'; '.join(clashes)}; nothing was changed"
        raise IncompatibleSchemaError(msg)
    return (
        [field for field in added if field.name not in have],
        {name: new for name, new in wanted.items() if plain(new) != plain(have[name])},
    )
