"""The metrics that the rules of a job looked at, batch by batch: what rules that look back are told, and reports show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.quality.metrics import METRICS, history_of, metric_record, metric_row, metric_rows
from lakehouse.runtime.runs import Run
from lakehouse.tables import Table
from lakehouse.tables.guarding import append_unless, create_once
from lakehouse.tables.statements import quoted_text

JOB, BATCH = "job", "batch"
SCHEMA = StructType([StructField(JOB, StringType()), StructField(BATCH, LongType()), *METRICS.fields])
"""The columns of the table: whose batch it was, and its metrics."""

MOST_BATCHES = 100
"""How many batches are looked back on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricHistory:
    """The table that keeps metrics, for one run. Each batch of a source table is kept once."""

    table: Table
    run: Run

    def before(self, source: str, batch: int) -> list[dict[str, float]]:
        """What earlier batches of a source table measured, the oldest first."""
        if not self.table.exists():
            return []
        mine = f"{self._of(source)} AND {BATCH} >= {batch - MOST_BATCHES:d} AND {BATCH} < {batch:d}"
        return history_of(map(metric_row, self.table.read().where(mine).collect()), source)

    def keep(self, source: str, batch: int, metrics: Mapping[str, float], *, at: datetime) -> None:
        """Keep what a batch measured, unless it is kept already.

        Args:
            source: the source table.
            batch: its number.
            metrics: by name.
            at: when the batch was planned; it orders the batches.
        """
        if not metrics:
            return
        create_once(self.table, SCHEMA)
        rows = metric_rows(metrics, run_id=self.run.run_id, at=at, table=source)
        records = [(self.run.job, batch, *metric_record(row)) for row in rows]
        frame = self.table.spark.createDataFrame(records, SCHEMA).coalesce(1)
        append_unless(self.table, frame, where=f"{self._of(source)} AND {BATCH} = {batch:d}")

    def _of(self, source: str) -> str:
        return f"{JOB} = {quoted_text(self.run.job)} AND table_name = {quoted_text(source)}"
