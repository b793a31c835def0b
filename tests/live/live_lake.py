"""What the job makes of a feed: its configuration, its runs, and its tables as rows of Python."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import yaml
from live_rows import Rows, by_key
from live_sources import SOURCES, Source
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.history import as_of
from lakehouse.columns import quoted
from lakehouse.runtime.command_line import main as command_line
from lakehouse.runtime.places import Places
from lakehouse.runtime.session import WAREHOUSE
from lakehouse.tables import open_table
from lakehouse.tables.protocol import Format


@dataclass(frozen=True, kw_only=True)
class Lake:
    """A feed in a landing folder, and the tables that the job keeps of it.

    Attributes:
        feed: the feed's name; its tables are in a zone of that name.
        outputs: what to keep: the ending of a table's name, which says how it is written and the format.
        folder: for the configuration.
        landing: where its files are.
    """

    spark: SparkSession
    feed: str
    outputs: Sequence[str]
    folder: Path
    landing: Path
    tables: Sequence[Source] = SOURCES

    @property
    def zone(self) -> str:
        """The namespace of its tables."""
        return f"live_{self.feed}"

    def run(self) -> dict[str, Any]:
        """Run the job on what has landed, as its users do, and return its closing report.

        Raises:
            AssertionError: it failed; quotes what it said.
        """
        path = self.folder / f"{self.feed}.yaml"
        path.write_text(yaml.safe_dump(self._config()), encoding="utf-8")
        with redirect_stdout(io.StringIO()) as said:
            code = command_line(["run", str(path), "--log", "json"])
        assert code == 0, said.getvalue()
        closing: dict[str, Any] = json.loads(said.getvalue().splitlines()[-1])
        return closing

    def current(self, output: str, source: Source) -> Rows:
        """The rows of a current table."""
        return as_rows(self._read(f"{self._plain(source)}_{output}"), source)

    def history_at(self, output: str, source: Source, positions: Sequence[int]) -> list[Rows]:
        """The rows of a history table as of each position in the log."""
        history = self._read(f"{self._plain(source)}_{output}")
        frames = [as_of(history, sequence=at).withColumn("at", F.lit(at)) for at in positions]
        together = reduce(DataFrame.unionByName, frames).persist()
        found = [as_rows(together.where(F.col("at") == at), source) for at in positions]
        together.unpersist()
        return found

    @property
    def _places(self) -> Places:
        warehouse = self.spark.sparkContext.getConf().get(WAREHOUSE)
        assert warehouse
        return Places(warehouse=warehouse, catalog="lake", delta="path")

    def _plain(self, source: Source) -> str:
        return source.table.rpartition(".")[2]

    def _read(self, name: str) -> DataFrame:
        return open_table(self.spark, self._places.ref(f"{self.zone}.{name}", _format(name))).read()

    def _config(self) -> dict[str, Any]:
        contracts = {
            source.table: {
                "keys": list(source.keys),
                "columns": {name: column.contract for name, column in source.columns.items()},
            }
            for source in self.tables
        }
        landed = {
            "path": str(self.landing),
            "feed": self.feed,
            "files": "json",
            "tables": contracts,
            "bronze": f"{self.zone}.bronze",
        }
        return {
            "job": "cdc_to_warehouse",
            "warehouse": self._places.warehouse,
            "inputs": {self.feed: landed},
            "outputs": {
                output: {
                    "table": f"{self.zone}.{{table}}_{output}",
                    "write": output.partition("_")[0],
                    "on_truncate": "apply",
                    "format": _format(output),
                }
                for output in self.outputs
            },
            "quarantine": f"{self.zone}.quarantine",
        }


def _format(name: str) -> Format:
    return "delta" if name.endswith("_delta") else "iceberg"


def as_rows(df: DataFrame, source: Source) -> Rows:
    """The rows of a frame by their key, in the columns of the source.

    Raises:
        AssertionError: a key is there twice.
    """
    return by_key(df.select(*map(quoted, source.columns)).collect(), source)
