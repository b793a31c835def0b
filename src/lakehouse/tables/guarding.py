"""Tables that are made once and rows that are added once, however many writers are about to do it.

An append never fails because of what others append, in either format. A MERGE does: it looks whether such rows are there, and
another writer's commit of some meanwhile is a conflict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from lakehouse.columns import quoted
from lakehouse.errors import ConfigError, MissingColumnsError
from lakehouse.tables.alignment import align
from lakehouse.tables.outcomes import retried
from lakehouse.tables.protocol import CommitMarker, Merge, Table

_ROW = "__row"
"""The one column of the source, so that the condition's names are the table's."""
_ADDED = ("numTargetRowsInserted", "added-records")
"""How Delta and Iceberg call the number of rows that a merge inserted."""
_SEVERAL = "MERGE_CARDINALITY_VIOLATION"


def create_once(
    table: Table,
    schema: StructType,
    *,
    partition_by: Sequence[str] = (),
    cluster_by: Sequence[str] = (),
    properties: Mapping[str, str] | None = None,
) -> bool:
    """Create the empty table where there is none; False: it was there, or another writer made it at the same time.

    Raises:
        ConfigError: the place holds something that is no such table.
        MissingColumnsError: a partition column is not in the schema.
    """
    if table.exists():
        return False
    create = partial(table.create, schema, partition_by=partition_by, cluster_by=cluster_by, properties=properties)
    try:
        create()
    except (ConfigError, MissingColumnsError):
        raise
    except Exception:  # noqa: BLE001 - the engines say in many ways that a table, or its namespace, was made meanwhile
        if table.exists():
            return False
        create()
    return True


def append_unless(table: Table, df: DataFrame, *, where: str, commit: CommitMarker | None = None) -> bool:
    """Add the rows in one commit unless the table has some that fulfil `where`, and say whether they were added.

    Of writers that add such rows at the same time one does, and the others are told no. The rows must fulfil `where`
    themselves, or nothing keeps two writers apart. Reads the files that may hold such rows, and no others.

    Args:
        table: the table.
        df: the rows, matched by name; missing columns become null.
        where: SQL over the table's columns.
        commit: the marker of the commit. Where another writer was faster it may be noted all the same.

    Raises:
        IncompatibleSchemaError: the frame does not fit the table; nothing is written.
        CommitConflictError: other writers were faster every time.
    """
    return retried(lambda _: _append_unless(table, df, where, commit))


def _append_unless(table: Table, df: DataFrame, where: str, commit: CommitMarker | None) -> bool:
    aligned = align(df, table.schema(), where=table.ref.identifier)
    rows = aligned.select(F.struct(*[F.col(quoted(name)) for name in aligned.columns]).alias(_ROW))
    insert = {name: f"s.{_ROW}.{quoted(name)}" for name in aligned.columns}
    try:
        made = table.merge(rows, Merge(on=where, insert=insert, only_new=True), commit=commit)
    except Exception as error:
        if _SEVERAL in str(error):  # more than one of our rows met one that is there, which Iceberg does not allow
            return False
        raise
    added = made.token is not None and any(int(made.metrics.get(name, "0")) for name in _ADDED)
    return added or table.read().where(where).isEmpty()
