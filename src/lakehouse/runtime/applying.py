"""Bring the targets of one source table up to the newest batch: parse, follow the recipe, judge, hold back, merge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.parsing import drift_of_changes, parse_changes
from lakehouse.columns import TABLE
from lakehouse.config.models import Contract, Input
from lakehouse.failpoints import reach
from lakehouse.runtime.batch_records import BatchRecords
from lakehouse.runtime.bronze_rows import BronzeRows
from lakehouse.runtime.gate import Judgement, Passing, hold_back, judge
from lakehouse.runtime.ingestion import Loaded
from lakehouse.runtime.judged_rows import judged_after
from lakehouse.runtime.metric_history import MetricHistory
from lakehouse.runtime.planning import Job
from lakehouse.runtime.plans import Plan, Prepared
from lakehouse.runtime.quarantine import Account, Parse, Quarantine, Slice, left_out
from lakehouse.runtime.reporting import Drift, Judged, Written
from lakehouse.runtime.state_history import StateHistory
from lakehouse.schemas.differences import describe_changes
from lakehouse.tables.compaction import too_late
from lakehouse.tables.merging import merge_current, merge_history

MOST_DRIFT = 50
"""Names of one source table that a run tells of: names are the producer's, and may be as many as the records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """The changes of some batches of one source table, parsed once, and the recipe followed once, whatever they are merged into."""

    slice_: Slice
    changes: DataFrame
    judgement: Judgement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of the rows of one source table."""

    account: Account
    written: Sequence[Written] = ()
    judged: Sequence[Judged] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One source table with news: its bronze rows, and the plans of all its targets."""

    job: Job
    table: str
    contract: Contract
    bronze: BronzeRows
    load: Loaded
    plans: Sequence[Plan]
    made: dict[int, Portion] = field(default_factory=dict)

    @property
    def pending(self) -> dict[int, list[Plan]]:
        """The plans that have something to do, by the batch that their tables are at."""
        found: dict[int, list[Plan]] = {}
        for plan in self.plans:
            if plan.pending:
                found.setdefault(plan.start, []).append(plan)
        return found

    @property
    def stops(self) -> bool:
        """Whether all has to pass before anything is merged."""
        gate = self.job.gate(self.table)
        return gate is not None and gate.on_failure == "fail"

    def portion(self, since: int) -> Portion:
        """The changes after a batch, worked out when they are first asked for."""
        if since not in self.made:
            self.made[since] = self._portion(since)
        return self.made[since]

    def _portion(self, since: int) -> Portion:
        job, source = self.job, self.bronze.source
        rows = self.bronze.after(since)
        if "{table}" not in source.bronze:
            rows = rows.where(F.col(TABLE) == self.table)
        slice_ = Slice.of(rows, parser(source, self.contract, self.table), since=since, through=self.load.batch)
        reach("applying.parsed")
        recipe = job.recipe({self.table: slice_.parsed.changes}, job.params)
        changes = recipe[self.table].localCheckpoint(eager=False)
        return Portion(slice_=slice_, changes=changes, judgement=self._judge(changes))

    def _judge(self, changes: DataFrame) -> Judgement | None:
        gate, load = self.job.gate(self.table), self.load
        if gate is None:
            return None
        return judge(
            self.job,
            gate,
            self.table,
            changes,
            as_of=load.loaded_at,
            landing=self.bronze.source.path,
            earlier=self.history,
        )

    @property
    def history(self) -> MetricHistory | None:
        """What its gate looks back on, if it keeps metrics."""
        gate = self.job.gate(self.table)
        return None if gate is None or gate.metrics is None else MetricHistory(records=self._records(gate.metrics))

    @property
    def states(self) -> StateHistory | None:
        """What its gate adds up, if it keeps states."""
        gate = self.job.gate(self.table)
        if gate is None or gate.states is None:
            return None
        return StateHistory(records=self._records(gate.states), by=gate.by, categories=gate.categories)

    def _records(self, name: str) -> BatchRecords:
        return BatchRecords(table=self.job.table(name), run=self.job.run, source=self.table, batch=self.load.batch)


def work_of(job: Job, prepared: Prepared, bronze: Callable[[Loaded], BronzeRows]) -> list[Work]:
    """The source tables of an input that have a batch."""
    return [
        Work(
            job=job,
            table=table,
            contract=contract,
            bronze=bronze(prepared.loads[table]),
            load=prepared.loads[table],
            plans=[plan for plan in prepared.plans if plan.task.source == table],
        )
        for table, contract in prepared.tables.items()
        if prepared.loads[table].batch
    ]


def judge_work(work: Work) -> list[Judged]:
    """Judge the changes of a source table, and keep them."""
    judgements = [work.portion(since).judgement for since in work.pending]
    return [judged for one in judgements if one is not None for judged in one.judged]


def apply_work(work: Work, quarantine: Quarantine) -> Applied:
    """Bring every target up to the newest batch."""
    first: Applied | None = None
    written: list[Written] = []
    for since, plans in work.pending.items():
        portion = work.portion(since)
        del work.made[since]  # nobody asks for it again
        done = _apply(work, portion, plans, quarantine)
        written += done.written
        if first is None:  # of several starts one is told: all of them have the rows of the newest batch
            drift = _drift(work.bronze.source, work.contract, work.table, portion.slice_.rows)
            first = replace(done, account=replace(done.account, drift=drift))
    return Applied(account=Account()) if first is None else replace(first, written=written)


def _apply(work: Work, portion: Portion, plans: Sequence[Plan], quarantine: Quarantine) -> Applied:
    counted = quarantine.settle(work.table, portion.slice_)
    passing = _passing(work, portion, quarantine)
    _remember(work, portion)
    reach("applying.quarantined")
    written = [_merge(work, plan, passing.changes, quarantine) for plan in plans]
    return Applied(
        account=left_out(passing.account(counted), passing.changes, merged=written[0].result.input),
        written=written,
        judged=() if portion.judgement is None else portion.judgement.judged,
    )


def _remember(work: Work, portion: Portion) -> None:
    """Keep what was found out of the rows that were judged, for those that come later."""
    at = work.load.loaded_at
    if work.history is not None and portion.judgement is not None:
        work.history.keep(portion.judgement.judged, at=at)
    if work.states is not None:
        work.states.keep(partial(judged_after, portion.slice_, portion.changes), at=at)


def _passing(work: Work, portion: Portion, quarantine: Quarantine) -> Passing:
    gate = work.job.gate(work.table)
    if portion.judgement is None or gate is None or gate.on_failure != "quarantine":
        return Passing(changes=portion.changes)
    decided = max(plan.start for plan in work.plans)
    failing = portion.judgement.failing
    return hold_back(quarantine, work.table, portion.slice_, portion.changes, failing, decided=decided)


def _drift(source: Input, contract: Contract, table: str, rows: DataFrame) -> tuple[Drift, ...]:
    """What the rows of a source table hold beside its contract, the most frequent first; nothing unless it is asked for."""
    if source.drift == "ignore":
        return ()
    found = drift_of_changes(rows, feed=source.feed, schema=contract.schema_, keys=contract.keys, **source.options)
    most = found.orderBy(F.col("rows").desc(), "state", "name").limit(MOST_DRIFT).collect()
    return tuple(Drift(table=table, column=row.name, state=row.state, rows=row.rows) for row in most)


def _merge(work: Work, plan: Plan, changes: DataFrame, quarantine: Quarantine) -> Written:
    task, target = plan.task, plan.target
    late = too_late(target, changes)
    if late is not None:
        quarantine.keep_late(task.source, task.ref.identifier, late, through=plan.marker.sequence)
    merge = merge_history if task.output.write == "history" else merge_current
    before = target.schema() if task.spec.evolve and target.exists() else None
    result = merge(target, changes, task.spec_of_batch(work.load.loaded_at), commit=plan.marker)
    reach("applying.merged")
    written = work.job.merged(task, result)
    return written if before is None else replace(written, evolved=describe_changes(before, target.schema()))


def parser(source: Input, contract: Contract, table: str) -> Parse:
    """The feed's parser, told everything but the rows."""
    return partial(
        parse_changes,
        feed=source.feed,
        schema=contract.schema_,
        keys=contract.keys,
        table=table,
        required=contract.required,
        **source.options,
    )
