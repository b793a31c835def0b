"""A schema of Spark as a record of Avro, by which a registry keeps it.

The types are those that Spark's own Avro writer has for them (https://spark.apache.org/docs/latest/sql-data-sources-avro.html);
instants are of microseconds. Columns that may be null are unions with null and default to it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from pyspark.sql import types as T

from lakehouse.columns import require
from lakehouse.errors import ConfigError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIMPLE: dict[type[T.DataType], Any] = {
    T.StringType: "string",
    T.BooleanType: "boolean",
    T.ByteType: "int",
    T.ShortType: "int",
    T.IntegerType: "int",
    T.LongType: "long",
    T.FloatType: "float",
    T.DoubleType: "double",
    T.BinaryType: "bytes",
    T.DateType: {"type": "int", "logicalType": "date"},
    T.TimestampType: {"type": "long", "logicalType": "timestamp-micros"},
    T.TimestampNTZType: {"type": "long", "logicalType": "local-timestamp-micros"},
}


def avro_record(schema: T.StructType, *, name: str, required: Collection[str] = ()) -> dict[str, Any]:
    """The record that rows of a schema are; structs in it are records whose names are the paths to them.

    >>> avro_record(T.StructType([T.StructField("id", T.LongType())]), name="shop.orders", required=["id"])
    {'type': 'record', 'name': 'orders', 'namespace': 'shop', 'fields': [{'name': 'id', 'type': 'long'}]}

    Args:
        schema: the columns.
        name: of the record; what stands before its last point is the namespace.
        required: the columns that are never null.

    Raises:
        ConfigError: Avro has no such name, or no such type.
        MissingColumnsError: a required column is none.
    """
    require(tuple(required), schema.names, where=f"the contract of {name}")
    space, _, plain = name.rpartition(".")
    namespace = {"namespace": ".".join(map(_named, space.split(".")))} if space else {}
    return {"type": "record", "name": _named(plain), **namespace, "fields": _fields(schema, plain, required)}


def _fields(schema: T.StructType, path: str, required: Collection[str]) -> list[dict[str, Any]]:
    fields = []
    for field in schema.fields:
        made = _type(field.dataType, f"{path}_{field.name}")
        optional = {} if field.name in required else {"default": None}
        fields.append({"name": _named(field.name), "type": ["null", made] if optional else made, **optional})
    return fields


def _type(data_type: T.DataType, path: str) -> Any:
    match data_type:
        case T.StructType():
            return {"type": "record", "name": _named(path), "fields": _fields(data_type, path, ())}
        case T.ArrayType(elementType=element):
            return {"type": "array", "items": ["null", _type(element, f"{path}_item")]}
        case T.MapType(keyType=T.StringType(), valueType=value):
            return {"type": "map", "values": ["null", _type(value, f"{path}_value")]}
        case T.DecimalType(precision=precision, scale=scale):
            return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
    for kind, made in _SIMPLE.items():
        if isinstance(data_type, kind):
            return made
    msg = f"Avro has no type for {path}, which is {data_type.simpleString()}; leave the column out, or keep no registry"
    raise ConfigError(msg)


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        msg = f"{name!r} is no name in Avro, which has letters of ASCII, digits and _; rename it, or keep no registry"
        raise ConfigError(msg)
    return name
