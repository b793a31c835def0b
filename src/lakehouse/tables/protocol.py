"""What a lakehouse table can do, whatever its format.

`lakehouse.tables.delta` and `lakehouse.tables.iceberg` implement `Table`; `lakehouse.testing.conformance` holds both to
the same behaviour. Code above this layer knows this protocol and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DataType, StructType

from lakehouse.errors import ConfigError
from lakehouse.schemas.evolution import Step

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

    Attributes:
        app: whose batches are counted.
        sequence: the number of the batch.
        batch_id: what the batch was made of; the same number with another one is another batch. None: of before there were any.
        config_hash: the configuration that shaped the result.
        run_id: the run that committed it.
    """

    app: str
    sequence: int
    batch_id: str | None = None
    config_hash: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedRows:
    """What a commit says of the rows of its MERGE.

    Attributes:
        written: how many it inserted or updated.
        removed: how many it updated or deleted.
        deleted: how many it deleted; None: the format does not tell them from updated ones.
    """

    written: int
    removed: int
    deleted: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One committed version of a table.

    Attributes:
        version: its number (Delta), or its id (Iceberg).
        committed_at: when it was made.
        operation: what made it, as the format calls it.
        parent: the version it was made upon.
        marker: which batch it holds.
        token: what names a commit of this library, so that it is found again; None: somebody else's.
        newest: what no event in the table is newer than, see `lakehouse.tables.bounds`; None: it does not say.
        merged: what the commit says of the rows of a MERGE; None: it was none, or it does not say.
        metrics: the format's own, as text.
    """

    version: int
    committed_at: datetime
    operation: str
    parent: int | None = None
    marker: CommitMarker | None = None
    token: str | None = field(default=None, compare=False)
    newest: str | None = None
    merged: MergedRows | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A MERGE, free of format: SQL over the aliases `t` (target) and `s` (source).

    `update` and `insert` map target columns to SQL expressions over `s`; an empty mapping leaves the clause out.
    `delete_when` and `update_when` narrow the matched rows; deletes are tried first. `only_new` says of a merge without
    updates and deletes that it must not be made when another writer adds rows that `on` matches meanwhile. `settled` says that the
    source is the same however often it is read, and was worked out before. `newest` is carried by the commit, see `Snapshot`.
    """

    on: str
    update: Mapping[str, str] = field(default_factory=dict)
    update_when: str | None = None
    delete_when: str | None = None
    insert: Mapping[str, str] = field(default_factory=dict)
    insert_when: str | None = None
    only_new: bool = False
    settled: bool = False
    newest: str | None = None


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

    @property
    def counts_deletes(self) -> bool:
        """Whether commits tell the rows that a MERGE deleted from those it updated, and there is none where nothing changed."""
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

    def version(self) -> int | None:
        """The newest version, or None where the format makes none of an empty table. Runs no Spark job."""
        ...

    def identity(self) -> str:
        """What tells this table from another one that had its name before. Runs no Spark job."""
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

    def layout(self) -> tuple[str, ...]:
        """The columns that rows are partitioned, clustered or sorted by."""
        ...

    def alter(self, steps: Sequence[Step]) -> None:
        """Take the steps of a plan in their order, see `lakehouse.tables.evolution`."""
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

    def take_back(self, made: Snapshot) -> bool:
        """Undo the commit that was `made`; False, with nothing undone, when it is not the newest one any more."""
        ...

    def maintain(
        self, *, compact: bool = True, expire_older_than: timedelta | None = None, keep: Collection[int] = ()
    ) -> None:
        """Compact small files and deletes; expire what is older, but for the versions to keep and all that came after them.

        What the newest commit of each marker's app says stays known, see `last_marker`.
        """
        ...


def before(table: Table, commit: Snapshot | None) -> DataFrame:
    """The rows as they were before a commit; None: as they are."""
    if commit is None:
        return table.read()
    versions = [snapshot.version for snapshot in table.snapshots()]
    place = versions.index(commit.version) + 1
    return table.read(version=versions[place]) if place < len(versions) else table.read().limit(0)


def last_sequence(table: Table, app: str) -> int | None:
    """The newest batch of `app` that is in the table, or None; see `last_marker`."""
    marker = last_marker(table, app)
    return None if marker is None else marker.sequence


def last_marker(table: Table, app: str) -> CommitMarker | None:
    """The newest marker of `app` that is in the table, or None: from the commits, and from the note for empty batches.

    Looks at few commits first: the one that is sought is nearly always among the newest.
    """
    limit = 4
    while True:
        snapshots = table.snapshots(limit=limit)
        marked = [s.marker for s in snapshots if s.marker and s.marker.app == app]
        if marked or len(snapshots) < limit:
            break
        limit *= 4
    noted = table.properties().get(applied_property(app))
    found = [*marked, *([from_note(app, noted)] if noted else [])]
    return max(found, key=lambda marker: marker.sequence, default=None)


def applied_property(app: str) -> str:
    """Name of the table property that notes batches which changed nothing and so left no commit."""
    return f"lakehouse.applied.{app}"


def to_note(marker: CommitMarker) -> str:
    """The text under which `applied_property` notes a marker: its number alone when it says no more.

    >>> to_note(CommitMarker(app="a", sequence=7)), to_note(CommitMarker(app="a", sequence=7, batch_id="b"))
    ('7', '{"batch_id": "b", "sequence": 7}')
    """
    told = {name: value for name, value in asdict(marker).items() if name != "app" and value is not None}
    return str(marker.sequence) if len(told) == 1 else json.dumps(told, sort_keys=True)


def from_note(app: str, note: str) -> CommitMarker:
    """The marker of a note.

    >>> from_note("a", "7")
    CommitMarker(app='a', sequence=7, batch_id=None, config_hash=None, run_id=None)
    """
    told = json.loads(note)
    return CommitMarker(app=app, **told) if isinstance(told, dict) else CommitMarker(app=app, sequence=told)
