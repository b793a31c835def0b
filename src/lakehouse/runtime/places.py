"""Where a job's tables are: names in a configuration become table references."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lakehouse.config.models import JobConfig
from lakehouse.errors import ConfigError
from lakehouse.tables import TableRef
from lakehouse.tables.statements import name_parts

_LONGEST = 255 - len("__tombstones")
"""Bytes of a name that file systems take, with room for that of a sibling table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The warehouse folder, the Iceberg catalog, and how Delta tables are addressed."""

    warehouse: str
    catalog: str
    delta: Literal["path", "name"]

    @classmethod
    def of(cls, config: JobConfig) -> Places:
        """Where the tables of a configuration are."""
        return cls(warehouse=config.warehouse, catalog=config.catalog, delta=config.delta)

    @property
    def root(self) -> str:
        """The warehouse as an absolute path or URI."""
        return self.warehouse.rstrip("/") if ":" in self.warehouse else str(Path(self.warehouse).expanduser().resolve())

    def ref(self, name: str, table_format: Literal["delta", "iceberg"]) -> TableRef:
        """The table that a configuration calls `name` (`zone.table`); odd parts are quoted with backticks.

        Raises:
            ConfigError: it is no name, or one of its parts cannot be a folder, which it becomes in either format,
                or the catalog would take it for two.
        """
        parts = name_parts(name)
        for part in parts:
            if part in {".", ".."} or "/" in part or "\0" in part or len(part.encode()) > _LONGEST:
                msg = f"{name!r} names a table whose part {part!r} cannot be a folder: it is . or .., holds a / or a NUL, or is too long"
                raise ConfigError(msg)
        if table_format == "iceberg":
            if odd := [part for part in parts[:-1] if "." in part]:
                msg = f"{name!r} names a zone {odd[0]!r}: Iceberg's catalogs take a dot in it for the end of a zone; leave it out"
                raise ConfigError(msg)
            return TableRef(format="iceberg", name=f"{self.catalog}.{name}")
        if self.delta == "name":
            return TableRef(format="delta", name=name)
        return TableRef(format="delta", path="/".join([self.root, *parts]))
