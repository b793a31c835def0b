"""Delta Lake and Apache Iceberg tables behind one protocol."""

from __future__ import annotations

from pyspark.sql import SparkSession

from lakehouse.tables.delta import DeltaTable
from lakehouse.tables.iceberg import IcebergTable
from lakehouse.tables.protocol import CommitMarker, Merge, Snapshot, Table, TableRef, last_sequence

__all__ = ["CommitMarker", "Merge", "Snapshot", "Table", "TableRef", "last_sequence", "open_table"]


def open_table(spark: SparkSession, ref: TableRef) -> Table:
    """Refer to a table by its reference; it need not exist yet, and nothing is read."""
    return DeltaTable(spark, ref) if ref.format == "delta" else IcebergTable(spark, ref)
