"""Any table of changes: rows with an operation column and one or more columns that order them, CSV, JSON or typed.

| | |
|---|---|
| operation | `op_column`: the values listed in `upserts`, `deletes`, `truncates`, in any case; null is an upsert; without the column every row is one |
| order | the columns of `sequence`, of the types given there; several make a struct. Their text is an order only where the type says `string` |
| an absent column | null: every row is a whole image |
| key change | cannot be seen: the producer has to send a delete of the old key |
| cannot be told | what the producer left out |

For feeds without a parser of their own: exports with a `deleted` flag, change tables of a home-grown trigger, audit logs.
With `form: document` a record holds many rows and is cut, see `lakehouse.cdc.feeds.json_documents`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.drift import csv_drift, json_drift, typed_drift
from lakehouse.cdc.feeds.assembly import Contract, require_bronze
from lakehouse.cdc.feeds.json_documents import cut, document_records, no_records, require_path
from lakehouse.cdc.feeds.records import RecordOptions, Records, text_records
from lakehouse.cdc.feeds.tables import Layout, Part, parse_table, require_sequence, typed_table
from lakehouse.columns import RAW
from lakehouse.errors import ConfigError
from lakehouse.schemas.type_names import parse_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(RecordOptions):
    """What the columns mean.

    Attributes:
        sequence: the columns that order the changes of a key, with their types: `{"lsn": "bigint"}`.
        op_column: name of the operation column; None takes every row for an upsert.
        upserts: values of an insert or update.
        deletes: values of a delete.
        truncates: values of a truncate.
        event_time: the column that says when a change happened.
        records: of documents, the path to the array in each of their objects: `$.data.items`; None: they are the rows.
    """

    sequence: Mapping[str, str]
    op_column: str | None = None
    upserts: Sequence[str] = ("I", "U", "INSERT", "UPDATE", "UPSERT")
    deletes: Sequence[str] = ("D", "DELETE")
    truncates: Sequence[str] = ("T", "TRUNCATE")
    event_time: str | None = None
    records: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot order anything, and values that mean two things."""
        self.check("columns", forms=("csv", "json", "document"))
        if self.records is not None and self.form != "document":
            msg = "option records of feed columns is for form document; set form: document"
            raise ConfigError(msg)
        require_path(self.records)
        require_sequence(self.sequence, feed="columns")
        meanings = [value.upper() for values in (self.upserts, self.deletes, self.truncates) for value in values]
        if twice := sorted({value for value in meanings if meanings.count(value) > 1}):
            msg = f"options upserts, deletes and truncates of feed columns share {', '.join(twice)}"
            raise ConfigError(msg)

    @property
    def layout(self) -> Layout:
        """The options as the parser of change tables takes them."""
        return Layout(
            operation=self.op_column,
            upserts=[value.upper() for value in self.upserts],
            deletes=[value.upper() for value in self.deletes],
            truncates=[value.upper() for value in self.truncates],
            sequence=[Part(column=name, type=parse_type(data_type)) for name, data_type in self.sequence.items()],
            event_time=self.event_time,
        )


def split(df: DataFrame, options: Options) -> DataFrame:
    """One row for each object of a document; rows of the other forms stay as they are.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    return cut(df, path=options.records) if options.form == "document" and RAW in df.columns else df


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse rows of a table of changes; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns, or typed rows lack a key, sequence or operation column.
    """
    records = _records(df, contract, options)
    kind = None if options.form != "document" else no_records(options.records)
    return parse_table(records, contract, options.layout, timezone=options.timezone, binary=options.binary, kind=kind)


def drift(df: DataFrame, contract: Contract, options: Options) -> DataFrame:
    """The fields that no contract names, and the columns that no file has: `name`, `state`, `rows`, see `lakehouse.cdc.drift`."""
    known = _read_names(contract, options)
    if RAW not in df.columns:
        return typed_drift(df, known, contract.schema)
    if options.form == "csv":
        return csv_drift(df, known, contract.names, delimiter=options.delimiter)
    return json_drift(df, known, contract.schema)


def _read_names(contract: Contract, options: Options) -> tuple[str, ...]:
    """The fields of a record that are looked at."""
    event_time = () if options.event_time is None else (options.event_time,)
    return (*contract.names, *options.layout.required, *event_time)


def _records(df: DataFrame, contract: Contract, options: Options) -> Records:
    if RAW not in df.columns:
        return typed_table(df, contract, options.layout, timezone=options.timezone)
    require_bronze(df, contract)
    names = _read_names(contract, options)
    if options.form == "document":
        return document_records(df, names, path=options.records)
    return text_records(df, names, options)
