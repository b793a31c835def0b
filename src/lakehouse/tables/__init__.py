"""Delta Lake and Apache Iceberg tables behind one protocol."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from lakehouse.tables.delta import DeltaTable
from lakehouse.tables.iceberg import IcebergTable
from lakehouse.tables.jvm import keep_text
from lakehouse.tables.leases import Leases
from lakehouse.tables.ledger import committed_rows
from lakehouse.tables.protocol import CommitMarker, Merge, Snapshot, Table, TableRef, last_marker, last_sequence

__all__ = [
    "CommitMarker",
    "Merge",
    "Snapshot",
    "Table",
    "TableRef",
    "last_marker",
    "last_sequence",
    "open_table",
    "read_consistent",
]


def open_table(spark: SparkSession, ref: TableRef, *, leases: Leases | None = None) -> Table:
    """Refer to a table by its reference; it need not exist yet, and nothing is read.

    From then on the session takes the text of statements as it is, see `lakehouse.tables.jvm.keep_text`.

    Args:
        spark: the session.
        ref: where the table is.
        leases: what keeps the writers of a Delta table apart where its store does not, see `lakehouse.tables.arbitration`.
    """
    keep_text(spark)
    return DeltaTable(spark, ref, leases) if ref.format == "delta" else IcebergTable(spark, ref)


def read_consistent(spark: SparkSession, ledger: Table, *, run_id: str | None = None) -> dict[str, DataFrame]:
    """All targets of a run by name, each at exactly the version that the run left it at; never half a batch.

    Reading tables one after the other by their newest versions may meet a run halfway. This looks the versions up first.
    It works as long as the versions are kept, see `Table.maintain`.

    Args:
        spark: the session.
        ledger: the table of the job's `ledger:`.
        run_id: the run; None: the newest one that ended well.

    Raises:
        ConfigError: there is no such run in the ledger, or a version is not kept any more.
    """
    frames = {}
    for row in committed_rows(ledger, run_id):
        table = open_table(spark, row.ref)
        frames[row.target] = table.read().limit(0) if row.version is None else table.read(version=row.version)
    return frames
