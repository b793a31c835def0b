"""Spark types as Hive writes them."""

from __future__ import annotations

import pytest
from pyspark.sql import types as T

from lakehouse.errors import IncompatibleSchemaError
from lakehouse.schemas.hive_types import fold_names, hive_type


@pytest.mark.parametrize(
    ("data_type", "text"),
    [
        (T.StringType(), "string"),
        (T.BooleanType(), "boolean"),
        (T.ByteType(), "tinyint"),
        (T.ShortType(), "smallint"),
        (T.IntegerType(), "int"),
        (T.LongType(), "bigint"),
        (T.FloatType(), "float"),
        (T.DoubleType(), "double"),
        (T.DateType(), "date"),
        (T.TimestampType(), "timestamp"),
        (T.TimestampNTZType(), "timestamp"),
        (T.BinaryType(), "binary"),
        (T.DecimalType(38, 0), "decimal(38,0)"),
        (T.CharType(3), "char(3)"),
        (T.VarcharType(20), "varchar(20)"),
        (T.ArrayType(T.ArrayType(T.LongType())), "array<array<bigint>>"),
        (T.MapType(T.StringType(), T.TimestampNTZType()), "map<string,timestamp>"),
        (
            T.StructType(
                [
                    T.StructField("City", T.StringType()),
                    T.StructField("geo_point", T.StructType([T.StructField("Lat", T.DecimalType(9, 6))])),
                ]
            ),
            "struct<city:string,geo_point:struct<lat:decimal(9,6)>>",
        ),
    ],
)
def test_each_type_has_its_name(data_type: T.DataType, text: str) -> None:
    """Nested ones at any depth; both kinds of timestamp are one."""
    assert hive_type(data_type) == text


@pytest.mark.parametrize(
    "data_type",
    [
        T.NullType(),
        T.DayTimeIntervalType(),
        T.ArrayType(T.NullType()),
        T.StructType([]),
        T.StructType([T.StructField("a:b", T.StringType())]),
        T.StructType([T.StructField("a", T.StringType()), T.StructField("A", T.StringType())]),
    ],
    ids=["void", "interval", "nested void", "no fields", "name with colon", "names that fold to one"],
)
def test_what_hive_cannot_write_is_refused(data_type: T.DataType) -> None:
    """No type is guessed, and no name is bent."""
    with pytest.raises(IncompatibleSchemaError):
        hive_type(data_type)


def test_names_that_fold_to_one_are_refused() -> None:
    """They are named, with whose they are; others are only folded."""
    assert fold_names(["Id", "NAME"], where="customers") == ["id", "name"]
    with pytest.raises(IncompatibleSchemaError, match="customers: several columns are id in lower case"):
        fold_names(["Id", "name", "ID"], where="customers")
