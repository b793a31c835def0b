"""Tables that keep something of the batches of source tables, of each batch once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.runtime.runs import Run
from lakehouse.tables import Table
from lakehouse.tables.guarding import append_unless, create_once
from lakehouse.tables.statements import quoted_text

JOB, BATCH = "job", "batch"
"""The first columns of such a table: whose batch it was, and its number."""
TABLE_NAME = "table_name"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecords:
    """A table of records of batches, as one batch of a source table sees it.

    Attributes:
        table: the table; several jobs and source tables may share it.
        run: the run.
        source: the source table.
        batch: the number of the batch.
    """

    table: Table
    run: Run
    source: str
    batch: int

    def earlier(self, *, most: int) -> list[Row]:
        """The records of the batches before this one, of so many numbers at most."""
        if not self.table.exists():
            return []
        since = f"{BATCH} >= {self.batch - most:d} AND {BATCH} < {self.batch:d}"
        return self.table.read().where(f"{self._mine} AND {since}").collect()

    def newest(self) -> int:
        """The newest batch that there are records of; 0: there is none."""
        if not self.table.exists():
            return 0
        found = self.table.read().where(self._mine).agg(F.max(BATCH)).collect()
        return found[0][0] or 0

    def add(self, schema: StructType, records: Sequence[tuple[object, ...]], *, known: int) -> bool:
        """Add the records of this batch in one commit, unless there are some of a batch after `known`; say whether they were added.

        Args:
            schema: of the records; the table has the job and the batch before them.
            records: what is to be kept.
            known: a batch before this one.
        """
        full = StructType([StructField(JOB, StringType()), StructField(BATCH, LongType()), *schema.fields])
        create_once(self.table, full)
        rows = [(self.run.job, self.batch, *record) for record in records]
        frame = self.table.spark.createDataFrame(rows, full).coalesce(1)
        return append_unless(self.table, frame, where=f"{self._mine} AND {BATCH} > {known:d}")

    @property
    def _mine(self) -> str:
        return f"{JOB} = {quoted_text(self.run.job)} AND {TABLE_NAME} = {quoted_text(self.source)}"
