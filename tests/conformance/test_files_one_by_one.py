"""The job over a recorded feed whose files come one by one, in no order, each with a run of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession
from recorded_shop import CONTRACTS, RECORDINGS, SHOP, TRACKED, answers, sorted_rows

from lakehouse.cdc.history import versions
from lakehouse.columns import SEQUENCE, VALID_FROM, VALID_TO
from lakehouse.runtime.command_line import main
from lakehouse.runtime.job import DONE
from lakehouse.runtime.session import WAREHOUSE
from lakehouse.tables import TableRef, open_table

RECORDING = RECORDINGS["dms csv"]
CUSTOMERS, PRODUCTS = "public.customers", "public.products"
ARRIVALS = (
    "20261124-033549580.csv",
    "LOAD00000001.csv",
    "20261124-033552635.csv",
    "20261124-033545787.csv",
    "20261124-033551244.csv",
    "20261124-033548351.csv",
    "20261124-033551967.csv",
    "20261124-033550579.csv",
    "20261124-033546843.csv",
)
"""The files of customers as they come: changes before the load, and in the end those of a moment near the beginning."""


def arriving(step: int) -> list[tuple[str, str]]:
    """Table and file of what lands before a run; all changes of products come first, their load comes last."""
    products = [f for f in ARRIVALS if f.startswith("LOAD") == (step > 0)] if step in (0, len(ARRIVALS) - 1) else []
    return [(CUSTOMERS, ARRIVALS[step]), *((PRODUCTS, file) for file in products)]


def config_of(spark: SparkSession, landing: Path, zone: str) -> dict[str, Any]:
    """Current tables of both, and a history of customers."""
    contracts = {name: CONTRACTS[name].model_dump(mode="json") for name in (CUSTOMERS, PRODUCTS)}
    source = {
        "path": str(landing),
        "feed": RECORDING.feed,
        "files": RECORDING.files,
        "options": dict(RECORDING.options),
        "tables": contracts,
        "bronze": f"{zone}.bronze",
    }
    history = {"table": f"{zone}.{{table}}_history", "write": "history", "track": {CUSTOMERS: list(TRACKED)}}
    return {
        "job": "cdc_to_warehouse",
        "warehouse": spark.sparkContext.getConf().get(WAREHOUSE),
        "inputs": {"shop": source},
        "outputs": {
            "current": {"table": f"{zone}.{{table}}", "write": "current"},
            "history": {**history, "select": CUSTOMERS},
        },
        "quarantine": f"{zone}.quarantine",
    }


@pytest.mark.exhaustive
def test_the_tables_are_the_servers_whatever_file_came_last(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a run for each file the current tables and the history of customers are what the server answered."""
    landing, path = tmp_path / "landing", tmp_path / "job.yaml"
    zone = f"files_{tmp_path.name.replace('-', '_')}"
    path.write_text(yaml.safe_dump(config_of(spark, landing, zone)), encoding="utf-8")
    for step in range(len(ARRIVALS)):
        files = arriving(step)
        for table, file in files:
            folder = landing.joinpath(*table.split("."))
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(SHOP.joinpath(RECORDING.folder, *table.split("."), file), folder)
        assert main(["run", str(path), "--log", "json"]) == DONE
        said = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert (said["files"], said["quarantined"]) == (len(files), {})

    def read(name: str) -> DataFrame:
        return open_table(spark, TableRef(format="iceberg", name=f"lake.{zone}.{name}")).read()

    for table in (CUSTOMERS, PRODUCTS):
        schema, plain = CONTRACTS[table].schema_, table.removeprefix("public.")
        assert sorted_rows(read(plain).select(*schema.names)) == answers(f"final/{plain}.jsonl", schema), table
    schema = CONTRACTS[CUSTOMERS].schema_
    places = [RECORDING.position(name) for name in (VALID_FROM, VALID_TO, SEQUENCE)]
    found = sorted_rows(versions(read("customers_history")).select(*schema.names, *places))
    assert found == answers("scd2_customers_tracked.jsonl.gz", schema, ("_start", "_end", "_last"))
