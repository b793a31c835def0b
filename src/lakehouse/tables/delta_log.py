"""What the newest version of a Delta table is, told by Delta's own log. Runs no Spark job where the log is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from lakehouse.tables.jvm import java_packages, java_session
from lakehouse.tables.protocol import TableRef


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaState:
    """The newest `version` of a table, its `identity`, which lasts as long as the table, and the `folder` it lies in."""

    version: int
    identity: str
    folder: str


def read_state(spark: SparkSession, ref: TableRef, target: str) -> DeltaState:
    """Look at the log of the table that is `target` in SQL, and there."""
    java = java_packages(spark)
    if ref.path is not None:
        folder: Any = java.org.apache.hadoop.fs.Path(ref.path)
    else:
        folder = java.io.delta.tables.DeltaTable.forName(java_session(spark), target).deltaLog().dataPath()
    found = java.org.apache.spark.sql.delta.DeltaLog.forTableWithSnapshot(java_session(spark), folder)
    log, snapshot = found.productElement(0), found.productElement(1)
    return DeltaState(
        version=int(snapshot.version()), identity=str(snapshot.metadata().id()), folder=str(log.dataPath())
    )
