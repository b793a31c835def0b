"""Views over a history table, for those who query with SQL: all versions, or the current rows.

A view is text in a catalog and follows the table's rows, not its columns: name it again after a column was added.

| where | which views it keeps | how long |
|---|---|---|
| the session catalog (`spark_catalog.namespace.view`) | of any table, Iceberg ones too | for ever with a metastore (Glue, Hive); without one (a laptop) until the session ends |
| an Iceberg catalog | where it has views: JDBC catalogs with schema version V1, as on a laptop, and REST catalogs do, Glue's own does not: use the session catalog there | for ever |
| `temporary` | of any table | until the session ends; no other session sees it |
"""

from __future__ import annotations

from pyspark.sql import DataFrame

from lakehouse.cdc.publishing import Publication, Rows, publish, select_rows
from lakehouse.columns import quoted
from lakehouse.errors import ConfigError
from lakehouse.tables import statements
from lakehouse.tables.delta_places import qualified
from lakehouse.tables.protocol import Table
from lakehouse.tables.targets import recorded_spec


def publish_view(
    table: Table,
    name: str | None = None,
    *,
    rows: Rows = "versions",
    publication: Publication | None = None,
    temporary: bool = False,
) -> DataFrame:
    """Show a history table as a view, and return what it shows; without a name there is only the frame.

    Args:
        table: a history table of this library.
        name: of the view; one of that name is replaced. Its namespace has to be there.
        rows: every version, or the open ones.
        publication: the options.
        temporary: whether the view is this session's alone; its name has one part.

    Raises:
        ConfigError: the table does not say what its keys are, or the options do not fit.
    """
    spec = recorded_spec(table)
    if spec is None:
        msg = f"{table.ref.identifier} is no history table of this library; see lakehouse.cdc.publishing for frames"
        raise ConfigError(msg)
    if name is None:
        return publish(table.read(), keys=spec.keys, rows=rows, publication=publication)
    selection = select_rows(table.schema(), keys=spec.keys, rows=rows, publication=publication)
    view = statements.quoted_name(statements.name_parts(name))
    query = f"SELECT {', '.join(selection.columns)} FROM {_source(table)} WHERE {selection.where}"  # nosec B608  # noqa: S608 - every name is quoted; open_end is SQL by contract
    scope = "TEMPORARY VIEW" if temporary else "VIEW"
    table.spark.sql(f"CREATE OR REPLACE {scope} {view} AS {query}")
    return table.spark.table(view)


def _source(table: Table) -> str:
    if table.ref.path is not None:
        return f"delta.{quoted(qualified(table.spark, table.ref.path))}"
    return statements.quoted_name(statements.name_parts(table.ref.identifier))
