"""Fields that no contract names, and columns that no file has."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

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
