"""The job `quality_monitoring`: every planted fault of the sample is found on its day, under its dimension, and no other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession
from shares import shared

from lakehouse.runtime.command_line import main as command_line
from lakehouse.runtime.job import BAD_USAGE, DONE
from lakehouse.runtime.places import Places
from lakehouse.runtime.session import WAREHOUSE
from lakehouse.tables import open_table
from lakehouse.tables.protocol import Format

SAMPLE = Path(__file__).parents[2] / "data" / "samples" / "quality_monitoring"
MONTH = range(1, 31)


class Lake:
    """The shipped configuration, of whose sample some days land."""

    def __init__(self, spark: SparkSession, folder: Path, table_format: Format) -> None:
        """Land the segments and no customer."""
        self.spark, self.landing, self.format = spark, folder / "landing" / "crm", table_format
        self.zone = f"quality_{uuid4().hex[:8]}"
        self.warehouse = str(spark.sparkContext.getConf().get(WAREHOUSE))
        (self.landing / "customers").mkdir(parents=True)
        shutil.copytree(SAMPLE / "landing" / "crm" / "segments", self.landing / "segments")

    def run(self, days: Sequence[int], capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
        """Let days land and run the job as a person does: what it said."""
        for day in days:
            below = Path("customers") / "year=2026" / "month=10" / f"day={day:02d}"
            shutil.copytree(SAMPLE / "landing" / "crm" / below, self.landing / below)
        settings = {
            "warehouse": self.warehouse,
            "format": self.format,
            "inputs.segments.path": str(self.landing / "segments"),
            "inputs.segments.bronze": f"{self.zone}.bronze_segments",
            "inputs.customers.path": str(self.landing / "customers"),
            "inputs.customers.bronze": f"{self.zone}.bronze_customers",
            "outputs.silver.table": f"{self.zone}.{{table}}",
            "outputs.history.table": f"{self.zone}.{{table}}_history",
            "quality.sources.segments": f"{self.zone}.segments",
            "quality.metrics": f"{self.zone}.metrics",
            "quality.states": f"{self.zone}.states",
            "reports.at": str(self.landing.parent / "reports"),
            "quarantine": f"{self.zone}.quarantine",
            "ledger": f"{self.zone}.ledger",
        }
        told = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        assert command_line(["run", "quality_monitoring", "--log", "json", *told]) == DONE
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    def rows(self, name: str, *columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Columns of one of its tables, in order."""
        places = Places(warehouse=self.warehouse, catalog="lake", delta="path")
        table = open_table(self.spark, places.ref(f"{self.zone}.{name}", self.format))
        return sorted(tuple(row) for row in table.read().where(where).select(*columns).collect())


@pytest.mark.parametrize(
    ("table_format", "batches"),
    [
        shared("iceberg", [[6, 8, 15, 17], [20, 24]]),
        shared("delta", [[13, 22], [28]]),
        pytest.param("iceberg", [MONTH], marks=pytest.mark.exhaustive),
        pytest.param("delta", [MONTH], marks=pytest.mark.exhaustive),
    ],
)
def test_every_fault_is_found_and_named(
    spark: SparkSession,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    table_format: Format,
    batches: Sequence[Sequence[int]],
) -> None:
    """Day by day the rules that fail, the rows that are set aside and the rows that stay are those that the sample was made with."""
    lake = Lake(spark, tmp_path, table_format)
    said = [line for days in batches for line in lake.run(days, capsys)]
    landed = {f"2026-10-{day:02d}" for days in batches for day in days}
    expected = [
        day for day in json.loads((SAMPLE / "expected.json").read_text("utf-8"))["days"] if day["export_date"] in landed
    ]
    assert len(expected) == len(landed)
    failed = [
        (line["day"], line["rule"], line["labels"]["dimension"]) for line in said if line["event"] == "rule_failed"
    ]
    assert sorted(failed) == sorted(
        (day["export_date"], one["rule"], one["dimension"]) for day in expected for one in day["failed"]
    )
    judged = {
        name: counts for line in said if line["event"] == "run_finished" for name, counts in line["rules"].items()
    }
    assert set(judged) == {f"crm.customers {day}" for day in landed}
    assert sum(counts["error"] for counts in judged.values()) == 0
    held = lake.rows("quarantine", "_source_file", "_row", "_detail", where="_reason = 'fails_rules'")
    assert [(file.rsplit("/", 2)[1], row, rules) for file, row, rules in held] == sorted(
        (f"day={day['export_date'][-2:]}", one["row"], "; ".join(rule["rule"] for rule in day["failed"]))
        for day in expected
        for one in day["set_aside"]
    )
    kept = sorted((customer,) for day in expected for customer in day["kept"])
    assert kept
    assert lake.rows("customers", "customer_id") == kept
    assert lake.rows("customers_history", "customer_id", where="_is_current") == kept
    pages = sorted((tmp_path / "landing" / "reports" / "quality_monitoring").glob("*.html"))
    assert len(pages) == len(batches)
    assert all(day["export_date"] in pages[-1].read_text("utf-8") for day in expected[-len(batches[-1]) :])
    measured = lake.rows("metrics", "partition", "value", where="name = 'Dataset.*.RowCount'")
    assert measured == sorted((day["export_date"], float(day["rows"])) for day in expected)
    assert lake.rows("states", "partition", "rows", where="column_name IS NULL") == measured


@pytest.mark.parametrize(
    ("ruleset", "problem"),
    [
        (b"Rules = [\n    RowCount >\n]\n", 'line 3, column 1: expected a value, not "]"'),
        (b"Rules = [\n    RowCont > 1\n]\n", "line 2, column 5: there is no rule type RowCont; did you mean RowCount?"),
        (b"Rules = []\n", "line 1, column 10: a ruleset needs at least one rule or analyzer"),
        (b"# none yet\n", "line 1, column 11: the text ends here, where a section such as Rules is expected"),
        (b'Rules = [IsComplete "gr\xf6\xdfe"]', "cannot be read as text in UTF-8"),
    ],
    ids=["broken", "unknown rule", "no rules", "no text", "latin-1"],
)
def test_a_broken_ruleset_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ruleset: bytes, problem: str
) -> None:
    """Exit code 2, and file, line and column of what is wrong, before anything is written."""
    file, warehouse = tmp_path / "mine.dqdl", tmp_path / "warehouse"
    file.write_bytes(ruleset)
    told = ["--set", f"quality.ruleset={file}", "--set", f"warehouse={warehouse}"]
    assert command_line(["run", "quality_monitoring", "--log", "json", *told]) == BAD_USAGE
    assert f"{file}: {problem}" in capsys.readouterr().err
    assert not warehouse.exists()
