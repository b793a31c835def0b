"""What a run says of itself: progress lines and a closing table on a terminal, one JSON object per line elsewhere."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal, Protocol, TextIO

from lakehouse.bronze.manifest import LoadedFile
from lakehouse.quality.outcomes import Outcome
from lakehouse.reports.findings import FailingRows
from lakehouse.tables.tallies import MergeResult

WARNINGS = frozenset(
    {"refused", "incomplete", "rule_failed", "rule_error", "source_missing", "report_not_written", "metrics_not_sent"}
)
"""Events that somebody should look at."""

LogStyle = Literal["auto", "text", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One target of the run, what was merged into it, and how its columns changed, a line for each."""

    source: str
    table: str
    write: str
    result: MergeResult
    evolved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A field of a source table that its contract does not name (`unknown`), or a column that files lack (`missing`)."""

    table: str
    column: str
    state: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the ruleset of the job said of the changes of one source table.

    Attributes:
        table: the source table, `schema.table`.
        day: the part of the batch that was judged, where days are judged apart, else None: a date, or `no date`.
        outcomes: one for each rule, in the order of the text.
        metrics: all that was measured.
        on_failure: what was to become of rows that fail a rule.
        rows: how many were judged; deletes are not.
        failed: how many of them fail a rule of rows.
        failing: some of them, rule by rule, where a report is wanted.
    """

    table: str
    outcomes: tuple[Outcome, ...]
    metrics: Mapping[str, float]
    on_failure: str
    rows: int
    failed: int
    failing: tuple[FailingRows, ...] = ()
    day: str | None = None

    @property
    def name(self) -> str:
        """The table, and the day if there is one."""
        return self.table if self.day is None else f"{self.table} {self.day}"

    @property
    def verdicts(self) -> dict[str, int]:
        """How many rules passed, failed, and could not be worked out."""
        counted = Counter(one.verdict.lower() for one in self.outcomes)
        return {verdict: counted[verdict] for verdict in ("passed", "failed", "error")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A whole run: what was read, set aside and written, and what became of the files that it was told of."""

    job: str
    files: int = 0
    repeated_files: int = 0
    hidden_files: int = 0
    refused_files: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    drift: tuple[Drift, ...] = ()
    judged: tuple[Judged, ...] = ()
    written: tuple[Written, ...] = ()
    announced: tuple[LoadedFile, ...] = ()
    seconds: float = 0.0

    @property
    def commits(self) -> int:
        """Data commits to the targets."""
        return sum(1 for item in self.written if item.result.commit)

    @property
    def nothing_new(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.files or self.refused_files or self.rows or self.commits)


class Reporter(Protocol):
    """Where a run's events go. Threads may report at the same time."""

    def step(self, event: str, message: str, **facts: object) -> None:
        """Say what was just done."""
        ...

    def close(self, summary: Summary) -> None:
        """Say how the run ended."""
        ...

    def fail(self, message: str, *, kind: str) -> None:
        """Say why the run failed."""
        ...


def reporter(style: LogStyle, stream: TextIO | None = None) -> Reporter:
    """The reporter for this stream: text on a terminal, JSON lines otherwise, unless a style is asked for."""
    out = stream or sys.stdout
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(
            errors="backslashreplace"
        )  # a name of a file must not end the run on a terminal without its letters
    text = style == "text" or (style == "auto" and out.isatty())
    return TextReporter(out) if text else JsonReporter(out)


class JsonReporter:
    """One JSON object per line."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`."""
        self._stream = stream
        self._ascii = (stream.encoding or "utf-8").lower() != "utf-8"
        self._lock = threading.Lock()

    def step(self, event: str, message: str, **facts: object) -> None:
        """One line for the event."""
        self._write({"event": event, "message": message, **facts})

    def close(self, summary: Summary) -> None:
        """One line per target and one for the run."""
        for item in summary.written:
            counts = {name: getattr(item.result, name) for name in _COUNTS}
            commit = item.result.commit.version if item.result.commit else None
            self._write(
                {
                    "event": "table_written",
                    "table": item.table,
                    "write": item.write,
                    **counts,
                    "commit": commit,
                    "evolved": list(item.evolved),
                }
            )
        self._write(
            {
                "event": "run_finished",
                "job": summary.job,
                "message": "nothing new" if summary.nothing_new else "done",
                "files": summary.files,
                "repeated_files": summary.repeated_files,
                "hidden_files": summary.hidden_files,
                "refused_files": summary.refused_files,
                "rows": summary.rows,
                "quarantined": summary.quarantined,
                "skipped": summary.skipped,
                "drift": [asdict(one) for one in summary.drift],
                "rules": _by_name(summary.judged),
                "data_commits": summary.commits,
                "seconds": round(summary.seconds, 1),
            }
        )

    def fail(self, message: str, *, kind: str) -> None:
        """One line for the failure."""
        self._write({"event": "run_failed", "error": kind, "message": message})

    def _write(self, entry: dict[str, object]) -> None:
        with self._lock:
            print(json.dumps(entry, ensure_ascii=self._ascii, default=str), file=self._stream, flush=True)


_COUNTS = ("input", "applied", "duplicate", "late", "tie", "inserted", "updated", "deleted")


class TextReporter:
    """Progress lines and a closing table for a person."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`, in colour where it is a terminal."""
        from rich.console import Console  # noqa: PLC0415  only people need it; a cluster may not have it

        self._console = Console(file=stream, highlight=False, width=None if stream.isatty() else 120)

    def step(self, event: str, message: str, **facts: object) -> None:
        """One line for the event; the facts are for machines. Brackets in names are only brackets."""
        from rich.markup import escape  # noqa: PLC0415  as above

        del facts
        mark = "[yellow]![/]" if event in WARNINGS else "[green]✓[/]"
        self._console.print(f"{mark} {escape(message)}")

    def close(self, summary: Summary) -> None:
        """The closing table."""
        from rich.markup import escape  # noqa: PLC0415  as above
        from rich.table import Table  # noqa: PLC0415  as above

        if summary.nothing_new:
            self._console.print(
                f"[bold]{escape(summary.job)}: nothing new[/] (0 rows changed, 0 commits, {summary.seconds:.0f} s)"
            )
            return
        table = Table(
            title=f"{escape(summary.job)}: {summary.rows:,} rows read in {summary.seconds:.0f} s", title_justify="left"
        )
        table.add_column("table")
        table.add_column("kind")
        for name in ("changes", "applied", "duplicate", "late", "tie", "inserted", "updated", "deleted"):
            table.add_column(name, justify="right")
        for item in sorted(summary.written, key=lambda item: (item.write, item.table)):
            table.add_row(escape(item.table), item.write, *[f"{getattr(item.result, name):,}" for name in _COUNTS])
        self._console.print(table)
        others = {"repeated": summary.repeated_files, "hidden": summary.hidden_files}
        named = "".join(f", {number} {name}" for name, number in others.items() if number)
        self._console.print(f"  files        {summary.files} new{named}")
        if summary.refused_files:
            self._console.print(f"  refused      {_listed(summary.refused_files)}")
        self._console.print(f"  quarantined  {_listed(summary.quarantined)}")
        self._console.print(f"  skipped      {_listed(summary.skipped)}")
        for name, days, verdicts in _by_table(summary.judged):
            told = f" on {days} days" if days else ""
            self._console.print(f"  rules        {escape(name)}: {_listed(verdicts)}{told}")
        for item in summary.written:
            for line in item.evolved:
                self._console.print(f"  evolved      {escape(item.table)}: {escape(line)}")
        for one in summary.drift:
            self._console.print(f"  {one.state:<11}  {escape(one.table)}: {escape(one.column)}, in {one.rows:,} rows")

    def fail(self, message: str, *, kind: str) -> None:
        """The failure, as it is."""
        from rich.markup import escape  # noqa: PLC0415  as above

        self._console.print(f"[red]✗ {kind}[/]", escape(message))


def _by_name(judged: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """The verdicts on what was judged, by its name; those on several snapshots of a table are counted together."""
    told: dict[str, dict[str, int]] = {}
    for one in judged:
        before = told.get(one.name, {})
        told[one.name] = {verdict: many + before.get(verdict, 0) for verdict, many in one.verdicts.items()}
    return told


def _by_table(judged: Sequence[Judged]) -> list[tuple[str, int, dict[str, int]]]:
    """Of each table: its name, how many days were judged apart, and the verdicts of all of them."""
    tables: dict[str, list[Judged]] = {}
    for one in judged:
        tables.setdefault(one.table, []).append(one)
    return [
        (table, sum(one.day is not None for one in ones), dict(sum((Counter(one.verdicts) for one in ones), Counter())))
        for table, ones in tables.items()
    ]


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items()) if number) or "0"
