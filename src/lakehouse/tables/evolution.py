"""Tables made to fit a contract: planned as data, refused as a whole, or carried out step by step.

Each step is a commit of metadata, but for the widening of types on Delta 3, which writes all rows again. A plan that was stopped
halfway is planned anew from where the table stands. Older versions of the table keep their columns and their types.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql.types import StructType

from lakehouse.schemas.evolution import Evolution, EvolutionMode, plan_evolution
from lakehouse.tables.protocol import Table


def plan_table(
    table: Table, contract: StructType, mode: EvolutionMode = "add", *, renames: Mapping[str, str] | None = None
) -> Evolution:
    """Plan how the table becomes what the contract says, and change nothing; see `lakehouse.schemas.evolution`."""
    return plan_evolution(table.read().schema, contract, mode, renames=renames, layout=table.layout())


def evolve_table(
    table: Table, contract: StructType, mode: EvolutionMode = "add", *, renames: Mapping[str, str] | None = None
) -> Evolution:
    """Make the table what the contract says, and return the plan that was carried out.

    Raises:
        IncompatibleSchemaError: the contract contradicts the table; nothing was changed.
        CommitConflictError: another writer was faster; the steps before are done, and evolving again takes the rest.
    """
    plan = plan_table(table, contract, mode, renames=renames)
    plan.require(table.ref.identifier)
    table.alter(plan.steps)
    return plan
