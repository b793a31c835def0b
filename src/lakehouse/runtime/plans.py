"""Which batch each target gets next, and whether that is the one it was promised.

A target holds the number of its newest batch and what that was made of. Both have to agree with bronze: otherwise it was
built from other files, and counting on would leave rows out without a word. The ledger adds what an unfinished run had
planned, and which table it was that had the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from lakehouse.config.models import Contract
from lakehouse.errors import PlanMismatchError
from lakehouse.runtime.batch_ids import batch_id, digest_config
from lakehouse.runtime.ingestion import Loaded
from lakehouse.runtime.landing import Landed
from lakehouse.runtime.planning import Job, Task, named
from lakehouse.runtime.reporting import Written
from lakehouse.runtime.threads import workers
from lakehouse.tables import CommitMarker, Table, last_marker
from lakehouse.tables.ledger import COMMITTED, Known, LedgerRow, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The newest batch of one target.

    Attributes:
        task: the target and what is to be done to it.
        target: its table.
        label: the table as the configuration calls it.
        held: the newest marker that the table holds; None: it holds none.
        marker: of the commit to come; its number is 0 where batches are not counted.
        table_uuid: the identity of the table; None: it is not there.
    """

    task: Task
    target: Table
    label: str
    held: CommitMarker | None
    marker: CommitMarker
    table_uuid: str | None

    @property
    def start(self) -> int:
        """The batch that the table is at; it catches up with all later ones at once."""
        return self.held.sequence if self.held else 0

    @property
    def pending(self) -> bool:
        """Whether there is anything to do."""
        return self.start < self.marker.sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An input with its files in bronze and a plan for each of its targets."""

    name: str
    tables: Mapping[str, Contract]
    landed: Landed
    loads: Mapping[str, Loaded] = field(default_factory=dict)
    plans: Sequence[Plan] = ()

    def plans_of(self, table: str) -> list[Plan]:
        """What is to be done for one source table."""
        return [plan for plan in self.plans if plan.task.source == table and plan.pending]


def make_plans(job: Job, tasks: Sequence[Task], loads: Mapping[str, Loaded]) -> list[Plan]:
    """Plan every target, each checked against bronze. Writes nothing.

    Raises:
        PlanMismatchError: a table holds other batches than bronze does.
    """
    with workers(job.spark) as pool:
        return list(pool.map(partial(_make_plan, job, loads), tasks))


def _make_plan(job: Job, loads: Mapping[str, Loaded], task: Task) -> Plan:
    target, app, label = job.open(task.ref), job.app(task), named(task.output.table, task.source)
    there, load = target.exists(), loads.get(task.source)
    held = last_marker(target, app) if there and load else None
    source, gate = job.config.inputs[task.input], job.gate(task.source)
    config = digest_config(source, task.source, task.output, job.config.params, gate)
    marker = CommitMarker(app=app, sequence=0, config_hash=config, run_id=job.run.run_id)
    if load and load.batch:
        check_held(held, load, label)
        marker = replace(marker, sequence=load.batch, batch_id=batch_id(load.inputs(load.batch), label, config))
    uuid = target.identity() if there else None
    return Plan(task=task, target=target, label=label, held=held, marker=marker, table_uuid=uuid)


def check_held(held: CommitMarker | None, load: Loaded, label: str) -> None:
    """Refuse to count on from a batch that is not the one of that number in bronze. Markers without an id are taken as they are.

    Raises:
        PlanMismatchError: bronze is behind the table, or its batch was made of other files.
    """
    if held is None:
        return
    bronze = load.table.ref.identifier
    if held.sequence > load.batch:
        problem = f"holds batch {held.sequence} and {bronze} ends at batch {load.batch}"
    elif held.batch_id and held.batch_id != batch_id(load.inputs(held.sequence), label, held.config_hash or ""):
        problem = f"holds batch {held.sequence} made of other files than those of batch {held.sequence} in {bronze}"
    else:
        return
    msg = (
        f"table {label} {problem}; nothing was written. Bronze was built anew, or another job has this one's name. "
        "Bring the old bronze table back, give one of the jobs another name, or drop the table: it is then built from bronze."
    )
    raise PlanMismatchError(msg)


def check_plans(plans: Sequence[Plan], known: Mapping[str, Known], *, ledger: str, replan: bool = False) -> None:
    """Refuse what an unfinished run, or a table that was exchanged, would make of these plans.

    A batch may be planned anew with another configuration as long as no table shows it. Once one does, the others get what
    it got: the configuration it was planned with, or, when a person says so, the new one.

    Args:
        plans: of all targets of one input.
        known: what the ledger knows of the targets.
        ledger: its name, for errors.
        replan: a person said so.

    Raises:
        PlanMismatchError: names the table and the remedies.
    """
    for plan in (plan for plan in plans if plan.pending and plan.label in known):
        entry = known[plan.label]
        if plan.table_uuid and entry.table_uuid and plan.table_uuid != entry.table_uuid:
            msg = (
                f"table {plan.label} was dropped and made again since the last run wrote to it, and what is in it now is not "
                "known; nothing was written. Drop it, and this job builds it from bronze; or, when it is the right table "
                f"(restored from a copy, for instance), make {ledger} anew: lakehouse ledger rebuild CONFIG."
            )
            raise PlanMismatchError(msg)
        if not replan and (other := _shown_otherwise(plan, plans, entry)):
            msg = (
                f"batch {plan.marker.sequence} was planned for table {plan.label} with another configuration, with which "
                f"table {other.label} shows it already; nothing was written. Run the old configuration to the end first, or "
                "give the tables that are left the new one: run again with --replan."
            )
            raise PlanMismatchError(msg)


def _shown_otherwise(plan: Plan, plans: Iterable[Plan], known: Known) -> Plan | None:
    """Another target that shows the batch by a run that planned it here with another configuration."""
    runs = {
        run
        for sequence, run, config in known.plans
        if sequence == plan.marker.sequence and config != plan.marker.config_hash
    }
    return next((p for p in plans if p.held and p.start == plan.marker.sequence and p.held.run_id in runs), None)


def pending_rows(job: Job, plans: Iterable[Plan], state: State, *, at: datetime) -> list[LedgerRow]:
    """What the ledger is told before anything is merged (planned), and when the run could not end (failed).

    Nothing is said of what a table holds by then: the next run looks at it itself.
    """
    return [_row(job, plan, state, at, uuid=plan.table_uuid) for plan in plans if plan.pending]


def committed_rows(job: Job, plans: Iterable[Plan], written: Iterable[Written], *, at: datetime) -> list[LedgerRow]:
    """What the ledger is told in the end: the version of every target of the job, those without news included."""
    results = {one.table: one.result for one in written}
    rows = []
    for plan in (plan for plan in plans if plan.target.exists()):
        result = results.get(plan.label)
        version = result.commit.version if result and result.commit else plan.target.version()
        changed = result.inserted + result.updated + result.deleted if result else 0
        rows.append(
            _row(
                job,
                plan,
                COMMITTED,
                at,
                uuid=plan.target.identity(),
                version=version,
                counts=(result.input if result else 0, changed),
            )
        )
    return rows


def _row(
    job: Job,
    plan: Plan,
    state: State,
    at: datetime,
    *,
    uuid: str | None,
    version: int | None = None,
    counts: tuple[int, int] | None = None,
) -> LedgerRow:
    rows_in, rows_out = counts or (None, None)
    return LedgerRow(
        run_id=job.run.run_id,
        job=job.config.job,
        input=plan.task.input,
        target=plan.label,
        format=plan.task.ref.format,
        table_name=plan.task.ref.name,
        table_path=plan.task.ref.path,
        batch_id=plan.marker.batch_id,
        config_hash=plan.marker.config_hash,
        state=state,
        table_uuid=uuid,
        sequence=plan.marker.sequence or None,
        version=version,
        rows_in=rows_in,
        rows_out=rows_out,
        at=at,
    )
