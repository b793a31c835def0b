"""Snapshots: a full extract of a table as the changes since the rows that are known.

The rows that are known are the previous snapshot, so nothing else need be kept: a key that only the extract has, or whose
row differs, is an upsert; a key that only the known rows have is a delete; equal rows are nothing. All of it happens at
`_sequence = version`, and is then merged like any other change log.

| case | what it comes to |
|---|---|
| a value changed, whatever the source's own time stamps say | an upsert: every column is compared, null equals null, NaN equals NaN |
| a key is missing | a delete; nothing under `hard_deletes="ignore"` |
| a key is back, its values as before | a new version, the gap stays |
| a key is there twice | refused, also when the rows are equal: remove duplicates on purpose, before |

There is no third way to treat a missing key, an extra row that says "deleted" (`new_record` elsewhere): the open rows of a
history are the current table, and a row for what is not there would be one of them. The delete itself is kept, see
`lakehouse.cdc.history`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, DataType, DateType, StructType, TimestampNTZType, TimestampType

from lakehouse.cdc import events as ev
from lakehouse.cdc.changes import DELETE, EVENT_TIME_TYPE, UPSERT
from lakehouse.columns import EVENT_TIME, OP, SEQUENCE, Columns, as_tuple, quoted, require
from lakehouse.errors import ConfigError, IncompatibleSchemaError

HardDeletes = Literal["close", "ignore"]

COPIES = "__lh_copies"
"""How often a key is in the snapshot."""

_WAS = "__lh_was"
_IS = "__lh_is"
_MOMENTS = (TimestampType, TimestampNTZType, DateType)

REPEATED = "the snapshot holds a key more than once; remove duplicates first"


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRules:
    """What a snapshot may do.

    Attributes:
        hard_deletes: a key that is missing is deleted (`close`) or stays as it is (`ignore`).
        event_time: the column that says when a row changed at the source; without it, and for deletes, the version does
            where it is a date or a timestamp.
        allow_empty: whether a snapshot without rows is one. It deletes everything, and mostly it is an extract that failed.
        max_delete_ratio: the largest share of the known rows that a snapshot may delete, from 0 to 1; None: any.
    """

    hard_deletes: HardDeletes = "close"
    event_time: str | None = None
    allow_empty: bool = False
    max_delete_ratio: float | None = None

    def __post_init__(self) -> None:
        """Refuse a share that is none, and a third way to treat missing keys."""
        if self.hard_deletes not in ("close", "ignore"):
            msg = f"hard_deletes is {self.hard_deletes!r}; use close (a missing key is deleted) or ignore (it stays)"
            raise ConfigError(msg)
        if self.max_delete_ratio is not None and not 0 <= self.max_delete_ratio <= 1:
            msg = f"max_delete_ratio is a share from 0 to 1, not {self.max_delete_ratio}"
            raise ConfigError(msg)


def diff_snapshot(
    current: DataFrame,
    snapshot: DataFrame,
    *,
    keys: Columns,
    version: object,
    hard_deletes: HardDeletes = "close",
    event_time: str | None = None,
) -> DataFrame:
    """The change log that makes the known rows those of a snapshot. Lazy; no order; equal rows give nothing.

    `lakehouse.tables.snapshots.merge_snapshot` does this to a table, with guards.

    Args:
        current: the known rows: a current table, or the open rows of a history table; one row per key. Reserved columns
            are not looked at, here and in the snapshot.
        snapshot: every row there is at the source, with the same columns of the same types in any order.
        keys: the columns that identify a row.
        version: what orders the snapshots: a number, a date, a text, a zone-aware `datetime`, or a column of a literal
            (for a struct). It has to be above every sequence that the known rows have seen.
        hard_deletes: see `SnapshotRules`.
        event_time: see `SnapshotRules`.

    Returns:
        The payload columns of `current`, `_op`, `_sequence` and `_event_time`. Reading it fails when the snapshot holds a
        key twice. A null key is passed on, for the merge to refuse.

    Raises:
        MissingColumnsError: a key, or a column of the known rows, is not there.
        IncompatibleSchemaError: the snapshot has columns or types that the known rows have not.
        ConfigError: a `datetime` without a zone, or an event time that is no date or timestamp.
    """
    rules = SnapshotRules(hard_deletes=hard_deletes, event_time=event_time)
    compared = compare_snapshot(current, snapshot, keys=keys, rules=rules)
    once = F.when(F.col(COPIES) > 1, F.raise_error(F.lit(REPEATED)).cast(BooleanType())).otherwise(F.lit(True))
    return changes_of(compared.where(once), ev.payload_of(current.schema), position_of(version), keys=keys, rules=rules)


def compare_snapshot(current: DataFrame, snapshot: DataFrame, *, keys: Columns, rules: SnapshotRules) -> DataFrame:
    """One row per key: the keys, both images, how often the snapshot has it, and `_op` (null: nothing is to be done).

    Arguments and errors are those of `diff_snapshot`.
    """
    names = as_tuple(keys)
    payload = ev.payload_of(current.schema)
    require(names, payload.names, where="the known rows")
    _check_columns(payload, ev.payload_of(snapshot.schema))
    others = [name for name in payload.names if name not in names]
    if rules.event_time is not None:
        require([rules.event_time], others, where="the snapshot beside its keys")
        _check_moment(rules.event_time, payload[rules.event_time].dataType)
    key_columns = [F.col(quoted(name)) for name in names]
    image = F.struct(F.lit(1).alias("__lh_there"), *(F.col(quoted(name)) for name in others))
    known = current.select(*key_columns, image.alias(_WAS))
    given = snapshot.groupBy(*key_columns).agg(F.count(F.lit(1)).alias(COPIES), F.first(image).alias(_IS))
    now, before = (ev.comparable(others, payload, within=f"{side}.") for side in (_IS, _WAS))
    missing = F.lit(DELETE if rules.hard_deletes == "close" else None).cast("string")
    operation = (
        F.when(F.col(_WAS).isNull(), UPSERT)
        .when(F.col(_IS).isNull(), missing)
        .when(~now.eqNullSafe(before), UPSERT)
    )  # fmt: skip
    return known.join(given, on=list(names), how="full").withColumn(OP, operation)


def changes_of(
    compared: DataFrame, payload: StructType, version: Column, *, keys: Columns, rules: SnapshotRules
) -> DataFrame:
    """The change log in what `compare_snapshot` found."""
    names = as_tuple(keys)
    values = [
        F.col(quoted(name)) if name in names else F.col(f"{_IS}.{quoted(name)}").alias(name) for name in payload.names
    ]
    moment = version if isinstance(type_of(version, like=compared), _MOMENTS) else F.lit(None)
    own = F.lit(None) if rules.event_time is None else F.col(f"{_IS}.{quoted(rules.event_time)}")
    happened = F.coalesce(own.cast(EVENT_TIME_TYPE), moment.cast(EVENT_TIME_TYPE))
    changed = compared.where(F.col(OP).isNotNull())
    return changed.select(*values, OP, version.alias(SEQUENCE), happened.alias(EVENT_TIME))


def position_of(version: object) -> Column:
    """A version as a sequence: whole numbers are of type bigint, columns stay as they are.

    Raises:
        ConfigError: a `datetime` without a time zone, or no version at all.
    """
    require_version(version)
    if isinstance(version, Column):
        return version
    return F.lit(version).cast("bigint") if isinstance(version, int) else F.lit(version)


def require_version(version: object) -> None:
    """Refuse what orders no snapshots; needs no session, so that a configuration can be checked without one.

    Raises:
        ConfigError: a `datetime` without a time zone, or no version at all.
    """
    if version is None or (isinstance(version, datetime) and version.tzinfo is None):
        msg = "a snapshot needs a version: a number, a date, a text, or a datetime with a time zone"
        raise ConfigError(msg)


def type_of(version: Column, *, like: DataFrame) -> DataType:
    """The type of a column that rests on no frame; `like` is any frame of the session."""
    return like.select(version.alias("version")).schema["version"].dataType


def _check_columns(known: StructType, given: StructType) -> None:
    require(known.names, given.names, where="the snapshot")
    if unknown := [name for name in given.names if name not in known.names]:
        msg = f"the snapshot has columns that the known rows lack: {', '.join(unknown)}. Add them there, or drop them here."
        raise IncompatibleSchemaError(msg)
    differing = [
        f"{field.name} is {given[field.name].dataType.simpleString()}, not {field.dataType.simpleString()}"
        for field in known
        if field.dataType.simpleString() != given[field.name].dataType.simpleString()
    ]
    if differing:
        msg = f"the snapshot does not fit the known rows: {'; '.join(differing)}. Convert its columns first."
        raise IncompatibleSchemaError(msg)


def _check_moment(name: str, data_type: DataType) -> None:
    if not isinstance(data_type, _MOMENTS):
        msg = f"event_time {name} is {data_type.simpleString()}, not a date or a timestamp; convert it first"
        raise ConfigError(msg)
