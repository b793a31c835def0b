"""The page of a run of a job: what its rulesets said, what it wrote, and where rows and files went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from lakehouse.reports.blocks import (
    Badge,
    Block,
    Cell,
    Code,
    Figure,
    Figures,
    Muted,
    Note,
    Row,
    Stack,
    Table,
    Verdict,
    worst,
)
from lakehouse.reports.pages import Page, Section
from lakehouse.reports.quality import Reveal, failing_blocks, failing_tables, rule_figures, rule_table
from lakehouse.reports.runs import BesideContract, FileCounts, JudgedTable, RowFates, RunReport, TargetCounts
from lakehouse.reports.texts import counted, instant, number, share


def run_page(report: RunReport, *, reveal: Reveal = ()) -> Page:
    """Make the page of a run. Values of rows are masked unless their column is revealed.

    >>> from datetime import UTC, datetime, timedelta
    >>> began = datetime(2026, 11, 27, 6, tzinfo=UTC)
    >>> rows = RowFates(read=12, quarantined={"bad_value": 2})
    >>> page = run_page(RunReport(job="zones", run="42", started=began, took=timedelta(seconds=9), rows=rows))
    >>> page.verdict, page.headline, page.remarks
    ('Warning', '12 rows read, 0 rows changed in 0 tables.', ('2 rows went to quarantine.',))
    """
    return Page(
        kind="Run",
        title=report.job,
        verdict=report.verdict,
        headline=_headline(report),
        remarks=tuple(_remarks(report)),
        facts=(
            ("Run", report.run),
            ("Started", instant(report.started)),
            ("Took", f"{number(round(report.took.total_seconds(), 1))} s"),
        ),
        sections=(
            *(_quality(report, reveal) if report.judged else ()),
            Section(heading="Tables", blocks=(_targets(report),)),
            *(() if report.stopped else _counted(report)),
        ),
    )


def _counted(report: RunReport) -> tuple[Section, ...]:
    """What is only counted by a run that comes to its end."""
    return (
        Section(heading="Rows", blocks=tuple(_rows(report.rows)), verdict=_warned(report.rows.quarantined)),
        Section(heading="Files", blocks=tuple(_files(report.files)), verdict=_warned(report.files.refused)),
        Section(heading="Columns", blocks=_columns(report)),
    )


def _headline(report: RunReport) -> str:
    if report.stopped:
        said = _verdicts(report)
        return f"The run was stopped by its rules: {said}." if said else "The run was stopped by its rules."
    changed, tables = sum(one.changed for one in report.targets), sum(bool(one.version) for one in report.targets)
    return f"{counted(report.rows.read, 'row')} read, {counted(changed, 'row')} changed in {counted(tables, 'table')}."


def _remarks(report: RunReport) -> list[str]:
    aside, refused = sum(report.rows.quarantined.values()), sum(report.files.refused.values())
    evolved = sum(bool(one.evolved) for one in report.targets)
    said = []
    if not report.stopped and _verdicts(report):
        said.append(f"The run went on though rules did not pass: {_verdicts(report)}.")
    if aside:
        said.append(f"{counted(aside, 'row')} went to quarantine.")
    if report.too_late:
        said.append(f"{counted(report.too_late, 'change')} came too late for a table, and went to quarantine.")
    if refused:
        said.append(f"{counted(refused, 'file')} {'was' if refused == 1 else 'were'} refused.")
    if evolved:
        said.append(f"The columns of {counted(evolved, 'table')} changed.")
    return said


def _verdicts(report: RunReport) -> str:
    """How many rules did not pass; empty: none."""
    kept = Counter(one.verdict for one in report.rules)
    said = {"failed": kept["Failed"], "could not be worked out": kept["Error"]}
    wrong = ", ".join(f"{times:,} {what}" for what, times in said.items() if times)
    return f"of {counted(len(report.rules), 'rule')}, {wrong}" if wrong else ""


def _warned(aside: Mapping[str, int]) -> Verdict:
    return "Warning" if aside else "Passed"


def _quality(report: RunReport, reveal: Reveal) -> tuple[Section, Section]:
    tables = [
        rule_table(one.rules, caption=f"Rules of {one.name}, the gravest first", remark=_judged(one))
        for one in _worth_showing(report.judged)
    ]
    failing = [
        table
        for one in report.judged
        for table in failing_tables(one.failing, one.rules, reveal=reveal, within=one.name)
    ]
    verdict = worst(*(one.verdict for one in report.rules))
    return (
        Section(heading="Rules", blocks=(rule_figures(report.rules), *_days(report.judged), *tables), verdict=verdict),
        Section(heading="Failing rows", blocks=failing_blocks(failing)),
    )


def _worth_showing(judged: Sequence[JudgedTable]) -> list[JudgedTable]:
    """Those whose rules are listed: where days were judged apart, the days that did not pass and the last one, this one last."""
    last = {one.table: one for one in judged}
    shown = [one for one in judged if not one.part or one.verdict != "Passed" or one is last[one.table]]
    return sorted(shown, key=lambda one: one.verdict == "Passed")


def _days(judged: Sequence[JudgedTable]) -> list[Block]:
    """Of each table whose days were judged apart, what came of each of them."""
    tables: dict[str, list[JudgedTable]] = {}
    for one in judged:
        if one.part:
            tables.setdefault(one.table, []).append(one)
    return [
        Table(
            caption=f"Days of {table}",
            columns=("Verdict", "Day", "Rules that did not pass", "Rows"),
            rows=tuple(Row(cells=_day(one), verdict=one.verdict) for one in days),
            header=1,
            remark="The rules of the days that did not pass are listed below, and those of the last day.",
        )
        for table, days in tables.items()
    ]


def _day(one: JudgedTable) -> tuple[Cell, ...]:
    wrong = tuple(Code(rule.rule) for rule in one.rules if rule.verdict != "Passed")
    return Badge(verdict=one.verdict), one.part, Stack(wrong), one.rows


def _judged(one: JudgedTable) -> str:
    failed = f", {one.failed:,} of them fail a rule of rows" if one.failed else ""
    return f"{counted(one.rows, 'row')} judged{failed}. What is done when rules fail: {one.on_failure}."


def _targets(report: RunReport) -> Block:
    if not report.targets:
        return Note("No table was written; the batch waits." if report.stopped else "No table got changes.")
    rows = tuple(
        Row(
            cells=(
                Stack((Code(one.table), Muted(f"{one.kind}, from {one.source}"), Muted(_committed(one)))),
                one.changes,
                one.applied,
                one.duplicate,
                one.late,
                one.tie,
                one.too_late,
                one.inserted,
                one.updated,
                one.deleted,
            )
        )
        for one in sorted(report.targets, key=lambda one: (one.kind, one.table))
    )
    events = ("Changes", "Applied", "Duplicate", "Late", "Tie", "Too late")
    columns = ("Table", *events, "Inserted", "Updated", "Deleted")
    remark = "Changes are those applied, duplicates, ties, and those too late; late ones are among those applied."
    return Table(caption="What was written", columns=columns, rows=rows, remark=remark)


def _committed(one: TargetCounts) -> str:
    return f"version {one.version}" if one.version else "no commit"


def _rows(rows: RowFates) -> list[Block]:
    aside, skipped = sum(rows.quarantined.values()), sum(rows.skipped.values())
    figures = Figures(
        (
            Figure(label="Read", value=f"{rows.read:,}", remark="rows in"),
            Figure(label="Kept", value=f"{rows.kept:,}", remark=f"{share(rows.kept, rows.read)} of them"),
            Figure(label="Quarantined", value=f"{aside:,}", remark=f"{share(aside, rows.read)} of them"),
            Figure(label="Skipped", value=f"{skipped:,}", remark=f"{share(skipped, rows.read)} of them"),
        )
    )
    named = (
        *_counts(Badge(verdict="Warning", text="Quarantined"), rows.quarantined),
        *_counts(Badge(verdict="Passed", text="Skipped"), rows.skipped),
    )
    columns = ("What", "Reason", "Rows")
    return [figures, *([Table(caption="Rows not kept", columns=columns, rows=named, header=1)] if named else [])]


def _files(files: FileCounts) -> list[Block]:
    refused = sum(files.refused.values())
    figures = Figures(
        (
            Figure(label="New", value=f"{files.new:,}", remark="loaded"),
            Figure(label="Repeated", value=f"{files.repeated:,}", remark="their content was loaded before"),
            Figure(label="Hidden", value=f"{files.hidden:,}", remark="passed over for their names"),
            Figure(label="Refused", value=f"{refused:,}", remark="not read"),
        )
    )
    named = _counts(Badge(verdict="Warning", text="Refused"), files.refused)
    columns = ("What", "Reason", "Files")
    return [figures, *([Table(caption="Files not read", columns=columns, rows=named, header=1)] if named else [])]


def _counts(badge: Badge, counts: Mapping[str, int]) -> tuple[Row, ...]:
    """A row for each reason, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return tuple(Row(cells=(badge, Code(reason), many), verdict=badge.verdict) for reason, many in ordered if many)


def _columns(report: RunReport) -> tuple[Block, ...]:
    evolved = tuple(Row(cells=(Code(one.table), Code(line))) for one in report.targets for line in one.evolved)
    blocks: list[Block] = []
    if evolved:
        blocks.append(Table(caption="How tables changed", columns=("Table", "Change"), rows=evolved, header=1))
    if report.beside:
        rows = tuple(Row(cells=_beside(one), verdict="Warning") for one in report.beside)
        columns = ("What", "Source table", "Column", "Rows")
        blocks.append(Table(caption="What is not as the contracts say", columns=columns, rows=rows, header=2))
    return tuple(blocks) or (Note("No table changed, and nothing was found beside the contracts."),)


def _beside(one: BesideContract) -> tuple[Cell, ...]:
    return Badge(verdict="Warning", text=one.state.capitalize()), Code(one.table), Code(one.column), one.rows
