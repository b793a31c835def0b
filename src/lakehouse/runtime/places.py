"""Where a job's tables are: names in a configuration become table references."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lakehouse.tables import TableRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The warehouse folder, the Iceberg catalog, and how Delta tables are addressed."""

    warehouse: str
    catalog: str
    delta: Literal["path", "name"]

    @property
    def root(self) -> str:
        """The warehouse as an absolute path or URI."""
        return self.warehouse.rstrip("/") if ":" in self.warehouse else str(Path(self.warehouse).expanduser().resolve())

    def ref(self, name: str, table_format: Literal["delta", "iceberg"]) -> TableRef:
        """The table that a configuration calls `name` (`zone.table`)."""
        if table_format == "iceberg":
            return TableRef(format="iceberg", name=f"{self.catalog}.{name}")
        if self.delta == "name":
            return TableRef(format="delta", name=name)
        return TableRef(format="delta", path="/".join([self.root, *name.split(".")]))
