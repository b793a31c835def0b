"""Run a job: land, parse, merge. The only place that reads, writes and knows the clock.

Every target carries in its own commits how far it has come, so a run that was killed anywhere is simply run again: it
loads the batch that was planned, and merges into each table the batches which that table has not seen.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.bronze.manifest import LandedFile
from lakehouse.cdc.changes import EVENT_TIME_TYPE, ORIGIN_TYPE, PROVIDED_TYPE, ChangeSpec
from lakehouse.cdc.parsing import parse_changes
from lakehouse.columns import EVENT_TIME, OP, ORIGIN, PROVIDED, SEQUENCE, TABLE
from lakehouse.config.models import Contract, Input, JobConfig, Output
from lakehouse.errors import ConfigError
from lakehouse.runtime import landing
from lakehouse.runtime.ingestion import Loaded, Run, by_table, ingest
from lakehouse.runtime.places import Places
from lakehouse.runtime.preflight import check_session
from lakehouse.runtime.quarantine import Account, Parse, Quarantine, Slice, left_out
from lakehouse.runtime.reporting import Reporter, Summary, Written
from lakehouse.tables import CommitMarker, Table, TableRef, last_sequence, open_table
from lakehouse.tables.merging import merge_current, merge_history
from lakehouse.tables.targets import Target, check

Recipe = Callable[[Mapping[str, DataFrame], Any], Mapping[str, DataFrame]]

_WORKERS = min(max(os.cpu_count() or 2, 2), 8)
"""Tables merged at a time: planning keeps a core of the driver busy, the executors do the rest meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One target of one source table."""

    source: str
    input: str
    ref: TableRef
    output: Output
    spec: ChangeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A configured job on a session: everything a step needs to know."""

    spark: SparkSession
    config: JobConfig
    recipe: Recipe
    params: Any
    run: Run
    report: Reporter

    @property
    def places(self) -> Places:
        """Where its tables are."""
        return Places(warehouse=self.config.warehouse, catalog=self.config.catalog, delta=self.config.delta)

    def table(self, name: str) -> Table:
        """A table of the job's own format."""
        return open_table(self.spark, self.places.ref(name, self.config.format))


def run_job(job: Job) -> Summary:
    """Run the whole job and say what it did.

    Raises:
        ConfigError: names that fit nothing, a missing landing folder.
        PreflightError: the session lacks what the formats need.
        IncompatibleSchemaError: a target is there and does not fit; nothing was written.
    """
    started = monotonic()
    formats = {job.config.format, *(output.format or job.config.format for output in job.config.outputs.values())}
    check_session(job.spark, formats, job.config.catalog)
    summary = Summary(job=job.config.job)
    for name, source in job.config.inputs.items():
        tables = {table: source.tables[table] for table in source.tables if like(table, source.select)}
        tasks = plan_tasks(job, name, source, tables)
        landed = landing.list_files(job.spark, source.path)
        summary = _run_input(job, name, tables, tasks, landed, summary)
    summary = replace(summary, seconds=monotonic() - started)
    job.report.close(summary)
    return summary


def like(name: str, pattern: str) -> bool:
    """SQL LIKE: `%` is any text, `_` any letter.

    >>> like("public.customers", "public.%"), like("audit.log", "public.%")
    (True, False)
    """
    parts = re.split(r"([%_])", pattern)
    translated = "".join({"%": ".*", "_": "."}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(translated, name, re.DOTALL) is not None


def plan_tasks(job: Job, name: str, source: Input, tables: Mapping[str, Contract]) -> list[Task]:
    """The targets of an input, each checked against the table that may be there. Writes nothing."""
    if not tables:
        msg = f"inputs.{name}.select {source.select!r} fits none of: {', '.join(source.tables)}"
        raise ConfigError(msg)
    logs = {table: _empty_log(job.spark, contract) for table, contract in tables.items()}
    made = job.recipe(logs, job.params)
    tasks: list[Task] = []
    for label, output in job.config.outputs.items():
        for table in (table for table in made if like(table, output.select)):
            schema, _, plain = table.rpartition(".")
            ref = job.places.ref(output.table.format(schema=schema, table=plain), output.format or job.config.format)
            spec = ChangeSpec(
                keys=tables[table].keys,
                track=output.track.get(table) if output.write == "history" else None,
                ignore_nulls=output.ignore_nulls,
                on_tie=output.on_tie,
            )
            task = Task(source=table, input=name, ref=ref, output=output, spec=spec)
            _refuse_clash(tasks, task, label)
            target = open_table(job.spark, ref)
            if target.exists():
                # The sequence's type is only known once there are changes; the merge checks it again.
                check(target, Target(kind=output.write, changes=made[table].schema, spec=spec, sequence_known=False))
            tasks.append(task)
    return tasks


def _refuse_clash(tasks: Sequence[Task], task: Task, label: str) -> None:
    for other in tasks:
        if other.ref == task.ref:
            msg = (
                f"outputs.{label}: {other.source} and {task.source} would both be written to {task.ref.identifier}; "
                "put {table} or {schema} into the name"
            )
            raise ConfigError(msg)


def _empty_log(spark: SparkSession, contract: Contract) -> DataFrame:
    """A change log without changes, to see what the recipe makes of its columns."""
    reserved = [
        StructField(OP, StringType()),
        StructField(SEQUENCE, LongType()),
        StructField(PROVIDED, PROVIDED_TYPE),
        StructField(EVENT_TIME, EVENT_TIME_TYPE),
        StructField(ORIGIN, ORIGIN_TYPE),
    ]
    return spark.createDataFrame([], StructType([*contract.schema_.fields, *reserved]))


def _run_input(
    job: Job,
    name: str,
    tables: Mapping[str, Contract],
    tasks: Sequence[Task],
    landed: Sequence[LandedFile],
    summary: Summary,
) -> Summary:
    source = job.config.inputs[name]
    loads = _ingest(job, name, source, tables, landed)
    for load in _distinct(loads.values()):
        summary = replace(
            summary,
            files=summary.files + load.new_files,
            repeated_files=summary.repeated_files + load.repeated_files,
        )
    quarantine = Quarantine(table=job.table(job.config.quarantine), run=job.run)
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        futures = [
            pool.submit(
                _apply, job, source, table, contract, [t for t in tasks if t.source == table], loads[table], quarantine
            )
            for table, contract in tables.items()
            if loads[table].batch
        ]
        futures += [
            pool.submit(_apply_unrouted, job, name, source, tables, shared, quarantine)
            for shared in _distinct(loads.values())
            if shared.batch and "{table}" not in source.bronze
        ]
        done = [future.result() for future in futures]
    quarantined, skipped = Counter(summary.quarantined), Counter(summary.skipped)
    rows, written = summary.rows, list(summary.written)
    for account, results in done:
        quarantined.update(account.rejected)
        skipped.update(account.skipped)
        rows += account.rows
        written += results
    return replace(summary, rows=rows, quarantined=dict(quarantined), skipped=dict(skipped), written=tuple(written))


def _distinct(loads: Iterable[Loaded]) -> list[Loaded]:
    return list({load.table.ref.identifier: load for load in loads}.values())


def _ingest(
    job: Job, name: str, source: Input, tables: Mapping[str, Contract], landed: Sequence[LandedFile]
) -> dict[str, Loaded]:
    """Load the landing folder into bronze: one table for all, or one for each source table."""
    if "{table}" in source.bronze:
        groups = by_table(landed)
        loads = {}
        for table in tables:
            schema, _, plain = table.rpartition(".")
            bronze = job.table(source.bronze.format(schema=schema, table=plain))
            loads[table] = ingest(bronze, source, groups.get((schema, plain), []), job.run)
    else:
        if source.files == "parquet" and len(tables) > 1:
            msg = (
                f"inputs.{name}.bronze: Parquet tables have columns of their own; put {{table}} into {source.bronze!r}"
            )
            raise ConfigError(msg)
        loads = dict.fromkeys(tables, ingest(job.table(source.bronze), source, landed, job.run))
    files = sum(load.new_files for load in _distinct(loads.values()))
    if files:
        job.report.step("landed", f"{name}: {files} new files in bronze", input=name, files=files)
    return loads


def _apply(
    job: Job,
    source: Input,
    table: str,
    contract: Contract,
    tasks: Sequence[Task],
    load: Loaded,
    quarantine: Quarantine,
) -> tuple[Account, list[Written]]:
    """Bring every target of one source table up to the newest batch."""
    pending: dict[int, list[tuple[Task, Table]]] = {}
    for task in tasks:
        target = open_table(job.spark, task.ref)
        start = (last_sequence(target, _app(job, task)) or 0) if target.exists() else 0
        if start < load.batch:
            pending.setdefault(start, []).append((task, target))
    account, written = Account(), []
    parse = _parser(source, contract, table)
    for start, targets in pending.items():
        rows = load.table.read()
        if "{table}" not in source.bronze:
            rows = rows.where(F.col(TABLE) == table)
        # Parsed once, and the recipe followed once, whatever it is merged into.
        slice_ = Slice.of(rows, parse, since=start, through=load.batch)
        changes = job.recipe({table: slice_.parsed.changes}, job.params)[table].localCheckpoint(eager=False)
        counted = quarantine.settle(table, slice_)
        done = [_merge(job, task, target, changes, load.batch) for task, target in targets]
        written += done
        account = account if account.rows else left_out(counted, changes, merged=done[0].result.input)
    return account, written


def _merge(job: Job, task: Task, target: Table, changes: DataFrame, batch: int) -> Written:
    merge = merge_history if task.output.write == "history" else merge_current
    result = merge(target, changes, task.spec, commit=CommitMarker(app=_app(job, task), sequence=batch))
    schema, _, plain = task.source.rpartition(".")
    name = task.output.table.format(schema=schema, table=plain)
    changed = result.inserted + result.updated + result.deleted
    message = f"{name}: {result.input:,} changes, {changed:,} rows changed"
    job.report.step("merged", message, table=name, changes=result.input, rows_changed=changed)
    return Written(source=task.source, table=name, write=task.output.write, result=result)


def _parser(source: Input, contract: Contract, table: str) -> Parse:
    """The feed's parser, told everything but the rows."""
    return partial(
        parse_changes, feed=source.feed, schema=contract.schema_, keys=contract.keys, table=table, **source.options
    )


def _apply_unrouted(
    job: Job, name: str, source: Input, tables: Mapping[str, Contract], load: Loaded, quarantine: Quarantine
) -> tuple[Account, list[Written]]:
    """Account for the rows that belong to no table of this job: control records, other tables, garbage."""
    rows = load.table.read()
    # Behind a function, so that it stays with Spark: Iceberg 1.11 fails on NOT IN where a partition value is null.
    nobodys = rows.where(~F.coalesce(F.col(TABLE), F.lit("")).isin(*tables))
    any_table, contract = next(iter(tables.items()))
    parse = _parser(source, contract, any_table)
    app = f"{job.config.job}/{name}/unrouted"
    return quarantine.settle_unrouted(app, load.table, nobodys, parse, through=load.batch), []


def _app(job: Job, task: Task) -> str:
    return f"{job.config.job}/{task.input}"
