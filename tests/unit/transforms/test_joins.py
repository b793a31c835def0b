"""Lookups: many to one, whatever the dimension holds."""

from __future__ import annotations

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from lakehouse.errors import ConfigError, MissingColumnsError
from lakehouse.transforms import lookup

FACTS = [(1, "a"), (2, "a"), (3, "b"), (4, None), (5, "z")]
DIMENSION = [
    ("a", "Rome", {"n": 1}),
    ("a", "Rome", {"n": 1}),
    ("b", None, None),
    (None, "nowhere", None),
    ("c", "Oslo", None),
]
SCHEMA = "shop string, `city.name` string, tags map<string, int>"


def test_each_row_stays_one_row(spark: SparkSession) -> None:
    """Repeated rows of the dimension add none, null meets null, and the flag tells unknown keys from null values."""
    facts, dimension = spark.createDataFrame(FACTS, "id int, shop string"), spark.createDataFrame(DIMENSION, SCHEMA)
    found = lookup(facts, dimension, on="shop", take=["city.name", "tags"], missing="flag")
    assert found.columns == ["id", "shop", "city.name", "tags", "_matched"]
    assert sorted(map(tuple, found.collect())) == [
        (1, "a", "Rome", {"n": 1}, True),
        (2, "a", "Rome", {"n": 1}, True),
        (3, "b", None, None, True),
        (4, None, "nowhere", None, True),
        (5, "z", None, None, False),
    ]


def test_a_key_with_two_answers_is_no_luck(spark: SparkSession) -> None:
    """A dimension that says two things of one key fails the query with what to do, and not with a value of a row."""
    facts = spark.createDataFrame(FACTS, "id int, shop string")
    dimension = spark.createDataFrame([*DIMENSION, ("a", "Milan", None)], SCHEMA)
    with pytest.raises((PySparkException, Py4JJavaError), match="dedupe it by its keys first") as error:
        lookup(facts, dimension, on="shop", take="city.name").collect()
    assert "Milan" not in str(error.value)


def test_what_cannot_be_looked_up_is_refused(spark: SparkSession) -> None:
    """A key that one side lacks, a column that is there already, or nothing to take are errors before anything runs."""
    facts, dimension = spark.createDataFrame(FACTS, "id int, shop string"), spark.createDataFrame(DIMENSION, SCHEMA)
    with pytest.raises(MissingColumnsError, match="the dimension lacks id"):
        lookup(facts, dimension, on="id", take="city.name")
    with pytest.raises(ConfigError, match="has shop already"):
        lookup(facts, dimension, on="shop", take="shop")
    with pytest.raises(ConfigError, match="one in take"):
        lookup(facts, dimension, on="shop", take=[])
    with pytest.raises(ConfigError, match="'null' or 'flag'"):
        lookup(facts, dimension, on="shop", take="tags", missing="fail")  # type: ignore[arg-type]  # that is the point
