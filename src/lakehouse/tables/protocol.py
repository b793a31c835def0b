"""What a lakehouse table can do, whatever its format.

`lakehouse.tables.delta` and `lakehouse.tables.iceberg` implement `Table`; `lakehouse.testing.conformance` holds both to
the same behaviour. Code above this layer knows this protocol and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DataType, StructType

from lakehouse.errors import ConfigError

Format = Literal["delta", "iceberg"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRef:
    """Where a table is: a catalog `name` (Delta, Iceberg) or a folder `path` (Delta only).

    >>> TableRef(format="iceberg", name="lake.silver.customers").identifier
    'lake.silver.customers'
    """

    format: Format
    name: str | None = None
    path: str | None = None

    def __post_init__(self) -> None:
        """Refuse a reference that names no table, or two."""
        if (self.name is None) == (self.path is None):
            msg = "a table reference needs a name or a path, and not both"
            raise ConfigError(msg)
        if self.format == "iceberg" and self.name is None:
            msg = "an Iceberg table is opened by name (catalog.namespace.table), not by path"
            raise ConfigError(msg)

    @property
    def identifier(self) -> str:
        """The name or the path, as a person would write it."""
        return self.name or self.path or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitMarker:
    """Who wrote a commit: `app` (job and target) and the `sequence` number of its batch, rising by app.

    The marker travels inside the table's own commit (Delta: `userMetadata`; Iceberg: snapshot summary), so it is there
    exactly when the data is there.
    """

    app: str
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One committed version of a table. `metrics` are the format's own, as text."""

    version: int
    committed_at: datetime
    operation: str
    marker: CommitMarker | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A MERGE, free of format: SQL over the aliases `t` (target) and `s` (source).

    `update` and `insert` map target columns to SQL expressions over `s`; an empty mapping leaves the clause out.
    `delete_when` and `update_when` narrow the matched rows; deletes are tried first.
    """

    on: str
    update: Mapping[str, str] = field(default_factory=dict)
    update_when: str | None = None
    delete_when: str | None = None
    insert: Mapping[str, str] = field(default_factory=dict)
    insert_when: str | None = None


class Table(Protocol):
    """One Delta or Iceberg table. Every write is one atomic commit and takes an optional marker."""

    @property
    def ref(self) -> TableRef:
        """Where the table is."""
        ...

    @property
    def spark(self) -> SparkSession:
        """The session that reads and writes it."""
        ...

    def sibling(self, suffix: str) -> Table:
        """The table of the same format and place whose name or path ends in `suffix` as well."""
        ...

    def exists(self) -> bool:
        """Whether the table is there. A folder or a name that holds something else is an error, not a no."""
        ...

    def create(
        self,
        schema: StructType,
        *,
        partition_by: Sequence[str] = (),
        cluster_by: Sequence[str] = (),
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Create the empty table, all columns nullable, with deletion vectors (Delta) or merge-on-read (Iceberg v2)."""
        ...

    def schema(self) -> StructType:
        """The columns as they are now."""
        ...

    def properties(self) -> dict[str, str]:
        """The table's properties."""
        ...

    def set_properties(self, properties: Mapping[str, str]) -> None:
        """Set properties: one metadata commit, no data."""
        ...

    def read(self, *, version: int | None = None, timestamp: datetime | None = None) -> DataFrame:
        """The rows now, at a version, or at a (zone-aware) instant."""
        ...

    def append(self, df: DataFrame, *, commit: CommitMarker | None = None) -> None:
        """Add the rows, matched to the columns by name."""
        ...

    def overwrite(self, df: DataFrame, *, where: str, commit: CommitMarker | None = None) -> None:
        """Replace exactly the rows that fulfil the SQL predicate `where` by `df`, in one commit."""
        ...

    def merge(self, source: DataFrame, merge: Merge, *, commit: CommitMarker | None = None) -> Snapshot:
        """Run one MERGE in one commit and return the snapshot it made."""
        ...

    def evolve(self, *, add: StructType | None = None, widen: Mapping[str, DataType] | None = None) -> None:
        """Add nullable columns and widen types; what is there already is left alone."""
        ...

    def changes(self, start: int, end: int) -> DataFrame:
        """Net row changes after version `start` up to `end`: the columns and `_change_type` (insert, delete)."""
        ...

    def snapshots(self, *, limit: int | None = None) -> list[Snapshot]:
        """Committed versions, newest first. After a restore only the versions the table still descends from."""
        ...

    def restore(self, version: int) -> None:
        """Make the rows those of `version` again, as a new commit."""
        ...

    def maintain(self, *, compact: bool = True, expire_older_than: timedelta | None = None) -> None:
        """Compact small files and deletes; expire what is older. The newest commit of each marker's app stays."""
        ...


def before(table: Table, commit: Snapshot | None) -> DataFrame:
    """The rows as they were before a commit; None: as they are."""
    if commit is None:
        return table.read()
    versions = [snapshot.version for snapshot in table.snapshots()]
    place = versions.index(commit.version) + 1
    return table.read(version=versions[place]) if place < len(versions) else table.read().limit(0)


def last_sequence(table: Table, app: str) -> int | None:
    """The newest batch of `app` that is in the table, or None: from the commits, and from the property for empty batches.

    Looks at few commits first: the one that is sought is nearly always among the newest.
    """
    limit = 16
    while True:
        snapshots = table.snapshots(limit=limit)
        marked = [s.marker.sequence for s in snapshots if s.marker and s.marker.app == app]
        if marked or len(snapshots) < limit:
            break
        limit *= 4
    noted = table.properties().get(applied_property(app))
    return max([*marked, *([int(noted)] if noted else [])], default=None)


def applied_property(app: str) -> str:
    """Name of the table property that notes batches which changed nothing and so left no commit."""
    return f"lakehouse.applied.{app}"
