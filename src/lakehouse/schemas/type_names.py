"""Type names as people write them (`decimal(12,2)`, `array<string>`) without a Spark session to parse them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pyspark.sql import types as T

from lakehouse.columns import quoted
from lakehouse.errors import ConfigError

_ATOMIC: dict[str, T.DataType] = {
    "string": T.StringType(),
    "boolean": T.BooleanType(),
    "tinyint": T.ByteType(),
    "smallint": T.ShortType(),
    "int": T.IntegerType(),
    "bigint": T.LongType(),
    "float": T.FloatType(),
    "double": T.DoubleType(),
    "date": T.DateType(),
    "timestamp": T.TimestampType(),
    "timestamp_ntz": T.TimestampNTZType(),
    "binary": T.BinaryType(),
}
_MAX_PRECISION = 38


def parse_type(text: str) -> T.DataType:
    """The Spark type of a name in the form of `DataType.simpleString()`.

    >>> parse_type("decimal(12,2)"), parse_type("array<struct<a:int>>").simpleString()
    (DecimalType(12,2), 'array<struct<a:int>>')

    Raises:
        ConfigError: the text names no type.
    """
    name = text.strip()
    if name.lower() in _ATOMIC:
        return _ATOMIC[name.lower()]
    if number := re.fullmatch(r"decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)", name, re.IGNORECASE):
        precision, scale = int(number[1]), int(number[2])
        if scale <= precision <= _MAX_PRECISION:
            return T.DecimalType(precision, scale)
    if nested := re.fullmatch(r"(array|map|struct)\s*<(.*)>", name, re.IGNORECASE | re.DOTALL):
        return _parse_nested(nested[1].lower(), _split(nested[2], ","), text)
    raise ConfigError(_unknown(text))


def parse_schema(columns: Mapping[str, str]) -> T.StructType:
    """A schema of nullable columns from names and type names, in their order.

    Raises:
        ConfigError: names the column whose type is unknown.
    """
    fields = []
    for name, text in columns.items():
        try:
            fields.append(T.StructField(name, parse_type(text)))
        except ConfigError as error:
            msg = f"column {name}: {error}"
            raise ConfigError(msg) from None
    return T.StructType(fields)


def type_text(data_type: T.DataType) -> str:
    """A type as DDL, nested names quoted, nothing declared NOT NULL.

    >>> type_text(T.StructType([T.StructField("a.b", T.LongType(), nullable=False)]))
    'struct<`a.b`: bigint>'
    """
    if isinstance(data_type, T.StructType):
        return f"struct<{', '.join(f'{quoted(f.name)}: {type_text(f.dataType)}' for f in data_type)}>"
    if isinstance(data_type, T.ArrayType):
        return f"array<{type_text(data_type.elementType)}>"
    if isinstance(data_type, T.MapType):
        return f"map<{type_text(data_type.keyType)}, {type_text(data_type.valueType)}>"
    return data_type.simpleString()


def _parse_nested(kind: str, parts: list[str], text: str) -> T.DataType:
    if kind == "array" and len(parts) == 1:
        return T.ArrayType(parse_type(parts[0]))
    if kind == "map" and len(parts) == 2:  # noqa: PLR2004  a key and a value
        return T.MapType(parse_type(parts[0]), parse_type(parts[1]))
    if kind == "struct":
        pairs = [_split(part, ":") for part in parts]
        if all(len(pair) >= 2 for pair in pairs):  # noqa: PLR2004  a name and a type
            return T.StructType([T.StructField(p[0].strip(), parse_type(":".join(p[1:]))) for p in pairs])
    raise ConfigError(_unknown(text))


def _split(text: str, separator: str) -> list[str]:
    """Split at the separators that stand outside brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "<(") - (letter in ">)")
        if letter == separator and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _unknown(text: str) -> str:
    known = ", ".join([*_ATOMIC, "decimal(p,s)", "array<T>", "map<K,V>", "struct<name:T>"])
    return f"unknown type {text!r}; use one of {known}"
