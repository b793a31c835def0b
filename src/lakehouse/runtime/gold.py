"""Gold tables: worked out of the current tables whenever a batch has come, and merged as what differs.

The job script says how (`gold`, a recipe from the rows of the current tables to the rows of gold tables), the configuration
where. A gold table holds how many batches it has seen of all inputs together, so a run that was killed before it came to them
works them out again, and one without news does not look at a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.events import payload_of
from lakehouse.cdc.parsing import SNAPSHOT
from lakehouse.cdc.snapshots import SnapshotRules
from lakehouse.columns import OP, SEQUENCE, quoted, require
from lakehouse.config.outputs import Output
from lakehouse.errors import ConfigError, InvalidChangesError, PlanMismatchError
from lakehouse.failpoints import reach
from lakehouse.runtime.batch_ids import batch_id, digest_batches, digest_gold
from lakehouse.runtime.landing import Landed
from lakehouse.runtime.planning import Job, Task, named, recipe_of_nothing, refuse_clash
from lakehouse.runtime.plans import Plan, Prepared
from lakehouse.runtime.reporting import Written
from lakehouse.tables import CommitMarker, last_marker
from lakehouse.tables.snapshots import merge_snapshot, shown
from lakehouse.tables.tallies import MergeResult
from lakehouse.tables.targets import Target, check

INPUT = "gold"
"""What stands where other targets name the input that they are made of."""
_ANY = SnapshotRules(allow_empty=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """How many batches all inputs together have, and the digest of what they were made of."""

    batches: int
    digest: str


def plan_gold(job: Job, inputs: Sequence[Prepared]) -> Prepared:
    """Plan every gold table, each checked against the recipe and the table that may be there. Writes nothing.

    Raises:
        ConfigError: the job script and the configuration do not name the same gold tables, two targets are one, or an
            input has no batches that could be counted.
        MissingColumnsError: the recipe's rows lack a key.
        IncompatibleSchemaError: a table is there and does not fit.
        PlanMismatchError: a table has seen other batches than there are.
    """
    plans: list[Plan] = []
    if job.config.gold or job.gold:
        _refuse_uncounted(job)
        seen, rows = _seen(inputs), _rows_of_nothing(job, inputs)
        taken = [plan.task for one in inputs for plan in one.plans]
        for task in gold_tasks(job):
            refuse_clash(taken, task, task.source, section="gold")
            taken.append(task)
            plans.append(_plan(job, task, rows[task.source].schema, seen))
    return Prepared(name=INPUT, tables={}, landed=Landed(files=[]), plans=plans)


def gold_tasks(job: Job) -> list[Task]:
    """The gold tables of the configuration, as targets."""
    return [
        Task(
            source=label,
            input=INPUT,
            ref=job.ref(named(gold.table, label), gold.format),
            output=Output(table=gold.table, write=gold.write, format=gold.format),
            spec=ChangeSpec(keys=gold.keys, evolve=True),
        )
        for label, gold in job.config.gold.items()
    ]


def refresh_gold(job: Job, inputs: Sequence[Prepared], plans: Sequence[Plan]) -> list[Written]:
    """Bring the gold tables up to the current tables, all of whose batches have been merged.

    Raises:
        InvalidChangesError: the recipe made a row without a key, or a key twice.
    """
    pending = [plan for plan in plans if plan.pending]
    if not pending:
        return []
    rows = _gold_rows(job, {table: _current_rows(job, inputs, table) for table in _tables(inputs)})
    return [job.merged(plan.task, _merge(plan, rows[plan.task.source])) for plan in pending]


def _refuse_uncounted(job: Job) -> None:
    if job.gold is None:
        msg = f"gold: the job script {job.config.job} makes no gold tables; remove the section"
        raise ConfigError(msg)
    if extracts := [name for name, source in job.config.inputs.items() if source.feed == SNAPSHOT]:
        msg = f"gold: input {extracts[0]} has full extracts, whose batches are not counted; keep gold tables in a job of their own"
        raise ConfigError(msg)


def _seen(inputs: Sequence[Prepared]) -> _Seen:
    loads = {(one.name, load.table.ref.identifier): load for one in inputs for load in one.loads.values()}
    made_of = [(name, load.batch, load.inputs(load.batch)) for (name, _), load in loads.items()]
    return _Seen(batches=sum(batch for _, batch, _ in made_of), digest=digest_batches(made_of))


def _tables(inputs: Sequence[Prepared]) -> list[str]:
    return [table for one in inputs for table in one.tables]


def _rows_of_nothing(job: Job, inputs: Sequence[Prepared]) -> Mapping[str, DataFrame]:
    """What the recipe makes of empty tables: the columns of each gold table."""
    made = {table: log for one in inputs for table, log in recipe_of_nothing(job, one.tables).items()}
    rows = _gold_rows(job, {table: _payload(log) for table, log in made.items()})
    if absent := sorted(job.config.gold.keys() ^ rows.keys()):
        msg = (
            f"gold: {', '.join(absent)} {'is' if len(absent) == 1 else 'are'} not named by both the configuration "
            f"({', '.join(job.config.gold) or 'none'}) and the job script ({', '.join(rows) or 'none'})"
        )
        raise ConfigError(msg)
    return rows


def _gold_rows(job: Job, tables: Mapping[str, DataFrame]) -> Mapping[str, DataFrame]:
    return {} if job.gold is None else job.gold(tables, job.params)


def _plan(job: Job, task: Task, schema: StructType, seen: _Seen) -> Plan:
    require(task.spec.keys, schema.names, where=f"what the job script makes of {task.source}")
    target, app, label = job.open(task.ref), job.app(task), named(task.output.table, task.source)
    there = target.exists()
    held = last_marker(target, app) if there else None
    if there:
        changes = StructType([*schema.fields, StructField(OP, StringType()), StructField(SEQUENCE, LongType())])
        check(target, Target(kind=task.output.write, changes=changes, spec=task.spec))
    _check_held(held, seen, label)
    config = digest_gold(job.config.gold[task.source], job.config.params)
    made_of = batch_id(seen.digest, label, config)
    marker = CommitMarker(app=app, sequence=seen.batches, batch_id=made_of, config_hash=config, run_id=job.run.run_id)
    uuid = target.identity() if there else None
    return Plan(task=task, target=target, label=label, held=held, marker=marker, table_uuid=uuid)


def _check_held(held: CommitMarker | None, seen: _Seen, label: str) -> None:
    """Refuse a table that was made of batches that are no longer the ones there are."""
    if held is not None and held.sequence > seen.batches:
        msg = (
            f"table {label} has seen {held.sequence} batches and there are {seen.batches}; nothing was written. Bronze was "
            "built anew: drop the table, and the next batch makes it again of the current tables."
        )
        raise PlanMismatchError(msg)


def _current_rows(job: Job, inputs: Sequence[Prepared], table: str) -> DataFrame:
    """What the targets of a source table show; nothing where none has been made yet."""
    plans = [plan for one in inputs for plan in one.plans if plan.task.source == table]
    for plan in sorted(plans, key=lambda plan: plan.task.output.write):  # a current table before a history
        if plan.target.exists():
            return _payload(shown(plan.target, plan.task.output.write))
    contracts = {name: contract for one in inputs for name, contract in one.tables.items()}
    return _payload(recipe_of_nothing(job, {table: contracts[table]})[table])


def _payload(rows: DataFrame) -> DataFrame:
    return rows.select(*[F.col(quoted(name)) for name in payload_of(rows.schema).names])


def _merge(plan: Plan, rows: DataFrame) -> MergeResult:
    reach("gold.before_merge")
    try:
        return merge_snapshot(
            plan.target,
            rows,
            plan.task.spec,
            write=plan.task.output.write,
            version=plan.marker.sequence,
            rules=_ANY,
            commit=plan.marker,
        )
    except InvalidChangesError:
        # Another run that has seen more may have been here meanwhile; what it made of the tables is newer than this.
        held = last_marker(plan.target, plan.marker.app) if plan.target.exists() else None
        if held is None or held.sequence < plan.marker.sequence:
            raise
        return MergeResult()
