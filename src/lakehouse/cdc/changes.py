"""The change log: the one normal form that every feed is parsed into and every merge starts from.

A change log is a frame of payload columns (keys included) and the reserved ones

| column | type | meaning |
|---|---|---|
| `_op` | string | `upsert`, `delete` or `truncate` (of the whole table; its key columns are null) |
| `_sequence` | any orderable type | total order of the changes of one key; never arrival time |
| `_provided` | array<string> | names of the columns the event carries; null = all. A column left out is unchanged |
| `_event_time` | timestamp | when it happened at the source; nullable |
| `_origin` | struct<file: string, row: bigint, part: int> | where the event came from; nullable. `part` is its place in a record of several, else null |

`_op` and `_sequence` are needed; the others may be absent and then count as null.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, IntegerType, LongType, StringType, StructField, StructType, TimestampType

from lakehouse.columns import DETAIL, KIND, ORIGIN, RAW, REASON, Columns, as_tuple
from lakehouse.errors import ConfigError

UPSERT = "upsert"
DELETE = "delete"
TRUNCATE = "truncate"

# Why a row is set aside, beside BAD_VALUE.
MALFORMED = "malformed"
UNKNOWN_OPERATION = "unknown_operation"
MISSING_KEY = "missing_key"
MISSING_SEQUENCE = "missing_sequence"
MISSING_VALUE = "missing_value"
TOO_LATE = "too_late"

_CHOICES = {"on_tie": ("resolve", "upsert_wins", "fail"), "on_truncate": ("fail", "apply"), "deletes": ("hard", "soft")}

PROVIDED_TYPE = ArrayType(StringType())
EVENT_TIME_TYPE = TimestampType()
ORIGIN_TYPE = StructType(
    [StructField("file", StringType()), StructField("row", LongType()), StructField("part", IntegerType())]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedChanges:
    """What a feed parser made of its input. Every input row is in exactly one of `changes`, `rejected` and `skipped`.

    Attributes:
        rows: what the three are taken from: `kind` (not null: skipped), `reason` (not null: rejected), `detail`, `raw` (of
            rejected rows), `event` (the change) and `moved` (the delete that a key change adds to its row).
    """

    rows: DataFrame

    @property
    def changes(self) -> DataFrame:
        """The change log. An input row may yield two changes (a key change is a delete and an upsert)."""
        return self.rows.where(F.col("kind").isNull() & F.col("reason").isNull()).select("event.*")

    @property
    def rejected(self) -> DataFrame:
        """Rows that could not be understood: `_reason`, `_detail`, `_raw`, `_origin`.

        `_reason` is `malformed`, `unknown_operation`, `missing_key`, `missing_sequence`, `missing_value` or `bad_value`; `_raw` is the text
        as it arrived.
        """
        return self.rows.where(F.col("kind").isNull() & F.col("reason").isNotNull()).select(
            F.col("reason").alias(REASON),
            F.col("detail").alias(DETAIL),
            F.col("raw").alias(RAW),
            F.col("event")[ORIGIN].alias(ORIGIN),
        )

    @property
    def skipped(self) -> DataFrame:
        """Frames that carry no row on purpose (control records, heartbeats, tombstones): `_kind`, `_origin`."""
        return self.rows.where(F.col("kind").isNotNull()).select(
            F.col("kind").alias(KIND), F.col("event")[ORIGIN].alias(ORIGIN)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSpec:
    """How a change log becomes a table.

    Attributes:
        keys: the columns that identify a row; never null.
        track: columns whose change opens a new version (history only); None = every column but the keys.
        ignore_nulls: a null in an event means "unchanged" (all columns, or the named ones).
        on_tie: two different events at one (key, sequence): `resolve` keeps one by a fixed rule (a delete first, then
            the larger content hash) and counts it; `upsert_wins` does the same but lets an upsert beat a delete (of a current
            table, events then have to carry every column); `fail` raises before anything is written.
        on_truncate: `fail` raises before anything is written; `apply` deletes, at the truncate's place in the order, every key
            that has an event before it. An event at that very place stands.
        deletes: of a current table: `hard` removes the row and remembers the delete beside the table; `soft` keeps the row
            with the values it had and flags it (`_is_deleted`).
        evolve: add columns that the table lacks and widen types that are too narrow, rather than refuse the changes. Events
            before the column came count as null in it.
        text_sequence: let `_sequence` be text. Text orders letter by letter ("10" before "9"): right for fixed-width text only.
        processed_on: the day that rows get as `_processed_date` when they are written; a table without the column gets it. It is
            no part of what a row is: nothing is written for its sake. None: rows that are written have none.
        partition_by: of a current table that is made: the columns that it is partitioned by.
        cluster_by: of a current table that is made: the columns that rows are kept together by; Delta has one of the two.
    """

    keys: Columns
    track: Columns | None = None
    ignore_nulls: bool | Columns = False
    on_tie: Literal["resolve", "upsert_wins", "fail"] = "resolve"
    on_truncate: Literal["fail", "apply"] = "fail"
    deletes: Literal["hard", "soft"] = "hard"
    evolve: bool = False
    text_sequence: bool = False
    processed_on: date | None = None
    partition_by: Columns = ()
    cluster_by: Columns = ()

    def __post_init__(self) -> None:
        """Normalise the column lists to tuples and refuse an empty key."""
        for name in ("keys", "partition_by", "cluster_by"):
            object.__setattr__(self, name, as_tuple(getattr(self, name)))
        if self.track is not None:
            object.__setattr__(self, "track", as_tuple(self.track))
        if not isinstance(self.ignore_nulls, bool):
            object.__setattr__(self, "ignore_nulls", as_tuple(self.ignore_nulls))
        if not self.keys:
            msg = "a change spec needs at least one key column"
            raise ConfigError(msg)
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                msg = f"{name} is {getattr(self, name)!r}; it is one of {', '.join(map(repr, allowed))}"
                raise ConfigError(msg)
