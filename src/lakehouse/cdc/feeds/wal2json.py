"""wal2json: PostgreSQL's changes as JSON, format version 2, one message a change.

| | |
|---|---|
| operation | `action`: I and U upsert, D deletes, T truncates; B and C (transaction frames) and M (logical messages) are skipped |
| order | `lsn` of the change (`include-lsn`), in the message or in the line around it: hi * 2^32 + lo as bigint |
| an absent column | of an update: unchanged, a value that is stored out of line; it is taken from `identity` where that has it (REPLICA IDENTITY FULL), else left out of `_provided`. Of an insert: null |
| key change | `identity` of an update has another key: delete and upsert at one position |
| cannot be told | changes of tables without a replica identity, which are not in the stream; NaN and infinities of `double precision`, which arrive as null |

A record is a message, or a line `{"lsn", "xid", "data"}` as `pg_logical_slot_get_changes` returns it, with the message as
text in `data`. There is no full load in this feed. Format: https://github.com/eulerto/wal2json (format version 2).
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructField, StructType, TimestampType

from lakehouse.cdc.changes import DELETE, TRUNCATE, UPSERT, ParsedChanges
from lakehouse.cdc.decoding import decode
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
from lakehouse.cdc.json_text import bind, parse_object, quote_numbers, texts
from lakehouse.columns import RAW

_LINE = texts(["lsn", "data"])
_CELLS = ArrayType(texts(["name", "value"]))
_MESSAGE = StructType(
    [
        *texts(["action", "timestamp", "lsn", "schema", "table"]).fields,
        StructField("columns", _CELLS),
        StructField("identity", _CELLS),
    ]
)


Options = ZoneOptions


def route() -> Column:
    """`schema.table` of a change; null for transaction frames, logical messages and text that is no message."""
    names = texts(["schema", "table", "data"])

    def named(message: Column) -> Column:
        return F.when(
            (message["schema"] != "") & (message["table"] != ""),
            F.concat_ws(".", message["schema"], message["table"]),
        )

    def of_record(record: Column) -> Column:
        return F.when(record["data"].isNull(), named(record)).otherwise(
            bind(parse_object(record["data"], names), named)
        )

    return bind(parse_object(F.col(RAW), names), of_record)


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of wal2json; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    require_bronze(df, contract, RAW)
    frame = _staged(df, contract)
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
        kind=F.when(action.isin("B", "C"), "transaction").when(action == "M", "message"),
        malformed=_malformed(),
        operation=F.when(action.isin("I", "U"), UPSERT).when(action == "D", DELETE).when(action == "T", TRUNCATE),
        unknown="action is none of I, U, D, T, B, C, M",
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


def _staged(df: DataFrame, contract: Contract) -> DataFrame:
    """Columns: message, lsn, position, at, cell<i> and before<i> (name and value; null when the message has none)."""
    lines = staged(df, raw=F.col(RAW), line=parse_object(F.col(RAW), _LINE))
    text = F.when(F.col("line.data").isNotNull(), F.col("line.data")).otherwise(F.col("raw"))
    messages = lines.select("*", parse_object(quote_numbers(text), _MESSAGE).alias("message"))
    opened = messages.select(
        *("origin", "table", "raw", "message"),
        F.coalesce("message.lsn", "line.lsn").alias("lsn"),
        F.col("message.timestamp").alias("at"),
        *(_cell("message.columns", name).alias(f"cell{i}") for i, name in enumerate(contract.names)),
        *(_cell("message.identity", name).alias(f"before{i}") for i, name in enumerate(contract.names)),
    )
    return opened.withColumn("position", log_address(F.col("lsn")))


def _cell(cells: str, name: str) -> Column:
    return F.get(F.filter(cells, lambda cell: cell["name"] == name), F.lit(0))


def _malformed() -> Column:
    message = F.col("message")
    return (
        F.when(message.isNull(), "the text is not one JSON object of the form of wal2json messages")
        .when(
            message["action"].isNull(), "the message has no action; format version 1 is not read, set format-version 2"
        )
        .when(message["action"].isin("I", "U") & message["columns"].isNull(), "the message has no columns")
        .when((message["action"] == "D") & message["identity"].isNull(), "the message has no identity")
    )
