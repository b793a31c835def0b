"""A Delta table gets the features its columns need, and no more."""

from __future__ import annotations

import pytest
from pyspark.sql.types import (
    ArrayType,
    DataType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
)

from lakehouse.schemas.evolution import AllowNull, DropField, MoveField, RenameField
from lakehouse.tables.alterations import steps_of
from lakehouse.tables.delta_features import features_for, features_of

ODD = StructType([StructField("two words", LongType())])


def one(data_type: DataType, name: str = "plain") -> StructType:
    """A schema of one column."""
    return StructType([StructField(name, data_type)])


def test_plain_names_need_no_column_mapping() -> None:
    """Dots, backticks and other alphabets are plain; the table stays readable to tools without column mapping."""
    assert features_of(one(LongType(), "größe.`x`")) == {"delta.enableDeletionVectors": "true"}


@pytest.mark.parametrize(
    "schema", [ODD, one(ODD), one(ArrayType(ODD)), one(MapType(StringType(), ODD)), one(LongType(), "a=b")]
)
def test_blanks_and_brackets_need_column_mapping_at_any_depth(schema: StructType) -> None:
    """Parquet cannot hold such names, however deep they are."""
    assert features_of(schema)["delta.columnMapping.mode"] == "name"


def test_evolution_asks_for_what_it_needs() -> None:
    """Column mapping, timestamps without zone and wider types are switched on when they come up first."""
    assert features_for(steps_of(ODD, list(one(LongType())), {})) == {}
    assert features_for(steps_of(ODD, list(ODD), {})) == {"delta.columnMapping.mode": "name"}
    assert features_for(steps_of(one(IntegerType(), "id"), [], {"id": LongType()})) == {
        "delta.enableTypeWidening": "true"
    }
    ntz = features_for(steps_of(ODD, list(one(ArrayType(TimestampNTZType()))), {}))
    assert ntz == {"delta.feature.timestampNtz": "supported"}


def test_fields_are_renamed_and_dropped_by_column_mapping() -> None:
    """Names on disk have to be other than those of columns; a column that comes to be named path goes without vectors."""
    mapping = {"delta.columnMapping.mode": "name"}
    assert features_for([DropField(path=("s", "a"))]) == mapping
    assert features_for([RenameField(path=("s", "a"), name="path")]) == mapping
    assert features_for([RenameField(path=("a",), name="Path")]) == mapping | {"delta.enableDeletionVectors": "false"}
    assert features_for([MoveField(path=("a",), after=""), AllowNull(path=("a",))]) == {}
