"""The ledger: what runs planned and committed, one row for each target and event.

It is derived: the markers in the tables decide what is done, and the ledger can be made from them again. What it adds is which
versions of several tables belong together, what an unfinished run had planned, and which table it was that had a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final, Literal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType, TimestampType

from lakehouse.errors import ConfigError
from lakehouse.tables.guarding import create_once
from lakehouse.tables.protocol import Format, Table, TableRef
from lakehouse.tables.statements import quoted_text

State = Literal["planned", "committed", "failed"]
PLANNED: Final = "planned"
COMMITTED: Final = "committed"
FAILED: Final = "failed"

# No column is called `path`: a Delta table that has one goes without deletion vectors.
_TEXT = (
    "run_id",
    "job",
    "input",
    "target",
    "format",
    "table_name",
    "table_path",
    "batch_id",
    "config_hash",
    "state",
    "table_uuid",
)
_NUMBERS = ("sequence", "version", "rows_in", "rows_out")
SCHEMA = StructType(
    [
        *(StructField(name, StringType()) for name in _TEXT),
        *(StructField(name, LongType()) for name in _NUMBERS),
        StructField("at", TimestampType()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One event of one target.

    Attributes:
        run_id: the run.
        job: the name of the job.
        input: the input whose batches are counted.
        target: the table as the configuration calls it.
        format: of the table.
        table_name: in the catalog; None: it has a path.
        table_path: where it lies; None: it has a name.
        batch_id: what the batch was made of.
        config_hash: the configuration that shapes the result.
        state: `planned`, `committed`, or `failed`.
        table_uuid: the identity of the table; None: it was not there.
        sequence: the number of the batch.
        version: of the table, once committed; None: nothing was ever written to it.
        rows_in: changes that were merged.
        rows_out: rows that changed.
        at: when it happened.
    """

    run_id: str
    job: str
    input: str
    target: str
    format: Format
    table_name: str | None = None
    table_path: str | None = None
    batch_id: str | None = None
    config_hash: str | None = None
    state: State
    table_uuid: str | None = None
    sequence: int | None = None
    version: int | None = None
    rows_in: int | None = None
    rows_out: int | None = None
    at: datetime

    @property
    def ref(self) -> TableRef:
        """Where the table is."""
        return TableRef(format=self.format, name=self.table_name, path=self.table_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ledger knows of a target.

    Attributes:
        table_uuid: the identity of the table when it was last written of; None: it was not there.
        plans: (sequence, run, configuration) of each time that one of the asked batches was planned for it.
    """

    table_uuid: str | None
    plans: frozenset[tuple[int, str, str | None]] = field(default_factory=frozenset)


def add_rows(ledger: Table, rows: Iterable[LedgerRow]) -> None:
    """Append events in one commit, creating the ledger when it is missing; nothing for no events."""
    told = [asdict(row) for row in rows]
    if not told:
        return
    create_once(ledger, SCHEMA)
    ledger.append(_to_frame(ledger.spark, told))


def replace_rows(ledger: Table, rows: Iterable[LedgerRow], *, job: str) -> None:
    """Make these the only events of a job, in one commit; the ledger must be there."""
    told = _to_frame(ledger.spark, [asdict(row) for row in rows])
    ledger.overwrite(told, where=f"job = {quoted_text(job)}")


def recall_targets(ledger: Table, *, job: str, sequences: Iterable[int]) -> Mapping[str, Known]:
    """What the ledger knows of each target of a job, and of its plans for some batches. One Spark job."""
    if not ledger.exists():
        return {}
    planned = (F.col("state") == PLANNED) & F.col("sequence").isin(*sequences)
    plan = F.struct("sequence", "run_id", "config_hash")
    rows = (
        ledger.read()
        .where(F.col("job") == job)
        .groupBy("target")
        .agg(
            F.max_by(F.struct("table_uuid"), F.col("at")).alias("newest"),
            F.collect_set(F.when(planned, plan)).alias("plans"),
        )
        .collect()
    )
    return {
        row.target: Known(
            table_uuid=row.newest.table_uuid,
            plans=frozenset((plan.sequence, plan.run_id, plan.config_hash) for plan in row.plans),
        )
        for row in rows
    }


def committed_rows(ledger: Table, run_id: str | None = None) -> list[LedgerRow]:
    """The events with which a run ended; None: the newest run that ended well.

    Raises:
        ConfigError: there is no such run in the ledger.
    """
    rows = ledger.read().where(F.col("state") == COMMITTED)
    newest = F.max_by("run_id", "at") if run_id is None else F.lit(run_id)
    wanted = rows.join(rows.agg(newest.alias("run_id")), on="run_id", how="left_semi")
    found = [LedgerRow(**row.asDict()) for row in wanted.orderBy("target").collect()]
    if not found:
        msg = f"{ledger.ref.identifier} knows of no {'run' if run_id is None else f'run {run_id}'} that ended well"
        raise ConfigError(msg)
    return found


def kept_versions(ledger: Table, ref: TableRef) -> set[int]:
    """The version of a table that readers of the newest complete run need; for `Table.maintain(keep=...)`."""
    if not ledger.exists():
        return set()
    return {row.version for row in committed_rows(ledger) if row.ref == ref and row.version is not None}


def _to_frame(spark: SparkSession, rows: list[dict[str, object]]) -> DataFrame:
    return spark.createDataFrame([tuple(row[name] for name in SCHEMA.names) for row in rows], SCHEMA).coalesce(1)
