"""Debezium behind the transformation ExtractNewRecordState: the row alone, as one flat JSON object.

| | |
|---|---|
| operation | `__op` (`add.fields`): c, u, r upsert, d deletes, t truncates; else `__deleted` (`rewrite`): true deletes; without both every row is an upsert |
| order | the fields of `sequence`, which `add.fields` has to add: `{"__lsn": "bigint"}`, `{"__source_ts_ms": "bigint", "__pos": "bigint"}` |
| an absent column | null. The unavailable marker: unchanged, left out of `_provided` |
| key change | arrives as a delete and an insert; a topic without deletes keeps the old key |
| cannot be told | truncates, which the transformation drops; deletes where it drops them, which is its default; decimals in base64 and dates as numbers, as there is no schema: set `decimal.handling.mode` to string and `time.precision.mode` to isostring |

A record is such an object, or a line `{"topic", "key", "value"}` with the object as text in `value`. A null value (tombstone) is
skipped: it has no place in the order. Messages come without their schema (`schemas.enable=false`).
Format: https://debezium.io/documentation/reference/stable/transformations/event-flattening.html
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.feeds.assembly import Cell, Contract, provided_names, require_bronze
from lakehouse.cdc.feeds.debezium_values import is_unavailable
from lakehouse.cdc.feeds.records import Records, json_records
from lakehouse.cdc.feeds.tables import Layout, Part, parse_table, require_sequence
from lakehouse.cdc.json_text import bind, parse_object, texts
from lakehouse.columns import RAW
from lakehouse.schemas.type_names import parse_type
from lakehouse.transforms.decoding import BinaryText, require_timezone

_OP, _DELETED = "__op", "__deleted"
_LINE = texts(["topic", "key", "value"])
_TABLE = ("__schema", "__db", "__table")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the transformation is set.

    Attributes:
        sequence: the added fields that order the changes of a key, with their types.
        event_time: an added field with an ISO timestamp of the change.
        unavailable: `unavailable.value.placeholder` of the connector.
        timezone: zone of timestamps that name none.
        binary: `binary.handling.mode`.
    """

    sequence: Mapping[str, str]
    event_time: str | None = None
    unavailable: str = "__debezium_unavailable_value"
    timezone: str = "UTC"
    binary: BinaryText = "base64"

    def __post_init__(self) -> None:
        """Refuse what cannot order anything."""
        require_timezone(self.timezone)
        require_sequence(self.sequence, feed="debezium-unwrapped")

    @property
    def layout(self) -> Layout:
        """The options as the parser of change tables takes them."""
        return Layout(
            operation=_OP,
            upserts=("C", "U", "R"),
            deletes=("D",),
            truncates=("T",),
            sequence=[Part(column=name, type=parse_type(data_type)) for name, data_type in self.sequence.items()],
            event_time=self.event_time,
        )


def route() -> Column:
    """`schema.table` from the added fields `__schema` (or `__db`) and `__table`, else from the last two parts of the topic."""
    fields = texts([*_LINE.names, *_TABLE])

    def added(row: Column) -> Column:
        schema = F.coalesce(row["__schema"], row["__db"])
        return F.when((schema != "") & (row["__table"] != ""), F.concat_ws(".", schema, row["__table"]))

    def of_record(record: Column) -> Column:
        inner = bind(parse_object(record["value"], texts(_TABLE)), added)
        topic = F.regexp_extract(record["topic"], r"([^.]+\.[^.]+)$", 1)
        return F.coalesce(added(record), inner, F.when(topic != "", topic))

    return bind(parse_object(F.col(RAW), fields), of_record)


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of unwrapped messages; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    require_bronze(df, contract, RAW)
    names = [*contract.names, *options.sequence, _OP, _DELETED, *([options.event_time] if options.event_time else [])]
    line = parse_object(F.col(RAW), _LINE)
    is_line = bind(line, lambda record: record["topic"].isNotNull() | record["value"].isNotNull())
    text = F.when(F.coalesce(is_line, F.lit(False)), line["value"]).otherwise(F.col(RAW))
    records = json_records(df, names, text=text)
    there = {name: ~is_unavailable(records.text(name), options.unavailable) for name in contract.names}
    return parse_table(
        _read(records, options),
        contract,
        options.layout,
        timezone=options.timezone,
        binary=options.binary,
        kind=F.when(F.col("text").isNull() | (F.trim("text") == "null"), "tombstone"),
        provided=provided_names(there),
    )


def _read(records: Records, options: Options) -> Records:
    """The records with one operation out of two fields, and without markers."""
    deleted = F.when(records.text(_DELETED) == "true", "d")

    def text(name: str) -> Column:
        return F.coalesce(records.text(_OP), deleted) if name == _OP else records.text(name)

    def cell(name: str, data_type: DataType) -> Cell:
        value = records.cell(name, data_type).column
        return Cell(F.when(~is_unavailable(value, options.unavailable), value))

    return dataclasses.replace(records, cell=cell, text=text)
