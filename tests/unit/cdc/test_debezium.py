"""Debezium: recorded topics against the server's own log, and every form a message may take."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.parsing import parse_changes


def bronze(spark: SparkSession, path: str) -> DataFrame:
    """Bronze rows of a file of JSON lines."""
    return spark.read.text(path).select(
        F.col("value").alias("_raw"),
        F.lit(None).cast("string").alias("_table"),
        F.lit(path).alias("_file"),
        F.monotonically_increasing_id().alias("_row"),
    )


@pytest.mark.parametrize("recording", ["plain_string", "schema_precise"])
def test_every_recorded_change_is_the_one_the_server_made(spark: SparkSession, shop: Any, recording: str) -> None:
    """A recorded topic parses to exactly the changes, values and keys that the server's trigger logged."""
    parsed = parse_changes(
        bronze(spark, shop.path("debezium", recording, f"{shop.name}.jsonl.gz")),
        feed="debezium",
        schema=shop.schema,
        keys=shop.keys,
    )
    actual, expected = shop.actual(parsed.changes), shop.expected()
    assert actual == {
        place: {name: value for name, value in row.items() if name in actual.get(place, row)}
        for place, row in expected.items()
    }
    assert parsed.rejected.collect() == []
