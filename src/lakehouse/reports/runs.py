"""What a run of a job did: files, rows, tables, and what its rulesets said, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lakehouse.reports.blocks import Verdict, worst
from lakehouse.reports.findings import FailingRows, RuleResult


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCounts:
    """What became of the files that a run saw.

    Attributes:
        new: loaded.
        repeated: of them or beside them, those whose content was loaded before.
        hidden: passed over for their names.
        refused: not read, by reason.
    """

    new: int = 0
    repeated: int = 0
    hidden: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFates:
    """Where the rows of a run went.

    Attributes:
        read: rows in.
        quarantined: rows set aside, by reason; not those that came too late for a table, see `TargetCounts`.
        skipped: rows passed over, by reason.
    """

    read: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        """Rows that went on to the tables."""
        return self.read - sum(self.quarantined.values()) - sum(self.skipped.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCounts:
    """What a run wrote to one table.

    Attributes:
        table: its name.
        kind: such as `current`.
        source: whose changes it got.
        changes: rows of the change log.
        applied: distinct events that count from now on.
        duplicate: events that were there already.
        late: those of the applied that were older than what the table knew of their key.
        tie: events that lost against another one at the same key and sequence.
        too_late: events that were set aside, for the table no longer takes them.
        inserted: rows added.
        updated: rows changed.
        deleted: rows removed.
        version: of the table after the commit; empty: nothing changed, and nothing was committed.
        evolved: how its columns changed, a line for each.
    """

    table: str
    kind: str
    source: str
    changes: int = 0
    applied: int = 0
    duplicate: int = 0
    late: int = 0
    tie: int = 0
    too_late: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    version: str = ""
    evolved: tuple[str, ...] = ()

    @property
    def changed(self) -> int:
        """Rows of the table that are not as they were."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideContract:
    """A field that a contract does not name, or a column of it that files lack.

    Attributes:
        table: the source table.
        column: its name.
        state: which of the two: `unknown` or `missing`.
        rows: how many rows have it, or lack it.
    """

    table: str
    column: str
    state: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedTable:
    """What a ruleset said of the changes of one source table.

    Attributes:
        table: the source table.
        part: what of them was judged, where parts are judged apart, such as a day.
        rules: in the order of the ruleset.
        metrics: all that was measured, analyzers included.
        on_failure: what was to become of rows that fail a rule.
        rows: how many were judged.
        failed: how many of them were found to fail a rule of rows.
        failing: some of them, rule by rule.
    """

    table: str
    part: str = ""
    rules: tuple[RuleResult, ...]
    metrics: Mapping[str, float] = field(default_factory=dict)
    on_failure: str
    rows: int
    failed: int
    failing: tuple[FailingRows, ...] = ()

    @property
    def name(self) -> str:
        """The table, and the part if there is one."""
        return f"{self.table} {self.part}".rstrip()

    @property
    def verdict(self) -> Verdict:
        """The gravest of its rules."""
        return worst(*(one.verdict for one in self.rules))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a run did.

    Attributes:
        job: what ran.
        run: its identifier.
        started: when it began.
        took: how long it ran.
        files: what became of them.
        rows: where they went.
        targets: the tables that got changes.
        beside: what is beside the contracts.
        judged: what the rulesets said, by source table.
        stopped: whether the run ended there, for a rule that did not pass.
    """

    job: str
    run: str
    started: datetime
    took: timedelta
    files: FileCounts = field(default_factory=FileCounts)
    rows: RowFates = field(default_factory=RowFates)
    targets: tuple[TargetCounts, ...] = ()
    beside: tuple[BesideContract, ...] = ()
    judged: tuple[JudgedTable, ...] = ()
    stopped: bool = False

    @property
    def rules(self) -> tuple[RuleResult, ...]:
        """Those of all source tables."""
        return tuple(rule for one in self.judged for rule in one.rules)

    @property
    def too_late(self) -> int:
        """Events that were set aside, once for each table that no longer takes them."""
        return sum(one.too_late for one in self.targets)

    @property
    def verdict(self) -> Verdict:
        """Failed: a rule stopped the run. Warning: something was set aside, or a rule did not pass. Else Passed."""
        if self.stopped:
            return "Failed"
        aside = bool(self.rows.quarantined or self.files.refused or self.too_late)
        return "Warning" if aside or any(one.verdict != "Passed" for one in self.rules) else "Passed"
