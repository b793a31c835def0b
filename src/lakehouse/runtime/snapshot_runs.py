"""Bring tables up to the newest snapshots that lie in a landing folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lakehouse.config.models import Contract, Input
from lakehouse.runtime import landing
from lakehouse.runtime.extracts import Extract, find_extracts, read_extract
from lakehouse.runtime.gate import judge, stopping
from lakehouse.runtime.planning import Job, Task
from lakehouse.runtime.plans import Prepared
from lakehouse.runtime.reporting import Judged, Summary, Written
from lakehouse.runtime.threads import workers
from lakehouse.tables.snapshots import merge_snapshot, newest_version


def run_snapshots(job: Job, prepared: Prepared, summary: Summary) -> Summary:
    """Apply what is new of an input of snapshots, as `lakehouse.runtime.extracts` says.

    A snapshot that fails rules which let nothing pass is not applied, nor are those after it; the summary tells of its rules.

    Raises:
        ConfigError: the files do not lie as the configuration says.
        InvalidChangesError: a snapshot cannot be read or merged; older ones, and other tables, may have been.
    """
    source, tables = job.config.inputs[prepared.name], prepared.tables
    tasks = [plan.task for plan in prepared.plans]
    found = find_extracts(landing.address(job.spark, source.path), prepared.landed.files, tables, source.snapshots)
    with workers(job.spark) as pool:
        futures = [
            pool.submit(
                _apply_snapshots, job, source, table, contract, [t for t in tasks if t.source == table], found[table]
            )
            for table, contract in tables.items()
        ]
        done = [future.result() for future in futures]
    for files, rows, results, judged in done:
        summary = replace(
            summary,
            files=summary.files + files,
            rows=summary.rows + rows,
            written=(*summary.written, *results),
            judged=(*summary.judged, *judged),
        )
    return summary


def _apply_snapshots(
    job: Job, source: Input, table: str, contract: Contract, tasks: Sequence[Task], extracts: Sequence[Extract]
) -> tuple[int, int, list[Written], list[Judged]]:
    """Bring every target of one source table up to the newest complete snapshot, one after the other."""
    targets = [(task, job.open(task.ref)) for task in tasks]
    newest = {task.ref: newest_version(target, task.output.write) for task, target in targets}
    files, total, written = 0, 0, []
    judged: list[Judged] = []
    for extract in extracts:
        pending = [(task, target) for task, target in targets if extract.is_newer(newest[task.ref])]
        if not pending:
            continue
        if not extract.is_complete(job.spark, source.snapshots, job.run.started_at):
            message = f"{table}: the snapshot {extract.version} is not complete and is left out"
            job.report.step("incomplete", message, table=table, version=str(extract.version))
            continue
        changes, rows = read_extract(job.spark, source, table, contract, extract)
        rules = source.snapshots.rules(table)
        followed = job.recipe({table: changes}, job.params)[table].localCheckpoint(eager=False)
        gate = job.gate(table)
        if gate is not None:
            judged += judge(job, gate, table, followed, as_of=job.run.started_at, landing=source.path).judged
            if stopping(judged):
                break
        for task, target in pending:
            result = merge_snapshot(
                target,
                followed,
                task.spec_of_batch(job.run.started_at),
                write=task.output.write,
                version=extract.version,
                rules=rules,
            )
            written.append(job.merged(task, result))
        files, total = files + len(extract.files), total + rows
    return files, total, written, judged
