"""Fields that no contract names, and columns that no file has."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from lakehouse.cdc.drift import csv_drift, json_drift, typed_drift


def found(frame: DataFrame) -> set[tuple[str, str, int]]:
    """The drift as plain rows."""
    return {(row.name, row.state, row.rows) for row in frame.collect()}


def test_json_fields_that_nobody_reads(spark: SparkSession) -> None:
    """Each with the records that have it; another case is another name; what is no object has no fields; odd names are names."""
    texts = [
        '{"id": 1, "new": null}',
        '{"ID": 2, "new": {"id": 1}}',
        '{"id": 3}',
        "[1]",
        "broken",
        None,
        '{"": 1, "a.b": 2}',
    ]
    rows = spark.createDataFrame([(text,) for text in texts], "_raw string")
    assert found(json_drift(rows, ["id"])) == {
        ("new", "unknown", 2), ("ID", "unknown", 1), ("", "unknown", 1), ("a.b", "unknown", 1),
    }  # fmt: skip
    assert found(json_drift(rows.limit(0), ["id"])) == set()


ORDERS = T.StructType(
    [
        T.StructField("id", T.IntegerType()),
        T.StructField("ship to", T.StructType([T.StructField("city", T.StringType())])),
        T.StructField("lines", T.ArrayType(T.StructType([
            T.StructField("sku", T.StringType()),
            T.StructField("tags", T.MapType(T.StringType(), T.ArrayType(T.StructType([T.StructField("x", T.IntegerType())])))),
        ]))),
    ]
)  # fmt: skip


def test_fields_within_json_objects(spark: SparkSession) -> None:
    """By their paths, through structs, arrays and maps, counted once a record; what is of another shape has no fields."""
    texts = [
        '{"id": 1, "ship to": {"city": "x", "Zip": 1, "a.b": null}, "lines": [{"sku": "a", "colour": 1}, {"colour": 2}, null, 3]}',
        '{"id": 2, "ship to": "nowhere", "lines": {"colour": 1}, "new": {"deep": 1}}',
        '{"id": 3, "ship to": null, "lines": [{"tags": {"one": [{"x": 1}, {"y": 2}], "two": null}}]}',
        '{"id": 4, "ship to": {}, "lines": []}',
        "broken",
        None,
    ]
    rows = spark.createDataFrame([(text,) for text in texts], "_raw string")
    assert found(json_drift(rows, ORDERS.names, ORDERS)) == {
        ("`ship to`.Zip", "unknown", 1), ("`ship to`.a.b", "unknown", 1), ("lines.element.colour", "unknown", 1),
        ("new", "unknown", 1), ("lines.element.tags.value.element.y", "unknown", 1),
    }  # fmt: skip


def test_fields_within_typed_columns(spark: SparkSession) -> None:
    """By their paths, in any case, and only those that hold a value somewhere."""
    rows = spark.sql(
        """
        select 1 ID, named_struct('CITY', 'x', 'zip', 1) `ship to`, array(named_struct('sku', 'a', 'colour', 1, 'empty', null)) lines
        union all
        select 2, named_struct('CITY', 'y', 'zip', null), array(null, named_struct('sku', 'a', 'colour', 2, 'empty', null))
        union all
        select 3, null, null
        """
    )
    assert found(typed_drift(rows, ORDERS.names, ORDERS)) == {
        ("`ship to`.zip", "unknown", 1), ("lines.element.colour", "unknown", 2),
    }  # fmt: skip


def test_csv_headers(spark: SparkSession) -> None:
    """A renamed column is an unknown one and a missing one; quotes of a header are none of a name; files without one count not."""
    headers = ['id;"na;me"', 'id;"na;me"', "id;title\r", None, '"broken']
    rows = spark.createDataFrame([(header, "x") for header in headers], "_header string, _raw string")
    assert found(csv_drift(rows, ["id", "title", "op"], ["id", "title"], delimiter=";")) == {
        ("na;me", "unknown", 2), ("title", "missing", 2),
    }  # fmt: skip
    assert found(csv_drift(rows, [], [])) == {("id;title", "unknown", 1)}  # the others are no CSV without the semicolon


def test_typed_columns(spark: SparkSession) -> None:
    """Those that hold values, known in any case; bronze's own are none of the producer's."""
    rows = spark.createDataFrame(
        [(1, 2, None, "f"), (3, None, None, "f")], "ID int, `n.w` int, empty int, _source_file string"
    )
    assert found(typed_drift(rows, ["id"])) == {("n.w", "unknown", 1)}
    assert found(typed_drift(rows, ["id", "n.w", "EMPTY"])) == set()
