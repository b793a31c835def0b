"""The manifest as a table: its lines read, and new ones added."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from lakehouse.bronze import manifest
from lakehouse.bronze.manifest import LandedFile, LoadedFile
from lakehouse.columns import quoted
from lakehouse.tables import CommitMarker, Table
from lakehouse.tables.guarding import append_unless, create_once


def read_manifest(ledger: Table) -> list[LoadedFile]:
    """All lines; none when there is no table. Columns that an older one lacks are null."""
    if not ledger.exists():
        return []
    rows = ledger.read()
    there = set(rows.columns)
    columns = {
        field.name: F.col(quoted(field.name)) if field.name in there else F.lit(None).cast(field.dataType)
        for field in manifest.SCHEMA
    }
    columns["modified_at"] = F.unix_millis(columns["modified_at"])
    return [
        LoadedFile(
            landed=LandedFile(file=row.file, size=row["size"], modified_at=row.modified_at),
            batch=row.batch,
            loaded_at=row.loaded_at.astimezone(UTC),
            run_id=row.run_id,
            duplicate_of=row.duplicate_of,
            hash=row.hash,
            records=row.records,
            reason=row.reason,
        )
        for row in rows.select(*[column.alias(name) for name, column in columns.items()]).collect()
    ]


def write_manifest(ledger: Table, entries: Sequence[LoadedFile], commit: CommitMarker) -> bool:
    """Add lines in one commit; the table is made, or given the columns it lacks, first.

    Lines that plan a batch are not added when another run has planned one of that number: False then.
    """
    rows = [
        (
            entry.landed.file,
            entry.landed.size,
            datetime.fromtimestamp(entry.landed.modified_at / 1000, tz=UTC),
            entry.batch,
            entry.loaded_at,
            entry.run_id,
            entry.duplicate_of,
            entry.hash,
            entry.records,
            entry.reason,
        )
        for entry in entries
    ]
    if not create_once(ledger, manifest.SCHEMA):
        there = ledger.schema().names
        if lacking := [field for field in manifest.SCHEMA if field.name not in there]:
            ledger.evolve(add=StructType(lacking))
    frame = ledger.spark.createDataFrame(rows, manifest.SCHEMA).coalesce(1)
    if any(entry.has_rows for entry in entries):
        return append_unless(ledger, frame, where=f"batch >= {entries[0].batch:d}", commit=commit)
    ledger.append(frame, commit=commit)
    return True
