"""Which types hold every value of which others."""

from __future__ import annotations

from pyspark.sql.types import (
    ArrayType,
    ByteType,
    DataType,
    DateType,
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
    TimestampNTZType,
)

_CHAIN: tuple[type[DataType], ...] = (ByteType, ShortType, IntegerType, LongType)
_WIDER = frozenset({*((a, b) for i, a in enumerate(_CHAIN) for b in _CHAIN[i + 1 :]), (FloatType, DoubleType)})
_ONE_WAY = frozenset(
    {
        *((small, FloatType) for small in (ByteType, ShortType)),
        *((small, DoubleType) for small in (ByteType, ShortType, IntegerType)),
        (DateType, TimestampNTZType),
    }
)
_DIGITS: dict[type[DataType], int] = {ByteType: 3, ShortType: 5, IntegerType: 10, LongType: 19}


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


def holds(new: DataType, old: DataType) -> bool:
    """Whether every value of the atomic type `old` is one of `new`, in whatever way a cast gets there.

    >>> holds(DoubleType(), IntegerType()), holds(DoubleType(), LongType()), holds(DecimalType(12, 2), IntegerType())
    (True, False, True)
    """
    if isinstance(new, DecimalType):
        if isinstance(old, DecimalType):
            return new.scale >= old.scale and new.precision - new.scale >= old.precision - old.scale
        return type(old) in _DIGITS and new.precision - new.scale >= _DIGITS[type(old)]
    return new == old or is_wider(new, old) or (type(old), type(new)) in _ONE_WAY
