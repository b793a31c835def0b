"""The metrics that the rules of a job looked at, batch by batch: what rules that look back are told, and reports show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lakehouse.quality.metrics import METRICS, MetricRow, history_of, metric_record, metric_row, metric_rows
from lakehouse.runtime.batch_records import BATCH, BatchRecords
from lakehouse.runtime.reporting import Judged

ROWS = "Dataset.*.RowCount"
"""What a gate measures of all that it judges."""
MOST_BATCHES = 100
"""How many batches are looked back on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricHistory:
    """The metrics of the batches of a source table. Each batch is kept once."""

    records: BatchRecords

    def batches(self) -> list[dict[str, float]]:
        """What earlier batches measured, the oldest first, where days are not judged apart."""
        return history_of((row for _, row in self._rows()), self.records.source)

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
        run_id, source = self.records.run.run_id, self.records.source
        rows = [
            row
            for one in judged
            for row in metric_rows(one.metrics, run_id=run_id, at=at, table=source, partition=one.day)
        ]
        if rows:
            self.records.add(METRICS, [metric_record(row) for row in rows], known=self.records.batch - 1)

    def _rows(self) -> list[tuple[int, MetricRow]]:
        return [(row[BATCH], metric_row(row)) for row in self.records.earlier(most=MOST_BATCHES)]
