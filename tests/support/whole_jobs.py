"""The job `cdc_to_warehouse`, run whole in this process: a landing folder, a configuration, and the tables made of it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Literal

import yaml
from pyspark.sql import DataFrame, SparkSession

from lakehouse.runtime.command_line import load_script
from lakehouse.runtime.job import main
from lakehouse.runtime.places import Places
from lakehouse.runtime.planning import Recipe
from lakehouse.runtime.session import WAREHOUSE
from lakehouse.tables import Table, open_table


class WholeJob:
    """A job with inputs of its own and tables in the zone `zone`: of every source table a current and a history one.

    What `outputs`, `gold` and `quality` hold can be changed before a run.
    """

    def __init__(
        self, spark: SparkSession, folder: Path, table_format: Literal["delta", "iceberg"], *, zone: str
    ) -> None:
        """Make the landing folder."""
        self.spark, self.folder, self.format, self.zone = spark, folder, table_format, zone
        self.landing = folder / "landing"
        self.landing.mkdir(parents=True)
        self.inputs: dict[str, dict[str, Any]] = {}
        self.outputs: dict[str, dict[str, Any]] = {
            "current": {"table": f"{zone}.{{table}}", "write": "current"},
            "history": {"table": f"{zone}.{{table}}_history", "write": "history"},
        }
        self.gold: dict[str, dict[str, Any]] = {}
        self.quality: list[dict[str, Any]] = []
        self.gold_recipe: Recipe | None = None
        self.warehouse = str(spark.sparkContext.getConf().get(WAREHOUSE))

    def add_input(self, name: str, **settings: Any) -> Path:
        """Add an input with a folder and a bronze table of its own, and return the folder."""
        folder = self.landing / name
        folder.mkdir()
        self.inputs[name] = {"path": str(folder), "bronze": f"{self.zone}.bronze_{name}", **settings}
        return folder

    @property
    def config(self) -> dict[str, Any]:
        """The configuration as it is now."""
        return {
            "job": "cdc_to_warehouse",
            "warehouse": self.warehouse,
            "format": self.format,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "gold": self.gold,
            "quality": self.quality,
            "quarantine": f"{self.zone}.quarantine",
            "ledger": f"{self.zone}.ledger",
        }

    def run(self, *arguments: str, log: str = "json", recipe: Recipe | None = None) -> tuple[int, list[dict[str, Any]]]:
        """Run it, with the recipe of its script or another one; return the exit code and what it said, the closing line last."""
        path = self.folder / "job.yaml"
        path.write_text(yaml.safe_dump(self.config), encoding="utf-8")
        script = load_script("cdc_to_warehouse")
        said = io.StringIO()
        with redirect_stdout(said):
            told = ["--config", str(path), "--log", log, *arguments]
            code = main(recipe or script.recipe, script.Params, told, gold=self.gold_recipe)
        return code, [json.loads(line) for line in said.getvalue().split("\n") if line]

    def table(self, name: str) -> Table:
        """One of its tables."""
        ref = Places(warehouse=self.warehouse, catalog="lake", delta="path").ref(f"{self.zone}.{name}", self.format)
        return open_table(self.spark, ref)

    def rows(self, name: str) -> DataFrame:
        """The rows of one of its tables."""
        return self.table(name).read()


def without_origin(inputs: Mapping[str, DataFrame], params: object) -> dict[str, DataFrame]:
    """A recipe that forgets where rows came from."""
    del params
    return {table: changes.drop("_origin") for table, changes in inputs.items()}
