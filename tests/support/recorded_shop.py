"""The recorded shop for tests: its feeds as bronze rows, its contracts, and the server's own answers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, DateType, DecimalType, StructType, TimestampType

from lakehouse.bronze.change_log import text_records, typed_records
from lakehouse.cdc.parsing import parse_changes, route
from lakehouse.columns import TABLE
from lakehouse.config.loading import load_config
from lakehouse.runtime import landing
from lakehouse.runtime.typed_rows import typed_rows

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "tests" / "data" / "shop_cdc"
TRACKED = ("email", "city", "country_code", "status", "credit_limit")

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Recording:
    """One feed of the recorded shop: where its files are and how its sequence tells the position in the log."""

    feed: str
    folder: str
    files: str
    options: Mapping[str, str]
    empty_is_null: bool = False

    def read(self, spark: SparkSession, table: str, only: str = "") -> DataFrame:
        """Bronze rows of one table; `only` narrows to files whose name contains it."""
        files = [f for f in landing.list_landed(spark, str(SHOP / self.folder)).files if only in f.name]
        if self.feed == "dms-s3":
            files = [f for f in files if f"/{table.replace('.', '/')}/" in f.file]
        if self.files == "parquet":
            return typed_records(typed_rows(spark, files, kind="parquet")).withColumn(TABLE, route(self.feed))
        records = text_records(landing.text_lines(spark, files), csv=self.files == "csv", header=True)
        return records.withColumn(TABLE, route(self.feed)).where(F.col(TABLE) == table)

    def changes(self, spark: SparkSession, table: str, only: str = "") -> DataFrame:
        """The change log of one table."""
        contract = CONTRACTS[table]
        rows = self.read(spark, table, only)
        parsed = parse_changes(
            rows, feed=self.feed, schema=contract.schema_, keys=contract.keys, table=table, **self.options
        )
        return parsed.changes

    def position(self, name: str) -> Column:
        """The position in the write-ahead log of a sequence: DMS files put a time before its 19 digits."""
        column = F.col(name)
        return (column % F.lit(Decimal(10**19)) if self.feed == "dms-s3" else column).cast("bigint").alias(name)


CONTRACTS = load_config(str(ROOT / "configs" / "cdc_to_warehouse.yaml"), environment={}).inputs["shop"].tables
RECORDINGS = {
    "dms csv": Recording("dms-s3", "dms_s3/csv", "csv", {"timestamp_column": "dms_commit_ts"}),
    "dms parquet": Recording("dms-s3", "dms_s3/parquet", "parquet", {"timestamp_column": "dms_commit_ts"}),
    "dms stream": Recording("dms-stream", "dms_kinesis", "json", {}, empty_is_null=True),
    "debezium plain": Recording("debezium", "debezium/plain_string", "json", {}),
    "debezium with schema": Recording("debezium", "debezium/schema_precise", "json", {}),
}


def answers(file: str, schema: StructType, extra: tuple[str, ...] = (), *, empty_is_null: bool = False) -> list[Row]:
    """Rows the server answered, sorted: typed by the schema, then the extra columns as they are."""
    path = SHOP / "expected" / file
    content = path.read_bytes()
    text = gzip.decompress(content) if file.endswith(".gz") else content
    told = [json.loads(line) for line in text.decode().split("\n") if line]
    rows = [
        (
            *(
                typed(None if empty_is_null and row.get(f.name) == "" else row.get(f.name), f.dataType)
                for f in schema.fields
            ),
            *(row[name] for name in extra),
        )
        for row in told
    ]
    return sorted(rows, key=repr)


def typed(value: Any, data_type: DataType) -> Any:
    """A value of the server's answers as Spark gives it to Python: numerics exact, instants as wall clocks in UTC."""
    if value is None:
        return None
    match data_type:
        case DecimalType():
            return Decimal(value)
        case DateType():
            return date.fromisoformat(value)
        case TimestampType():
            return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
        case _:
            return value


def sorted_rows(df: DataFrame) -> list[Row]:
    """The rows of a frame, sorted as `answers` sorts them."""
    return sorted((tuple(row) for row in df.collect()), key=repr)
