"""Rebuild the damaged keys of a history table in place, in one commit."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.repairs import Trust, repair_history
from lakehouse.columns import as_tuple, quoted
from lakehouse.tables.batches import assignments, dated, equal
from lakehouse.tables.protocol import CommitMarker, Merge, Snapshot, Table
from lakehouse.tables.targets import Target, check, fitted

_OLD = "__lh_old"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairResult:
    """What a repair did.

    Attributes:
        keys: how many keys were rebuilt.
        rows: how many rows they have now.
        unrepaired: the damaged keys that were left as they are, see `lakehouse.cdc.repairs.Repair`.
        commit: the one commit; None when no key could be rebuilt, or none was damaged.
    """

    keys: int
    rows: int
    unrepaired: DataFrame
    commit: Snapshot | None


def repair_table(
    table: Table,
    changes: DataFrame,
    spec: ChangeSpec,
    *,
    damaged: DataFrame | None = None,
    trust: Trust = "boundaries",
    commit: CommitMarker | None = None,
) -> RepairResult:
    """Replace the rows of every damaged key that the change log covers; all others stay as they are.

    A reader sees the table before or after, nothing between. Arguments are those of `lakehouse.cdc.repairs.repair_history`.

    Raises:
        IncompatibleSchemaError: the table is no history table of this spec, or the change log does not fit it.
        CommitConflictError: another writer was faster; what is damaged may be another thing now.
    """
    check(table, Target(kind="history", changes=changes.schema, spec=spec))
    repair = repair_history(table.read(), fitted(changes, table), spec, damaged=damaged, trust=trust)
    # The commit changes what these are worked out from.
    unrepaired = repair.unrepaired.localCheckpoint()
    rows = repair.rows.localCheckpoint()
    keys = [quoted(key) for key in as_tuple(spec.keys)]
    rebuilt = rows.select(*keys).distinct()
    counts = rows.agg(F.count(F.lit(1)).alias("rows"), F.count_distinct(F.struct(*keys)).alias("keys")).head()
    total, number = (counts["rows"], counts["keys"]) if counts else (0, 0)
    if not total:
        return RepairResult(keys=0, rows=0, unrepaired=unrepaired, commit=None)
    columns = table.schema().names
    source = (
        dated(rows, columns, spec)
        .select(*map(quoted, columns), F.lit(False).alias(_OLD))
        .unionByName(rebuilt.withColumn(_OLD, F.lit(True)), allowMissingColumns=True)
    )
    # One row for each key takes all old rows away, repeated ones and those without a sequence too; the others only come.
    merge = Merge(
        on=" AND ".join([*equal(as_tuple(spec.keys)), f"s.{_OLD}"]),
        delete_when="true",
        insert=assignments(columns),
        insert_when=f"NOT s.{_OLD}",
    )
    return RepairResult(
        keys=number, rows=total, unrepaired=unrepaired, commit=table.merge(source, merge, commit=commit)
    )
