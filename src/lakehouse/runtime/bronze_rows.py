"""The rows of a bronze table as the source tables of an input share them: one row for each change."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.parsing import split_changes
from lakehouse.columns import BATCH
from lakehouse.config.models import Input
from lakehouse.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class BronzeRows:
    """Reads a bronze table for everyone who merges from it. Safe to ask from several threads."""

    table: Table
    source: Input
    split: dict[int, DataFrame] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def after(self, batch: int) -> DataFrame:
        """The rows of later batches; records that hold several changes are split."""
        with self.lock:
            if batch not in self.split:
                self.split[batch] = self._read(batch)
            return self.split[batch]

    def _read(self, batch: int) -> DataFrame:
        rows = self.table.read().where(F.col(BATCH) > batch)
        changes = split_changes(rows, feed=self.source.feed, **self.source.options)
        # Settled: every table looks for its own among them all, and would otherwise cut up every record again.
        return rows if changes is rows else changes.localCheckpoint(eager=False)
