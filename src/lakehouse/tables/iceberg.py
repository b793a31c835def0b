"""Apache Iceberg tables, by catalog name.

Rows go through SQL; metadata goes through Iceberg's own Java API, which needs no Spark job.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from pyspark.errors import AnalysisException, IllegalArgumentException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DataType, StructType

from lakehouse.columns import quoted
from lakehouse.errors import CommitConflictError, ConfigError, IncompatibleSchemaError
from lakehouse.failpoints import reach
from lakehouse.schemas.evolution import Step
from lakehouse.tables import commits, statements
from lakehouse.tables.alignment import align, only_where, outstanding, plain_schema
from lakehouse.tables.alterations import alterations, steps_of
from lakehouse.tables.commits import commit_failures, source_view
from lakehouse.tables.differences import net_changes
from lakehouse.tables.iceberg_commits import with_commit_properties
from lakehouse.tables.iceberg_history import ancestors, go_back, instant
from lakehouse.tables.iceberg_layout import is_partition_predicate, layout_columns
from lakehouse.tables.jvm import acting, java_session, java_static, texts
from lakehouse.tables.outcomes import commit_once, retried
from lakehouse.tables.protocol import CommitMarker, Merge, Snapshot, TableRef

# The distribution of merges stays Iceberg's own (hash): it moves only the rows that change, and leaves one file of deletes for
# each file they hit, where no distribution would leave one for each pair of task and file.
_DEFAULTS = {
    "format-version": "2",
    "write.delete.mode": "merge-on-read",
    "write.merge.mode": "merge-on-read",
    "write.update.mode": "merge-on-read",
}
_ABSENT = ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND")
"""Conditions that mean the name is free."""


class IcebergTable:
    """An Iceberg table. See `lakehouse.tables.protocol.Table` for what each method guarantees; a version is a snapshot id."""

    def __init__(self, spark: SparkSession, ref: TableRef) -> None:
        """Refer to the table; nothing is read yet."""
        self._spark = spark
        self._ref = ref
        self._parts = statements.name_parts(ref.identifier)
        self._target = statements.quoted_name(self._parts)

    @property
    def ref(self) -> TableRef:
        """Where the table is."""
        return self._ref

    @property
    def spark(self) -> SparkSession:
        """The session that reads and writes it."""
        return self._spark

    @property
    def counts_deletes(self) -> bool:
        """A snapshot of Iceberg tells how many rows were written and how many removed, and not why."""
        return False

    def sibling(self, suffix: str) -> IcebergTable:
        """The Iceberg table whose name ends in `suffix` as well."""
        name = statements.quoted_name((*self._parts[:-1], self._parts[-1] + suffix))
        return IcebergTable(self._spark, TableRef(format="iceberg", name=name))

    def exists(self) -> bool:
        """Whether the table is there, and its namespace; runs no Spark job.

        Raises:
            ConfigError: the name holds something that is not an Iceberg table.
        """
        try:
            self._load()
        except IllegalArgumentException as error:
            msg = f"{self._ref.identifier} is not an Iceberg table; open it by its own format, or choose another name"
            raise ConfigError(msg) from error
        except AnalysisException as error:
            if any(reason in str(error) for reason in _ABSENT):
                return False
            raise
        return True

    def create(
        self,
        schema: StructType,
        *,
        partition_by: Sequence[str] = (),
        cluster_by: Sequence[str] = (),
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Create the empty table: format version 2, nullable columns, merge-on-read, and its namespace when missing.

        Rows are sorted by `cluster_by` within each file; compaction sorts them across files. Iceberg has no 8 and 16 bit
        integers: they become `int`.

        Raises:
            IncompatibleSchemaError: there is a table already.
            MissingColumnsError: a partition or clustering column is not in the schema.
        """
        statement = statements.create_table(
            self._target,
            schema,
            using="iceberg",
            partition_by=partition_by,
            properties={**_DEFAULTS, **(properties or {})},
        )
        statements.require_columns(cluster_by, schema)
        if self.exists():
            msg = f"{self._ref.identifier} exists already; evolve it, or create it elsewhere"
            raise IncompatibleSchemaError(msg)
        if len(self._parts) > 1:
            self._spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {statements.quoted_name(self._parts[:-1])}")
        with commit_failures(self._ref.identifier):
            self._spark.sql(statement)
            if cluster_by:
                # Sorted within a task only: a global order would sample and shuffle every small merge.
                distributed = "DISTRIBUTED BY PARTITION " if partition_by else ""
                order = f"{distributed}LOCALLY ORDERED BY {statements.column_list(cluster_by)}"
                self._spark.sql(f"ALTER TABLE {self._target} WRITE {order}")

    def version(self) -> int | None:
        """The id of the current snapshot, or None: nothing was ever written. Runs no Spark job."""
        snapshot = self._load().currentSnapshot()
        return None if snapshot is None else int(snapshot.snapshotId())

    def identity(self) -> str:
        """The UUID that Iceberg gave the table when it was made."""
        return str(self._load().operations().current().uuid())

    def schema(self) -> StructType:
        """The columns as they are now; runs no Spark job."""
        convert = java_static(self._spark, "org.apache.iceberg.spark.SparkSchemaUtil.convert")
        return plain_schema(StructType.fromJson(json.loads(convert(self._load().schema()).json())))

    def properties(self) -> dict[str, str]:
        """The table's properties."""
        return texts(self._spark, self._load().properties())

    def set_properties(self, properties: Mapping[str, str]) -> None:
        """Set properties: one metadata commit, no snapshot; nothing for an empty mapping."""
        if properties:
            with commit_failures(self._ref.identifier):
                self._spark.sql(statements.set_properties(self._target, properties))

    def read(self, *, version: int | None = None, timestamp: datetime | None = None) -> DataFrame:
        """The rows now, at a snapshot, or at a zone-aware instant.

        Raises:
            ConfigError: version and timestamp together, or one that the table does not have (any more).
        """
        if version is not None and timestamp is not None:
            msg = f"{self._ref.identifier} is read at a version or at a timestamp, not both"
            raise ConfigError(msg)
        table = self._load()
        if timestamp is not None:
            instants = [(instant(entry.timestampMillis()), int(entry.snapshotId())) for entry in table.history()]
            version = commits.version_at(instants, timestamp, where=self._ref.identifier)
        if version is None:
            return self._spark.table(self._target)
        self._require_version(table, version)
        return self._spark.sql(statements.read_version(self._target, version))

    def append(self, df: DataFrame, *, commit: CommitMarker | None = None) -> None:
        """Add the rows, matched by name; missing columns become null.

        Raises:
            IncompatibleSchemaError: the frame does not fit the table; nothing is written.
            CommitConflictError: other writers were faster every time.
        """
        retried(lambda _: self._append(df, commit))

    def _append(self, df: DataFrame, commit: CommitMarker | None) -> None:
        with source_view(align(df, self.schema(), where=self._ref.identifier)) as source:
            self._commit(statements.insert_into(self._target, source), commit)

    def overwrite(self, df: DataFrame, *, where: str, commit: CommitMarker | None = None) -> None:
        """Replace the rows that fulfil `where`, whichever files hold them, by `df`, all of which must fulfil it.

        A predicate over identity partition columns replaces whole files; any other one is a MERGE that reads the table.

        Raises:
            ConfigError: a row of the frame does not fulfil `where`; nothing is written.
            IncompatibleSchemaError: the frame does not fit the table; nothing is written.
            CommitConflictError: another writer was faster.
        """
        schema = self.schema()
        aligned = only_where(align(df, schema, where=self._ref.identifier), where)
        if is_partition_predicate(self._spark, self._load(), where):
            with source_view(aligned) as source:
                self._commit(statements.insert_into(self._target, source, replace_where=where), commit)
            return
        with source_view(aligned) as source:
            self._commit(statements.replace_by_merge(self._target, source, schema, where), commit)

    def merge(self, source: DataFrame, merge: Merge, *, commit: CommitMarker | None = None) -> Snapshot:
        """Run one MERGE and return its snapshot; Iceberg makes one even when nothing changed.

        Raises:
            ConfigError: the merge has no clause.
            MissingColumnsError: a clause sets a column that the table does not have.
            CommitConflictError: another writer was faster.
        """
        columns = self.schema().names
        if merge.only_new:  # of an insert alone Iceberg makes an append, which never fails because of another writer
            merge = replace(merge, update={columns[0]: f"t.{quoted(columns[0])}"}, update_when="false")
        with source_view(source) as view:
            token = self._commit(statements.merge_into(self._target, view, merge, columns), commit, merge.newest)
        made = self._find(token)
        if made is None:
            msg = f"{self._ref.identifier}: the commit just made is not in its history; read it again and retry"
            raise CommitConflictError(msg)
        return made

    def evolve(self, *, add: StructType | None = None, widen: Mapping[str, DataType] | None = None) -> None:
        """Add nullable columns in one commit and widen types in one commit each; what is there is left alone.

        Raises:
            IncompatibleSchemaError: the change would lose values; nothing is changed.
        """
        schema = self.schema()
        self.alter(steps_of(schema, *outstanding(schema, add=add, widen=widen, where=self._ref.identifier)))

    def layout(self) -> tuple[str, ...]:
        """The columns that rows are, or once were, partitioned by, and those that they are sorted by; runs no Spark job."""
        return layout_columns(self._load())

    def alter(self, steps: Sequence[Step]) -> None:
        """Take the steps of a plan in their order, one commit of metadata each; Iceberg knows fields by number."""
        with commit_failures(self._ref.identifier):
            for statement in alterations(self._target, steps):
                self._spark.sql(statement)

    def changes(self, start: int, end: int) -> DataFrame:
        """Net row changes after snapshot `start` up to `end`: see `lakehouse.tables.differences.net_changes`."""
        return net_changes(self.read(version=start), self.read(version=end), where=self._ref.identifier)

    def snapshots(self, *, limit: int | None = None) -> list[Snapshot]:
        """Snapshots the table descends from, newest first; what a restore undid is left out. Runs no Spark job."""
        return list(islice(self._ancestors(), limit))

    def restore(self, version: int) -> None:
        """Make the rows those of `version` again.

        Iceberg makes no new snapshot for this: one metadata commit points the table back at the old one, whose id is the
        newest version then. Columns and properties stay, but for the notes of batches that are undone.

        Raises:
            ConfigError: there is no such snapshot, or it has expired.
            CommitConflictError: another writer was faster.
        """
        table = self._load()
        self._require_version(table, version)
        notes = commits.notes_after_restore(texts(self._spark, table.properties()))
        with commit_failures(self._ref.identifier):
            transaction = table.newTransaction()
            if notes:
                update = transaction.updateProperties()
                for key, value in notes.items():
                    update = update.remove(key) if value is None else update.set(key, value)
                update.commit()
            transaction.manageSnapshots().setCurrentSnapshot(version).commit()
            transaction.commitTransaction()

    def take_back(self, made: Snapshot) -> bool:
        """Undo the commit that was `made`, in one metadata commit; False when it is not the newest one any more."""
        try:
            with commit_failures(self._ref.identifier):
                return go_back(self._spark, self._load(), made)
        except CommitConflictError:
            return False

    def maintain(
        self, *, compact: bool = True, expire_older_than: timedelta | None = None, keep: Collection[int] = ()
    ) -> None:
        """Compact small files and position deletes; then expire snapshots older than the limit, the newest one excepted.

        Markers whose snapshots are about to expire are noted in the table's properties first, so `last_sequence` goes on
        knowing them. Files are removed at once: a limit shorter than the longest read breaks that read.
        """
        catalog = self._parts[0] if len(self._parts) > 2 else self._spark.catalog.currentCatalog()  # noqa: PLR2004 - catalog.namespace.table
        system = f"{statements.quoted_name((catalog,))}.system"
        table = f"table => {statements.quoted_text(self._target)}"
        with commit_failures(self._ref.identifier):
            if compact:
                strategy = "binpack" if self._load().sortOrder().isUnsorted() else "sort"
                self._spark.sql(f"CALL {system}.rewrite_data_files({table}, strategy => '{strategy}')")
                self._spark.sql(f"CALL {system}.rewrite_position_delete_files({table})")
            if expire_older_than is not None:
                snapshots = self.snapshots()
                before = commits.expiry(snapshots, expire_older_than, keep, now=datetime.now(UTC))
                self.set_properties(commits.notes_before_expiry(snapshots, self.properties(), before=before))
                limit = f"older_than => TIMESTAMP '{before:%Y-%m-%d %H:%M:%S.%f}+00:00'"
                self._spark.sql(f"CALL {system}.expire_snapshots({table}, {limit})")

    def _load(self) -> Any:
        """Iceberg's own table object, as it is now: the catalog caches it, so it is refreshed."""
        load = java_static(self._spark, "org.apache.iceberg.spark.Spark3Util.loadIcebergTable")
        with acting(self._spark):  # a catalog is looked for in the settings of the thread's session
            table = load(java_session(self._spark), self._target)
        table.refresh()
        return table

    def _ancestors(self) -> Iterator[Snapshot]:
        return ancestors(self._spark, self._load())

    def _commit(self, statement: str, marker: CommitMarker | None, newest: str | None = None) -> str:
        """Run a statement whose snapshot carries the marker and a token; returns the token."""
        token = commits.new_token()
        properties = commits.to_properties(marker, token, newest=newest)

        def run() -> None:
            reach("iceberg.before_commit")
            with_commit_properties(self._spark, properties, lambda: self._spark.sql(statement))
            reach("iceberg.committed")

        commit_once(run, lambda: self._find(token), where=self._ref.identifier)
        return token

    def _find(self, token: str) -> Snapshot | None:
        """The snapshot that carries the token, or None: nobody committed it, or it was undone since."""
        return next((snapshot for snapshot in self._ancestors() if snapshot.token == token), None)

    def _require_version(self, table: Any, version: int) -> None:
        if table.snapshot(version) is None:
            msg = f"{self._ref.identifier} has no version {version}, or it has expired; look at its snapshots"
            raise ConfigError(msg)
