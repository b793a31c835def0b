"""Values of a sequence outside of frames: as literals of a plan, and as text that a table property can hold."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BinaryType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegralType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from lakehouse.errors import ConfigError


def literal(value: Any, data_type: DataType) -> Column:
    """A value of a sequence as a literal; for a struct a tuple in field order."""
    if isinstance(data_type, StructType) and isinstance(value, (tuple, list)):
        fields = [literal(v, f.dataType).alias(f.name) for v, f in zip(value, data_type.fields, strict=True)]
        return F.struct(*fields)
    return F.lit(bytearray(value) if isinstance(value, bytes) else value).cast(data_type)


def to_text(value: Any, data_type: DataType) -> str:
    """A value as JSON text, from which `from_text` makes the same value again, to the last digit.

    >>> from pyspark.sql.types import LongType, StructField
    >>> place = StructType([StructField("a", LongType()), StructField("b", DecimalType(9, 2))])
    >>> to_text((1, Decimal("0.10")), place)
    '["1", "0.10"]'
    """
    return json.dumps(_plain(value, data_type))


def from_text(text: str, data_type: DataType) -> Any:
    """The value that `to_text` wrote.

    >>> from pyspark.sql.types import LongType, StructField
    >>> from_text('["1", "0.10"]', StructType([StructField("a", LongType()), StructField("b", DecimalType(9, 2))]))
    (1, Decimal('0.10'))
    """
    return _value(json.loads(text), data_type)


def _plain(value: Any, data_type: DataType) -> Any:  # noqa: PLR0911  one return for each type
    if value is None:
        return None
    match data_type:
        case StructType():
            return [_plain(v, f.dataType) for v, f in zip(value, data_type.fields, strict=True)]
        case TimestampType():
            # Spark hands out instants in the zone of the process, without saying so.
            return value.astimezone(UTC).isoformat()
        case TimestampNTZType() | DateType():
            return value.isoformat()
        case BinaryType():
            return bytes(value).hex()
        case FloatType() | DoubleType():
            return repr(value)
        case DecimalType():
            return f"{value:f}"
        case IntegralType() | StringType():
            return str(value)
        case _:
            msg = f"a sequence of type {data_type.simpleString()} cannot be kept in the properties of a table"
            raise ConfigError(msg)


def _value(plain: Any, data_type: DataType) -> Any:  # noqa: PLR0911  one return for each type
    if plain is None:
        return None
    match data_type:
        case StructType():
            return tuple(_value(p, f.dataType) for p, f in zip(plain, data_type.fields, strict=True))
        case TimestampType() | TimestampNTZType():
            return datetime.fromisoformat(plain)
        case DateType():
            return date.fromisoformat(plain)
        case BinaryType():
            return bytes.fromhex(plain)
        case FloatType() | DoubleType():
            return float(plain)
        case DecimalType():
            return Decimal(plain)
        case IntegralType():
            return int(plain)
        case _:
            return plain
