"""Fingerprints of rows, and keys made of values: null is a value of its own, and no two rows are run together.

`row_hash` is 64 bits and fast: it tells whether two versions of one row differ, and breaks ties. It is no identity: among a
thousand million rows two share one with a chance of 3 %. `surrogate_key` is 128 bits, and is one.

Both take equal values for equal: -0.0 is 0.0, every NaN is NaN, a map is its entries in any order, and the session's time
zone plays no part. In a surrogate key whole numbers and decimals of one value are one key, whatever their width: 1, 1L and 1.00.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    MapType,
    StructType,
    TimestampType,
)

from lakehouse.columns import Columns, as_tuple, quoted, require
from lakehouse.errors import ConfigError

_KEY_DIGITS = 32
_NESTED = (ArrayType, MapType, StructType)


def row_hash(df: DataFrame, *, of: Columns, into: str) -> DataFrame:
    """Add a bigint that is the same for rows with the same values in the columns, null included.

    The order of the columns matters, their names do not. A type that becomes wider changes the hash.

    Args:
        df: the rows.
        of: the columns that are hashed.
        into: name of the new column.

    Raises:
        MissingColumnsError: the frame lacks a column.
        ConfigError: no column is named, or the new one is there already.
    """
    return df.withColumn(into, fingerprint(df, _checked(df, of, into)))


def surrogate_key(df: DataFrame, *, of: Columns, into: str) -> DataFrame:
    """Add a key of 32 hexadecimal digits that is the same for rows with the same values in the columns, and never null.

    It is the first half of the SHA-256 of the values, each written with its length before it, so it stays the same over
    runs, machines and versions of Spark. The order of the columns matters, their names do not.

    >>> rows = spark.createDataFrame([("a", None), (None, "a")], "x string, y string")
    >>> [first, second] = [row.k for row in surrogate_key(rows, of=["x", "y"], into="k").collect()]
    >>> len(first), first == second
    (32, False)

    Args:
        df: the rows.
        of: the columns that make the key.
        into: name of the new column.

    Raises:
        MissingColumnsError: the frame lacks a column.
        ConfigError: no column is named, or the new one is there already.
    """
    names = _checked(df, of, into)
    text = F.concat(*(canonical_text(F.col(quoted(name)), df.schema[name].dataType) for name in names))
    return df.withColumn(into, F.substring(F.sha2(text, 256), 1, _KEY_DIGITS))


def fingerprint(df: DataFrame, names: Iterable[str]) -> Column:
    """The hash of `row_hash` as a column of the frame."""
    parts: list[Column] = []
    for name in names:
        column, data_type = F.col(quoted(name)), df.schema[name].dataType
        # Null adds nothing to a hash of Spark's, and neither does a null inside a struct or an array.
        parts += [column.isNull(), canonical_text(column, data_type) if isinstance(data_type, _NESTED) else column]
    return F.xxhash64(*parts)


def canonical_text(column: Column, data_type: DataType) -> Column:
    """The value as text that no other value has and that needs no separator: its length, a colon, itself; `-` for null."""
    text = _text(column, data_type)
    return F.coalesce(F.concat(F.length(text), F.lit(":"), text), F.lit("-"))


def _text(column: Column, data_type: DataType) -> Column:  # noqa: PLR0911 - one per type
    match data_type:
        case ArrayType():
            return F.array_join(F.transform(column, lambda each: canonical_text(each, data_type.elementType)), "")
        case MapType():
            entries = F.transform(
                F.map_entries(column),
                lambda each: F.concat(
                    canonical_text(each["key"], data_type.keyType), canonical_text(each["value"], data_type.valueType)
                ),
            )
            return F.array_join(F.array_sort(entries), "")
        case StructType():
            fields = [canonical_text(column.getField(f.name), f.dataType) for f in data_type]
            return F.when(column.isNotNull(), F.concat(F.lit(""), *fields))
        case DecimalType():
            digits = F.replace(F.format_number(column, data_type.scale), F.lit(","), F.lit(""))
            return F.regexp_replace(digits, r"\.?0+$", "") if data_type.scale else digits
        case FloatType() | DoubleType():
            number = column.cast("double")  # so that a float that becomes a double keeps its key
            return (number + F.lit(0.0)).cast("string")  # -0.0 + 0.0 is 0.0
        case TimestampType():
            return F.unix_micros(column).cast("string")
        case BinaryType():
            return F.hex(column)
        case _:
            return column.cast("string")


def _checked(df: DataFrame, of: Columns, into: str) -> tuple[str, ...]:
    names = as_tuple(of)
    require(names, df.columns, where="the frame")
    if not names:
        msg = f"{into} needs at least one column to be made of"
        raise ConfigError(msg)
    if into in df.columns:
        msg = f"the frame has a column {into} already; drop it or choose another name"
        raise ConfigError(msg)
    return names
