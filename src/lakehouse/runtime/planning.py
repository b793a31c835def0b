"""What a job is to do: its targets, each checked against the table that may be there, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import EVENT_TIME_TYPE, ORIGIN_TYPE, PROVIDED_TYPE, ChangeSpec
from lakehouse.columns import EVENT_TIME, OP, ORIGIN, PROVIDED, SEQUENCE
from lakehouse.config.base import TableFormat
from lakehouse.config.models import Contract, Input, JobConfig
from lakehouse.config.outputs import Output
from lakehouse.config.quality import QualityGate
from lakehouse.errors import ConfigError
from lakehouse.runtime.leasing import open_leases
from lakehouse.runtime.mended import Mended
from lakehouse.runtime.places import Places
from lakehouse.runtime.reporting import Reporter, Written
from lakehouse.runtime.runs import Run
from lakehouse.tables import Table, TableRef, open_table
from lakehouse.tables.tallies import MergeResult
from lakehouse.tables.targets import Target, check

Recipe = Callable[[Mapping[str, DataFrame], Any], Mapping[str, DataFrame]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One target of one source table."""

    source: str
    input: str
    ref: TableRef
    output: Output
    spec: ChangeSpec

    def spec_of_batch(self, loaded_at: datetime) -> ChangeSpec:
        """The spec for a batch that was loaded at an instant, whose day rows may keep."""
        return (
            replace(self.spec, processed_on=loaded_at.astimezone(UTC).date())
            if self.output.processed_date
            else self.spec
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A configured job on a session: everything a step needs to know.

    With `replan`, tables that an unfinished run left out take the batch with the configuration as it is now. `gold` is the
    job script's recipe from the rows of current tables to those of gold tables. `announced` are the addresses of the only files
    that the run looks for; None: it lists the folders of its inputs. `mended` are records of quarantine that are replayed first.
    """

    spark: SparkSession
    config: JobConfig
    recipe: Recipe
    params: Any
    run: Run
    report: Reporter
    replan: bool = False
    gold: Recipe | None = None
    announced: frozenset[str] | None = None
    mended: Sequence[Mended] = ()

    @property
    def places(self) -> Places:
        """Where its tables are."""
        return Places.of(self.config)

    def ref(self, name: str, table_format: TableFormat | None = None) -> TableRef:
        """Where a table of the job is; of the job's own format when none is named."""
        return self.places.ref(name, table_format or self.config.format)

    def table(self, name: str) -> Table:
        """A table of the job's own format."""
        return self.open(self.ref(name))

    def open(self, ref: TableRef) -> Table:
        """A table of the job, with the leases of the configuration."""
        return open_table(self.spark, ref, leases=open_leases(self.config.lease))

    def app(self, task: Task) -> str:
        """Whose batches the commits to a target count."""
        return f"{self.config.job}/{task.input}"

    def gate(self, table: str) -> QualityGate | None:
        """What the changes of a source table are held against, if anything."""
        return gate_of(self.config, table)

    def merged(self, task: Task, result: MergeResult) -> Written:
        """Report a merge, and what to keep of it for the end."""
        name = named(task.output.table, task.source)
        changed = result.inserted + result.updated + result.deleted
        message = f"{name}: {result.input:,} changes, {changed:,} rows changed"
        self.report.step("merged", message, table=name, changes=result.input, rows_changed=changed)
        return Written(source=task.source, table=name, write=task.output.write, result=result)


def gate_of(config: JobConfig, table: str) -> QualityGate | None:
    """The first gate of a configuration that fits a source table; None: it passes none."""
    return next((gate for gate in config.quality if like(table, gate.select)), None)


def like(name: str, pattern: str) -> bool:
    """SQL LIKE: `%` is any text, `_` any letter.

    >>> like("public.customers", "public.%"), like("audit.log", "public.%")
    (True, False)
    """
    parts = re.split(r"([%_])", pattern)
    translated = "".join({"%": ".*", "_": "."}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(translated, name, re.DOTALL) is not None


def named(pattern: str, source: str) -> str:
    """The name of a table that is kept of a source table.

    >>> named("silver.{table}", "public.customers")
    'silver.customers'
    """
    schema, _, plain = source.rpartition(".")
    meant = {"{schema}": schema, "{table}": plain}
    return re.sub(r"\{(?:schema|table)\}", lambda place: meant[place[0]], pattern)


def plan_tasks(job: Job, name: str, source: Input, tables: Mapping[str, Contract]) -> list[Task]:
    """The targets of an input, each checked against the table that may be there. Writes nothing."""
    if not tables:
        msg = f"inputs.{name}.select {source.select!r} fits none of: {', '.join(source.tables)}"
        raise ConfigError(msg)
    made = recipe_of_nothing(job, tables)
    tasks: list[Task] = []
    for label, output in job.config.outputs.items():
        for table in (table for table in made if like(table, output.select)):
            ref = job.ref(named(output.table, table), output.format)
            spec = spec_of(tables[table], output, table)
            task = Task(source=table, input=name, ref=ref, output=output, spec=spec)
            refuse_clash(tasks, task, label)
            target = job.open(ref)
            if target.exists():
                # The sequence's type is only known once there are changes; the merge checks it again.
                check(target, Target(kind=output.write, changes=made[table].schema, spec=spec, sequence_known=False))
            tasks.append(task)
    return tasks


def spec_of(contract: Contract, output: Output, table: str) -> ChangeSpec:
    """How the changes of a source table become a target."""
    return ChangeSpec(
        keys=contract.keys,
        track=output.track.get(table) if output.write == "history" else None,
        ignore_nulls=output.ignore_nulls,
        on_tie=output.on_tie,
        on_truncate=output.on_truncate,
        deletes=output.deletes,
        evolve=output.evolve,
        text_sequence=output.text_sequence,
        partition_by=output.partition_by,
        cluster_by=output.cluster_by,
    )


def refuse_clash(tasks: Sequence[Task], task: Task, label: str, *, section: str = "outputs") -> None:
    """Refuse a target that another one writes already.

    Raises:
        ConfigError: names both.
    """
    for other in tasks:
        if other.ref == task.ref:
            msg = (
                f"{section}.{label}: {other.source} and {task.source} would both be written to {task.ref.identifier}; "
                "put {table} or {schema} into the name"
            )
            raise ConfigError(msg)


def recipe_of_nothing(job: Job, tables: Mapping[str, Contract]) -> Mapping[str, DataFrame]:
    """What the recipe makes of change logs without changes: the columns that it makes."""
    return job.recipe({table: _empty_log(job.spark, contract) for table, contract in tables.items()}, job.params)


def _empty_log(spark: SparkSession, contract: Contract) -> DataFrame:
    """A change log without changes, to see what the recipe makes of its columns."""
    reserved = [
        StructField(OP, StringType()),
        StructField(SEQUENCE, LongType()),
        StructField(PROVIDED, PROVIDED_TYPE),
        StructField(EVENT_TIME, EVENT_TIME_TYPE),
        StructField(ORIGIN, ORIGIN_TYPE),
    ]
    return spark.createDataFrame([], StructType([*contract.schema_.fields, *reserved]))
