"""The lake of the fault rig: the job's configuration, its runs, and its tables as readers see them that are not Spark."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from contextlib import closing, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import pyarrow as pa
import yaml
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from fault_feed import TABLE, Expected, Feed, Kind, in_order
from fault_results import SEED
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NoSuchTableError
from sqlalchemy.exc import OperationalError

from lakehouse.runtime.command_line import load_script
from lakehouse.runtime.job import main

TableFormat = Literal["delta", "iceberg"]
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class FaultLake:
    """A landing folder, a configuration, and the tables that the job keeps of it in one zone of a warehouse."""

    folder: Path
    warehouse: Path
    zone: str
    format: TableFormat
    feed: Feed = field(default_factory=lambda: Feed(seed=SEED))

    def land(self, kind: Kind = "ordinary") -> None:
        """Put another batch into the landing folder."""
        landing = self.folder / "landing"
        landing.mkdir(parents=True, exist_ok=True)
        for name, text in self.feed.next_batch(kind).items():
            (landing / name).write_text(text, encoding="utf-8")

    def run(self) -> tuple[int, dict[str, Any]]:
        """Run the job in this process: its exit code and the last thing it said."""
        script, said = load_script("cdc_to_warehouse"), io.StringIO()
        with redirect_stdout(said):
            code = main(script.recipe, script.Params, self.arguments())
        return code, json.loads(said.getvalue().splitlines()[-1])

    def arguments(self) -> list[str]:
        """The arguments of the job, its configuration written."""
        path = self.folder / "job.yaml"
        path.write_text(yaml.safe_dump(self.config()), encoding="utf-8")
        return ["--config", str(path), "--log", "json"]

    def config(self) -> dict[str, Any]:
        """The configuration of the job."""
        contract = {"keys": ["id"], "columns": {"id": "bigint", "name": "string"}}
        outputs = {
            "current": {"table": f"{self.zone}.{{table}}", "write": "current", "on_truncate": "apply"},
            "history": {"table": f"{self.zone}.{{table}}_history", "write": "history", "on_truncate": "apply"},
        }
        source = {
            "path": str(self.folder / "landing"),
            "feed": "wal2json",
            "files": "json",
            "tables": {TABLE: contract},
            "bronze": f"{self.zone}.bronze",
        }
        return {
            "job": "cdc_to_warehouse",
            "warehouse": str(self.warehouse),
            "format": self.format,
            "inputs": {"app": source},
            "outputs": outputs,
            "quarantine": f"{self.zone}.quarantine",
        }

    def differences(self) -> list[str]:
        """What is not as it must be now that every batch is applied, by table; none is what a test wants to see."""
        expected = self.feed.expected()
        seen: dict[str, Rows] = {name: getattr(self, name)() for name in ("current", "history", "bronze", "quarantine")}
        found = [told(name, rows, getattr(expected, name)) for name, rows in seen.items()]
        return [*filter(None, found), *self._lost_tombstones(expected)]

    def current(self) -> Rows:
        """The current table."""
        return in_order(self.read("items", "id", "name", "_sequence"))

    def history(self) -> Rows:
        """The versions of the history table."""
        rows = self.read("items_history", "id", "name", "_valid_from", "_valid_to")
        return in_order([row for row in rows if row[2] != row[3]])

    def bronze(self) -> Rows:
        """The records in bronze."""
        return records(self.read("bronze", "_source_file", "_row", "_raw"))

    def quarantine(self) -> Rows:
        """The records in quarantine."""
        return records(self.read("quarantine", "_source_file", "_row", "_raw"))

    def _lost_tombstones(self, expected: Expected) -> list[str]:
        seen: dict[int, int] = dict(self.read("items__tombstones", "id", "_sequence"))
        bounds = expected.tombstones
        lost = sorted(key for key, (low, high) in bounds.items() if not low <= seen.get(key, 0) <= high)
        return [f"tombstones: {len(lost)} of {len(bounds)} lost or wrong, the first of key {lost[0]}"] if lost else []

    def read(self, name: str, *columns: str) -> Rows:
        """Columns of the newest version of a table; no rows where there is no table yet."""
        if self.format == "delta":
            return read_delta(self.warehouse / self.zone / name, columns)
        return read_iceberg(self.warehouse, (self.zone, name), columns)


@dataclass(frozen=True, kw_only=True)
class Lakes:
    """Makes lakes in one warehouse, each in a zone of its own."""

    warehouse: Path
    new_folder: Callable[[], Path]

    def new(self, table_format: TableFormat) -> FaultLake:
        """A lake without tables."""
        folder = self.new_folder()
        return FaultLake(folder=folder, warehouse=self.warehouse, zone=f"faults_{folder.name}", format=table_format)


def read_delta(path: Path, columns: Sequence[str]) -> Rows:
    """Rows as delta-rs reads them."""
    try:
        return as_rows(pa.table(DeltaTable(path).scan()), columns)
    except TableNotFoundError:
        return []


def read_iceberg(warehouse: Path, name: tuple[str, str], columns: Sequence[str]) -> Rows:
    """Rows as PyIceberg reads them; it leaves the catalog as it is, which a job may be making at this moment."""
    database = warehouse / "catalog.db"
    if not database.is_file():
        return []
    with closing(
        load_catalog("lake", type="sql", uri=f"sqlite:///{database}?timeout=60", init_catalog_tables="false")
    ) as lake:
        try:
            return as_rows(lake.load_table(name).scan().to_arrow(), columns)
        except NoSuchTableError:
            return []
        except OperationalError as error:
            if "no such table" in str(error) or "no such column" in str(error):  # it is being made
                return []
            raise


def as_rows(table: pa.Table, columns: Sequence[str]) -> Rows:
    """The rows of an Arrow table as tuples."""
    return list(zip(*(table.column(name).to_pylist() for name in columns), strict=True))


def records(rows: Rows) -> Rows:
    """Records with the names of their files alone, in order."""
    return sorted((unquote(file).rpartition("/")[2], row, raw) for file, row, raw in rows)


def told(name: str, seen: Rows, expected: Rows) -> str | None:
    """Say how the rows differ from those that were expected, None: not at all."""
    missing, extra = list(expected), []
    for row in seen:
        if row in missing:
            missing.remove(row)
        else:
            extra.append(row)
    if not missing and not extra:
        return None
    return f"{name}: {len(missing)} rows missing {missing[:2]}, {len(extra)} too many {extra[:2]}"
