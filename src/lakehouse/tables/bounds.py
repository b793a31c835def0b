"""How far a current table has come, as its commits say: a batch of newer events needs no look at the rows that are there.

Of such a batch no event is late, known already or tied with one of the table, and no tombstone is newer. So what its keys have
in the table does not matter, and one MERGE of the batch alone does what a fold with the stored rows would do.

Each merge notes in its own commit what no event in the table is newer than, tombstones included. Commits that add no rows leave
that true. After one that may have, of another writer, nothing is known: the next merge reads the stored rows and notes nothing,
and the one after it looks through the table once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    DataType,
    DateType,
    DecimalType,
    IntegralType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from lakehouse.cdc import sequences
from lakehouse.columns import SEQUENCE
from lakehouse.tables.interleaving import ROWS_STAY
from lakehouse.tables.protocol import Snapshot, Table

_ADD_NOTHING = ROWS_STAY | {"DELETE", "RESTORE", "delete"}
"""Operations after which no row is newer than before; a restore descends from what it restored."""
_NO_PARENT = (None, -1)
"""What the first version of a table is made upon: none (Iceberg), or the one before zero (Delta)."""
_LOOKS = (1, 32)
"""How many commits are looked at, first and then."""
_LONGEST = 500
"""Characters that a commit is given to carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """No event of a table has a place after `place`, see `as_place`; None: it has no events at all."""

    place: Any = None

    def is_before(self, place: Any) -> bool:
        """Whether a place lies after every event of the table."""
        return self.place is None or _ranked(self.place) < _ranked(place)

    def and_up_to(self, place: Any) -> Bound:
        """The bound once events up to a place have come as well."""
        return Bound(place=place) if self.is_before(place) else self


def place_type(data_type: DataType) -> DataType | None:
    """The type of the places of a sequence; None: of this type they are not noted.

    Numbers and texts are their own places, instants microseconds and dates days since 1970. Left out are types whose order
    Python does not have as Spark has it.
    """
    if isinstance(data_type, StructType):
        inner = [place_type(field.dataType) for field in data_type.fields]
        named = [StructField(field.name, one) for field, one in zip(data_type.fields, inner, strict=True) if one]
        return StructType(named) if len(named) == len(inner) else None
    if isinstance(data_type, IntegralType | DecimalType) or data_type == StringType():
        return data_type
    return LongType() if isinstance(data_type, TimestampType | DateType) else None


def as_place(sequence: Column, data_type: DataType) -> Column:
    """Where a sequence of a type that has places lies, in the order of sequences; null where it is null."""
    if isinstance(data_type, StructType):
        fields = [as_place(sequence[field.name], field.dataType).alias(field.name) for field in data_type.fields]
        return F.when(sequence.isNotNull(), F.struct(*fields))
    if isinstance(data_type, TimestampType):
        return F.unix_micros(sequence)
    return F.unix_date(sequence) if isinstance(data_type, DateType) else sequence


def to_note(bound: Bound | None, data_type: DataType) -> str | None:
    """The text that a commit carries; None: nothing is known, or it is too long."""
    kept = place_type(data_type)
    if bound is None or bound.place is None or kept is None:
        return None
    text = sequences.to_text(bound.place, kept)
    return text if len(text) <= _LONGEST else None


def bound_of(tables: Iterable[Table], data_type: DataType) -> Bound | None:
    """What the commits of some tables say of all of them together; None: of one nothing is known.

    Args:
        tables: those that hold the events.
        data_type: of the sequence.
    """
    kept = place_type(data_type)
    if kept is None:
        return None
    together = Bound()
    for table in tables:
        bound = _bound_of(table, data_type, kept)
        if bound is None:
            return None
        together = together if bound.place is None else together.and_up_to(bound.place)
    return together


def _bound_of(table: Table, data_type: DataType, kept: DataType) -> Bound | None:
    snapshots: list[Snapshot] = []
    for limit in _LOOKS:
        snapshots = table.snapshots(limit=limit)
        for one in snapshots:
            if one.newest is not None:
                return Bound(place=sequences.from_text(one.newest, kept))
            if one.operation not in _ADD_NOTHING:
                return _looked_up(table, data_type) if one.token else None
    nothing_before = not snapshots or snapshots[-1].parent in _NO_PARENT
    return Bound() if nothing_before else None


def _looked_up(table: Table, data_type: DataType) -> Bound:
    """The bound by the rows themselves: a job that reads one column."""
    found = table.read().agg(F.max(as_place(F.col(SEQUENCE), data_type))).head()
    return Bound(place=found[0] if found else None)


def _ranked(place: Any) -> Any:
    """A place as Python compares it like Spark: nulls first, also within a struct."""
    if isinstance(place, tuple):
        return (1, *(_ranked(part) for part in place))
    return (0,) if place is None else (1, place)
