"""Change tables: rows that carry an operation, an order and the values in columns of their own.

The feeds `columns`, `debezium-unwrapped`, `delta-cdf`, `iceberg-changelog` and `sqlserver-cdc` differ in what these columns are called and mean;
each says so in a `Layout`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, TimestampType

from lakehouse.cdc.changes import DELETE, TRUNCATE, UPSERT, ParsedChanges
from lakehouse.cdc.feeds.assembly import Cell, Contract, Reading, assemble
from lakehouse.cdc.feeds.records import Records, require_columns, typed_records
from lakehouse.errors import ConfigError
from lakehouse.schemas.type_names import parse_type
from lakehouse.transforms.decoding import BinaryText, decode

BEFORE_IMAGE = "before_image"
CARRY_OVER = "carry_over"

_HEX = r"^(?:0[xX])?+((?:[0-9A-Fa-f]{2})++)$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One column of the sequence.

    Attributes:
        column: its name.
        type: its type.
        hexadecimal: whether it holds bytes of one length, whose order is that of their hex text.
        default: what stands for an absent value; None: it is missing.
    """

    column: str
    type: DataType
    hexadecimal: bool = False
    default: str | None = None

    @property
    def fault(self) -> str:
        """What is said of text that is no value of this column."""
        return f"{self.column} is no {'hexadecimal text' if self.hexadecimal else self.type.simpleString()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which columns of a change table say what happened and when.

    Attributes:
        operation: the operation's column; None takes every row for an upsert.
        upserts: values that mean upsert, in capitals. A null operation is an upsert as well.
        deletes: values that mean delete.
        truncates: values that mean truncate.
        images: values of rows that show a row as it was before a change.
        sequence: what orders the changes of a key; several columns make a struct.
        event_time: when a change happened; None where no column says so.
        replacements: a delete or an image and an upsert of one key at one place in the sequence are one update; what is left
            of them are deletes. All rows of such a place have to be in one batch.
        carry_overs: an upsert that equals what was deleted at its place is no change at all.
    """

    operation: str | None
    upserts: Sequence[str] = ()
    deletes: Sequence[str] = ()
    truncates: Sequence[str] = ()
    images: Sequence[str] = ()
    sequence: Sequence[Part]
    event_time: str | None = None
    replacements: bool = False
    carry_overs: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that a change table cannot do without."""
        operation = () if self.operation is None else (self.operation,)
        return (*operation, *(part.column for part in self.sequence if part.default is None))


def typed_table(df: DataFrame, contract: Contract, layout: Layout, *, timezone: str) -> Records:
    """The rows of a change table that have columns of their own.

    Raises:
        MissingColumnsError: the key, operation or sequence is not there.
    """
    require_columns(df, [*contract.key_names, *layout.required], where="the change table")
    return typed_records(df, timezone=timezone)


def require_sequence(sequence: object, *, feed: str) -> None:
    """Refuse an option `sequence` that names no columns with their types.

    Raises:
        ConfigError: it is no mapping, is empty, or names an unknown type.
    """
    if not isinstance(sequence, Mapping) or not sequence:
        msg = f'option sequence of feed {feed} must name columns and their types, as in {{"lsn": "bigint"}}'
        raise ConfigError(msg)
    for data_type in sequence.values():
        parse_type(data_type)


def parse_table(
    records: Records,
    contract: Contract,
    layout: Layout,
    *,
    timezone: str,
    binary: BinaryText = "hex",
    kind: Column | None = None,
    provided: Column | None = None,
) -> ParsedChanges:
    """Parse the rows of a change table by its layout.

    Args:
        records: the rows.
        contract: what is wanted of them.
        layout: what their columns mean.
        timezone: zone of timestamps that name none.
        binary: how bytes are written in text.
        kind: why a row is skipped; null = it is not.
        provided: names of the columns a row carries; null = all.
    """
    cells = {name: records.cell(name, contract.schema[name].dataType) for name in contract.names}
    frame = _staged(records, layout, timezone)
    skipped = F.lit(None).cast("string") if kind is None else kind
    if layout.replacements:
        frame = _paired(frame, cells, contract, layout)
        skipped = F.when(F.col("carried"), CARRY_OVER).when(F.col("replaced"), BEFORE_IMAGE).otherwise(skipped)
    at = decode("at", TimestampType(), timezone=timezone)
    lost = [(F.col(f"s{i}").cast("string") != "") & F.col(f"q{i}").isNull() for i in range(len(layout.sequence))]
    reading = Reading(
        raw=records.raw,
        kind=skipped,
        malformed=records.malformed,
        operation=F.col("operation"),
        unknown=f"{layout.operation} is no operation that is known",
        sequence=_sequence(layout.sequence),
        event_time=at.value,
        row=cells,
        faults=[
            *(F.when(bad, part.fault) for bad, part in zip(lost, layout.sequence, strict=True)),
            F.when(at.failed, f"{layout.event_time} is no timestamp"),
        ],
        provided=provided,
    )
    return assemble(frame, reading, contract, timezone=timezone, binary=binary)


def _staged(records: Records, layout: Layout, timezone: str) -> DataFrame:
    """Columns beside those of the records: operation, at, s<i> (the parts of the sequence as they came), q<i> (as values)."""
    places = [_place(records, part) for part in layout.sequence]
    frame = records.frame.select(
        "*",
        F.upper(F.trim(records.control(layout.operation))).alias("op"),
        records.control(layout.event_time).alias("at"),
        *(cell.column.alias(f"s{i}") for i, cell in enumerate(places)),
    )
    op = F.col("op")
    known = (
        F.when(op.isNull() | op.isin(*layout.upserts), UPSERT)
        .when(op.isin(*layout.deletes, *layout.images), DELETE)
        .when(op.isin(*layout.truncates), TRUNCATE)
    )
    values = [_value(f"s{i}", places[i], part, timezone) for i, part in enumerate(layout.sequence)]
    return frame.select("*", known.alias("operation"), *(value.alias(f"q{i}") for i, value in enumerate(values)))


def _place(records: Records, part: Part) -> Cell:
    if not part.hexadecimal:
        return records.cell(part.column, part.type)
    return Cell(F.coalesce(records.control(part.column), F.lit(part.default)))


def _value(column: str, cell: Cell, part: Part, timezone: str) -> Column:
    if part.hexadecimal:
        return F.when(F.col(column).rlike(_HEX), F.upper(F.regexp_extract(column, _HEX, 1)))
    return F.col(column) if cell.typed else decode(column, part.type, timezone=timezone).value


def _sequence(parts: Sequence[Part]) -> Column:
    """The one part, or a struct of them all, which is null when one of them is."""
    if len(parts) == 1:
        return F.col("q0")
    whole = reduce(and_, (F.col(f"q{i}").isNotNull() for i in range(len(parts))))
    return F.when(whole, F.struct(*(F.col(f"q{i}").alias(part.column) for i, part in enumerate(parts))))


def _paired(frame: DataFrame, cells: dict[str, Cell], contract: Contract, layout: Layout) -> DataFrame:
    """Say of every delete whether an upsert replaces it, and of every row whether it was only carried over."""
    keys = [cells[key].column for key in contract.key_names]
    place = Window.partitionBy(*keys, *(F.col(f"q{i}") for i in range(len(layout.sequence))))
    deleted, upserted = F.col("operation") == DELETE, F.col("operation") == UPSERT
    replaced = deleted & F.max(upserted).over(place)
    carried = F.lit(False)
    if layout.carry_overs:
        content = F.to_json(F.struct(*(cell.column.alias(f"c{i}") for i, cell in enumerate(cells.values()))))
        gone = F.collect_set(F.when(deleted, content)).over(place)
        come = F.collect_set(F.when(upserted, content)).over(place)
        carried = (deleted & F.array_contains(come, content)) | (upserted & F.array_contains(gone, content))
    return frame.select(
        "*",
        F.coalesce(replaced, F.lit(False)).alias("replaced"),
        F.coalesce(carried, F.lit(False)).alias("carried"),
    )
