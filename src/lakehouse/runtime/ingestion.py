"""Landing to bronze: every file once, in numbered batches, safe to stop anywhere.

A batch is planned before it is loaded: one commit to the manifest (`<bronze>__files`) fixes its number, its files and its
time. A run that finds a planned batch which bronze does not hold loads exactly that one first. Of runs at the same time one
plans a batch, and one of them loads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from lakehouse.bronze import change_log, manifest
from lakehouse.bronze.manifest import LandedFile, LoadedFile
from lakehouse.cdc.parsing import routes_by_folder
from lakehouse.columns import BATCH, FILE, TABLE
from lakehouse.config.models import FORMATS, Input
from lakehouse.errors import CommitConflictError, ConservationError, IncompatibleSchemaError, InputGoneError
from lakehouse.failpoints import reach
from lakehouse.runtime import landing
from lakehouse.runtime.batch_ids import batch_id, digest_config, digest_inputs
from lakehouse.runtime.checks.orders import CHANGED, Verdict
from lakehouse.runtime.landing_checks import check_files
from lakehouse.runtime.manifests import read_manifest, write_manifest
from lakehouse.runtime.runs import Run
from lakehouse.runtime.typed_files import UNREAD, odd_files
from lakehouse.runtime.typed_rows import typed_rows
from lakehouse.tables import CommitMarker, Table, last_sequence
from lakehouse.tables.guarding import append_unless, create_once
from lakehouse.tables.outcomes import retried

MANIFEST = "__files"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFile:
    """A file that was not read: why, and what is wrong where. `hash` is of its bytes, None when they could not be read."""

    landed: LandedFile
    reason: str
    detail: str
    hash: str | None = None


Refuse = Callable[[Sequence[RefusedFile]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What bronze holds after this run: its newest `batch` (0 = nothing), its `files`, what this run added and refused."""

    table: Table
    batch: int
    new_files: int = 0
    repeated_files: int = 0
    refused: tuple[RefusedFile, ...] = ()
    files: tuple[LoadedFile, ...] = ()

    def inputs(self, batch: int) -> str:
        """The digest of what a batch was made of."""
        return digest_inputs(entry for entry in self.files if entry.batch == batch)

    @property
    def loaded_at(self) -> datetime:
        """When the newest batch was planned, which a rerun does not change."""
        return max(entry.loaded_at for entry in self.files if entry.batch == self.batch)


def ingest(bronze: Table, source: Input, landed: Sequence[LandedFile], run: Run, refuse: Refuse) -> Loaded:
    """Load what is new into one bronze table. Files that must not be read are refused by name, the others go on.

    Args:
        bronze: the table.
        source: what the files are.
        landed: the files there are.
        run: this run.
        refuse: keeps the refused files, with the reason and the detail of each; called again with the same after a kill.

    Raises:
        InputGoneError: a file that an unfinished run had planned to load is no longer there, or has changed.
        IncompatibleSchemaError: typed files do not agree on their columns.
        ConservationError: bronze holds more or fewer records of a file than there are in it.
        PreflightError: the files are typed and there is nothing to check them with.
        CommitConflictError: other runs planned the next batch every time.
    """
    return retried(lambda _: _ingest(bronze, source, landed, run, refuse))


def _ingest(bronze: Table, source: Input, landed: Sequence[LandedFile], run: Run, refuse: Refuse) -> Loaded:
    ledger = bronze.sibling(MANIFEST)
    known = read_manifest(ledger)
    planned = max((entry.batch for entry in known), default=0)
    resumed = [entry for entry in known if entry.batch == planned and entry.has_rows]
    if resumed and not _is_loaded(bronze, resumed, run):
        _refuse_gone(bronze, source, resumed, landed)
        _load(bronze, source, resumed, run)
    else:
        resumed = []
    entries, refused = _plan(bronze, source, landed, known, planned, run)
    if refused:
        refuse(refused)
    if entries:
        reach("ingestion.before_plan")
        if not write_manifest(ledger, entries, _marker(f"{run.job}/manifest", entries, source, run)):
            msg = f"another run planned batch {entries[0].batch} of {bronze.ref.identifier} first; read the manifest again"
            raise CommitConflictError(msg)
        reach("ingestion.after_plan")
    fresh = [entry for entry in entries if entry.has_rows]
    if fresh:
        _load(bronze, source, fresh, run)
    return Loaded(
        table=bronze,
        batch=planned + 1 if fresh else planned,
        new_files=len(resumed) + len(fresh),
        repeated_files=sum(entry.duplicate_of is not None for entry in entries),
        refused=tuple(refused),
        files=(*known, *entries),
    )


def _plan(
    bronze: Table, source: Input, landed: Sequence[LandedFile], known: list[LoadedFile], planned: int, run: Run
) -> tuple[list[LoadedFile], list[RefusedFile]]:
    """The manifest's next lines: the files nobody has seen, repeated and refused ones marked so, and the latter by themselves."""
    verdicts = _judged(bronze, source, manifest.unseen(landed, known))
    refused, entries = [], []
    for file, verdict in verdicts.items():
        entry = LoadedFile(
            landed=file,
            batch=planned,
            loaded_at=run.started_at,
            run_id=run.run_id,
            hash=verdict.hash,
            records=verdict.records,
            reason=verdict.reason,
        )
        detail = verdict.detail
        if entry.reason is None and source.changed_files == "quarantine" and manifest.has_other_content(entry, known):
            entry, detail = replace(entry, reason=CHANGED), "a file of this name was loaded with other content before"
        if entry.reason is not None:
            refused.append(RefusedFile(landed=file, reason=entry.reason, detail=detail or "", hash=entry.hash))
        entries.append(entry)
    entries = manifest.repeats(entries, known, by_folder=routes_by_folder(source.feed))
    number = planned + 1 if any(entry.has_rows for entry in entries) else planned
    return [replace(entry, batch=number) for entry in entries], refused


def _judged(bronze: Table, source: Input, files: Sequence[LandedFile]) -> dict[LandedFile, Verdict]:
    """What is made of new files, each by itself and all together."""
    verdicts = check_files(bronze.spark, source, files)
    if source.is_typed and source.preflight:
        whole = [file for file, verdict in verdicts.items() if verdict.reason is None]
        schema = bronze.schema() if whole and bronze.exists() else StructType()
        for file, refused in odd_files(bronze.spark, whole, schema, kind=source.files).items():
            verdicts[file] = replace(verdicts[file], reason=refused.reason, detail=refused.detail)
    return verdicts


def read_records(spark: SparkSession, source: Input, files: Sequence[LandedFile], *, where: str) -> DataFrame:
    """The records of landed files, as bronze keeps them.

    Raises:
        IncompatibleSchemaError: typed files do not agree on their columns, or use reserved names.
    """
    if source.is_typed:
        try:
            return change_log.typed_records(typed_rows(spark, files, kind=source.files))
        except (*UNREAD, IncompatibleSchemaError) as error:
            msg = (
                f"the files for {where} cannot be read together: a column has different types, "
                f"or a file is no {FORMATS[source.files]}. Move the odd ones out of the landing folder."
            )
            raise IncompatibleSchemaError(msg) from error
    read = landing.text_documents if source.files == "document" else landing.text_lines
    lines = read(spark, files, encoding=source.encoding)
    return change_log.text_records(lines, csv=source.files == "csv", header=source.header)


def _load(bronze: Table, source: Input, entries: Sequence[LoadedFile], run: Run) -> None:
    first = entries[0]
    files = [entry.landed for entry in entries]
    records = read_records(bronze.spark, source, files, where=bronze.ref.identifier)
    rows = change_log.with_audit(
        records, feed=source.feed, batch=first.batch, loaded_at=first.loaded_at, run_id=first.run_id
    )
    schema = rows.schema if source.is_typed else change_log.TEXT
    if create_once(bronze, schema, partition_by=[TABLE]):
        reach("ingestion.created")
    elif source.is_typed:
        there = bronze.schema().names
        if new_columns := [field for field in schema.fields if field.name not in there]:
            bronze.evolve(add=StructType(new_columns))
    reach("ingestion.before_append")
    append_unless(bronze, rows, where=f"{BATCH} = {first.batch:d}", commit=_marker(_app(run), entries, source, run))
    reach("ingestion.after_append")
    if any(entry.records is not None for entry in entries):
        _refuse_loss(bronze, entries, _held(bronze, first.batch))


def _marker(app: str, entries: Sequence[LoadedFile], source: Input, run: Run) -> CommitMarker:
    """What a commit of these files carries. Records are kept as they are, so little of the configuration shapes them."""
    config = digest_config(source)
    made_of = batch_id(digest_inputs(entries), app, config)
    return CommitMarker(app=app, sequence=entries[0].batch, batch_id=made_of, config_hash=config, run_id=run.run_id)


def _app(run: Run) -> str:
    return f"{run.job}/bronze"


def _is_loaded(bronze: Table, entries: Sequence[LoadedFile], run: Run) -> bool:
    """Whether bronze holds a batch: the rows say it, and for a batch without rows the commit does.

    Raises:
        ConservationError: it holds the batch, and not every record of it once.
    """
    if not bronze.exists():
        return False
    batch = entries[0].batch
    if held := _held(bronze, batch):
        _refuse_loss(bronze, entries, held)
        return True
    # Records that were counted and are not there have been deleted, or never arrived; whatever a commit says.
    return not any(entry.records for entry in entries) and (last_sequence(bronze, _app(run)) or 0) >= batch


def _held(bronze: Table, batch: int) -> dict[str, int]:
    """How many rows of a batch bronze holds of each file that it holds any of."""
    rows = bronze.read().where(F.col(BATCH) == batch).groupBy(FILE).agg(F.count(F.lit(1)).alias("rows"))
    return {row[FILE]: row["rows"] for row in rows.collect()}


def _refuse_loss(bronze: Table, entries: Sequence[LoadedFile], held: Mapping[str, int]) -> None:
    """What the check counted and what bronze holds are the same, file by file, or nothing is made of either."""
    for entry in entries:
        found = held.get(entry.landed.file, 0)
        if entry.records is not None and entry.records != found:
            msg = (
                f"{entry.landed.file} has {entry.records} records and {bronze.ref.identifier} holds {found} of them in "
                f"batch {entry.batch}; nothing was made of them. Delete the rows with {BATCH} = {entry.batch} and run again; "
                "if it happens again, move the file out of the landing folder and its line out of the manifest."
            )
            raise ConservationError(msg)


def _refuse_gone(bronze: Table, source: Input, entries: Sequence[LoadedFile], landed: Sequence[LandedFile]) -> None:
    """A planned batch is loaded as it was planned, or not at all."""
    there = {file.file: file for file in landed}
    # A run that was told of some files has listed no others.
    unlisted = [entry.landed.file for entry in entries if entry.landed.file not in there]
    there |= {file.file: file for file in landing.find_files(bronze.spark, unlisted)}
    gone = [entry.landed.file for entry in entries if entry.landed.file not in there]
    touched = [entry for entry in entries if there.get(entry.landed.file, entry.landed) != entry.landed]
    verdicts = check_files(bronze.spark, source, [there[entry.landed.file] for entry in touched])
    gone += [entry.landed.file for entry in touched if verdicts[there[entry.landed.file]].hash != entry.hash]
    if gone:
        msg = (
            f"an unfinished run planned to load {len(gone)} files into {bronze.ref.identifier} that are gone or have "
            f"changed, the first is {min(gone)}. Put them back as they were and run again."
        )
        raise InputGoneError(msg)


def by_table(landed: Sequence[LandedFile]) -> dict[tuple[str, str], list[LandedFile]]:
    """Files by the (schema, table) that their folders name."""
    groups: dict[tuple[str, str], list[LandedFile]] = {}
    for file in landed:
        groups.setdefault(file.table, []).append(file)
    return groups
