"""Frames fit a table by name and without loss, or not at all."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
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
    NullType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from lakehouse.errors import IncompatibleSchemaError
from lakehouse.schemas.widening import fits, is_wider
from lakehouse.tables.alignment import align, outstanding

TABLE = StructType([StructField("id", LongType()), StructField("a.b", StringType())])


@pytest.mark.parametrize(
    ("new", "old", "wider"),
    [
        (LongType(), IntegerType(), True),
        (IntegerType(), ByteType(), True),
        (DoubleType(), FloatType(), True),
        (DecimalType(12, 2), DecimalType(10, 2), True),
        (DecimalType(12, 3), DecimalType(10, 2), False),
        (DecimalType(20, 0), LongType(), False),
        (DoubleType(), IntegerType(), False),
        (IntegerType(), LongType(), False),
        (LongType(), LongType(), False),
        (TimestampType(), DateType(), False),
    ],
)
def test_types_widen_only_as_both_formats_can(new: DataType, old: DataType, wider: bool) -> None:  # noqa: FBT001 - the expectation
    """Integers, floats and decimals of one scale widen; nothing else does, and nothing narrows."""
    assert is_wider(new, old) is wider


def test_nullability_and_metadata_do_not_matter_but_nested_names_and_order_do() -> None:
    """A struct fits a struct of the same fields in the same order."""
    ab = StructType([StructField("a", LongType(), nullable=False), StructField("b", LongType())])
    loose = StructType([StructField("a", LongType(), metadata={"comment": "x"}), StructField("b", LongType())])
    swapped = StructType([StructField("b", LongType()), StructField("a", LongType())])
    assert fits(ArrayType(loose), ArrayType(ab, containsNull=False))
    assert not fits(ArrayType(swapped), ArrayType(ab))
    assert fits(ab, NullType())


def test_a_frame_takes_the_order_the_types_and_the_missing_columns_of_the_table(spark: SparkSession) -> None:
    """Columns are matched by name and widened; a missing one is null."""
    aligned = align(spark.createDataFrame([(1,)], "id int"), TABLE, where="t")
    assert aligned.schema.simpleString() == "struct<id:bigint,a.b:string>"
    assert [tuple(row) for row in aligned.collect()] == [(1, None)]


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ("id bigint, ID2 string", "unknown columns: ID2"),
        ("Id bigint", "unknown columns: Id"),
        ("id bigint, `a.b` string, id bigint", "columns twice: id"),
        ("id double, `a.b` int", "id is double, not bigint; a.b is int, not string"),
    ],
)
def test_a_frame_that_does_not_fit_is_refused_by_name(spark: SparkSession, schema: str, complaint: str) -> None:
    """The error names every offending column, its type and the table."""
    with pytest.raises(IncompatibleSchemaError, match=complaint) as caught:
        align(spark.createDataFrame([], schema), TABLE, where="lake.people")
    assert "lake.people" in str(caught.value)


def test_an_evolution_leaves_out_what_is_there() -> None:
    """Columns of the same or a wider type are not added, types that are wide enough are not widened."""
    added, widened = outstanding(
        TABLE,
        add=StructType([StructField("id", IntegerType()), StructField("new", DateType())]),
        widen={"id": LongType()},
        where="t",
    )
    assert [field.name for field in added] == ["new"]
    assert widened == {}
    assert outstanding(TABLE, add=None, widen=None, where="t") == ([], {})


def test_an_evolution_that_loses_values_is_refused_as_a_whole() -> None:
    """Every clash is named at once."""
    with pytest.raises(
        IncompatibleSchemaError, match=r"id is bigint already, not string; a\.b is string and cannot"
    ) as e:
        outstanding(
            TABLE,
            add=StructType([StructField("fine", LongType()), StructField("id", StringType())]),
            widen={"a.b": LongType(), "nowhere": LongType()},
            where="t",
        )
    assert "nowhere is missing" in str(e.value)
