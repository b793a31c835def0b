"""The tables of a run in the Glue Data Catalog, where Athena, Redshift and Lake Formation find them."""

from __future__ import annotations

from collections.abc import Iterable

from lakehouse.aws.clients import open_client
from lakehouse.aws.glue_catalog import CatalogTable, TableInput, delta_table_input, iceberg_table_input, register_table
from lakehouse.runtime.planning import Job
from lakehouse.runtime.plans import Plan
from lakehouse.tables import Table
from lakehouse.tables.locations import locate
from lakehouse.tables.statements import name_parts


def register_tables(job: Job, plans: Iterable[Plan]) -> None:
    """Make the catalog show every target that is there, as it is now; what it shows already is left alone.

    It is looked at in every run, so that one that failed after its tables had their rows is made good by the next.

    Raises:
        ConfigError: a name belongs to another table in the catalog, or Glue does not take it.
        IncompatibleSchemaError: the catalog has no such type.
        CommitError: Glue is out of order, or somebody else has written the table there; run again.
    """
    if job.config.glue is None:
        return
    client = open_client("glue", purpose="a table in the Glue Data Catalog")
    for plan in (plan for plan in plans if plan.target.exists()):
        *zone, name = name_parts(plan.label)
        database = f"{job.config.glue.prefix}{'_'.join(zone) or 'default'}"
        done = register_table(client, database, _described(plan.target, name))
        if done != "unchanged":
            message = f"{plan.label}: {done} in the catalog as {database.lower()}.{name.lower()}"
            job.report.step("registered", message, table=plan.label, database=database.lower(), state=done)


def _described(table: Table, name: str) -> TableInput:
    location = locate(table)
    shown = CatalogTable(name=name, location=location.folder, schema=table.schema())
    if location.metadata is not None:
        return iceberg_table_input(shown, metadata_location=location.metadata)
    return delta_table_input(shown, partition_columns=location.partitioned_by)
