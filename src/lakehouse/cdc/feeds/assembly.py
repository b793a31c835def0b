"""From one feed's reading of its rows to `ParsedChanges`: what all feeds have in common.

A feed says, as columns of its own staged frame, what each row means (`Reading`). This module decodes the payload,
decides for every row whether it is a change, rejected or skipped, and lays out the change log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from lakehouse.cdc.changes import (
    DELETE,
    EVENT_TIME_TYPE,
    MALFORMED,
    MISSING_KEY,
    MISSING_SEQUENCE,
    MISSING_VALUE,
    ORIGIN_TYPE,
    PROVIDED_TYPE,
    TRUNCATE,
    UNKNOWN_OPERATION,
    UPSERT,
    ParsedChanges,
)
from lakehouse.columns import (
    BAD_VALUE,
    EVENT_TIME,
    FILE,
    OP,
    ORIGIN,
    PART,
    PROVIDED,
    RESERVED,
    ROW,
    SEQUENCE,
    TABLE,
    Columns,
    alike,
    as_tuple,
    require,
)
from lakehouse.errors import ConfigError
from lakehouse.transforms.decoding import BinaryText, decode, is_lost, require_decodable, require_timezone

OTHER_TABLE = "other_table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What the caller asks for: payload columns, keys among them, and the one table that is wanted.

    Attributes:
        schema: the payload columns, keys included, with their types.
        keys: the columns that identify a row.
        table: `schema.table`; None takes every row to be of one table.
        required: the columns that an upsert may not leave null, beside the keys, which nothing may.
    """

    schema: StructType
    keys: Columns
    table: str | None = None
    required: Columns = ()

    def __post_init__(self) -> None:
        """Normalise the keys and refuse a contract that no change log can follow."""
        object.__setattr__(self, "keys", as_tuple(self.keys))
        object.__setattr__(self, "required", as_tuple(self.required))
        if not self.keys:
            msg = "a feed needs at least one key column"
            raise ConfigError(msg)
        require((*self.key_names, *self.required), self.names, where="the schema of the feed")
        reserved = [name for name in self.names if name in RESERVED]
        if reserved:
            msg = f"the schema uses reserved column names: {', '.join(reserved)}; rename them at the source"
            raise ConfigError(msg)
        if twice := alike(self.names):
            msg = (
                f"columns of the schema have names that differ in letter case alone: {', '.join(twice)}; leave one out"
            )
            raise ConfigError(msg)
        require_decodable(self.schema)

    @property
    def names(self) -> tuple[str, ...]:
        """The payload columns in order."""
        return tuple(self.schema.names)

    @property
    def key_names(self) -> tuple[str, ...]:
        """The key columns in order."""
        return as_tuple(self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneOptions:
    """The options of a feed that leaves one thing to say.

    Attributes:
        timezone: zone of timestamps that name none.
    """

    timezone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse a zone that does not exist."""
        require_timezone(self.timezone)


@dataclass(frozen=True, slots=True)
class Cell:
    """One payload value as the feed has it: text to decode, or (`typed`) already of the contract's type."""

    column: Column
    typed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the rows of a staged frame mean, as columns of that frame.

    Attributes:
        raw: the text as it arrived, for quarantine.
        kind: why the row is skipped; null = it is not.
        malformed: what is wrong with its form; null = nothing.
        operation: `upsert`, `delete` or `truncate`; null = unknown.
        unknown: what is said of an unknown operation (a literal).
        sequence: null = missing.
        row: the payload by column name; for a delete only the keys are looked at.
        old_key: the key before an update, by key name; null = as in `row`. Empty = the feed has none.
        faults: messages about values outside the payload; each null when there is no fault.
        provided: names of the columns the event carries; null = all.
    """

    raw: Column
    kind: Column
    malformed: Column
    operation: Column
    unknown: str
    sequence: Column
    event_time: Column
    row: Mapping[str, Cell]
    old_key: Mapping[str, Cell] = field(default_factory=dict)
    faults: Sequence[Column] = ()
    provided: Column | None = None


def require_bronze(df: DataFrame, contract: Contract, *columns: str) -> None:
    """Fail when the frame is not made of bronze rows.

    Raises:
        MissingColumnsError: names the columns it lacks.
    """
    routed = () if contract.table is None else (TABLE,)
    require((*columns, FILE, ROW, *routed), df.columns, where="bronze rows")


def staged(df: DataFrame, **columns: Column) -> DataFrame:
    """Start a staged frame: where the row came from and its table, plus the feed's own columns, free of payload names."""
    there = (F.col(name) if name in df.columns else F.lit(None) for name in (TABLE, FILE, ROW, PART))
    table, file, row, part = there
    origin = F.struct(file.alias("file"), row.alias("row"), part.alias("part")).cast(ORIGIN_TYPE)
    return df.select(
        origin.alias("origin"),
        table.cast("string").alias("table"),
        *(column.alias(name) for name, column in columns.items()),
    )


def provided_names(there: Mapping[str, Column]) -> Column:
    """The names of the columns whose value is there; null when all are, which is how a change log says "all"."""
    names = F.array_compact(F.array(*(F.when(present, F.lit(name)) for name, present in there.items())))
    return F.when(F.size(names) < len(there), names)


def assemble(
    frame: DataFrame, reading: Reading, contract: Contract, *, timezone: str, binary: BinaryText
) -> ParsedChanges:
    """Decode, classify and lay out. `frame` comes from `staged`; every row of it ends in exactly one of the three."""
    texts = _texts(frame, reading, contract)
    decoded = _decoded(texts, reading, contract, timezone=timezone, binary=binary)
    classified = (
        _judged(decoded, reading, contract)
        .withColumn("reason", _reason())
        .withColumn("detail", _detail(reading.unknown))
    )
    # The explosion is also a wall: without it the optimizer pushes each of the filters below down to the text, and
    # with them a copy of every expression they rest on.
    rows = classified.select(F.explode(_events(contract, moves=bool(reading.old_key))).alias("row")).select("row.*")
    return ParsedChanges(rows=rows)


def _texts(frame: DataFrame, reading: Reading, contract: Contract) -> DataFrame:
    """One column per payload value, under names no payload can have, so that SQL text can speak of them."""
    kind, malformed = reading.kind, reading.malformed
    if contract.table is not None:
        other = F.col("table") != F.lit(contract.table)
        kind = F.when(other, F.lit(OTHER_TABLE)).otherwise(kind)
        unrouted = F.when(F.col("table").isNull(), F.lit("the record names no table"))
        malformed = F.coalesce(malformed, unrouted)
    provided = F.lit(None) if reading.provided is None else reading.provided
    return frame.select(
        "origin",
        kind.alias("kind"),
        malformed.alias("malformed"),
        reading.operation.alias("operation"),
        reading.sequence.alias("sequence"),
        reading.event_time.cast(EVENT_TIME_TYPE).alias("event_time"),
        provided.cast(PROVIDED_TYPE).alias("provided"),
        F.concat_ws("; ", F.lit(None).cast("string"), *reading.faults).alias("faults"),
        *(reading.row[name].column.alias(f"c{i}") for i, name in enumerate(contract.names)),
        *(reading.old_key[name].column.alias(f"k{i}") for i, name in enumerate(contract.key_names) if reading.old_key),
        # Last: what stands after a struct of many columns and renames them one by one makes the optimizer derive
        # constraints for every combination of old and new names, 2^n of them.
        reading.raw.alias("raw"),
    )


def _decoded(texts: DataFrame, reading: Reading, contract: Contract, *, timezone: str, binary: BinaryText) -> DataFrame:
    """Beside each text (c, k) its value (v, o): a step of its own, so that no value is computed twice."""

    def value(cells: Mapping[str, Cell], column: str, name: str) -> Column:
        if cells[name].typed:
            return F.col(column)
        return decode(column, contract.schema[name].dataType, timezone=timezone, binary=binary).value

    row = {name: value(reading.row, f"c{i}", name) for i, name in enumerate(contract.names)}
    old = {name: value(reading.old_key, f"k{i}", name) for i, name in enumerate(contract.key_names) if reading.old_key}
    return texts.select(
        "*",
        *(column.alias(f"v{i}") for i, column in enumerate(row.values())),
        *(column.alias(f"o{i}") for i, column in enumerate(old.values())),
    )


def _judged(decoded: DataFrame, reading: Reading, contract: Contract) -> DataFrame:
    """The values, the keys before the change (k), and what is missing or bad about them."""

    def failed(cells: Mapping[str, Cell], text: str, value: str, name: str) -> Column:
        lost = is_lost(F.col(text), F.col(value), contract.schema[name].dataType)
        return F.lit(False) if cells[name].typed else lost

    upsert, delete = F.col("operation") == UPSERT, F.col("operation") == DELETE
    places = {name: i for i, name in enumerate(contract.names)}
    keys = [*enumerate(contract.key_names)]
    row = {name: failed(reading.row, f"c{i}", f"v{i}", name) for name, i in places.items()}
    old = {name: failed(reading.old_key, f"k{i}", f"o{i}", name) for i, name in keys if reading.old_key}
    bad = [
        F.when(lost & (upsert | delete if name in contract.key_names else upsert), _message(contract, name))
        for name, lost in row.items()
    ]
    bad += [F.when(lost & upsert, _message(contract, name, f"{name} before the change")) for name, lost in old.items()]
    missing = [
        F.when((upsert | delete) & F.col(f"v{places[name]}").isNull() & ~row[name], F.lit(name)) for _, name in keys
    ]
    carried = F.col("provided").isNull()
    absent = [
        F.when(
            upsert & (carried | F.array_contains("provided", name)) & F.col(f"v{places[name]}").isNull() & ~row[name],
            F.lit(name),
        )
        for name in contract.required
        if name not in contract.key_names
    ]
    return decoded.select(
        *("origin", "raw", "kind", "malformed", "operation", "sequence", "event_time", "provided"),
        *(f"v{i}" for i in places.values()),
        *(F.coalesce(f"o{i}", f"v{places[name]}").alias(f"k{i}") for i, name in keys if old),
        F.concat_ws(", ", *missing).alias("missing"),
        F.concat_ws(", ", F.lit(None).cast("string"), *absent).alias("absent"),
        F.concat_ws("; ", F.when(F.col("faults") != "", F.col("faults")), *bad).alias("bad"),
    )


def _message(contract: Contract, name: str, label: str | None = None) -> Column:
    return F.lit(f"{label or name} is no {contract.schema[name].dataType.simpleString()}")


def _reason() -> Column:
    return (
        F.when(F.col("malformed").isNotNull(), MALFORMED)
        .when(F.col("operation").isNull(), UNKNOWN_OPERATION)
        .when(F.col("missing") != "", MISSING_KEY)
        .when(F.col("bad") != "", BAD_VALUE)
        .when(F.col("absent") != "", MISSING_VALUE)
        .when(F.col("sequence").isNull(), MISSING_SEQUENCE)
    )


def _detail(unknown: str) -> Column:
    reason = F.col("reason")
    return (
        F.when(reason == MALFORMED, F.col("malformed"))
        .when(reason == UNKNOWN_OPERATION, F.lit(unknown))
        .when(reason == MISSING_KEY, F.concat(F.lit("no value for key "), F.col("missing")))
        .when(reason == BAD_VALUE, F.col("bad"))
        .when(reason == MISSING_VALUE, F.concat(F.lit("no value for required column "), F.col("absent")))
        .otherwise(F.lit("no sequence"))
    )


def _events(contract: Contract, *, moves: bool) -> Column:
    """What becomes of a row: one element, and for a change of key before it the delete of the old key."""
    operation, keys = F.col("operation"), contract.key_names
    values = {
        name: F.when(operation != TRUNCATE if name in keys else operation == UPSERT, F.col(f"v{i}"))
        for i, name in enumerate(contract.names)
    }
    main = _event(contract, values, operation, F.col("provided"), moved=False)
    if not moves:
        return F.array(main)
    old = {name: F.col(f"k{i}") for i, name in enumerate(keys)}
    new = {name: F.col(f"v{i}") for i, name in enumerate(contract.names)}
    moved = reduce(or_, (~old[name].eqNullSafe(new[name]) for name in keys))
    good = F.col("kind").isNull() & F.col("reason").isNull()
    gone = _event(contract, old, F.lit(DELETE), F.lit(None), moved=True)
    return F.when(good & (operation == UPSERT) & moved, F.array(gone, main)).otherwise(F.array(main))


def _event(
    contract: Contract, values: Mapping[str, Column], operation: Column, provided: Column, *, moved: bool
) -> Column:
    payload = [
        values.get(field.name, F.lit(None)).cast(field.dataType).alias(field.name) for field in contract.schema.fields
    ]
    event = F.struct(
        *payload,
        operation.alias(OP),
        F.col("sequence").alias(SEQUENCE),
        provided.cast(PROVIDED_TYPE).alias(PROVIDED),
        F.col("event_time").alias(EVENT_TIME),
        F.col("origin").alias(ORIGIN),
    )
    raw = F.when(F.col("kind").isNull() & F.col("reason").isNotNull(), F.col("raw"))
    return F.struct("kind", "reason", "detail", raw.alias("raw"), event.alias("event"), F.lit(moved).alias("moved"))
