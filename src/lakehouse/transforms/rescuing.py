"""What does not fit, written down: JSON from which every value can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, DataType, DecimalType, MapType, StringType, StructType

from lakehouse.columns import quoted
from lakehouse.transforms.casting import WHOLE
from lakehouse.transforms.fitting import field_access

_JSON = {
    "timeZone": "UTC",
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
    "ignoreNullFields": "true",
}
"""How rescued values are written: to the microsecond, whatever the session's time zone."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left over of a column: its name, its type, SQL for it, and for whether there is any."""

    name: str
    data_type: DataType
    sql: str
    is_lost: str


def rescued(rests: Sequence[Rest]) -> Column:
    """A JSON object of the rests that there are."""
    if not rests:
        return F.lit(None).cast(StringType())
    parts = [F.expr(_writable(rest.sql, rest.data_type)).alias(rest.name) for rest in rests]
    some = " OR ".join(rest.is_lost for rest in rests)
    return F.when(F.expr(some), F.to_json(F.struct(*parts), _JSON))


def _writable(value: str, data_type: DataType, depth: int = 0) -> str:
    """SQL for the value as JSON can show it: maps whose keys JSON would not tell apart become arrays of entries."""
    each = f"e{depth}"
    match data_type:
        case StructType() if _has_odd_keys(data_type):
            fields = [
                f"{_writable(sql, field.dataType, depth)} AS {quoted(field.name)}"
                for sql, field in zip(field_access(value, data_type), data_type, strict=True)
            ]
            return f"CASE WHEN {value} IS NOT NULL THEN struct({', '.join(fields)}) END"
        case ArrayType() if _has_odd_keys(data_type):
            return f"transform({value}, {each} -> {_writable(each, data_type.elementType, depth + 1)})"
        case MapType() if _has_odd_keys(data_type):
            key, item = (
                _writable(f"{each}.{part}", kind, depth + 1)
                for part, kind in (("key", data_type.keyType), ("value", data_type.valueType))
            )
            return f"transform(map_entries({value}), {each} -> struct({key} AS key, {item} AS value))"
        case _:
            return value


def _has_odd_keys(data_type: DataType) -> bool:
    match data_type:
        case StructType():
            return any(_has_odd_keys(field.dataType) for field in data_type)
        case ArrayType():
            return _has_odd_keys(data_type.elementType)
        case MapType():
            plain = isinstance(data_type.keyType, (StringType, BooleanType, DecimalType, *WHOLE))
            return not plain or _has_odd_keys(data_type.valueType)
        case _:
            return False
