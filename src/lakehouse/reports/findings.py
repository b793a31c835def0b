"""What a run found out about a table: rules, rows, failing rows, schema changes and drift, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lakehouse.errors import ConfigError
from lakehouse.reports.blocks import Verdict, worst


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """What came of a rule, in this run and before.

    Attributes:
        rule: its text.
        verdict: whether the data are as it asks.
        reason: why they are not; holds no values of rows.
        metrics: what was measured for it, by name.
        earlier: the metrics of earlier runs by name, the oldest first; None where a run has none.
        labels: of the rule.
    """

    rule: str
    verdict: Verdict
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    earlier: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """Where the rows of a run went.

    Attributes:
        read: rows in.
        written: rows out.
        quarantined: rows set aside.
        dropped: rows left out by a rule with a name, by that name.
    """

    read: int
    written: int
    quarantined: int
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def unaccounted(self) -> int:
        """Rows that went nowhere; below 0: rows that came from nowhere."""
        return self.read - self.written - self.quarantined - sum(self.dropped.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingRows:
    """Some of the rows that fail a rule.

    Attributes:
        rule: its text.
        columns: their names.
        rows: values as texts, one for each column; None is null.
        total: how many rows fail it, those that are not here included.

    Raises:
        ConfigError: a row has not one value for each column, or there are more rows than `total`.
    """

    rule: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    total: int

    def __post_init__(self) -> None:
        """Refuse what would show a value below another column's name, where it may be revealed."""
        if any(len(row) != len(self.columns) for row in self.rows) or len(self.rows) > self.total:
            msg = f"failing rows of {self.rule}: give {len(self.columns)} values a row, and a total of {len(self.rows)} or more"
            raise ConfigError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaChange:
    """A column that is not as it was.

    Attributes:
        column: its name, with dots to nested ones.
        change: in a word or two: added, removed, type changed.
        before: its type before; empty: there was none.
        after: its type now; empty: there is none.
        verdict: Warning, if somebody should look at it; Failed, if it was refused.
    """

    column: str
    change: str
    before: str = ""
    after: str = ""
    verdict: Verdict = "Passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far a column is from what it was.

    Attributes:
        column: its name.
        measure: what was measured, such as PSI.
        value: what came out.
        limit: from which on it is too far.
        verdict: Warning or Failed, if it is.
        reason: in words; holds no values of rows.
        earlier: the measure in earlier runs, the oldest first.
        appeared: categories that are new. They are values, and masked.
        vanished: categories that are gone.
    """

    column: str
    measure: str
    value: float
    limit: float
    verdict: Verdict
    reason: str = ""
    earlier: tuple[float | None, ...] = ()
    appeared: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """What a run found out about a table.

    Attributes:
        table: its name.
        job: what ran.
        run: its identifier.
        started: when it began.
        took: how long it ran.
        rows: where they went; None: the run only looked.
        rules: in the order of the ruleset.
        failing: failing rows, rule by rule.
        schema_changes: since the run before.
        drift: of the columns that are watched.
    """

    table: str
    job: str
    run: str
    started: datetime
    took: timedelta
    rules: tuple[RuleResult, ...]
    rows: RowCounts | None = None
    failing: tuple[FailingRows, ...] = ()
    schema_changes: tuple[SchemaChange, ...] = ()
    drift: tuple[Drift, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """That of the gravest rule; changes and drift alone make a warning at most."""
        others = worst(*(one.verdict for one in self.schema_changes), *(one.verdict for one in self.drift))
        lost = self.rows is not None and self.rows.unaccounted != 0
        return worst(
            *(one.verdict for one in self.rules),
            "Warning" if others != "Passed" else "Passed",
            "Failed" if lost else "Passed",
        )
