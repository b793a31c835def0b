"""Delta Lake tables, by path or by catalog name.

Statements run in a clone of the session that carries the commit's `userMetadata`: the clone shares views, settings and
cached data, so no other thread of the session can ever commit with this marker, and nothing has to be put back.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from pyspark.errors import AnalysisException, IllegalArgumentException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DataType, StructType

from lakehouse.columns import quoted
from lakehouse.errors import CommitConflictError, ConfigError, IncompatibleSchemaError
from lakehouse.failpoints import reach
from lakehouse.schemas.evolution import Step, WidenField
from lakehouse.tables import commits, statements
from lakehouse.tables.alignment import align, only_where, outstanding, plain_schema
from lakehouse.tables.alterations import alterations, steps_of, widened_columns
from lakehouse.tables.arbitration import committing
from lakehouse.tables.commits import source_view
from lakehouse.tables.delta_features import features_for, features_of
from lakehouse.tables.delta_history import FOREVER, descent, find_commit, last_restore, read_history, since, to_snapshot
from lakehouse.tables.delta_log import read_properties, read_state
from lakehouse.tables.delta_places import beside, is_delta_folder, is_delta_name, qualified
from lakehouse.tables.delta_rewrite import rewrite
from lakehouse.tables.differences import net_changes
from lakehouse.tables.jvm import java_session
from lakehouse.tables.leases import Leases
from lakehouse.tables.outcomes import commit_once, retried
from lakehouse.tables.protocol import CommitMarker, Merge, Snapshot, TableRef, applied_property, to_note

_USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
_UNMOVED = {"spark.databricks.delta.merge.repartitionBeforeWrite.enabled": "false"}
"""Rows are written by the tasks that read them, as by an append."""
_NOT_KEPT = {"spark.databricks.delta.merge.materializeSource": "none"}
"""Delta reads the source of a merge twice, and first keeps a copy of its own."""
_RETENTION_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"


class DeltaTable:
    """A Delta table. See `lakehouse.tables.protocol.Table` for what each method guarantees."""

    def __init__(self, spark: SparkSession, ref: TableRef, leases: Leases | None = None) -> None:
        """Refer to the table; nothing is read yet. See `lakehouse.tables.arbitration` for when leases are needed."""
        self._spark, self._ref, self._leases = spark, ref, leases
        if ref.path is not None:
            self._target = f"delta.{quoted(qualified(spark, ref.path))}"
        else:
            self._target = statements.quoted_name(statements.name_parts(ref.identifier))
        self._committing = partial(committing, spark, ref, self._target, leases)
        self._history = partial(read_history, spark, ref, self._target)

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
        """Delta's commits say how many rows a MERGE inserted, updated and deleted."""
        return True

    def sibling(self, suffix: str) -> DeltaTable:
        """The Delta table whose path or name ends in `suffix` as well."""
        return DeltaTable(self._spark, beside(self._ref, suffix), self._leases)

    def exists(self) -> bool:
        """Whether the table is there; runs no Spark job.

        Raises:
            ConfigError: the folder or the name holds something that is not a Delta table.
        """
        if self._ref.path is not None:
            return is_delta_folder(self._spark, self._ref.path)
        return is_delta_name(self._spark, self._target)

    def create(
        self,
        schema: StructType,
        *,
        partition_by: Sequence[str] = (),
        cluster_by: Sequence[str] = (),
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Create the empty table: nullable columns, deletion vectors, column mapping where names need it.

        Raises:
            ConfigError: partitioning and clustering together, which Delta does not have.
            IncompatibleSchemaError: there is a table already.
            MissingColumnsError: a partition or clustering column is not in the schema.
        """
        if partition_by and cluster_by:
            msg = f"{self._ref.identifier}: a Delta table is partitioned or clustered, not both; choose one"
            raise ConfigError(msg)
        statement = statements.create_table(
            self._target,
            schema,
            using="delta",
            partition_by=partition_by,
            cluster_by=cluster_by,
            properties={**features_of(schema), **(properties or {})},
        )
        if self.exists():
            msg = f"{self._ref.identifier} exists already; evolve it, or create it elsewhere"
            raise IncompatibleSchemaError(msg)
        if self._ref.name is not None and (namespace := statements.name_parts(self._ref.name)[:-1]):
            self._spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {statements.quoted_name(namespace)}")
        with self._committing():
            self._spark.sql(statement)

    def version(self) -> int:
        """The newest version; runs no Spark job on a table this session has read."""
        return read_state(self._spark, self._ref, self._target).version

    def identity(self) -> str:
        """The id that Delta gave the table when it was made."""
        return read_state(self._spark, self._ref, self._target).identity

    def schema(self) -> StructType:
        """The columns as they are now; runs no Spark job on a table this session has read."""
        return plain_schema(self._spark.table(self._target).schema)

    def properties(self) -> dict[str, str]:
        """The table's properties, with the protocol features Delta lists among them; no Spark job once a session has read it."""
        return read_properties(self._spark, self._ref, self._target)

    def set_properties(self, properties: Mapping[str, str]) -> None:
        """Set properties: one metadata commit; none for an empty mapping."""
        if properties:
            with self._committing():
                self._spark.sql(statements.set_properties(self._target, properties))

    def read(self, *, version: int | None = None, timestamp: datetime | None = None) -> DataFrame:
        """The rows now, at a version, or at a zone-aware instant.

        Raises:
            ConfigError: version and timestamp together, or one that the table does not have (any more).
        """
        if version is not None and timestamp is not None:
            msg = f"{self._ref.identifier} is read at a version or at a timestamp, not both"
            raise ConfigError(msg)
        if timestamp is not None:
            instants = since(self._history())
            version = commits.version_at(instants, timestamp, where=self._ref.identifier)
        if version is None:
            return self._spark.table(self._target)
        try:
            return self._spark.sql(statements.read_version(self._target, version))
        except AnalysisException as error:
            msg = f"{self._ref.identifier} has no version {version}, or its files are gone; look at its snapshots"
            raise ConfigError(msg) from error

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

        Raises:
            ConfigError: a row of the frame does not fulfil `where`; nothing is written.
            IncompatibleSchemaError: the frame does not fit the table; nothing is written.
            CommitConflictError: another writer was faster.
        """
        aligned = align(df, self.schema(), where=self._ref.identifier)
        with source_view(only_where(aligned, where)) as source:
            self._commit(statements.insert_into(self._target, source, replace_where=where), commit)

    def merge(self, source: DataFrame, merge: Merge, *, commit: CommitMarker | None = None) -> Snapshot:
        """Run one MERGE and return its snapshot, or the newest one when it changed nothing and Delta wrote no commit.

        The newest one has no token then, as it is somebody else's.

        Raises:
            ConfigError: the merge has no clause.
            MissingColumnsError: a clause sets a column that the table does not have.
            CommitConflictError: another writer was faster.
        """
        columns = self._spark.table(self._target).columns
        with source_view(source) as view:
            statement = statements.merge_into(self._target, view, merge, columns)
            conf = (_UNMOVED if merge.only_new else {}) | (_NOT_KEPT if merge.settled else {})
            made = self._commit(statement, commit, find=True, conf=conf, newest=merge.newest)
        return made or replace(self.snapshots(limit=1)[0], token=None)

    def evolve(self, *, add: StructType | None = None, widen: Mapping[str, DataType] | None = None) -> None:
        """Add nullable columns in one commit and widen types in one commit each; what is there is left alone.

        Delta 3.x cannot turn an `int` into a `bigint` in place, nor widen a float or a decimal: there, the rows are
        rewritten in one commit, for all columns at once. Delta 4 changes metadata alone.

        Raises:
            IncompatibleSchemaError: the change would lose values; nothing is changed.
        """
        schema = self.schema()
        self.alter(steps_of(schema, *outstanding(schema, add=add, widen=widen, where=self._ref.identifier)))

    def layout(self) -> tuple[str, ...]:
        """The columns that rows are partitioned or clustered by."""
        detail = self._spark.sql(f"DESCRIBE DETAIL {self._target}").head(1)[0]
        clustered = [statements.name_parts(name)[0] for name in detail.clusteringColumns or ()]  # they are told quoted
        return (*detail.partitionColumns, *clustered)

    def alter(self, steps: Sequence[Step]) -> None:
        """Take the steps of a plan in their order, with column mapping where fields are renamed or dropped; see `evolve`."""
        if needed := features_for(steps):
            properties = self.properties()
            self.set_properties({key: value for key, value in needed.items() if properties.get(key) != value})
        widened = [step for step in steps if isinstance(step, WidenField)]
        with self._committing():
            for statement in alterations(self._target, [step for step in steps if not isinstance(step, WidenField)]):
                self._spark.sql(statement)
            try:
                for statement in alterations(self._target, widened):
                    self._spark.sql(statement)
            except AnalysisException as error:
                if "DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP" not in str(error):
                    raise
                rewrite(self, self._target, widened_columns(self.schema(), widened), find=self._find)

    def changes(self, start: int, end: int) -> DataFrame:
        """Net row changes after version `start` up to `end`: see `lakehouse.tables.differences.net_changes`."""
        return net_changes(self.read(version=start), self.read(version=end), where=self._ref.identifier)

    def snapshots(self, *, limit: int | None = None) -> list[Snapshot]:
        """Committed versions, newest first; what a restore undid is left out. No Spark job for a short list."""
        asked = limit or FOREVER
        while True:
            history = self._history(limit=asked)
            descended = list(descent(history))
            if len(history) < asked or (limit is not None and len(descended) >= limit):
                return [to_snapshot(row) for row in descended[:limit]]
            asked *= 4

    def restore(self, version: int) -> None:
        """Make rows, columns and properties those of `version` again, as a new commit.

        Raises:
            ConfigError: there is no such version, or its files are gone.
            CommitConflictError: another writer was faster.
        """
        floors = commits.floor_notes(self.properties())
        self.read(version=version)
        with self._committing():
            self._spark.sql(f"RESTORE TABLE {self._target} TO VERSION AS OF {version}")
        if floors:
            properties = self.properties()
            self.set_properties({key: value for key, value in floors.items() if properties.get(key) != value})

    def take_back(self, made: Snapshot) -> bool:
        """Undo the commit that was `made`, by restoring its parent; False when it is not the newest one any more."""
        if self.version() != made.version:
            return False
        try:
            self.restore(made.version - 1)
        except CommitConflictError:
            return False
        restored = last_restore(self._history(after=made.version))
        if restored.version > made.version + 1:
            self.restore(restored.version - 1)  # what came in between was undone with it
            return False
        return True

    def maintain(
        self, *, compact: bool = True, expire_older_than: timedelta | None = None, keep: Collection[int] = ()
    ) -> None:
        """Compact small files and files with many deletes; then drop files that no version younger than the limit needs.

        Delta itself forgets commits older than `delta.logRetentionDuration` (30 days); markers older than
        `expire_older_than` are noted in the table's properties first, so `last_sequence` goes on knowing them. A limit below
        `delta.deletedFileRetentionDuration` (168 hours) breaks readers and writers that are still at work, so Delta refuses it
        unless the session sets `spark.databricks.delta.retentionDurationCheck.enabled` to false.

        Raises:
            ConfigError: the limit is shorter than the table's retention.
        """
        if compact:
            with self._committing():
                self._spark.sql(f"OPTIMIZE {self._target}")
        if expire_older_than is None:
            return
        snapshots, now = self.snapshots(), datetime.now(UTC)
        before = commits.expiry(snapshots, expire_older_than, keep, now=now)
        self.set_properties(commits.notes_before_expiry(snapshots, self.properties(), before=before))
        hours = (now - before).total_seconds() / 3600
        try:
            self._spark.sql(f"VACUUM {self._target} RETAIN {hours:f} HOURS")
        except IllegalArgumentException as error:
            msg = (
                f"{self._ref.identifier} keeps files longer than {hours:g} hours for those who still read them; "
                f"ask for more, or set {_RETENTION_CHECK} to false when nobody does"
            )
            raise ConfigError(msg) from error

    def _commit(
        self,
        statement: str,
        marker: CommitMarker | None,
        *,
        find: bool = False,
        conf: Mapping[str, str] | None = None,
        newest: str | None = None,
    ) -> Snapshot | None:
        """Run a statement whose commit carries the marker; note the marker when Delta saw nothing to commit."""
        token, before = commits.new_token(), self.version()

        def run() -> None:
            session = java_session(self._spark).cloneSession()
            with self._committing() as fence:
                carried = json.dumps(commits.to_properties(marker, token, fence, newest=newest), sort_keys=True)
                for name, value in {**(conf or {}), _USER_METADATA: carried}.items():
                    session.conf().set(name, value)
                reach("delta.before_commit")
                session.sql(statement)
                reach("delta.committed")

        made = commit_once(run, partial(self._find, token, after=before), where=self._ref.identifier)
        if made is not None or (marker is None and not find):
            return made
        made = self._find(token, after=before)
        if made is None and marker is not None:
            self.set_properties({applied_property(marker.app): to_note(marker)})
        return made

    def _find(self, token: str, *, after: int) -> Snapshot | None:
        """The commit after a version that carries the token, or None when Delta saw nothing to commit."""
        return find_commit(self._history(after=after), token, where=self._ref.identifier)
