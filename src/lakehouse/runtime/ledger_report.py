"""The command `lakehouse ledger`: show what runs planned and committed, and make the ledger anew from the tables' own markers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import BaseModel
from pyspark.sql import functions as F

from lakehouse.config.loading import validate
from lakehouse.config.models import JobConfig
from lakehouse.errors import ConfigError
from lakehouse.runtime.gold import gold_tasks
from lakehouse.runtime.planning import Job, Recipe, Task, like, named, plan_tasks
from lakehouse.runtime.reporting import Reporter
from lakehouse.runtime.runs import Run
from lakehouse.runtime.text_columns import in_columns
from lakehouse.tables import CommitMarker, Table, last_marker
from lakehouse.tables.guarding import create_once
from lakehouse.tables.ledger import COMMITTED, SCHEMA, LedgerRow, replace_rows

SHOWN = ("at", "run_id", "target", "state", "sequence", "version", "rows_in", "rows_out")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.add_argument("act", choices=["show", "rebuild"])
    parser.add_argument("config", help="a YAML file, or the name of a shipped configuration")
    parser.add_argument("--set", action="append", default=[], metavar="key.sub=value", help="replace a setting")
    parser.add_argument("--last", type=int, default=50, metavar="N", help="how many events to show, the newest ones")


def run(
    config: JobConfig, arguments: argparse.Namespace, recipe: Recipe, params: type[BaseModel], report: Reporter
) -> str:
    """Do what was asked and return what to print.

    Raises:
        ConfigError: there is no ledger yet to show.
    """
    from lakehouse.runtime.session import open_session  # noqa: PLC0415  starts Java

    spark = open_session(app_name="lakehouse ledger", warehouse=config.warehouse, catalog=config.catalog)
    told = validate(params, dict(config.params), arguments.config, "params")
    this_run = Run(job=config.job, run_id=f"rebuilt-{uuid4()}", started_at=datetime.now(tz=UTC))
    job = Job(spark=spark, config=config, recipe=recipe, params=told, run=this_run, report=report)
    return show(job, last=arguments.last) if arguments.act == "show" else rebuild(job)


def show(job: Job, *, last: int) -> str:
    """The newest events of a job, the newest one first, as text in columns.

    Raises:
        ConfigError: there is no ledger yet.
    """
    ledger = job.table(job.config.ledger)
    if not ledger.exists():
        msg = f"there is no ledger {job.config.ledger} yet; the first run makes it"
        raise ConfigError(msg)
    mine = ledger.read().where(F.col("job") == job.config.job)
    rows = mine.orderBy(F.col("at").desc(), "target").limit(last).collect()
    lines = [[str("-" if row[name] is None else row[name]) for name in SHOWN] for row in rows]
    return in_columns([SHOWN, *lines])


def rebuild(job: Job) -> str:
    """Write the job's part of the ledger from the markers in its tables, in one commit.

    What was planned and not committed is in no table, and is forgotten. Where all tables of the job are at one batch, their
    versions become those of the newest run; otherwise the next run that ends well says which belong together.
    """
    ledger = job.table(job.config.ledger)
    create_once(ledger, SCHEMA)
    rows: list[LedgerRow] = []
    closing: list[LedgerRow] = []
    for task in _tasks(job):
        table = job.open(task.ref)
        if not table.exists():
            continue
        rows += _from_markers(job, task, table)
        newest = last_marker(table, job.app(task))
        at, version = datetime.now(tz=UTC), table.version()
        closing.append(_row(job, task, table.identity(), newest, at=at, version=version, run_id=job.run.run_id))
    numbers = {(row.input, row.sequence) for row in closing}
    if len(numbers) == len({row.input for row in closing}):
        rows += closing
    replace_rows(ledger, rows, job=job.config.job)
    return f"{job.config.ledger}: {len(rows)} events of {job.config.job} from the markers of {len(closing)} tables"


def _tasks(job: Job) -> Iterator[Task]:
    for name, source in job.config.inputs.items():
        tables = {table: source.tables[table] for table in source.tables if like(table, source.select)}
        yield from plan_tasks(job, name, source, tables)
    yield from gold_tasks(job)


def _from_markers(job: Job, task: Task, table: Table) -> Iterator[LedgerRow]:
    uuid = table.identity()
    for made in table.snapshots():
        if made.marker and made.marker.app == job.app(task):
            yield _row(job, task, uuid, made.marker, at=made.committed_at, version=made.version)


def _row(
    job: Job,
    task: Task,
    uuid: str,
    marker: CommitMarker | None,
    *,
    at: datetime,
    version: int | None,
    run_id: str | None = None,
) -> LedgerRow:
    return LedgerRow(
        run_id=run_id or (marker and marker.run_id) or "unknown",
        job=job.config.job,
        input=task.input,
        target=named(task.output.table, task.source),
        format=task.ref.format,
        table_name=task.ref.name,
        table_path=task.ref.path,
        batch_id=marker.batch_id if marker else None,
        config_hash=marker.config_hash if marker else None,
        state=COMMITTED,
        table_uuid=uuid,
        sequence=marker.sequence if marker else None,
        version=version,
        at=at,
    )
