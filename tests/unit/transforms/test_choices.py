"""Columns of several types, resolved."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.errors import ConfigError, MissingColumnsError
from lakehouse.transforms import resolve_choice


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    """A choice of three types as Glue hands it over, a row that has two of them, and a plain column."""
    schema = "id int, n struct<long: bigint, double: double, string: string>, plain string"
    values = [
        (1, (7, None, None), "1"), (2, (None, 8.0, None), "x"), (3, (None, 8.5, None), None), (4, (None, None, "9"), None),
        (5, (None, None, "many"), None), (6, None, None), (7, (1, 1.0, None), None),
    ]  # fmt: skip
    return spark.createDataFrame(values, schema)


def test_a_cast_takes_what_is_exact(rows: DataFrame) -> None:
    """Values of each type become the one that was asked for; the rest is left over, a second value of a row among it."""
    found = resolve_choice(rows, {"n": "cast:long"})
    assert found.columns == ["id", "n", "plain", "_rescued"]
    assert sorted((row.id, row.n, row["_rescued"]) for row in found.collect()) == [
        (1, 7, None), (2, 8, None), (3, None, '{"n":{"double":8.5}}'), (4, 9, None), (5, None, '{"n":{"string":"many"}}'),
        (6, None, None), (7, 1, '{"n":{"double":1.0}}'),
    ]  # fmt: skip


def test_a_projection_takes_one_type(rows: DataFrame) -> None:
    """Only values of the type stay; of a column of one type that is the whole of it."""
    found = resolve_choice(rows, {"n": "project:string", "plain": "cast:int"})
    assert found.dtypes[1] == ("n", "string")
    assert sorted((row.id, row.n, row.plain, row["_rescued"]) for row in found.collect()) == [
        (1, None, 1, '{"n":{"long":7}}'), (2, None, None, '{"n":{"double":8.0},"plain":"x"}'),
        (3, None, None, '{"n":{"double":8.5}}'), (4, "9", None, None), (5, "many", None, None), (6, None, None, None),
        (7, None, None, '{"n":{"long":1,"double":1.0}}'),
    ]  # fmt: skip


def test_each_type_gets_a_column_or_a_field(rows: DataFrame) -> None:
    """`make_cols` spreads a choice over columns named by its types, `make_struct` makes a field of each."""
    found = resolve_choice(rows, {"n": "make_cols", "plain": "make_struct"})
    assert found.columns == ["id", "n_long", "n_double", "n_string", "plain"]
    assert found.dtypes[-1] == ("plain", "struct<string:string>")
    assert sorted(map(tuple, found.where("id < 3").collect())) == [
        (1, 7, None, None, ("1",)),
        (2, None, 8.0, None, ("x",)),
    ]


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"n": "match"}, "'match' is no choice"),
        ({"n": "cast:"}, "'cast:' is no choice"),
        ({"n": "cast:number"}, "unknown type 'number'"),
        ({"n": "cast:array<int>"}, "a choice is cast to a plain type"),
        ({"n": "project:date"}, "column n is never date; it is long, double, string"),
    ],
)
def test_what_is_no_choice_is_refused(rows: DataFrame, choices: dict[str, str], message: str) -> None:
    """The error names the column and what there is."""
    with pytest.raises(ConfigError, match=message):
        resolve_choice(rows, choices)


def test_a_new_column_does_not_replace_another(rows: DataFrame) -> None:
    """A column that is missing, or made twice, is an error."""
    with pytest.raises(MissingColumnsError, match="lacks m"):
        resolve_choice(rows, {"m": "make_cols"})
    with pytest.raises(ConfigError, match="makes columns twice: n_long"):
        resolve_choice(rows.withColumnRenamed("plain", "n_long"), {"n": "make_cols"})
