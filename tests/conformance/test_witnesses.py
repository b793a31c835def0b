"""Readers that share no code with Spark see the same rows: delta-rs and PyIceberg, after a merge with deletes in place."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
from deltalake import DeltaTable
from pyiceberg.catalog import load_catalog
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, DecimalType, LongType, StringType, StructField, StructType

from lakehouse.tables import Merge, Table, TableRef, open_table

SCHEMA = StructType(
    [
        StructField("id", LongType()),
        StructField("two words", StringType()),
        StructField("amount", DecimalType(12, 2)),
        StructField("items", ArrayType(StructType([StructField("sku", StringType())]))),
    ]
)
MERGED = [
    {"id": 1, "two words": "naïve", "amount": Decimal("1.50"), "items": [{"sku": "x"}, {"sku": None}]},
    {"id": 2, "two words": "changed", "amount": None, "items": []},
    {"id": 4, "two words": "new", "amount": None, "items": [{"sku": "new"}]},
]


def merge_some(spark: SparkSession, table: Table) -> None:
    """Three rows, of which a merge updates one and deletes one, and adds a fourth.

    No list is null: PyIceberg 0.12 reads a null list of structs as an empty one, which the files do not say.
    """
    table.create(SCHEMA)
    rows = [(1, "naïve", Decimal("1.50"), [("x",), (None,)]), (2, "b", None, []), (3, "c", None, [])]
    table.append(spark.createDataFrame(rows, SCHEMA).coalesce(1))
    table.merge(
        spark.createDataFrame([(2, "changed"), (3, None), (4, "new")], "id bigint, name string"),
        Merge(
            on="t.id = s.id",
            delete_when="s.name is null",
            update={"two words": "s.name"},
            insert={"id": "s.id", "two words": "s.name", "items": "array(named_struct('sku', s.name))"},
        ),
    )


def by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows in a fixed order."""
    return sorted(rows, key=lambda row: int(row["id"]))


def test_delta_rs_reads_what_spark_merged(spark: SparkSession, tmp_path: Path) -> None:
    """delta-rs applies deletion vectors and mapped column names, before and after maintenance."""
    path = tmp_path / "table"
    table = open_table(spark, TableRef(format="delta", path=str(path)))
    merge_some(spark, table)
    assert by_id(pa.table(DeltaTable(path).scan()).to_pylist()) == MERGED
    table.maintain(compact=True)
    assert by_id(pa.table(DeltaTable(path).scan()).to_pylist()) == MERGED


def test_pyiceberg_reads_what_spark_merged(spark: SparkSession) -> None:
    """PyIceberg opens the same catalog and applies position deletes, before and after maintenance."""
    namespace = f"witness_{uuid4().hex}"
    table = open_table(spark, TableRef(format="iceberg", name=f"lake.{namespace}.people"))
    merge_some(spark, table)
    warehouse = spark.conf.get("spark.lakehouse.warehouse")
    with closing(
        load_catalog("lake", type="sql", uri=f"sqlite:///{warehouse}/catalog.db", warehouse=warehouse)
    ) as lake:
        assert by_id(lake.load_table((namespace, "people")).scan().to_arrow().to_pylist()) == MERGED
        table.maintain(compact=True)
        assert by_id(lake.load_table((namespace, "people")).scan().to_arrow().to_pylist()) == MERGED
