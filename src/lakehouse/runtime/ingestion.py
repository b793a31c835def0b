"""Landing to bronze: every file once, in numbered batches, safe to stop anywhere.

A batch is planned before it is loaded: one append to the manifest (`<bronze>__files`) fixes its number, its files and its
time. A run that finds a planned batch which bronze does not hold loads exactly that one first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from lakehouse.bronze import change_log, manifest
from lakehouse.bronze.manifest import LandedFile, LoadedFile
from lakehouse.columns import BATCH, FILE, TABLE
from lakehouse.config.models import Input
from lakehouse.errors import IncompatibleSchemaError, InputGoneError
from lakehouse.failpoints import reach
from lakehouse.runtime import landing
from lakehouse.tables import CommitMarker, Table, last_sequence

MANIFEST = "__files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a job; the only clock there is."""

    job: str
    run_id: str
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What bronze holds after this run: its newest `batch` (0 = nothing), and what this run added."""

    table: Table
    batch: int
    new_files: int = 0
    repeated_files: int = 0


def ingest(bronze: Table, source: Input, landed: Sequence[LandedFile], run: Run) -> Loaded:
    """Load what is new into one bronze table.

    Raises:
        InputGoneError: a file that an unfinished run had planned to load is no longer there.
        IncompatibleSchemaError: typed files do not agree on their columns.
    """
    ledger = bronze.sibling(MANIFEST)
    known = _read_manifest(ledger)
    planned = max((entry.batch for entry in known), default=0)
    resumed = 0
    if planned and _last_loaded(bronze, run) < planned:
        entries = [entry for entry in known if entry.batch == planned and entry.duplicate_of is None]
        _refuse_gone(entries, landed, bronze)
        _load(bronze, source, entries, run)
        resumed = len(entries)
    entries = _plan(bronze, source, landed, known, planned, run)
    fresh = [entry for entry in entries if entry.duplicate_of is None]
    if entries:
        reach("ingestion.before_plan")
        _write_manifest(ledger, entries, run)
        reach("ingestion.after_plan")
    if fresh:
        _load(bronze, source, fresh, run)
    batch = planned + 1 if fresh else planned
    return Loaded(table=bronze, batch=batch, new_files=resumed + len(fresh), repeated_files=len(entries) - len(fresh))


def _plan(
    bronze: Table, source: Input, landed: Sequence[LandedFile], known: list[LoadedFile], planned: int, run: Run
) -> list[LoadedFile]:
    """The manifest's next lines: the files nobody has seen, those that repeat another one's content marked so."""
    new = manifest.unseen(landed, known)
    possible, loaded = manifest.suspects(new, known)
    repeated: dict[LandedFile, str] = {}
    if possible:
        records = read_records(bronze.spark, source, possible, where=bronze.ref.identifier)
        there = bronze.read().where(F.col(FILE).isin(loaded)) if loaded else None
        repeated = manifest.duplicates(possible, _prints(records), _prints(there) if there is not None else {})
    number = planned + 1 if len(repeated) < len(new) else planned
    return [
        LoadedFile(
            landed=file, batch=number, loaded_at=run.started_at, run_id=run.run_id, duplicate_of=repeated.get(file)
        )
        for file in new
    ]


def _prints(records: DataFrame) -> dict[str, object]:
    return {row[FILE]: (row["rows"], row["hash"]) for row in change_log.fingerprints(records).collect()}


def read_records(spark: SparkSession, source: Input, files: Sequence[LandedFile], *, where: str) -> DataFrame:
    """The records of landed files, as bronze keeps them.

    Raises:
        IncompatibleSchemaError: typed files do not agree on their columns, or use reserved names.
    """
    if source.files == "parquet":
        try:
            return change_log.typed_records(landing.parquet_rows(spark, files))
        except PySparkException as error:
            msg = (
                f"the Parquet files for {where} cannot be read together: a column has different types, "
                "or a file is no Parquet. Move the odd ones out of the landing folder."
            )
            raise IncompatibleSchemaError(msg) from error
    lines = landing.text_lines(spark, files)
    return change_log.text_records(lines, csv=source.files == "csv", header=source.header)


def _load(bronze: Table, source: Input, entries: Sequence[LoadedFile], run: Run) -> None:
    first = entries[0]
    files = [entry.landed for entry in entries]
    records = read_records(bronze.spark, source, files, where=bronze.ref.identifier)
    rows = change_log.with_audit(
        records, feed=source.feed, batch=first.batch, loaded_at=first.loaded_at, run_id=first.run_id
    )
    if not bronze.exists():
        schema = rows.schema if source.files == "parquet" else change_log.TEXT
        bronze.create(schema, partition_by=[TABLE])
        reach("ingestion.created")
    elif source.files == "parquet":
        new_columns = [field for field in rows.schema.fields if field.name not in bronze.schema().names]
        if new_columns:
            bronze.evolve(add=StructType(new_columns))
    reach("ingestion.before_append")
    bronze.append(rows, commit=CommitMarker(app=_app(run), sequence=first.batch))
    reach("ingestion.after_append")


def _app(run: Run) -> str:
    return f"{run.job}/bronze"


def _last_loaded(bronze: Table, run: Run) -> int:
    """The newest batch in bronze: the rows say it, and for a batch without rows the commit does."""
    if not bronze.exists():
        return 0
    row = bronze.read().agg(F.max(BATCH)).head()
    return max((row[0] or 0) if row else 0, last_sequence(bronze, _app(run)) or 0)


def _refuse_gone(entries: Sequence[LoadedFile], landed: Sequence[LandedFile], bronze: Table) -> None:
    there = {file.file for file in landed}
    gone = [entry.landed.file for entry in entries if entry.landed.file not in there]
    if gone:
        msg = (
            f"an unfinished run planned to load {len(gone)} files into {bronze.ref.identifier} that are gone, "
            f"the first is {gone[0]}. Put them back and run again."
        )
        raise InputGoneError(msg)


def _read_manifest(ledger: Table) -> list[LoadedFile]:
    if not ledger.exists():
        return []
    milliseconds = F.unix_millis("modified_at").alias("modified_at")
    rows = ledger.read().select("file", "size", milliseconds, "batch", "loaded_at", "run_id", "duplicate_of").collect()
    return [
        LoadedFile(
            landed=LandedFile(file=row.file, size=row["size"], modified_at=row.modified_at),
            batch=row.batch,
            loaded_at=row.loaded_at.astimezone(UTC),
            run_id=row.run_id,
            duplicate_of=row.duplicate_of,
        )
        for row in rows
    ]


def _write_manifest(ledger: Table, entries: Sequence[LoadedFile], run: Run) -> None:
    rows = [
        (
            entry.landed.file,
            entry.landed.size,
            datetime.fromtimestamp(entry.landed.modified_at / 1000, tz=UTC),
            entry.batch,
            entry.loaded_at,
            entry.run_id,
            entry.duplicate_of,
        )
        for entry in entries
    ]
    if not ledger.exists():
        ledger.create(manifest.SCHEMA)
    frame = ledger.spark.createDataFrame(rows, manifest.SCHEMA)
    ledger.append(frame.coalesce(1), commit=CommitMarker(app=f"{run.job}/manifest", sequence=entries[0].batch))


def by_table(landed: Sequence[LandedFile]) -> dict[tuple[str, str], list[LandedFile]]:
    """Files by the (schema, table) that their last two folders name."""
    groups: dict[tuple[str, str], list[LandedFile]] = {}
    for file in landed:
        *_, schema, table, _ = ["", "", *unquote(file.file).split("/")]
        groups.setdefault((schema, table), []).append(file)
    return groups
