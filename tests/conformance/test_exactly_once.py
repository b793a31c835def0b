"""Runs that were killed, changed or misled: what the tables and the ledger say afterwards, in both formats."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from shares import shared

from lakehouse.config.models import JobConfig
from lakehouse.errors import PlanMismatchError
from lakehouse.runtime import applying, ledger_report, runner
from lakehouse.runtime.planning import Job
from lakehouse.runtime.reporting import JsonReporter
from lakehouse.runtime.runs import Run
from lakehouse.runtime.session import WAREHOUSE
from lakehouse.tables import Table, last_marker, read_consistent

HEADER = "Op,ts,id,name,ar_h_change_seq,BI_id"


class Killed(RuntimeError):  # noqa: N818  not an error
    """Stands for a kill at this point."""


class Lake:
    """A landing folder with one source table, the job that keeps two tables of it, and their ledger."""

    def __init__(self, spark: SparkSession, folder: Path, table_format: str) -> None:
        """Make the landing folder; the tables have a zone of their own in the one warehouse of the suite."""
        self.spark, self.landing = spark, folder / "landing"
        (self.landing / "app" / "items").mkdir(parents=True)
        zone = f"once_{folder.name.replace('-', '_')}"
        self.tree: dict[str, Any] = {
            "job": "cdc_to_warehouse",
            "warehouse": spark.sparkContext.getConf().get(WAREHOUSE),
            "format": table_format,
            "inputs": {
                "app": {
                    "path": str(self.landing), "feed": "dms-s3", "files": "csv", "options": {"timestamp_column": "ts"},
                    "tables": {"app.items": {"keys": ["id"], "columns": {"id": "bigint", "name": "string"}}},
                    "bronze": f"{zone}.bronze",
                }
            },
            "outputs": {
                "current": {"table": f"{zone}.{{table}}", "write": "current"},
                "history": {"table": f"{zone}.{{table}}_history", "write": "history"},
            },
            "quarantine": f"{zone}.quarantine",
            "ledger": f"{zone}.ledger",
        }  # fmt: skip
        self.current, self.history = f"{zone}.items", f"{zone}.items_history"

    def land(self, number: int, *names: tuple[int, str]) -> None:
        """Put a file of new rows into the landing folder."""
        rows = [f"I,2026-01-02 00:00:00,{key},{name},{number:018d}{key:017d},NULL" for key, name in names]
        (self.landing / "app" / "items" / f"{number}.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")

    def job(self, run_id: str, *, replan: bool = False) -> Job:
        """The job as the configuration is now."""
        run = Run(job="cdc_to_warehouse", run_id=run_id, started_at=datetime.now(tz=UTC))
        config = JobConfig.model_validate(self.tree)
        report = JsonReporter(io.StringIO())
        return Job(spark=self.spark, config=config, recipe=_same, params=None, run=run, report=report, replan=replan)

    def table(self, name: str) -> Table:
        """A table of the job."""
        return self.job("none").table(name)

    def events(self) -> list[tuple[Any, ...]]:
        """What the ledger says, oldest first."""
        rows = self.table(self.tree["ledger"]).read().orderBy("at", "target")
        return [(row.run_id, row.target == self.history, row.state, row.sequence) for row in rows.collect()]

    def names(self, run_id: str | None = None) -> tuple[set[str], set[str]]:
        """The names in both tables as a run left them together."""
        frames = read_consistent(self.spark, self.table(self.tree["ledger"]), run_id=run_id)
        shown = frames[self.current], frames[self.history].where(F.col("_is_current"))
        first, second = ({row.name for row in frame.select("name").collect()} for frame in shown)
        return first, second


def _same(inputs: Mapping[str, DataFrame], _: object) -> Mapping[str, DataFrame]:
    return inputs


@pytest.fixture(params=[shared("delta"), shared("iceberg")])
def lake(request: pytest.FixtureRequest, spark: SparkSession, tmp_path: Path) -> Lake:
    """A lake in each format."""
    return Lake(spark, tmp_path, request.param)


def test_runs_that_are_killed_changed_or_misled(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers see whole batches, half of a batch is never finished otherwise unasked, and a table is not taken for another.

    One story, as every run of a job costs seconds.
    """
    lake.land(1, (1, "a"))
    runner.run_job(lake.job("r1"))
    steps = [("r1", is_history, state, 1) for state in ("planned", "committed") for is_history in (False, True)]
    assert lake.events() == steps
    ledger = lake.table(lake.tree["ledger"])
    told = {row.target: row.batch_id for row in ledger.read().where("state = 'committed'").collect()}
    held = {name: last_marker(lake.table(name), "cdc_to_warehouse/app") for name in (lake.current, lake.history)}
    assert told == {name: marker.batch_id for name, marker in held.items() if marker}
    assert len({*told.values(), None}) == 3

    commits = ledger.version()
    runner.run_job(lake.job("nothing new"))
    assert ledger.version() == commits

    lake.land(2, (2, "b"))
    with monkeypatch.context() as patch:
        patch.setattr(applying, "merge_history", _killed)
        with pytest.raises(Killed):
            runner.run_job(lake.job("r2"))
    assert {row.name for row in lake.table(lake.current).read().collect()} == {"a", "b"}
    assert lake.names() == ({"a"}, {"a"})

    lake.tree["outputs"]["history"]["ignore_nulls"] = True
    with pytest.raises(PlanMismatchError, match="--replan"):
        runner.run_job(lake.job("r3"))
    runner.run_job(lake.job("r3", replan=True))
    assert lake.names() == ({"a", "b"}, {"a", "b"})
    assert lake.names("r1") == ({"a"}, {"a"})
    marker = last_marker(lake.table(lake.current), "cdc_to_warehouse/app")
    assert (marker and marker.run_id) == "r2"

    exchanged = lake.table(lake.history)
    schema, properties = exchanged.schema(), {"lakehouse.kind": "history"}
    _drop(lake, exchanged)
    exchanged.create(schema, partition_by=["_is_latest"], properties=properties)
    lake.land(3, (3, "c"))
    with pytest.raises(PlanMismatchError, match="ledger rebuild"):
        runner.run_job(lake.job("r4"))
    assert "2 tables" in ledger_report.rebuild(lake.job("by hand"))
    runner.run_job(lake.job("r5"))
    assert lake.names() == ({"a", "b", "c"}, {"a", "b", "c"})
    assert "r5" in ledger_report.show(lake.job("by hand"), last=2)


def _killed(*_: object, **__: object) -> None:
    raise Killed


def _drop(lake: Lake, table: Table) -> None:
    """Drop a table; one that has a path loses its folder."""
    if table.ref.path is None:
        lake.spark.sql(f"DROP TABLE {table.ref.identifier}")
        return
    shutil.rmtree(table.ref.path)
