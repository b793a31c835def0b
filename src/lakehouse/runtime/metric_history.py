"""The metrics that the rules of a job looked at, batch by batch: what rules that look back are told, and reports show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.quality.metrics import METRICS, MetricRow, history_of, metric_record, metric_row, metric_rows
from lakehouse.runtime.reporting import Judged
from lakehouse.runtime.runs import Run
from lakehouse.tables import Table
from lakehouse.tables.guarding import append_unless, create_once
from lakehouse.tables.statements import quoted_text

JOB, BATCH = "job", "batch"
SCHEMA = StructType([StructField(JOB, StringType()), StructField(BATCH, LongType()), *METRICS.fields])
"""The columns of the table: whose batch it was, and its metrics."""

ROWS = "Dataset.*.RowCount"
"""What a gate measures of all that it judges."""
MOST_BATCHES = 100
"""How many batches are looked back on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricHistory:
    """The table that keeps metrics, as one batch of a source table sees it. Each batch is kept once."""

    table: Table
    run: Run
    source: str
    batch: int

    def batches(self) -> list[dict[str, float]]:
        """What earlier batches measured, the oldest first, where days are not judged apart."""
        return history_of((row for _, row in self._rows()), self.source)

    def days(self) -> dict[str, dict[str, float]]:
        """What earlier batches measured of each day; of a day that several had rows of, what the one with the most did."""
        days: dict[str, dict[int, dict[str, float]]] = {}
        for number, row in self._rows():
            if row.partition is not None:
                days.setdefault(row.partition, {}).setdefault(number, {})[row.name] = row.value
        most = {day: max(batches, key=lambda one: (batches[one].get(ROWS, 0), one)) for day, batches in days.items()}
        return {day: days[day][number] for day, number in most.items()}

    def keep(self, judged: Sequence[Judged], *, at: datetime) -> None:
        """Keep what the batch measured, unless it is kept already.

        Args:
            judged: of the batch, or of each day.
            at: when the batch was planned; it orders the batches.
        """
        run_id, source = self.run.run_id, self.source
        rows = [
            row
            for one in judged
            for row in metric_rows(one.metrics, run_id=run_id, at=at, table=source, partition=one.day)
        ]
        if not rows:
            return
        create_once(self.table, SCHEMA)
        records = [(self.run.job, self.batch, *metric_record(row)) for row in rows]
        frame = self.table.spark.createDataFrame(records, SCHEMA).coalesce(1)
        append_unless(self.table, frame, where=f"{self._mine} AND {BATCH} = {self.batch:d}")

    def _rows(self) -> list[tuple[int, MetricRow]]:
        if not self.table.exists():
            return []
        earlier = self.table.read().where(
            f"{self._mine} AND {BATCH} >= {self.batch - MOST_BATCHES:d} AND {BATCH} < {self.batch:d}"
        )
        return [(row[BATCH], metric_row(row)) for row in earlier.collect()]

    @property
    def _mine(self) -> str:
        return f"{JOB} = {quoted_text(self.run.job)} AND table_name = {quoted_text(self.source)}"
