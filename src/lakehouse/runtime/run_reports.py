"""The report that a run leaves: a page for people, and beside it as JSON what later pages look back on.

A report is about a run that is over: what keeps it from being written is told, and never fails the run.
"""

from __future__ import annotations

import re
from datetime import UTC, timedelta

from lakehouse.cdc.changes import TOO_LATE
from lakehouse.quality.distributions import without_bins
from lakehouse.quality.outcomes import Outcome
from lakehouse.reports.findings import RuleResult
from lakehouse.reports.records import RunRecord, read_record, with_earlier, write_record
from lakehouse.reports.runs import BesideContract, FileCounts, JudgedTable, RowFates, RunReport, TargetCounts
from lakehouse.runtime.failing_rows import PLACE
from lakehouse.runtime.planning import Job
from lakehouse.runtime.report_folders import ReportFolder, open_folder, plain_name
from lakehouse.runtime.reporting import Judged, Summary, Written
from lakehouse.runtime.runs import Run
from lakehouse.tables.jvm import java_causes

EARLIER = 30
"""Runs that a page looks back on."""

_RECORD = re.compile(r"\d{8}T\d{6}Z-.+\.json")


def write_run_report(job: Job, summary: Summary, *, stopped: bool = False) -> str | None:
    """Write the report of a run where the configuration wants it, and say where it is; None: there is none.

    Nothing is raised, and a run that had nothing to do has no report.

    Args:
        job: the job of the run.
        summary: what the run did, its seconds included.
        stopped: whether the run ends here, for a rule that did not pass.
    """
    wanted = job.config.reports
    if wanted is None or (summary.nothing_new and not summary.judged):
        return None
    try:
        report = run_report(job.run, summary, stopped=stopped)
        folder = open_folder(wanted.at, job.run.job, lambda: job.spark)
        address = _write(report, folder, reveal=wanted.reveal_values)
    except Exception as error:  # noqa: BLE001  the run did its work, whatever becomes of its report
        message = f"the report of this run was not written to {wanted.at}: {_reason(error)}"
        job.report.step("report_not_written", message, at=wanted.at, error=type(error).__name__)
        return None
    job.report.step("report_written", f"report: {address}", verdict=report.verdict, file=address)
    return address


def run_report(run: Run, summary: Summary, *, stopped: bool = False) -> RunReport:
    """What a run did, as its page tells it; see `write_run_report`."""
    return RunReport(
        job=run.job,
        run=run.run_id,
        started=run.started_at,
        took=timedelta(seconds=summary.seconds),
        files=FileCounts(
            new=summary.files,
            repeated=summary.repeated_files,
            hidden=summary.hidden_files,
            refused=summary.refused_files,
        ),
        rows=RowFates(
            read=summary.rows,
            # Those that are too late were understood, and are counted by the tables that did not take them.
            quarantined={reason: many for reason, many in summary.quarantined.items() if reason != TOO_LATE},
            skipped=summary.skipped,
        ),
        targets=tuple(map(_target, summary.written)),
        beside=tuple(
            BesideContract(table=one.table, column=one.column, state=one.state, rows=one.rows) for one in summary.drift
        ),
        judged=tuple(map(_judged, summary.judged)),
        stopped=stopped,
    )


def read_records(
    folder: ReportFolder, *, job: str, before: str = "", last: int | None = None
) -> list[tuple[str, RunRecord]]:
    """What the runs of a job left in a folder, the oldest first, each with the name of its file.

    What is no record is passed over.

    Args:
        folder: where they are.
        job: the job.
        before: the name of a record; it, and what is after it, is not read.
        last: how many to look at, the newest ones; None: all.
    """
    names = [name for name in folder.names() if _RECORD.fullmatch(name) and (not before or name < before)]
    read = ((name, read_record(folder.read(name) or "")) for name in names[-last if last else None :])
    return [(name, record) for name, record in read if record is not None and record.job == job]


def _write(report: RunReport, folder: ReportFolder, *, reveal: bool) -> str:
    from lakehouse.reports.pages import render_page  # noqa: PLC0415  needs what only those who want pages install
    from lakehouse.reports.run_page import run_page  # noqa: PLC0415  as above

    name = f"{report.started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{plain_name(report.run)}"
    records = read_records(folder, job=report.job, before=f"{name}.json", last=EARLIER) if report.rules else []
    page = run_page(with_earlier(report, [one for _, one in records]), reveal="all" if reveal else PLACE)
    address = folder.write(f"{name}.html", render_page(page))
    folder.write(f"{name}.json", write_record(report))
    return address


def _target(written: Written) -> TargetCounts:
    done = written.result
    return TargetCounts(
        table=written.table,
        kind=written.write,
        source=written.source,
        changes=done.input,
        applied=done.applied,
        duplicate=done.duplicate,
        late=done.late,
        tie=done.tie,
        too_late=done.quarantined,
        inserted=done.inserted,
        updated=done.updated,
        deleted=done.deleted,
        version=str(done.commit.version) if done.commit else "",
        evolved=written.evolved,
    )


def _judged(judged: Judged) -> JudgedTable:
    return JudgedTable(
        table=judged.table,
        part=judged.day or "",
        rules=tuple(map(_rule, judged.outcomes)),
        metrics=without_bins(judged.metrics),
        on_failure=judged.on_failure,
        rows=judged.rows,
        failed=judged.failed,
        failing=judged.failing,
    )


def _rule(outcome: Outcome) -> RuleResult:
    return RuleResult(
        rule=outcome.rule,
        verdict=outcome.verdict,
        reason=outcome.reason,
        metrics=outcome.metrics,
        labels=outcome.labels,
    )


def _reason(error: Exception) -> str:
    """What went wrong, without a message that may hold values."""
    if isinstance(error, ImportError):
        return f"{error.name} is missing: install lakehouse[reports]"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return ", caused by ".join(java_causes(error)) or type(error).__name__
