"""Rows that could not be understood: kept with the reason and their text, counted, and never in the way of the others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType, TimestampType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.columns import BATCH, DETAIL, FILE, KIND, LOADED_AT, ORIGIN, RAW, REASON, ROW, RUN_ID, TABLE
from lakehouse.errors import LakehouseError
from lakehouse.runtime.ingestion import Run
from lakehouse.tables import CommitMarker, Table
from lakehouse.tables.protocol import applied_property

SCHEMA = StructType(
    [
        StructField(TABLE, StringType()),
        StructField(REASON, StringType()),
        StructField(DETAIL, StringType()),
        StructField(RAW, StringType()),
        StructField(FILE, StringType()),
        StructField(ROW, LongType()),
        StructField(BATCH, LongType()),
        StructField(LOADED_AT, TimestampType()),
        StructField(RUN_ID, StringType()),
    ]
)

LEFT_OUT = "left out by the recipe"

Parse = Callable[[DataFrame], ParsedChanges]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where the rows of a slice of bronze went: `rows` = understood + `rejected` + `skipped`."""

    rows: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """The quarantine table of a run. Safe to settle again: what is in there up to a batch is not added twice."""

    table: Table
    run: Run
    lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(
        self, table: str, rows: DataFrame, parsed: ParsedChanges, parse: Parse, changes: DataFrame, *, through: int
    ) -> Account:
        """Account for the rows of one source table and keep the rejected ones, before anything is merged.

        Raises:
            LakehouseError: more rows came out than went in.
        """
        rejected, skipped = _count(parsed)
        read = rows.count()
        kept = changes.select(F.count_distinct(ORIGIN)).head()
        missing = read - sum(rejected.values()) - sum(skipped.values()) - (kept[0] if kept else 0)
        if missing < 0:
            msg = f"{table}: {-missing} more rows came out of the feed than went in; nothing was merged"
            raise LakehouseError(msg)
        if missing:
            skipped[LEFT_OUT] = missing
        if rejected:
            self._keep(table, rows, parse, through)
        return Account(rows=read, rejected=rejected, skipped=skipped)

    def settle_unrouted(self, app: str, bronze: Table, rows: DataFrame, parse: Parse, *, through: int) -> Account:
        """Account for rows that belong to no table of the job, and keep what is not skipped on purpose.

        How far this went is noted in the properties of bronze, since nothing else has to be written for such rows.
        """
        done = int(bronze.properties().get(applied_property(app), "0"))
        if done >= through:
            return Account()
        slice_ = rows.where(F.col(BATCH) > done)
        rejected, skipped = _count(parse(slice_))
        if rejected:
            self._keep(None, slice_, parse, through)
        bronze.set_properties({applied_property(app): str(through)})
        return Account(rows=sum(rejected.values()) + sum(skipped.values()), rejected=rejected, skipped=skipped)

    def _keep(self, table: str | None, rows: DataFrame, parse: Parse, through: int) -> None:
        with self.lock:
            if not self.table.exists():
                self.table.create(SCHEMA)
        known = self.table.read().where(F.col(TABLE).eqNullSafe(F.lit(table))).agg(F.max(BATCH)).head()
        done = (known[0] or 0) if known else 0
        if done >= through:
            return
        rejected = parse(rows.where(F.col(BATCH) > done)).rejected
        kept = rejected.select(
            F.lit(table).cast(StringType()).alias(TABLE),
            REASON,
            DETAIL,
            RAW,
            F.col(f"{ORIGIN}.file").alias(FILE),
            F.col(f"{ORIGIN}.row").alias(ROW),
            F.lit(through).cast(LongType()).alias(BATCH),
            F.lit(self.run.started_at).cast(TimestampType()).alias(LOADED_AT),
            F.lit(self.run.run_id).alias(RUN_ID),
        )
        with self.lock:
            self.table.append(kept, commit=CommitMarker(app=f"{self.run.job}/{table or 'unrouted'}", sequence=through))


def _count(parsed: ParsedChanges) -> tuple[dict[str, int], dict[str, int]]:
    """Rejected rows by reason and skipped ones by kind, in one job."""
    labels = parsed.rejected.select(F.lit("rejected").alias("what"), F.col(REASON).alias("label")).unionByName(
        parsed.skipped.select(F.lit("skipped").alias("what"), F.col(KIND).alias("label"))
    )
    found: dict[str, dict[str, int]] = {"rejected": {}, "skipped": {}}
    for row in labels.groupBy("what", "label").count().collect():
        found[row["what"]][row["label"]] = row["count"]
    return found["rejected"], found["skipped"]
