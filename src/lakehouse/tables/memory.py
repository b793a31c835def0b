"""What a merged table remembers in its properties beside its rows: its horizon, and the truncates it was given.

Both only ever grow, and both are written before the rows they speak of: a crash in between leaves a table that is told
the same again and then is right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql.types import DataType, StructField, StructType

from lakehouse.cdc import sequences
from lakehouse.cdc.changes import EVENT_TIME_TYPE
from lakehouse.columns import EVENT_TIME, SEQUENCE
from lakehouse.failpoints import reach
from lakehouse.tables.protocol import Table

HORIZON_PROPERTY = "lakehouse.horizon"
TRUNCATES_PROPERTY = "lakehouse.truncates"


@dataclass(frozen=True, slots=True, order=True)
class Truncate:
    """One truncate of the whole table: its place in the sequence as text, and when it happened (ISO 8601)."""

    sequence: str
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a table remembers.

    Attributes:
        type: the type of its sequence.
        horizon: the sequence before which events are refused, as text; None: nothing was ever forgotten.
        truncates: in order of their text.
    """

    type: DataType
    horizon: str | None = None
    truncates: tuple[Truncate, ...] = ()

    @property
    def horizon_literal(self) -> Column | None:
        """The horizon as a literal."""
        if self.horizon is None:
            return None
        return sequences.literal(sequences.from_text(self.horizon, self.type), self.type)


def recall(table: Table) -> Memory:
    """What the table remembers. Costs no Spark job."""
    properties = table.properties()
    noted = json.loads(properties.get(TRUNCATES_PROPERTY, "[]"))
    return Memory(
        type=table.schema()[SEQUENCE].dataType,
        horizon=properties.get(HORIZON_PROPERTY),
        truncates=tuple(Truncate(*entry) for entry in noted),
    )


def note_truncates(table: Table, memory: Memory, new: Iterable[Truncate]) -> Memory:
    """Remember truncates; one metadata commit when there is a new one."""
    known = {truncate.sequence: truncate for truncate in (*new, *memory.truncates)}
    truncates = tuple(sorted(known.values(), key=lambda truncate: truncate.sequence))
    if truncates != memory.truncates:
        text = json.dumps([[truncate.sequence, truncate.at] for truncate in truncates])
        reach("memory.before_note")
        table.set_properties({TRUNCATES_PROPERTY: text})
        reach("memory.after_note")
    return Memory(type=memory.type, horizon=memory.horizon, truncates=truncates)


def note_horizon(table: Table, horizon: Any) -> Memory:
    """Move the horizon of a table forwards; it never moves back."""
    memory = recall(table)
    text = sequences.to_text(horizon, memory.type)
    if memory.horizon is not None and sequences.from_text(memory.horizon, memory.type) >= horizon:
        return memory
    table.set_properties({HORIZON_PROPERTY: text})
    return Memory(type=memory.type, horizon=text, truncates=memory.truncates)


def as_truncates(rows: Iterable[tuple[Any, datetime | None]], data_type: DataType) -> tuple[Truncate, ...]:
    """Sequences and event times, as Spark hands them out, as truncates."""
    return tuple(
        Truncate(sequences.to_text(sequence, data_type), at.astimezone(UTC).isoformat() if at else None)
        for sequence, at in rows
    )


def truncates_frame(table: Table, memory: Memory, truncates: Iterable[Truncate]) -> DataFrame | None:
    """Truncates as a frame of `_sequence` and `_event_time`; None: there are none."""
    rows = [
        (sequences.from_text(one.sequence, memory.type), datetime.fromisoformat(one.at) if one.at else None)
        for one in truncates
    ]
    schema = StructType([StructField(SEQUENCE, memory.type), StructField(EVENT_TIME, EVENT_TIME_TYPE)])
    return table.spark.createDataFrame(rows, schema) if rows else None
