"""The job `schema_evolution`: a producer learns of phones, and then wants what nobody may want."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.runtime.command_line import main as command_line
from lakehouse.runtime.job import DONE, FAILED
from lakehouse.runtime.places import Places
from lakehouse.runtime.session import WAREHOUSE
from lakehouse.tables import Table, open_table
from lakehouse.tables.protocol import Format

SAMPLE = Path(__file__).parents[2] / "data" / "samples" / "schema_evolution"
FIRST, REFUSED = (str(SAMPLE / "contracts" / f"{name}.yaml") for name in ("1", "email_required"))


class Lake:
    """The shipped configuration with its current table in Iceberg and its history in Delta."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        """Make a landing folder and a registry; nothing is in them yet."""
        self.spark, self.zone = spark, f"evolving_{uuid4().hex[:8]}"
        self.landing, self.registry = folder / "landing", folder / "schemas"
        self.landing.mkdir()
        self.registry.mkdir()

    def land(self, *days: int) -> None:
        """Let days of the sample land."""
        for day in days:
            below = Path("crm") / "customer_events" / "2026" / "11" / str(day)
            shutil.copytree(SAMPLE / "landing" / below, self.landing / below)

    def run(self, capsys: pytest.CaptureFixture[str], contracts: str | None = None) -> tuple[int, list[dict[str, Any]]]:
        """Run the job as a person does, and return its exit code and what it said."""
        settings = {
            "warehouse": str(self.spark.sparkContext.getConf().get(WAREHOUSE)),
            "inputs.events.path": str(self.landing),
            "inputs.events.registry.at": str(self.registry),
            "inputs.events.bronze": f"{self.zone}.bronze",
            "outputs.current.table": f"{self.zone}.{{table}}",
            "outputs.history.table": f"{self.zone}.{{table}}_history",
            "outputs.history.format": "delta",
            "quarantine": f"{self.zone}.quarantine",
            "ledger": f"{self.zone}.ledger",
            **({} if contracts is None else {"inputs.events.tables": contracts}),
        }
        told = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        code = command_line(["run", "schema_evolution", "--log", "json", *told])
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    def table(self, name: str, table_format: Format = "iceberg") -> Table:
        """One of its tables."""
        places = Places(warehouse=str(self.spark.sparkContext.getConf().get(WAREHOUSE)), catalog="lake", delta="path")
        return open_table(self.spark, places.ref(f"{self.zone}.{name}", table_format))

    @property
    def versions(self) -> list[str]:
        """The versions that the registry holds."""
        return sorted(path.name for path in (self.registry / "crm.customer_events").glob("[0-9]*.json"))


def expected() -> list[tuple[str, ...]]:
    """What the maker of the sample says."""
    with (SAMPLE / "expected" / "customer_events.csv").open(encoding="utf-8", newline="") as file:
        return sorted(tuple(row) for row in list(csv.reader(file))[1:])


def test_a_phone_may_come_and_an_email_may_not_be_asked_for(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tables get the new column and old versions stay readable; what may not follow loads nothing and is told why."""
    lake = Lake(spark, tmp_path)
    lake.land(21, 22)
    code, said = lake.run(capsys, FIRST)
    assert (code, said[-1]["quarantined"], lake.versions) == (DONE, {"missing_value": 2}, ["1.json"])
    assert [(one["column"], one["state"]) for one in said[-1]["drift"]] == [("phone", "unknown")]
    before = lake.table("customer_events").version()
    lake.land(23)
    code, said = lake.run(capsys, REFUSED)
    assert (code, lake.versions) == (FAILED, ["1.json"])
    assert "crm.customer_events cannot have this version under BACKWARD; nothing was registered" in said[-1]["message"]
    assert "email" in said[-1]["message"]
    assert lake.table("customer_events").version() == before
    code, said = lake.run(capsys)
    assert (code, lake.versions) == (DONE, ["1.json", "2.json"])
    written = [line for line in said if line["event"] == "table_written"]
    assert [line["evolved"] for line in written] == [["+ phone string"], ["+ phone string"]]
    assert "phone" not in lake.table("customer_events").read(version=before).columns
    columns = ("event_id", "customer_id", "event_type", F.date_format("timestamp", "yyyy-MM-dd'T'HH:mm:ss'Z'"), "email")
    shown = lake.table("customer_events").read().select(*columns, "phone").collect()
    rows = sorted(tuple("" if value is None else str(value) for value in row) for row in shown)
    # Events of the second day were loaded before anybody had told of phones; bronze still has these.
    assert rows == [row if row[0] >= "E-3" else (*row[:5], "") for row in expected()]
    history = lake.table("customer_events_history", "delta").read()
    assert history.where("_is_current").count() == len(rows)
    lake.registry.rename(tmp_path / "elsewhere")
    code, said = lake.run(capsys)
    assert (code, said[-1]["error"]) == (FAILED, "RegistryError")
    assert "create or mount it" in said[-1]["message"]
