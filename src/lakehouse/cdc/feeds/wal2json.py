"""wal2json: PostgreSQL's changes as JSON, one message a change (format version 2) or one document a transaction (version 1).

| | |
|---|---|
| operation | `action`: I and U upsert, D deletes, T truncates; B and C (transaction frames) and M (logical messages) are skipped. Version 1: `kind` insert, update, delete; messages and transactions without changes are skipped |
| order | `lsn` of the change (`include-lsn`), in the message or in the line around it: hi * 2^32 + lo as bigint. Version 1: struct (`lsn`, `place`), see below |
| an absent column | of an update: unchanged, a value that is stored out of line; it is taken from `identity` (`oldkeys`) where that has it (REPLICA IDENTITY FULL), else left out of `_provided`. Of an insert: null |
| key change | `identity` (`oldkeys`) of an update has another key: delete and upsert at one position |
| cannot be told | changes of tables without a replica identity, which are not in the stream; NaN and infinities, which arrive as null; in version 1 also truncates, which are left out |

A record is a message or document, or a line `{"lsn", "xid", "data"}` as `pg_logical_slot_get_changes` returns it, with the
message as text in `data`. There is no full load in this feed. Format: https://github.com/eulerto/wal2json

Version 1 holds the changes of a transaction, of any tables, in one record; each becomes a row of its own. Its place in the
order is the record's `nextlsn` (`include-lsn`) or else the `lsn` of the line, and its `place` among the changes, from 0. Where
a change has an address of its own, because of `include-change-lsn` or because `write-in-chunks` gave it a line of its own, it
is that address, and `place` is the largest int: a transaction's `nextlsn` can be the address of the next change, which comes after
it. So the producer's options can change while the table goes on; the format version cannot, the sequence has another type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructField, StructType, TimestampType

from lakehouse.cdc.changes import DELETE, TRUNCATE, UPSERT, ParsedChanges
from lakehouse.cdc.feeds import wal2json_transactions
from lakehouse.cdc.feeds.assembly import (
    Cell,
    Contract,
    Reading,
    ZoneOptions,
    assemble,
    provided_names,
    require_bronze,
    staged,
)
from lakehouse.cdc.feeds.postgresql import log_address
from lakehouse.cdc.feeds.topics import named_table
from lakehouse.cdc.json_text import bind, parse_object, quote_numbers, texts
from lakehouse.columns import RAW
from lakehouse.errors import ConfigError
from lakehouse.transforms.decoding import decode

_LINE = texts(["lsn", "data"])
_CELLS = ArrayType(texts(["name", "value"]))
_MESSAGE = StructType(
    [
        *texts(["action", "timestamp", "lsn", "schema", "table"]).fields,
        StructField("columns", _CELLS),
        StructField("identity", _CELLS),
    ]
)
_UNKNOWN = {1: "kind is none of insert, update, delete, message", 2: "action is none of I, U, D, T, B, C, M"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ZoneOptions):
    """How the stream was asked for.

    Attributes:
        format_version: `format-version` of the stream. It is part of the table's state: it decides on the sequence.
        timezone: zone of timestamps that name none.
    """

    format_version: Literal[1, 2] = 2

    def __post_init__(self) -> None:
        """Refuse what is not known."""
        ZoneOptions.__post_init__(self)
        if self.format_version not in _UNKNOWN:
            msg = f"option format_version of feed wal2json is {self.format_version!r}; it is 1 or 2"
            raise ConfigError(msg)


def route() -> Column:
    """`schema.table` of a change; null for transactions, their frames, logical messages and text that is no message."""
    names = texts(["schema", "table", "data"])

    def named(message: Column) -> Column:
        return named_table(message["schema"], message["table"])

    def of_record(record: Column) -> Column:
        return F.when(record["data"].isNull(), named(record)).otherwise(
            bind(parse_object(record["data"], names), named)
        )

    return bind(parse_object(F.col(RAW), names), of_record)


def split(df: DataFrame, options: Options) -> DataFrame:
    """One row for each change: a record of version 1 holds a whole transaction, one of version 2 is a change.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    return wal2json_transactions.cut(df, record_table=route()) if options.format_version == 1 else df


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of wal2json, split; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    require_bronze(df, contract, RAW)
    read = wal2json_transactions.messages(df) if options.format_version == 1 else _messages(df)
    frame = read.select(
        "*",
        *(_cell("message.columns", name).alias(f"cell{i}") for i, name in enumerate(contract.names)),
        *(_cell("message.identity", name).alias(f"before{i}") for i, name in enumerate(contract.names)),
    )
    action = F.col("message.action")
    at = decode("at", TimestampType(), timezone=options.timezone)
    cells = {name: F.col(f"cell{i}") for i, name in enumerate(contract.names)}
    before = {name: F.col(f"before{i}") for i, name in enumerate(contract.names)}
    told = {
        name: F.when(action == "D", before[name]).otherwise(F.coalesce(cells[name], before[name])) for name in cells
    }
    provided = provided_names({name: cell.isNotNull() for name, cell in told.items()})
    reading = Reading(
        raw=F.col("raw"),
        kind=F.col("kind"),
        malformed=F.col("malformed"),
        operation=F.when(action.isin("I", "U"), UPSERT).when(action == "D", DELETE).when(action == "T", TRUNCATE),
        unknown=_UNKNOWN[options.format_version],
        sequence=F.col("position"),
        event_time=at.value,
        row={name: Cell(cell["value"]) for name, cell in told.items()},
        old_key={key: Cell(F.when(action == "U", before[key]["value"])) for key in contract.key_names},
        faults=[
            F.when(F.col("lsn").isNotNull() & F.col("position").isNull(), "lsn is no log address (hi/lo in hex)"),
            F.when(at.failed, "timestamp is no timestamp"),
        ],
        provided=F.when(action == "U", provided),
    )
    return assemble(frame, reading, contract, timezone=options.timezone, binary="hex")


def _messages(df: DataFrame) -> DataFrame:
    """Columns: origin, table, raw; message; lsn (text), position, at; kind and malformed."""
    lines = staged(df, raw=F.col(RAW), line=parse_object(F.col(RAW), _LINE))
    text = F.coalesce("line.data", "raw")
    read = lines.select("*", parse_object(quote_numbers(text), _MESSAGE).alias("message"))
    action = F.col("message.action")
    opened = read.select(
        *("origin", "table", "raw", "message"),
        F.coalesce("message.lsn", "line.lsn").alias("lsn"),
        F.col("message.timestamp").alias("at"),
        F.when(action.isin("B", "C"), "transaction").when(action == "M", "message").alias("kind"),
        _malformed().alias("malformed"),
    )
    return opened.select("*", log_address(F.col("lsn")).alias("position"))


def _cell(cells: str, name: str) -> Column:
    """Name and value; null when there is no column of the name."""
    return F.get(F.filter(cells, lambda cell: cell["name"] == name), F.lit(0))


def _malformed() -> Column:
    message = F.col("message")
    return (
        F.when(message.isNull(), "the text is not one JSON object of the form of wal2json messages")
        .when(
            message["action"].isNull(),
            "the message has no action; for format version 1 set the option format_version to 1",
        )
        .when(message["action"].isin("I", "U") & message["columns"].isNull(), "the message has no columns")
        .when((message["action"] == "D") & message["identity"].isNull(), "the message has no identity")
    )
