"""DMS streams: the recorded stream against the server's own log, and the messages a task may send."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.parsing import parse_changes, route

LINES = 7063
RECORDS = {"customers": 1527, "products": 344, "orders": 1982, "order_items": 3204}


def bronze(spark: SparkSession, path: str) -> DataFrame:
    """Bronze rows of a file of JSON lines."""
    return (
        spark.read.text(path)
        .select(
            F.col("value").alias("_raw"),
            F.lit(path).alias("_file"),
            F.monotonically_increasing_id().alias("_row"),
        )
        .withColumn("_table", route("dms-stream"))
    )


def test_every_recorded_change_is_the_one_the_server_made(spark: SparkSession, shop: Any) -> None:
    """The recorded stream parses to exactly the changes of each table, where the feed writes an empty text as null."""
    parsed = parse_changes(
        bronze(spark, shop.path("dms_kinesis", "shop.jsonl.gz")),
        feed="dms-stream",
        schema=shop.schema,
        keys=shop.keys,
        table=f"public.{shop.name}",
    )
    assert shop.actual(parsed.changes) == shop.expected(empty_is_null=True)
    assert parsed.rejected.collect() == []
    kinds = {row["_kind"]: row["count"] for row in parsed.skipped.groupBy("_kind").count().collect()}
    controls = {"customers": 3}.get(shop.name, 2)  # the exceptions table, this table, and its added column
    assert kinds == {"control": controls, "other_table": LINES - RECORDS[shop.name] - controls}
