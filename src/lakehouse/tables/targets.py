"""The tables a merge writes: how they are made, and whether one that is there fits.

What a table was made with (keys, tracked columns, type of the sequence) is part of its state and stands in its properties;
a merge that comes with something else is refused before anything is written.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, StructField, StructType

from lakehouse.cdc import current as scd1
from lakehouse.cdc import history as scd2
from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.events import check_names, check_spec, payload_of
from lakehouse.cdc.soft_deletes import soft_schema
from lakehouse.columns import IS_LATEST, PROCESSED_DATE, SEQUENCE, as_tuple, quoted
from lakehouse.errors import IncompatibleSchemaError
from lakehouse.failpoints import reach
from lakehouse.schemas.widening import fits, is_wider
from lakehouse.tables.guarding import create_once
from lakehouse.tables.protocol import Table

Kind = Literal["current", "history", "tombstones"]

KIND_PROPERTY = "lakehouse.kind"
KEYS_PROPERTY = "lakehouse.keys"
TRACK_PROPERTY = "lakehouse.track"
DELETES_PROPERTY = "lakehouse.deletes"
SEQUENCE_PROPERTY = "lakehouse.sequence"
TIES_PROPERTY = "lakehouse.ties"

# What tables that were made before a property was recorded are taken to have.
_UNRECORDED = {TIES_PROPERTY: "delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a merge needs of a table: its kind, its columns, and the spec that rules it.

    `sequence_known` is false where a table is checked before there are changes that show the type of the sequence.
    """

    kind: Kind
    changes: StructType
    spec: ChangeSpec
    sequence_known: bool = True

    @property
    def payload(self) -> StructType:
        """The data columns of the change log."""
        return payload_of(self.changes)

    @property
    def compared(self) -> list[StructField]:
        """The data columns that the table shares with the change log."""
        return self.payload.fields if self.kind != "tombstones" else [self.payload[key] for key in self.spec.keys]

    @property
    def schema(self) -> StructType:
        """The columns of a new table."""
        dated = self.spec.processed_on is not None and self.kind != "tombstones"
        return StructType([*self._own.fields, *([StructField(PROCESSED_DATE, DateType())] if dated else [])])

    @property
    def _own(self) -> StructType:
        """The columns that the fold makes."""
        sequence = self.changes[SEQUENCE].dataType
        if self.kind == "history":
            return scd2.history_schema(self.payload, sequence)
        if self.kind == "current" and self.spec.deletes == "soft":
            return soft_schema(self.payload, sequence)
        if self.kind == "current":
            return scd1.current_schema(self.payload, sequence)
        return scd1.tombstone_schema(self.payload, sequence, self.spec)

    @property
    def properties(self) -> dict[str, str]:
        """What the table records of the spec it was made with."""
        recorded = {
            KIND_PROPERTY: self.kind,
            KEYS_PROPERTY: json.dumps(self.spec.keys),
            TIES_PROPERTY: "upsert" if self.spec.on_tie == "upsert_wins" else "delete",
        }
        if self.sequence_known:
            recorded[SEQUENCE_PROPERTY] = self.changes[SEQUENCE].dataType.simpleString()
        if self.kind == "current":
            recorded[DELETES_PROPERTY] = self.spec.deletes
        if self.kind == "history":
            recorded[TRACK_PROPERTY] = "*" if self.spec.track is None else json.dumps(sorted(self.spec.track))
        return recorded


def recorded_spec(table: Table) -> ChangeSpec | None:
    """The keys, tracked columns and rules that a table of this library was made with; None for any other table."""
    recorded = table.properties()
    if KEYS_PROPERTY not in recorded:
        return None
    track = recorded.get(TRACK_PROPERTY, "*")
    return ChangeSpec(
        keys=json.loads(recorded[KEYS_PROPERTY]),
        track=None if track == "*" else json.loads(track),
        deletes="soft" if recorded.get(DELETES_PROPERTY) == "soft" else "hard",
        on_tie="upsert_wins" if recorded.get(TIES_PROPERTY) == "upsert" else "resolve",
    )


def ensure(table: Table, target: Target) -> bool:
    """Create the table when it is missing, otherwise check that it fits; whether it was made.

    Raises:
        IncompatibleSchemaError: the table is of another kind, or has other keys, columns or types.
        InvalidChangesError: the change log uses reserved names.
    """
    check_names(target.changes)
    check_spec(target.spec, target.payload)
    # Latest rows apart from settled ones: a batch without late events never opens a settled file.
    partitions: Sequence[str] = [IS_LATEST] if target.kind == "history" else ()
    clusters: Sequence[str] = ()
    if target.kind == "current":
        partitions, clusters = as_tuple(target.spec.partition_by), as_tuple(target.spec.cluster_by)
    if create_once(table, target.schema, partition_by=partitions, cluster_by=clusters, properties=target.properties):
        reach("targets.created")
        return True
    if PROCESSED_DATE in target.schema.names and PROCESSED_DATE not in table.schema().names:
        table.evolve(add=StructType([target.schema[PROCESSED_DATE]]))
    if target.spec.evolve:
        _evolve(table, target)
    check(table, target)
    return False


def _evolve(table: Table, target: Target) -> None:
    """Add what the table lacks and widen what is too narrow; a type that is neither wider nor the same is left to `check`."""
    there = table.schema()
    has = {field.name: field.dataType for field in there.fields}
    add = [field for field in target.compared if field.name not in has]
    widen = {f.name: f.dataType for f in target.compared if f.name in has and is_wider(f.dataType, has[f.name])}
    if add or widen:
        table.evolve(add=StructType(add), widen=widen)
        reach("targets.evolved")


def check(table: Table, target: Target) -> None:
    """Refuse a table that the merge could not keep right. Costs no Spark job.

    Raises:
        IncompatibleSchemaError: names the table, what differs and the remedy.
    """
    where = f"table {table.ref.identifier}"
    there = table.schema()
    reserved = [f.name for f in target.schema.fields if f.name not in target.payload.names]
    if absent := [name for name in reserved if name not in there.names]:
        msg = f"{where} is no {target.kind} table of this library: it lacks {', '.join(absent)}. Write to another name."
        raise IncompatibleSchemaError(msg)
    recorded = _UNRECORDED | table.properties()
    for name, wanted in target.properties.items():
        if name in recorded and recorded[name] != wanted:
            msg = (
                f"{where} was made with {name} = {recorded[name]}, now it is {wanted}. This cannot be changed in place: "
                "keep the old setting, or build a new table from the change log."
            )
            raise IncompatibleSchemaError(msg)
    _check_columns(where, there, target)


def _check_columns(where: str, there: StructType, target: Target) -> None:
    compared = [field for field in target.compared if not (target.spec.evolve and _can_evolve(there, field))]
    if unknown := [field for field in compared if field.name not in there.names]:
        listed = ", ".join(f"{field.name} {field.dataType.simpleString()}" for field in unknown)
        msg = (
            f"{where} lacks columns of the changes: {listed}. Add them first (table.evolve(add=...)), or let the merge "
            "do it: ChangeSpec(evolve=True)."
        )
        raise IncompatibleSchemaError(msg)
    for field in compared:
        has = there[field.name].dataType
        if not fits(has, field.dataType):
            msg = (
                f"{where} has {field.name} {has.simpleString()}, the changes bring {field.dataType.simpleString()}. "
                "Widen the column first (table.evolve(widen=...), or ChangeSpec(evolve=True)), or convert the changes."
            )
            raise IncompatibleSchemaError(msg)


def _can_evolve(there: StructType, field: StructField) -> bool:
    return field.name not in there.names or is_wider(field.dataType, there[field.name].dataType)


def fitted(changes: DataFrame, table: Table) -> DataFrame:
    """The change log with the payload columns and types of the table; columns it does not know are null."""
    wanted = payload_of(table.schema())
    columns = []
    for field in wanted.fields:
        known = F.col(quoted(field.name)) if field.name in changes.columns else F.lit(None)
        columns.append(known.cast(field.dataType).alias(field.name))
    reserved = [F.col(name) for name in changes.columns if name not in payload_of(changes.schema).names]
    return changes.select(*columns, *reserved)
