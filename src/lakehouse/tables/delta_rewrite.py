"""A Delta table written once more with other column types, where its version of Delta cannot change them in place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from pyspark.sql import functions as F
from pyspark.sql.types import DataType

from lakehouse.columns import quoted
from lakehouse.errors import CommitConflictError
from lakehouse.tables import commits
from lakehouse.tables.protocol import Snapshot, Table


def rewrite(table: Table, target: str, types: Mapping[str, DataType], *, find: Callable[..., Snapshot | None]) -> None:
    """Write all rows again with other column types, in one commit; the layout stays (clustering by a second commit).

    Args:
        table: the table.
        target: its quoted name or path.
        types: the columns that change, with their new types.
        find: finds the commit that carries a token `after` a version.

    Raises:
        CommitConflictError: another writer committed meanwhile; the rewrite was undone.
    """
    spark, before = table.spark, table.snapshots(limit=1)[0].version
    detail = spark.sql(f"DESCRIBE DETAIL {target}").head(1)[0]
    rows = table.read(version=before)
    cast = rows.select(
        *(
            F.col(quoted(name)).cast(types[name]).alias(name) if name in types else F.col(quoted(name))
            for name in rows.columns
        )
    )
    token = commits.new_token()
    writer = cast.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    writer = writer.option("userMetadata", json.dumps(commits.to_properties(None, token)))
    # By place, also when the table has a name: by name, Spark 3.5 does not overwrite a table with its own rows.
    writer.partitionBy(*detail.partitionColumns).save(detail.location)
    if table.ref.name is not None:
        spark.catalog.refreshTable(target)
    made = find(token, after=before)
    if made is not None and made.version != before + 1:
        # Delta does not know that the rows came from this table, so it would not see what was added meanwhile.
        table.restore(made.version - 1)
        msg = f"another writer committed to {table.ref.identifier} while it was rewritten; evolve it again"
        raise CommitConflictError(msg)
    if detail.clusteringColumns:  # an overwrite of the schema forgets them; Delta tells them quoted
        spark.sql(f"ALTER TABLE {target} CLUSTER BY ({', '.join(detail.clusteringColumns)})")
