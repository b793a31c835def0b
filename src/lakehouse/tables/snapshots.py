"""Merge a full extract into a Delta or Iceberg table: compared with what the table shows, and merged as what differs.

The table may have been fed by events before, or by snapshots alone: a snapshot is a change log whose events all stand at its
version, and the version has to be of the sequence's type and above everything the table has seen. How far the snapshots
have come is in the rows; for one that changed no row it is noted in the property `lakehouse.snapshot`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegralType, StringType, StructField, StructType

from lakehouse.cdc import sequences
from lakehouse.cdc.changes import DELETE, ChangeSpec
from lakehouse.cdc.events import payload_of
from lakehouse.cdc.snapshots import COPIES, SnapshotRules, changes_of, compare_snapshot, position_of, type_of
from lakehouse.columns import IS_CURRENT, IS_DELETED, IS_LATEST, OP, SEQUENCE, as_tuple, quoted, require
from lakehouse.errors import ConfigError, InvalidChangesError
from lakehouse.schemas.widening import fits
from lakehouse.tables.alignment import align
from lakehouse.tables.batches import settled
from lakehouse.tables.current_merge import TOMBSTONES
from lakehouse.tables.memory import recall
from lakehouse.tables.merging import merge_current, merge_history
from lakehouse.tables.protocol import CommitMarker, Table
from lakehouse.tables.tallies import MergeResult
from lakehouse.tables.targets import Target, check

SNAPSHOT_PROPERTY = "lakehouse.snapshot"
"""Table property: the newest snapshot's version, as `lakehouse.cdc.sequences` writes it, where no row says it."""

Write = Literal["current", "history"]


def merge_snapshot(
    table: Table,
    snapshot: DataFrame,
    spec: ChangeSpec,
    *,
    write: Write,
    version: object,
    rules: SnapshotRules | None = None,
    commit: CommitMarker | None = None,
) -> MergeResult:
    """Make a current or a history table show a snapshot, creating it when it is missing.

    Snapshots merged in the order of their versions leave the current table, or the open rows of the history, equal to the
    last one. One commit, or none where nothing differs; the same snapshot again changes nothing. The rows that the
    result counts are changes, not rows of the snapshot.

    Args:
        table: the table; its tombstones and latest rows are read beside what it shows.
        snapshot: every row there is at the source. Reserved columns are not looked at.
        spec: keys and tracked columns.
        write: the kind of table.
        version: what orders the snapshots, see `lakehouse.cdc.snapshots.diff_snapshot`.
        rules: what the snapshot may do.
        commit: the marker of the commit.

    Raises:
        InvalidChangesError: before anything is written: a key that is null or there twice, no rows, too many deletes, an
            older version than the table's, or other rows at the version that the table shows.
        MissingColumnsError: the snapshot lacks columns of the table.
        IncompatibleSchemaError: the table does not fit.
        CommitConflictError: other writers were faster five times.
    """
    rules = rules or SnapshotRules()
    if spec.ignore_nulls:
        msg = "ignore_nulls has no meaning for snapshots: a snapshot holds whole rows, and its nulls are values"
        raise ConfigError(msg)
    where = f"table {table.ref.identifier}"
    position = position_of(version)
    extract = snapshot.select(*map(quoted, payload_of(snapshot.schema).names))
    known = extract.limit(0)
    if table.exists():
        position = _as_sequence(version, position, table)
        _check_table(table, position, extract, spec, write)
        current = shown(table, write)
        payload = _common(payload_of(current.schema), payload_of(extract.schema), evolve=spec.evolve)
        known = align(current.select(*map(quoted, payload_of(current.schema).names)), payload, where=where)
        extract = align(extract, payload, where=where)
    compared = compare_snapshot(known, extract, keys=spec.keys, rules=rules)
    # What is settled is as large as the changes, not as the table.
    found = settled(compared.where(F.col(OP).isNotNull() | (F.col(COPIES) > 1)))
    facts = _facts(table, write, found, known, extract, position, spec)
    _refuse(facts, rules, where)
    changes = changes_of(found, payload_of(known.schema), position, keys=spec.keys, rules=rules)
    merge = merge_history if write == "history" else merge_current
    result = merge(table, changes, spec, commit=commit)
    if result.commit is None and not facts.applied:
        kind = table.schema()[SEQUENCE].dataType
        table.set_properties({SNAPSHOT_PROPERTY: sequences.to_text(facts.version, kind)})
    return result


def newest_version(table: Table, write: Write) -> Any:
    """The newest sequence that the table shows or knows of, as Python has it; None where there is none."""
    if not table.exists():
        return None
    rows = _written(table, write)
    row = rows.agg(_newest(F.max(SEQUENCE), table)).head()
    return row[0] if row else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What one look told. `applied`: the table is at this very version; `older`: it is beyond."""

    rows: int
    known: int
    keyless: int
    repeated: int
    changed: int
    deletes: int
    older: bool
    applied: bool
    version: Any


def _facts(
    table: Table,
    write: Write,
    found: DataFrame,
    known: DataFrame,
    extract: DataFrame,
    position: Column,
    spec: ChangeSpec,
) -> _Facts:
    """Count in one job, which also settles what was found."""
    keyless = reduce(or_, (F.col(quoted(key)).isNull() for key in as_tuple(spec.keys)))
    parts = [
        found.agg(
            F.coalesce(F.sum(F.when(keyless, F.col(COPIES))), F.lit(0)).alias("keyless"),
            F.count_if(~keyless & (F.col(COPIES) > 1)).alias("repeated"),
            F.count(OP).alias("changed"),
            F.count_if(F.col(OP) == DELETE).alias("deletes"),
        ),
        extract.agg(F.count(F.lit(1)).alias("rows")),
        known.agg(F.count(F.lit(1)).alias("known")),
    ]
    nothing = F.lit(None).cast(type_of(position, like=extract))
    seen, begun = nothing, [nothing]
    if table.exists():
        parts.append(_written(table, write).agg(F.max(SEQUENCE).alias("written")))
        seen = _newest(F.col("written"), table)
        begun += _remembered(table)
        companion = table.sibling(TOMBSTONES)
        if write == "current" and companion.exists():
            # They are written before the rows are: a version that only they know was begun, and can be taken up again.
            parts.append(companion.read().agg(F.max(SEQUENCE).alias("buried")))
            begun.append(F.col("buried"))
    row = (
        reduce(lambda left, right: left.join(right, how="cross"), parts)
        .select(
            *("rows", "known", "keyless", "repeated", "changed", "deletes"),
            F.coalesce(F.greatest(seen, *begun) > position, F.lit(False)).alias("older"),
            F.coalesce(seen == position, F.lit(False)).alias("applied"),
            position.alias("version"),
        )
        .head()
    )
    assert row is not None  # noqa: S101 - aggregates without groups have one row
    return _Facts(**{name: row[name] for name in row.__fields__})


def _refuse(facts: _Facts, rules: SnapshotRules, where: str) -> None:
    """Refuse a snapshot that cannot be one, or does what the rules do not allow."""
    ratio = facts.deletes / facts.known if facts.known else 0.0
    problem = None
    if facts.keyless:
        problem = f"{facts.keyless} of its rows have no key. Mend the extract"
    elif facts.repeated:
        problem = f"{facts.repeated} of its keys are there more than once. Remove duplicates on purpose, before"
    elif facts.older:
        problem = (
            "its version is older than what the table has seen. Snapshots are merged in the order of their versions"
        )
    elif facts.applied and facts.changed:
        problem = (
            f"the table is at this version already, and {facts.changed} rows differ. Give other rows another version"
        )
    elif not facts.rows and not rules.allow_empty:
        problem = f"it has no rows, which would delete all {facts.known}. Allow it with allow_empty when it is meant"
    elif rules.max_delete_ratio is not None and ratio > rules.max_delete_ratio:
        problem = (
            f"it deletes {facts.deletes} of {facts.known} rows, more than the share of {rules.max_delete_ratio} that "
            "max_delete_ratio allows. Look at the extract, or raise the share"
        )
    if problem:
        msg = f"the snapshot cannot be merged into {where}: {problem}; nothing was written."
        raise InvalidChangesError(msg)


def _check_table(table: Table, position: Column, extract: DataFrame, spec: ChangeSpec, write: Write) -> None:
    """Refuse a table of another kind or with another spec, and an extract that is not whole. Columns are compared later."""
    payload = payload_of(table.schema())
    reserved = [StructField(OP, StringType()), StructField(SEQUENCE, type_of(position, like=extract))]
    check(table, Target(kind=write, changes=StructType([*payload.fields, *reserved]), spec=spec))
    require(payload.names, extract.columns, where="the snapshot")


def _as_sequence(version: object, position: Column, table: Table) -> Column:
    """A whole number takes whichever integral type the table's sequence has."""
    schema = table.schema()
    kind = schema[SEQUENCE].dataType if SEQUENCE in schema.names else None
    return position.cast(kind) if isinstance(version, int) and isinstance(kind, IntegralType) else position


def _common(known: StructType, given: StructType, *, evolve: bool) -> StructType:
    """The columns in which both sides are compared: the table's; with `evolve` also new ones, and types that are wider."""
    if not evolve:
        return known
    fields = [f if fits(f.dataType, given[f.name].dataType) else given[f.name] for f in known]
    return StructType([*fields, *(f for f in given if f.name not in known.names)])


def shown(table: Table, write: Write) -> DataFrame:
    """The rows of a current or a history table that are current: those of what is there and was not deleted."""
    rows = _written(table, write)
    if write == "history":
        return rows.where(F.col(IS_CURRENT))
    return rows.where(~F.col(IS_DELETED)) if IS_DELETED in rows.columns else rows


def _written(table: Table, write: Write) -> DataFrame:
    """The rows among which the newest sequence is."""
    return table.read().where(F.col(IS_LATEST)) if write == "history" else table.read()


def _newest(written: Column, table: Table) -> Column:
    """The newest sequence that was applied: in the rows, or noted by a snapshot that changed none."""
    noted = table.properties().get(SNAPSHOT_PROPERTY)
    return written if noted is None else F.greatest(written, _literal(noted, table))


def _remembered(table: Table) -> list[Column]:
    """Sequences that the table has seen and that are in no row: truncates, and the horizon before which nothing comes."""
    memory = recall(table)
    texts = [truncate.sequence for truncate in memory.truncates]
    return [_literal(text, table) for text in (*texts, *filter(None, [memory.horizon]))]


def _literal(text: str, table: Table) -> Column:
    kind = table.schema()[SEQUENCE].dataType
    return sequences.literal(sequences.from_text(text, kind), kind)
