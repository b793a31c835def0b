"""Schemas as Hive writes them, which the Glue catalog, Athena and Hive metastores read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from pyspark.sql import types as T

from lakehouse.errors import IncompatibleSchemaError

_NAMES: dict[type[T.DataType], str] = {
    T.StringType: "string",
    T.BooleanType: "boolean",
    T.ByteType: "tinyint",
    T.ShortType: "smallint",
    T.IntegerType: "int",
    T.LongType: "bigint",
    T.FloatType: "float",
    T.DoubleType: "double",
    T.DateType: "date",
    T.TimestampType: "timestamp",
    T.TimestampNTZType: "timestamp",  # Hive has one type for both; the table itself knows which
    T.BinaryType: "binary",
}
_NESTED_NAME = re.compile(r"[^\s,:<>()`]+")


def hive_type(data_type: T.DataType) -> str:
    """The Hive type of a Spark type; names of nested fields are in lower case, as Hive knows no other.

    >>> hive_type(T.MapType(T.StringType(), T.StructType([T.StructField("Price", T.DecimalType(12, 2))])))
    'map<string,struct<price:decimal(12,2)>>'

    Raises:
        IncompatibleSchemaError: Hive has no such type, or cannot write the name of a nested field.
    """
    match data_type:
        case T.DecimalType() | T.CharType() | T.VarcharType():
            return data_type.simpleString()
        case T.ArrayType():
            return f"array<{hive_type(data_type.elementType)}>"
        case T.MapType():
            return f"map<{hive_type(data_type.keyType)},{hive_type(data_type.valueType)}>"
        case T.StructType():
            return f"struct<{','.join(f'{name}:{kind}' for name, kind in _nested(data_type))}>"
        case _ if type(data_type) in _NAMES:
            return _NAMES[type(data_type)]
    msg = f"Hive has no type for {data_type.simpleString()}: leave the column out, or cast it"
    raise IncompatibleSchemaError(msg)


def fold_names(names: Iterable[str], *, where: str) -> list[str]:
    """Names in lower case.

    Raises:
        IncompatibleSchemaError: two of them differ in letter case alone; `where` says whose names they are.
    """
    folded = [name.lower() for name in names]
    twice = sorted(name for name, times in Counter(folded).items() if times > 1)
    if twice:
        msg = f"{where}: several columns are {', '.join(twice)} in lower case; rename all but one of each"
        raise IncompatibleSchemaError(msg)
    return folded


def _nested(struct: T.StructType) -> Iterable[tuple[str, str]]:
    wrong = [name for name in struct.fieldNames() if not _NESTED_NAME.fullmatch(name)]
    if wrong or not struct.fields:
        msg = (
            f"{struct.simpleString()}: Hive cannot write a struct without fields, or fields named {wrong}; rename them"
        )
        raise IncompatibleSchemaError(msg)
    names = fold_names(struct.fieldNames(), where=struct.simpleString())
    return zip(names, (hive_type(field.dataType) for field in struct.fields), strict=True)
