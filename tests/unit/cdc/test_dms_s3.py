"""DMS files: recorded CSV and Parquet against the server's own log, and the rows a task may write."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DecimalType, LongType, StringType, StructField, StructType, TimestampType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.csv_records import split_records
from lakehouse.cdc.parsing import parse_changes, route
from lakehouse.errors import ConfigError, MissingColumnsError

SCHEMA = StructType(
    [
        StructField("id", LongType()),
        StructField("name", StringType()),
        StructField("amount", DecimalType(12, 2)),
        StructField("at", TimestampType()),
    ]
)
HEADER = "Op,ts,id,name,amount,at,AR_H_CHANGE_SEQ,BI_id"
SEQUENCE = "20261124033544640000000000027286336"
CHANGE = "s3://lake/public/t/20261124-033545787.csv"
LOAD = "s3://lake/public/t/LOAD00000001.csv"
BRONZE = "_raw STRING, _header STRING, _table STRING, _file STRING, _row BIGINT"


def csv_bronze(spark: SparkSession, folder: str) -> DataFrame:
    """Bronze rows of a folder of CSV files with headers."""
    lines = [
        (line, str(path), number)
        for path in sorted(Path(folder).glob("*.csv"))
        for number, line in enumerate(path.read_bytes().decode().removesuffix("\n").split("\n"))
    ]
    records = split_records(spark.createDataFrame(lines, "_raw STRING, _file STRING, _line BIGINT"))
    headers = records.where("_row = 0").select("_file", F.col("_raw").alias("_header"))
    return records.where("_row > 0").join(headers, on="_file", how="inner").withColumn("_table", route("dms-s3"))


def parquet_bronze(spark: SparkSession, folder: str) -> DataFrame:
    """Bronze rows of a folder of Parquet files, whose columns differ."""
    frames = [
        spark.read.parquet(str(path)).select(
            "*", F.lit(str(path)).alias("_file"), F.lit(0).cast("bigint").alias("_row")
        )
        for path in sorted(Path(folder).glob("*.parquet"))
    ]
    merged = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), frames)
    return merged.withColumn("_table", route("dms-s3"))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_every_recorded_change_is_the_one_the_server_made(spark: SparkSession, shop: Any, form: str) -> None:
    """Recorded files parse to exactly the changes, values and keys that the server's trigger logged."""
    folder = shop.path("dms_s3", form, "public", shop.name)
    parsed = parse_changes(
        csv_bronze(spark, folder) if form == "csv" else parquet_bronze(spark, folder),
        feed="dms-s3",
        schema=shop.schema,
        keys=shop.keys,
        table=f"public.{shop.name}",
        timestamp_column="dms_commit_ts",
    )
    assert shop.actual(parsed.changes) == shop.expected()
    assert parsed.rejected.collect() == []
    assert parsed.skipped.collect() == []
