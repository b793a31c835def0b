"""Run a job: land, parse, merge. The only place that reads, writes and knows the clock.

Every target carries in its own commits how far it has come, so a run that was killed anywhere is simply run again: it
loads the batch that was planned, and merges into each table the batches which that table has not seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.bronze.manifest import LandedFile, LoadedFile
from lakehouse.cdc.changes import TOO_LATE
from lakehouse.cdc.parsing import SNAPSHOT
from lakehouse.columns import TABLE
from lakehouse.config.models import FORMATS, Contract, Input
from lakehouse.errors import ConfigError, QualityError
from lakehouse.failpoints import reach
from lakehouse.runtime import landing
from lakehouse.runtime.applying import Applied, Work, apply_work, judge_work, parser, work_of
from lakehouse.runtime.bronze_rows import BronzeRows
from lakehouse.runtime.contracts import register_contracts
from lakehouse.runtime.gate import check_gates, require_passed
from lakehouse.runtime.gold import plan_gold, refresh_gold
from lakehouse.runtime.ingestion import Loaded, by_table, ingest
from lakehouse.runtime.metric_publishing import publish_metrics
from lakehouse.runtime.planning import Job, like, named, plan_tasks
from lakehouse.runtime.plans import Prepared, check_plans, committed_rows, make_plans, pending_rows
from lakehouse.runtime.preflight import check_session
from lakehouse.runtime.quarantine import Quarantine
from lakehouse.runtime.registration import register_tables
from lakehouse.runtime.replay import replay
from lakehouse.runtime.reporting import Judged, Summary
from lakehouse.runtime.run_reports import write_run_report
from lakehouse.runtime.snapshot_runs import run_snapshots
from lakehouse.runtime.threads import workers
from lakehouse.tables import Table
from lakehouse.tables.ledger import FAILED, PLANNED, add_rows, recall_targets


def run_job(job: Job) -> Summary:
    """Run the whole job and say what it did.

    Raises:
        ConfigError: names that fit nothing, a missing landing folder.
        PreflightError: the session lacks what the formats need.
        IncompatibleSchemaError: a target is there and does not fit; nothing was written.
        QualityError: changes fail rules that let nothing pass; no target was written, unless it is one of full extracts.
        PlanMismatchError: a target holds other batches than bronze, or is not the table it was; no target was written.
    """
    started = monotonic()
    formats = [output.format for output in job.config.outputs.values()]
    formats += [table.format for table in job.config.gold.values()]
    check_gates(job)
    check_session(job.spark, {one or job.config.format for one in (None, *formats)}, job.config.catalog)
    if job.mended:
        replayed = replay(job, job.mended, _quarantine(job))
        job.report.step("replayed", f"{replayed} mended records landed again", records=replayed)
    inputs = [_prepare(job, name) for name in job.config.inputs]
    gold = plan_gold(job, inputs)
    planned = [*inputs, gold]
    plans = [plan for one in planned for plan in one.plans]
    ledger = job.table(job.config.ledger)
    _announce(job, ledger, planned)
    summary = Summary(
        job=job.config.job,
        hidden_files=sum(one.landed.hidden for one in inputs),
        announced=tuple(entry for one in inputs for entry in _announced(job, one)),
    )
    try:
        summary = _publish(job, inputs, gold, summary, started)
    except Exception:
        # Whatever becomes of this note, the failure is what counts.
        with suppress(Exception):
            add_rows(ledger, pending_rows(job, plans, FAILED, at=datetime.now(tz=UTC)))
        raise
    if summary.written:
        add_rows(ledger, committed_rows(job, plans, summary.written, at=datetime.now(tz=UTC)))
    register_tables(job, plans)
    summary = replace(summary, seconds=monotonic() - started)
    reach("runner.closing")
    publish_metrics(job, summary.judged, now=datetime.now(tz=UTC))
    write_run_report(job, summary)
    job.report.close(summary)
    return summary


def _publish(job: Job, inputs: Sequence[Prepared], gold: Prepared, summary: Summary, started: float) -> Summary:
    """Bring every target up to its newest batch, once all has passed that must pass first."""
    works = {one.name: _works(job, one) for one in inputs}
    judged = _judge_first(job.spark, (work for some in works.values() for work in some))
    try:
        require_passed(judged)
        for one in inputs:
            if job.config.inputs[one.name].feed == SNAPSHOT:
                summary = run_snapshots(job, one, summary)
                require_passed(summary.judged)
            else:
                summary = _run_input(job, one, works[one.name], summary)
    except QualityError:
        summary = replace(summary, judged=summary.judged or judged, seconds=monotonic() - started)
        publish_metrics(job, summary.judged, now=datetime.now(tz=UTC))
        write_run_report(job, summary, stopped=True)
        raise
    return replace(summary, written=(*summary.written, *refresh_gold(job, inputs, gold.plans)))


def _prepare(job: Job, name: str) -> Prepared:
    """Load what is new of an input into bronze, and plan what its targets get of it."""
    source = job.config.inputs[name]
    tables = {table: source.tables[table] for table in source.tables if like(table, source.select)}
    tasks = plan_tasks(job, name, source, tables)
    register_contracts(job, source, tables)
    reach("runner.targets_checked")
    landed = _landed(job, name, source)
    reach("runner.listed")
    loads = {} if source.feed == SNAPSHOT else _ingest(job, name, source, tables, landed.files, _quarantine(job))
    reach("runner.landed")
    return Prepared(name=name, tables=tables, landed=landed, loads=loads, plans=make_plans(job, tasks, loads))


def _landed(job: Job, name: str, source: Input) -> landing.Landed:
    """The files of an input: all below its folder, or those that the run was told of."""
    if job.announced is None:
        return landing.list_landed(job.spark, source.path)
    if source.feed == SNAPSHOT:
        msg = f"inputs.{name}: a full extract is complete when all its files are there, of which single events do not tell; run the job without them"
        raise ConfigError(msg)
    folder = f"{source.path.rstrip('/')}/"
    return landing.Landed(
        files=landing.find_files(job.spark, sorted(one for one in job.announced if one.startswith(folder)))
    )


def _quarantine(job: Job) -> Quarantine:
    return Quarantine(table=job.table(job.config.quarantine), run=job.run)


def _announced(job: Job, prepared: Prepared) -> Iterable[LoadedFile]:
    """What the manifest says of the files that the run was told of, as they are now."""
    there = set(prepared.landed.files) if job.announced is not None else set()
    return [entry for load in _distinct(prepared.loads.values()) for entry in load.files if entry.landed in there]


def _announce(job: Job, ledger: Table, inputs: Sequence[Prepared]) -> None:
    """Check the plans against the ledger and write them down; a run without news neither reads nor writes it."""
    pending = [plan for one in inputs for plan in one.plans if plan.pending]
    if not pending:
        return
    known = recall_targets(ledger, job=job.config.job, sequences={plan.marker.sequence for plan in pending})
    for one in inputs:
        check_plans(one.plans, known, ledger=job.config.ledger, replan=job.replan)
    add_rows(ledger, pending_rows(job, pending, PLANNED, at=datetime.now(tz=UTC)))


def _works(job: Job, prepared: Prepared) -> list[Work]:
    """The source tables of an input that have a batch; those that share a bronze table share its rows."""
    source = job.config.inputs[prepared.name]
    if source.feed == SNAPSHOT:
        return []
    shared = {
        load.table.ref.identifier: BronzeRows(table=load.table, source=source)
        for load in _distinct(prepared.loads.values())
    }
    return work_of(job, prepared, lambda load: shared[load.table.ref.identifier])


def _judge_first(spark: SparkSession, works: Iterable[Work]) -> tuple[Judged, ...]:
    """What the rules say of the source tables of which everything has to pass before any target is written."""
    with workers(spark) as pool:
        return tuple(one for found in pool.map(judge_work, [work for work in works if work.stops]) for one in found)


def _run_input(job: Job, prepared: Prepared, works: Sequence[Work], summary: Summary) -> Summary:
    quarantine = _quarantine(job)
    loads = _distinct(prepared.loads.values())
    for load in loads:
        summary = replace(
            summary,
            files=summary.files + load.new_files,
            repeated_files=summary.repeated_files + load.repeated_files,
            refused_files=dict(Counter(summary.refused_files) + Counter(file.reason for file in load.refused)),
        )
    with workers(job.spark) as pool:
        futures = [pool.submit(apply_work, work, quarantine) for work in works]
        if works and "{table}" not in job.config.inputs[prepared.name].bronze:
            # All tables are in one bronze table, and so are the rows of none of them.
            futures += [pool.submit(_apply_unrouted, job, prepared, works[0], quarantine)]
        return _counted(summary, [future.result() for future in futures])


def _counted(summary: Summary, done: Iterable[Applied]) -> Summary:
    """The summary with what became of the rows of each table."""
    quarantined, skipped = Counter(summary.quarantined), Counter(summary.skipped)
    rows, written, drift, judged = summary.rows, list(summary.written), list(summary.drift), list(summary.judged)
    for one in done:
        quarantined.update(one.account.rejected)
        skipped.update(one.account.skipped)
        rows += one.account.rows
        written += one.written
        drift += one.account.drift
        judged += one.judged
        if late := sum(each.result.quarantined for each in one.written):
            quarantined[TOO_LATE] += late
    return replace(
        summary,
        rows=rows,
        quarantined=dict(quarantined),
        skipped=dict(skipped),
        written=tuple(written),
        drift=tuple(drift),
        judged=tuple(judged),
    )


def _distinct(loads: Iterable[Loaded]) -> list[Loaded]:
    return list({load.table.ref.identifier: load for load in loads}.values())


def _ingest(
    job: Job,
    name: str,
    source: Input,
    tables: Mapping[str, Contract],
    landed: Sequence[LandedFile],
    quarantine: Quarantine,
) -> dict[str, Loaded]:
    """Load the landing folder into bronze: one table for all, or one for each source table."""
    if "{table}" in source.bronze:
        groups = by_table(landed)
        loads = {}
        for table in tables:
            schema, _, plain = table.rpartition(".")
            bronze = job.table(named(source.bronze, table))
            loads[table] = ingest(bronze, source, groups.get((schema, plain), []), job.run, quarantine.keep_files)
    else:
        if source.is_typed and len(tables) > 1:
            msg = f"inputs.{name}.bronze: {FORMATS[source.files]} tables have columns of their own; put {{table}} into {source.bronze!r}"
            raise ConfigError(msg)
        loaded = ingest(job.table(source.bronze), source, landed, job.run, quarantine.keep_files)
        loads = dict.fromkeys(tables, loaded)
    for file in (file for load in _distinct(loads.values()) for file in load.refused):
        message = f"{name}: {file.landed.file} is refused, {file.reason}: {file.detail}"
        job.report.step("refused", message, input=name, file=file.landed.file, reason=file.reason)
    files = sum(load.new_files for load in _distinct(loads.values()))
    if files:
        job.report.step("landed", f"{name}: {files} new files in bronze", input=name, files=files)
    return loads


def _apply_unrouted(job: Job, prepared: Prepared, work: Work, quarantine: Quarantine) -> Applied:
    """Account for the rows that belong to no table of this job: control records, other tables, garbage.

    Args:
        job: the job.
        prepared: the input.
        work: of any of its tables, whose parser serves for them.
        quarantine: of the job.
    """

    def nobodys(since: int) -> DataFrame:
        # Behind a function, so that it stays with Spark: Iceberg 1.11 fails on NOT IN where a partition value is null.
        return work.bronze.after(since).where(~F.coalesce(F.col(TABLE), F.lit("")).isin(*prepared.tables))

    app = f"{job.config.job}/{prepared.name}/unrouted"
    parse = parser(work.bronze.source, work.contract, work.table)
    return Applied(account=quarantine.settle_unrouted(app, work.load.table, nobodys, parse, through=work.load.batch))
