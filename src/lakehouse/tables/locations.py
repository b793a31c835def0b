"""Where a table lies, as catalogs ask for it. Runs no Spark job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lakehouse.tables.jvm import java_packages, java_session
from lakehouse.tables.protocol import Table
from lakehouse.tables.statements import name_parts, quoted_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a table lies.

    Attributes:
        folder: its folder, as an address.
        partitioned_by: the columns that its folders are of; those of Iceberg are in its metadata, and not here.
        metadata: the file of its newest metadata (Iceberg).
    """

    folder: str
    partitioned_by: tuple[str, ...] = ()
    metadata: str | None = None


def locate(table: Table) -> Location:
    """Where a table that is there lies now."""
    session, java = java_session(table.spark), java_packages(table.spark)
    if table.ref.format == "iceberg":
        name = quoted_name(name_parts(table.ref.identifier))
        loaded: Any = java.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(session, name)
        current = loaded.operations().current()
        return Location(folder=str(loaded.location()), metadata=str(current.metadataFileLocation()))
    if table.ref.path is not None:
        folder: Any = java.org.apache.hadoop.fs.Path(table.ref.path)
    else:
        name = quoted_name(name_parts(table.ref.identifier))
        folder = java.io.delta.tables.DeltaTable.forName(session, name).deltaLog().dataPath()
    found = java.org.apache.spark.sql.delta.DeltaLog.forTableWithSnapshot(session, folder)
    columns = found.productElement(1).metadata().partitionColumns()
    partitions = tuple(str(columns.apply(place)) for place in range(columns.size()))
    return Location(folder=str(found.productElement(0).dataPath()), partitioned_by=partitions)
