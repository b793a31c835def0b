"""The page of a quality report, and its sections for pages that tell of more than quality."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Literal

from lakehouse.errors import ConfigError
from lakehouse.reports.blocks import (
    SEVERITY,
    Badge,
    Block,
    Cell,
    Code,
    Figure,
    Figures,
    Masked,
    Measure,
    Muted,
    Note,
    Row,
    Stack,
    Table,
    Verdict,
    worst,
)
from lakehouse.reports.findings import Drift, FailingRows, QualityReport, RowCounts, RuleResult
from lakehouse.reports.pages import Page, Section
from lakehouse.reports.texts import counted, instant, number, share

Reveal = Collection[str] | Literal["all"]
"""Columns whose values a page tells, or all; the others are masked, and are not in the page at all."""


def quality_page(report: QualityReport, *, reveal: Reveal = ()) -> Page:
    """Make the page of a quality report. Values of rows, and categories, are masked unless their column is revealed.

    >>> from datetime import UTC, datetime, timedelta
    >>> from lakehouse.reports.findings import RuleResult
    >>> nulls = RuleResult(rule='IsComplete "email"', verdict="Failed", reason="0.98 is not 1")
    >>> began = datetime(2026, 11, 27, 6, tzinfo=UTC)
    >>> report = QualityReport(table="silver.orders", job="zones", run="42", started=began, took=timedelta(seconds=9), rules=(nulls,))
    >>> quality_page(report).headline
    'Of 1 rule, 1 failed.'

    Raises:
        ConfigError: `reveal` is the name of one column, not a list of names.
    """
    if isinstance(reveal, str) and reveal != "all":
        msg = f"reveal={reveal!r}: give a list of columns, [{reveal!r}], or 'all'"
        raise ConfigError(msg)
    return Page(
        kind="Data quality",
        title=report.table,
        verdict=report.verdict,
        headline=_headline(report),
        remarks=tuple(_remarks(report)),
        facts=(
            ("Job", report.job),
            ("Run", report.run),
            ("Started", instant(report.started)),
            ("Took", f"{number(round(report.took.total_seconds(), 1))} s"),
        ),
        sections=quality_sections(report, reveal=reveal),
    )


def quality_sections(report: QualityReport, *, reveal: Reveal = ()) -> tuple[Section, ...]:
    """Make the sections of a quality report, for a page that tells of more than quality."""
    rules = worst(*(one.verdict for one in report.rules))
    changes = worst(*(one.verdict for one in report.schema_changes))
    drift = worst(*(one.verdict for one in report.drift))
    lost: Verdict = "Failed" if report.rows and report.rows.unaccounted else "Passed"
    return (
        Section(heading="Rules", blocks=tuple(_rules(report)), verdict=rules),
        *([Section(heading="Rows", blocks=tuple(_rows(report.rows)), verdict=lost)] if report.rows else []),
        Section(
            heading="Failing rows",
            blocks=failing_blocks(failing_tables(report.failing, report.rules, reveal=reveal)),
        ),
        Section(heading="Schema changes", blocks=(_changes(report),), verdict=changes),
        Section(heading="Drift", blocks=(_drift(report, reveal),), verdict=drift),
    )


def _headline(report: QualityReport) -> str:
    kept, many = Counter(one.verdict for one in report.rules), counted(len(report.rules), "rule")
    said = {
        "failed": kept["Failed"],
        "could not be worked out": kept["Error"],
        "passed with a warning": kept["Warning"],
    }
    wrong = [f"{times} {what}" for what, times in said.items() if times]
    return f"Of {many}, {', '.join(wrong)}." if wrong else f"{many}, and none failed."


def _remarks(report: QualityReport) -> list[str]:
    rows, drifted = report.rows, sum(one.verdict != "Passed" for one in report.drift)
    said = []
    if rows:
        said.append(f"{counted(rows.quarantined, 'row')} of {rows.read:,} went to quarantine.")
    if report.schema_changes:
        said.append(f"The schema changed: {counted(len(report.schema_changes), 'column')}.")
    if drifted:
        said.append(f"{counted(drifted, 'column')} drifted.")
    return said


def rule_figures(rules: Collection[RuleResult]) -> Figures:
    """How many rules have each verdict, the gravest first; none is told of what no rule has."""
    kept = Counter(one.verdict for one in rules)
    return Figures(tuple(Figure(label=one, value=f"{kept[one]:,}", verdict=one) for one in SEVERITY if kept[one]))


def rule_table(rules: Collection[RuleResult], *, caption: str, remark: str = "") -> Table:
    """Rules with their verdicts, reasons and metrics, the gravest first; those of one verdict stay in their order."""
    rows = tuple(
        Row(
            cells=(
                Badge(verdict=one.verdict),
                Stack(
                    (
                        Code(one.rule),
                        *_muted(one.reason),
                        *_muted(", ".join(f"{k}: {v}" for k, v in one.labels.items())),
                    )
                ),
                Stack(
                    tuple(
                        Measure(name=name, value=value, earlier=tuple(one.earlier.get(name, ())))
                        for name, value in one.metrics.items()
                    )
                ),
            ),
            verdict=one.verdict,
        )
        for one in sorted(rules, key=lambda one: -SEVERITY[one.verdict])
    )
    columns = ("Verdict", "Rule and reason", "Measured, over runs")
    return Table(caption=caption, columns=columns, rows=rows, header=1, remark=remark)


def _rules(report: QualityReport) -> list[Block]:
    if not report.rules:
        return [Note("The ruleset has no rules.")]
    return [rule_figures(report.rules), rule_table(report.rules, caption="Rules, the gravest first")]


def _muted(text: str) -> tuple[Cell, ...]:
    return (Muted(text),) if text else ()


def _rows(rows: RowCounts) -> list[Block]:
    figures = Figures(
        (
            Figure(label="Read", value=f"{rows.read:,}", remark="rows in"),
            Figure(label="Written", value=f"{rows.written:,}", remark=f"{share(rows.written, rows.read)} of them"),
            Figure(
                label="Quarantined",
                value=f"{rows.quarantined:,}",
                remark=f"{share(rows.quarantined, rows.read)} of them",
            ),
            *(
                Figure(label=f"Dropped: {name}", value=f"{many:,}", remark=f"{share(many, rows.read)} of them")
                for name, many in rows.dropped.items()
            ),
        )
    )
    if rows.unaccounted > 0:
        return [figures, Note(f"{counted(rows.unaccounted, 'row')} of those read went nowhere.")]
    if rows.unaccounted < 0:
        return [figures, Note(f"{counted(-rows.unaccounted, 'row')} more went out than were read.")]
    return [figures, Note("Every row that was read is accounted for.")]


def failing_tables(
    failing: Collection[FailingRows], rules: Collection[RuleResult], *, reveal: Reveal, within: str = ""
) -> list[Table]:
    """A table of failing rows for each rule, in their order; values are masked unless their column is revealed.

    Args:
        failing: the rows.
        rules: whose verdicts the filter knows the rows by.
        reveal: columns whose values are told, or all.
        within: what the rules are of, where a page tells of more than one table.
    """
    verdicts = {one.rule: one.verdict for one in rules}
    return [
        Table(
            caption=f"{within}: {one.rule}" if within else one.rule,
            columns=one.columns,
            rows=tuple(
                Row(
                    cells=tuple(
                        value if value is None or _told(name, reveal) else Masked()
                        for name, value in zip(one.columns, row, strict=True)
                    ),
                    verdict=verdicts.get(one.rule),
                )
                for row in one.rows
            ),
            wide=True,
            remark=f"{counted(len(one.rows), 'row')} of {one.total:,} that fail this rule.",
        )
        for one in failing
    ]


def failing_blocks(tables: Collection[Table]) -> tuple[Block, ...]:
    """Tables of failing rows with what to say of them: that there are none, or that values are masked."""
    if not tables:
        return (Note("No rows are listed."),)
    masked = any(isinstance(cell, Masked) for table in tables for row in table.rows for cell in row.cells)
    return (*([Note("Values are masked; a null is shown.")] if masked else []), *tables)


def _told(column: str, reveal: Reveal) -> bool:
    return reveal == "all" or column in reveal


def _changes(report: QualityReport) -> Block:
    if not report.schema_changes:
        return Note("No column changed.")
    rows = tuple(
        Row(
            cells=(
                Badge(verdict=one.verdict, text=one.change),
                Code(one.column),
                Code(one.before) if one.before else Muted("none"),
                Code(one.after) if one.after else Muted("none"),
            ),
            verdict=one.verdict,
        )
        for one in report.schema_changes
    )
    return Table(caption="Columns that changed", columns=("Change", "Column", "Before", "After"), rows=rows, header=1)


def _drift(report: QualityReport, reveal: Reveal) -> Block:
    if not report.drift:
        return Note("No column is watched for drift.")
    rows = tuple(
        Row(
            cells=(
                Badge(verdict=one.verdict, text="Steady" if one.verdict == "Passed" else "Drifted"),
                Stack((Code(one.column), *_muted(one.reason), *_categories(one, reveal))),
                Measure(name=one.measure, value=one.value, earlier=one.earlier),
                one.limit,
            ),
            verdict=one.verdict,
        )
        for one in sorted(report.drift, key=lambda one: -SEVERITY[one.verdict])
    )
    columns = ("Verdict", "Column", "Measured, over runs", "Limit")
    return Table(caption="Columns that are watched", columns=columns, rows=rows, header=1)


def _categories(drift: Drift, reveal: Reveal) -> tuple[Cell, ...]:
    named = {"New": drift.appeared, "Gone": drift.vanished}
    told = _told(drift.column, reveal)
    return tuple(
        Muted(f"{name}: {', '.join(some) if told else counted(len(some), 'category', 'categories')}")
        for name, some in named.items()
        if some
    )
