"""Forgetting on purpose: what keeps a table right under events of any age is dropped up to a horizon.

The horizon is recorded first. From then on events before it are not applied but set aside as too late, so that nothing
that was forgotten can make a result wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import sequences
from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.compaction import forgettable
from lakehouse.columns import SEQUENCE, as_tuple, quoted
from lakehouse.errors import ConfigError
from lakehouse.tables.batches import equal, settled
from lakehouse.tables.current_merge import TOMBSTONES
from lakehouse.tables.memory import note_horizon, recall
from lakehouse.tables.protocol import Merge, Table
from lakehouse.tables.tallies import MergeResult
from lakehouse.tables.targets import KIND_PROPERTY, recorded_spec


def compact_history(table: Table, *, older_than: Any) -> MergeResult:
    """Remove the rows of a history table that no query shows and no event from the horizon on can need.

    Versions stay, every one; tombstones before the horizon and absorbed events of runs that ended before it go. From now
    on `merge_history` sets events before the horizon aside.

    Args:
        table: a history table of this library.
        older_than: the horizon, a value of the sequence's type (for a struct: a tuple in field order). A horizon that lies
            before an earlier one changes nothing.

    Returns:
        How many rows were `deleted`, and the `commit`.

    Raises:
        ConfigError: the table is no history table of this library.
    """
    spec = _spec_of(table, "history")
    horizon = _raise_horizon(table, older_than)
    return _remove(table, forgettable(table.read(), spec, horizon), [*as_tuple(spec.keys), SEQUENCE])


def vacuum_tombstones(table: Table, *, older_than: Any) -> MergeResult:
    """Forget the deletes of a current table before the horizon.

    A late event could bring a forgotten key back to life; so from now on `merge_current` sets events before the horizon
    aside, and nothing comes back.

    Args:
        table: a current table of this library, with hard deletes.
        older_than: the horizon, as for `compact_history`.

    Returns:
        How many tombstones were `deleted`, and the `commit` to the companion table.

    Raises:
        ConfigError: the table is no current table of this library, or keeps its deleted rows.
    """
    spec = _spec_of(table, "current")
    if spec.deletes == "soft":
        msg = f"table {table.ref.identifier} keeps its deleted rows; it has no tombstones to forget"
        raise ConfigError(msg)
    horizon = _raise_horizon(table, older_than)
    companion = table.sibling(TOMBSTONES)
    if not companion.exists():
        return MergeResult()
    return _remove(companion, companion.read().where(F.col(SEQUENCE) < horizon), as_tuple(spec.keys))


def too_late(table: Table, changes: DataFrame) -> DataFrame | None:
    """The rows of a change log that lie before the table's horizon, which a merge sets aside; None: it has no horizon."""
    horizon = recall(table).horizon_literal if table.exists() else None
    return None if horizon is None else changes.where(F.col(SEQUENCE) < horizon)


def _spec_of(table: Table, kind: str) -> ChangeSpec:
    spec = recorded_spec(table)
    if spec is None or table.properties().get(KIND_PROPERTY) != kind:
        msg = f"table {table.ref.identifier} is no {kind} table of this library"
        raise ConfigError(msg)
    return spec


def _raise_horizon(table: Table, older_than: Any) -> Any:
    memory = note_horizon(table, older_than)
    return sequences.literal(older_than, memory.type)


def _remove(table: Table, rows: DataFrame, identity: Sequence[str]) -> MergeResult:
    doomed = settled(rows.select(*map(quoted, identity)))
    found = doomed.agg(F.count(F.lit(1))).head()
    if found is None or not found[0]:
        return MergeResult()
    merge = Merge(on=" AND ".join(equal(identity)), delete_when="true", settled=True)
    return MergeResult(deleted=found[0], commit=table.merge(doomed, merge))
