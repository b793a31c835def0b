"""Frames made to fit a table: same columns, same order, same types, or an error before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, DataType, StructField, StructType

from lakehouse.columns import quoted
from lakehouse.errors import IncompatibleSchemaError
from lakehouse.schemas.widening import fits, is_wider, plain

OUTSIDE = "a row of the frame does not fulfil the predicate whose rows it replaces"


def plain_schema(schema: StructType) -> StructType:
    """The schema of a table as both formats tell it: nullable columns, and of the metadata only the comment."""
    return StructType(
        [
            StructField(f.name, plain(f.dataType), metadata={k: v for k, v in f.metadata.items() if k == "comment"})
            for f in schema
        ]
    )


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


def outstanding(
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
