"""The states of what the gate of a job judged, batch by batch and day by day: a week is made of them, and no row is read again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.quality.observing import DAY, categories_of, count_categories, observe, observed, states_of_day
from lakehouse.quality.states import STATES, ColumnState, StateRow, merge_columns, state_record, state_row
from lakehouse.runtime.batch_records import JOB, TABLE_NAME, BatchRecords
from lakehouse.runtime.judged_rows import NO_DATE


@dataclass(frozen=True, slots=True, kw_only=True)
class StateHistory:
    """The states of the batches of a source table. No row is in there twice, and the batches of a day add up.

    Attributes:
        records: the table.
        by: the column that tells the days; None: the day on which a batch was planned.
        categories: the columns whose values are counted.
    """

    records: BatchRecords
    by: str | None = None
    categories: Sequence[str] = ()

    def keep(self, rows: Callable[[int], DataFrame], *, at: datetime) -> None:
        """Keep the states of the batches that are not kept yet, up to this one.

        A batch that another run left unfinished comes again within the next one: what was kept of it is left out there, also
        where a run keeps it at the same time.

        Args:
            rows: those that were judged, of the batches after one.
            at: when the batch was planned.
        """
        while (known := self.records.newest()) < self.records.batch:
            states = [state_record(row) for row in self._states(rows(known), at)]
            if not states or self.records.add(STATES, states, known=known):
                return

    def _states(self, rows: DataFrame, at: datetime) -> list[StateRow]:
        fields = observed(rows.schema)
        days = observe(rows, fields, by=self.by).collect()
        counted = count_categories(rows, self.categories, by=self.by).collect() if self.categories else []
        categories = categories_of(counted)
        return [
            StateRow(
                run_id=self.records.run.run_id,
                at=at,
                table=self.records.source,
                partition=self._label(row[DAY], at),
                column=column,
                state=state,
            )
            for row in days
            for column, state in states_of_day(row, fields, self.categories, categories).items()
        ]

    def _label(self, day: date | None, at: datetime) -> str:
        if self.by is None:
            return str(at.astimezone(UTC).date())
        return NO_DATE if day is None else str(day)


def roll_up_days(states: DataFrame, source: str, first: date, last: date, *, job: str) -> dict[str | None, ColumnState]:
    """What is known of a source table on some days together, by column in the order of names; None is the rows themselves.

    Reads the table of states and nothing else. Days of which nothing is kept add nothing, and neither do rows without a day.

    Args:
        states: the table that `states` of a gate names, read.
        source: the source table.
        first: the first day.
        last: the last day, which counts as well.
        job: whose states they are; jobs may share a table.
    """
    mine = (F.col(JOB) == job) & (F.col(TABLE_NAME) == source)
    rows = states.where(mine & F.col("partition").between(str(first), str(last))).collect()
    merged = merge_columns(map(state_row, rows))
    return {column: merged[column] for column in sorted(merged, key=lambda name: name or "")}
