"""The page of many runs: which passed, how rules went from run to run, and the lines of what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lakehouse.errors import ConfigError
from lakehouse.reports.blocks import (
    SEVERITY,
    Badge,
    Block,
    Cell,
    Chart,
    Charts,
    Code,
    Figure,
    Figures,
    Link,
    Note,
    Point,
    Row,
    Strip,
    Table,
    Verdict,
    worst,
)
from lakehouse.reports.pages import Page, Section
from lakehouse.reports.records import RunRecord
from lakehouse.reports.texts import counted, instant, share


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run, as a trend page tells of it.

    Attributes:
        run: its identifier.
        started: when it began.
        verdicts: of its rules, by their texts.
        metrics: what it measured, by name.
        read: rows in.
        quarantined: rows set aside.
        file: the name of its own report, in the folder of this page; empty: it has none.
        overall: its verdict, where that is not a matter of its rules alone.
    """

    run: str
    started: datetime
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    read: int = 0
    quarantined: int = 0
    file: str = ""
    overall: Verdict | None = None

    @property
    def verdict(self) -> Verdict:
        """That of the run, or of its gravest rule."""
        return self.overall or worst(*self.verdicts.values())


def summarize(record: RunRecord, *, file: str = "") -> RunSummary:
    """A run of a job as a trend page tells of it. Names of rules and metrics begin with their source table.

    Of a rule that was asked of several parts of a table, the gravest verdict counts, and what was measured last.

    Args:
        record: what the run left.
        file: its own page, if that lies beside the trend page.
    """
    verdicts: dict[str, Verdict] = {}
    for one in record.rules:
        name = f"{one.table}: {one.rule}"
        verdicts[name] = worst(one.verdict, verdicts.get(name, "Passed"))
    return RunSummary(
        run=record.run,
        started=record.started,
        verdicts=verdicts,
        metrics={f"{table}: {name}": value for table, some in record.metrics.items() for name, value in some.items()},
        read=record.read,
        quarantined=record.quarantined,
        file=file,
        overall=record.verdict,
    )


def trend_page(title: str, runs: tuple[RunSummary, ...], *, kind: str = "Data quality over runs") -> Page:
    """Make the page of the runs on a table, or of a job, given in any order.

    >>> run = RunSummary(run="1", started=datetime(2026, 11, 27, tzinfo=UTC), verdicts={"RowCount > 0": "Passed"})
    >>> trend_page("silver.orders", (run,)).headline
    '1 of 1 run passed.'

    Raises:
        ConfigError: there are no runs.
    """
    if not runs:
        msg = f"a trend page of {title} needs a run; give one or more"
        raise ConfigError(msg)
    ordered = sorted(runs, key=lambda one: (one.started, one.run))
    newest = ordered[-1]
    passed = sum(one.verdict == "Passed" for one in ordered)
    return Page(
        kind=kind,
        title=title,
        verdict=newest.verdict,
        headline=f"{passed} of {counted(len(ordered), 'run')} passed.",
        remarks=(f"The verdict is that of the newest run, {newest.run}.",),
        facts=(("From", instant(ordered[0].started)), ("To", instant(newest.started))),
        sections=(
            Section(heading="Rules", blocks=(_rules(ordered),)),
            Section(heading="Rows", blocks=(_totals(ordered), _row_charts(ordered))),
            Section(heading="Metrics", blocks=(_metrics(ordered),)),
            Section(heading="Runs", blocks=(_runs(ordered),)),
        ),
    )


def _rules(runs: list[RunSummary]) -> Block:
    names = dict.fromkeys(name for one in reversed(runs) for name in one.verdicts)
    if not names:
        return Note("No run has rules.")
    over = {name: tuple(one.verdicts.get(name) for one in runs) for name in names}
    grave = sorted(names, key=lambda name: (-SEVERITY[over[name][-1] or "Passed"], -_failures(over[name])))
    rows = tuple(
        Row(
            cells=(_newest(over[name][-1]), Code(name), _failures(over[name]), Strip(over[name])),
            verdict=over[name][-1],
        )
        for name in grave
    )
    columns = ("Newest run", "Rule", "Runs not passed", "Over runs, the oldest first")
    return Table(caption="Rules, the gravest first", columns=columns, rows=rows, header=1)


def _failures(verdicts: tuple[Verdict | None, ...]) -> int:
    return sum(one not in {"Passed", None} for one in verdicts)


def _newest(verdict: Verdict | None) -> Cell:
    return Badge(verdict=verdict) if verdict else "not asked"


def _totals(runs: list[RunSummary]) -> Block:
    read, quarantined = sum(one.read for one in runs), sum(one.quarantined for one in runs)
    return Figures(
        (
            Figure(label="Runs", value=f"{len(runs):,}"),
            Figure(label="Read", value=f"{read:,}", remark="rows in, all runs"),
            Figure(label="Quarantined", value=f"{quarantined:,}", remark=f"{share(quarantined, read)} of them"),
        )
    )


def _row_charts(runs: list[RunSummary]) -> Block:
    shares = [one.quarantined / one.read if one.read else None for one in runs]
    return Charts((_chart("Rows read", runs, [one.read for one in runs]), _chart("Share quarantined", runs, shares)))


def _metrics(runs: list[RunSummary]) -> Block:
    names = dict.fromkeys(name for one in reversed(runs) for name in one.metrics)
    if not names:
        return Note("No run has metrics.")
    return Charts(tuple(_chart(name, runs, [one.metrics.get(name) for one in runs]) for name in names))


def _chart(title: str, runs: list[RunSummary], values: list[float | None] | list[int]) -> Chart:
    points = tuple(
        Point(label=f"{one.started.astimezone(UTC):%Y-%m-%d}", value=value, marked=one.verdict != "Passed")
        for one, value in zip(runs, values, strict=True)
    )
    marked = any(one.marked and one.value is not None for one in points)
    return Chart(title=title, points=points, remark="A ring is a run that did not pass." if marked else "")


def _runs(runs: list[RunSummary]) -> Block:
    rows = []
    for one in reversed(runs):
        kept = Counter(one.verdicts.values())
        name: Cell = Link(text=one.run, file=one.file) if one.file else Code(one.run)
        wrong = len(one.verdicts) - kept["Passed"]
        cells = (
            Badge(verdict=one.verdict),
            name,
            instant(one.started),
            kept["Passed"],
            wrong,
            one.read,
            one.quarantined,
        )
        rows.append(Row(cells=cells, verdict=one.verdict))
    columns = ("Verdict", "Run", "Started", "Rules passed", "Not passed", "Rows read", "Quarantined")
    return Table(caption="Runs, the newest first", columns=columns, rows=tuple(rows), header=1, wide=True)
