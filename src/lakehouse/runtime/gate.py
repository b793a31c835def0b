"""The gate before the merges: what the rules of the job say of the changes of a batch, and which rows it holds back.

What is held back is in quarantine before anything is merged, and from then on it is what quarantine says: a rerun, and a table
that catches up later, leave out the same records, whatever a rule that speaks of other tables would say by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.changes import ORIGIN_TYPE
from lakehouse.cdc.feeds.records import record_text
from lakehouse.cdc.parsing import SNAPSHOT
from lakehouse.columns import BATCH, CHANGE_COLUMNS, DETAIL, FILE, ORIGIN, PART, RAW, REASON, ROW
from lakehouse.config.quality import QualityGate
from lakehouse.errors import ConfigError, QualityError
from lakehouse.quality.outcomes import Evaluation
from lakehouse.quality.probes import near
from lakehouse.quality.row_results import FAIL
from lakehouse.quality.rules import Analyzer, Ruleset
from lakehouse.quality.rulesets import parse_ruleset
from lakehouse.reports.findings import FailingRows
from lakehouse.runtime.evaluation import evaluate
from lakehouse.runtime.failing_rows import find_failing_rows
from lakehouse.runtime.judged_rows import NO_DATE, days_of, judged_rows
from lakehouse.runtime.metric_history import ROWS, MetricHistory
from lakehouse.runtime.planning import Job, like
from lakehouse.runtime.quarantine import FAILS_RULES, Account, Quarantine, Slice
from lakehouse.runtime.reporting import Judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a ruleset said of changes.

    Attributes:
        judged: for the report: of the batch, or of each day, the oldest first.
        failing: the rows that fail a rule which failed: `_origin` and `rules`, their texts; None: none is to be held back.
    """

    judged: tuple[Judged, ...]
    failing: DataFrame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The changes that are judged together, and what their rules may ask for beside them; history is the oldest first."""

    rows: DataFrame
    as_of: datetime
    history: Sequence[Mapping[str, float]]
    day: str | None = None


def check_gates(job: Job) -> None:
    """Refuse gates that no table passes, and those that would take rows out of full extracts, or add these up.

    Raises:
        ConfigError: says which, and what to do.
    """
    feeds = {table: source.feed for source in job.config.inputs.values() for table in source.tables}
    for gate in job.config.quality:
        if not any(like(table, gate.select) for table in feeds):
            msg = f"quality.select {gate.select!r} fits none of: {', '.join(feeds)}"
            raise ConfigError(msg)
    for table, feed in feeds.items():
        own = job.gate(table)
        if feed == SNAPSHOT and own is not None and own.on_failure == "quarantine":
            msg = f"quality: a row that is held back from a full extract of {table} would look deleted; set on_failure to warn or fail"
            raise ConfigError(msg)
        if feed == SNAPSHOT and own is not None and own.states is not None:
            msg = f"quality.states: full extracts of {table} have the same rows again, which do not add up; leave states out of its gate"
            raise ConfigError(msg)


def judge(
    job: Job,
    gate: QualityGate,
    table: str,
    changes: DataFrame,
    *,
    as_of: datetime,
    landing: str,
    earlier: MetricHistory | None = None,
) -> Judgement:
    """Hold the changes of a source table against its ruleset, and say what fails.

    Args:
        job: the job.
        gate: of the table.
        table: the source table.
        changes: the changes that the recipe made, kept: they are read more than once.
        as_of: the instant that `now()` and ages are of; that of a day is its end.
        landing: the folder that the files of the input are in, for rules on files.
        earlier: what earlier batches measured; None: nothing is kept.

    Raises:
        ConfigError: the recipe leaves out what rows are held back by, or there is no such column of dates or categories.
    """
    _require_columns(gate, table, changes)
    ruleset = parse_ruleset(gate.ruleset)
    bench = _Bench(
        job=job,
        gate=gate,
        table=table,
        ruleset=replace(ruleset, analyzers=(*ruleset.analyzers, Analyzer(type="RowCount"))),
        sources=_sources(job, gate, table),
        landing=landing,
    )
    rows = judged_rows(changes)
    if gate.by is None:
        history = earlier.batches() if earlier else ()
        found = [bench.judge(Part(rows=rows, as_of=as_of, history=history))]
    else:
        found = []
        days = earlier.days() if earlier else {}
        for day, part in days_of(rows, gate.by, table):
            label = NO_DATE if day is None else str(day)
            before = [days[one] for one in sorted(days) if one < label]
            end = as_of if day is None else datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)
            found.append(bench.judge(Part(rows=part, as_of=end, history=before, day=label)))
            measured = found[-1].judged[0].metrics
            if measured.get(ROWS, 0) >= days.get(label, {}).get(ROWS, 0):
                days[label] = dict(measured)
    failing = [one.failing for one in found if one.failing is not None]
    return Judgement(
        judged=tuple(judged for one in found for judged in one.judged),
        failing=reduce(DataFrame.unionByName, failing) if failing else None,
    )


def _sources(job: Job, gate: QualityGate, table: str) -> dict[str, DataFrame]:
    """What rules may ask for beside the changes; of a table that is not there it is said, and rules that ask for it are errors."""
    tables = {alias: job.table(name) for alias, name in gate.sources.items()}
    there = {alias: source.read() for alias, source in tables.items() if source.exists()}
    for alias, name in gate.sources.items():
        if alias in there:
            continue
        said = f"{table}: the rules have no {alias}: there is no table {name}; an input before this one has to make it"
        job.report.step("source_missing", said, table=table, source=alias, missing=name)
    return there


def _require_columns(gate: QualityGate, table: str, changes: DataFrame) -> None:
    """See that the recipe made what the gate needs beside what its rules do.

    Raises:
        ConfigError: names what is not there.
    """
    if ORIGIN not in changes.columns and gate.on_failure == "quarantine":
        msg = f"the recipe leaves {ORIGIN} out of {table}, by which rows are held back; keep it, or set on_failure to warn or fail"
        raise ConfigError(msg)
    if ORIGIN not in changes.columns and gate.states is not None:
        msg = f"the recipe leaves {ORIGIN} out of {table}, by which rows count once; keep it, or leave states out"
        raise ConfigError(msg)
    for name in gate.categories:
        if name not in changes.columns:
            msg = f"quality.categories: {table} has no column {name}{near(name, changes.columns)}"
            raise ConfigError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """What all parts of a batch are judged by: read, and looked up, once."""

    job: Job
    gate: QualityGate
    table: str
    ruleset: Ruleset
    sources: Mapping[str, DataFrame]
    landing: str

    def judge(self, part: Part) -> Judgement:
        """Judge one part, and say what does not pass."""
        found = evaluate(
            part.rows,
            self.ruleset,
            sources=self.sources,
            as_of=part.as_of,
            history=part.history,
            files=self.landing,
            carried=[name for name in CHANGE_COLUMNS if name in part.rows.columns],
        )
        failing = _failing(found) if self.gate.on_failure == "quarantine" else None
        judged = Judged(
            table=self.table,
            day=part.day,
            outcomes=found.outcomes,
            metrics=found.metrics,
            on_failure=self.gate.on_failure,
            rows=int(found.metrics.get(ROWS, 0)),
            failed=failing.count() if failing is not None else 0,
            failing=_shown(self.job, found),
        )
        self._tell(judged)
        return Judgement(judged=(judged,), failing=failing)

    def _tell(self, judged: Judged) -> None:
        for outcome in judged.outcomes:
            if outcome.verdict != "Passed":
                verdict = outcome.verdict.lower()
                said = f"{judged.name}: {outcome.rule} {verdict}: {outcome.reason}"
                self.job.report.step(
                    f"rule_{verdict}",
                    said,
                    table=judged.table,
                    day=judged.day,
                    rule=outcome.rule,
                    labels=dict(outcome.labels),
                )


def require_passed(judged: Iterable[Judged]) -> None:
    """Stop where every rule has to pass.

    Raises:
        QualityError: one failed, or could not be worked out.
    """
    if bad := stopping(judged):
        listed = "\n".join(bad)
        msg = (
            f"the rules stop the run, and what they failed was not written:\n{listed}\nIt waits: mend the data at the source "
            "and the ruleset, or let it pass with another on_failure."
        )
        raise QualityError(msg)


def stopping(judged: Iterable[Judged]) -> list[str]:
    """What is said of the rules that let nothing pass and did not pass."""
    return [
        f"{one.name}: {outcome.rule} {outcome.verdict.lower()}: {outcome.reason}"
        for one in judged
        if one.on_failure == "fail"
        for outcome in one.outcomes
        if outcome.verdict != "Passed"
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """The changes that go on, and how many did not: `records` of bronze, which made `changes_held` changes."""

    changes: DataFrame
    records: int = 0
    changes_held: int = 0

    def account(self, account: Account) -> Account:
        """The account of the rows that the changes were made from, with those that were held back."""
        if not self.records:
            return account
        return replace(
            account,
            understood=account.understood - self.records,
            changes=account.changes - self.changes_held,
            rejected={**account.rejected, FAILS_RULES: self.records},
        )


def hold_back(
    quarantine: Quarantine, table: str, slice_: Slice, changes: DataFrame, failing: DataFrame | None, *, decided: int
) -> Passing:
    """Take out of the changes what quarantine holds of their batches, after the records that fail were added to it.

    Args:
        quarantine: of the job.
        table: the source table.
        slice_: the bronze rows that the changes were made from.
        changes: what the recipe made of them.
        failing: as `Judgement` has it.
        decided: the batch up to which a table shows what was held back; nothing is added to that any more.
    """
    known = quarantine.held_through(table)
    settled = max(known, decided)
    if failing is not None and settled < slice_.through:
        rows = _records(slice_.rows.where(F.col(BATCH) > settled), changes, failing)
        quarantine.hold(table, rows, known=known, through=slice_.through)
        known = slice_.through
    if known <= slice_.since:
        return Passing(changes=changes)
    places = F.broadcast(quarantine.held(table, since=slice_.since, through=slice_.through))
    same = (F.col(f"{ORIGIN}.file") == places[FILE]) & (F.col(f"{ORIGIN}.row") == places[ROW])
    held = changes.join(places, on=same, how="left_semi").agg(F.count_distinct(ORIGIN), F.count(F.lit(1))).first()
    records, changes_held = held or (0, 0)
    kept = changes.join(places, on=same, how="left_anti").localCheckpoint(eager=False)
    return Passing(changes=kept, records=records, changes_held=changes_held)


def _records(rows: DataFrame, changes: DataFrame, failing: DataFrame) -> DataFrame:
    """The bronze rows of the records that fail: `_reason`, `_detail`, `_raw`, `_origin`. All changes of a record go with it."""
    told = failing.groupBy(F.col(f"{ORIGIN}.file").alias(FILE), F.col(f"{ORIGIN}.row").alias(ROW)).agg(
        F.concat_ws("; ", F.sort_array(F.array_distinct(F.flatten(F.collect_list("rules"))))).alias(DETAIL)
    )
    theirs = changes.select(ORIGIN, F.col(f"{ORIGIN}.file").alias(FILE), F.col(f"{ORIGIN}.row").alias(ROW)).distinct()
    own = theirs.join(F.broadcast(told), on=[FILE, ROW], how="inner").select(DETAIL, ORIGIN)
    part = F.col(PART) if PART in rows.columns else F.lit(None)
    texts = rows.select(
        F.struct(F.col(FILE).alias("file"), F.col(ROW).alias("row"), part.alias("part"))
        .cast(ORIGIN_TYPE)
        .alias("place"),
        record_text(rows).alias(RAW),
    )
    found = texts.join(F.broadcast(own), on=F.col("place").eqNullSafe(F.col(ORIGIN)), how="inner")
    return found.select(F.lit(FAILS_RULES).alias(REASON), DETAIL, RAW, ORIGIN)


def _shown(job: Job, found: Evaluation) -> tuple[FailingRows, ...]:
    """The failing rows that the report of the run shows, if one is wanted."""
    wanted = job.config.reports
    return () if wanted is None else find_failing_rows(found.rows, found.outcomes, reveal=wanted.reveal_values)


def _failing(found: Evaluation) -> DataFrame | None:
    """The records that fail a rule which failed; a rule that passed by its threshold has accepted the rows that fail it."""
    failed = [one.rule for one in found.outcomes if one.verdict == "Failed"]
    if not failed:
        return None
    rules = F.array_intersect(FAIL, F.array(*map(F.lit, failed)))
    return found.rows.select(ORIGIN, rules.alias("rules")).where(F.size("rules") > 0).localCheckpoint(eager=False)
