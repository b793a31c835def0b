"""Canal: row changes of MySQL's binary log as JSON (flat messages), one message a statement and table with an array of rows.

| | |
|---|---|
| operation | `type`: INSERT and UPDATE upsert, DELETE deletes, TRUNCATE truncates; other definitions (`isDdl`), transaction marks and heartbeats are skipped |
| order | struct (`es`, `id`, `place`): the second of the change in the log, the number of Canal's batch, the place in the array from 0 |
| an absent column | of an update: unchanged, a value that the log leaves out (`binlog_row_image=noblob`). Of an insert: null |
| key change | the row's `old`, which holds what an update changed, has the key: delete and upsert at one place |
| cannot be told | the order of two messages of one batch about one key in one second: a tie, see `on_tie`; rows of an update whose log has no keys (`binlog_row_image=minimal`), which are rejected |

Each row of the array is a change of its own. All values are text: timestamps in the zone of the server, binary values as their
bytes in ISO 8859-1. Changes that the log holds as statements (type QUERY without `isDdl`) are rejected, they have no rows.
There is no full load in this feed. Format: https://github.com/alibaba/canal
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, MapType, StringType, StructField, StructType

from lakehouse.cdc.changes import DELETE, TRUNCATE, UPSERT, ParsedChanges
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
from lakehouse.cdc.feeds.parts import Parts
from lakehouse.cdc.feeds.parts import split as split_records
from lakehouse.cdc.feeds.topics import named_table
from lakehouse.cdc.json_text import bind, parse_object, quote_numbers, texts
from lakehouse.columns import RAW
from lakehouse.transforms.decoding import instant

_DEFINITIONS = ("CREATE", "ALTER", "ERASE", "RENAME", "CINDEX", "DINDEX")
_MARKS = ("GTID", "XACOMMIT", "XAROLLBACK")
_ABOUT = ("database", "table", "type", "isDdl", "es", "id", "ts")
_ROWS = ArrayType(MapType(StringType(), StringType()))
_TEXTS = ArrayType(StringType())


Options = ZoneOptions


def route() -> Column:
    """`database.table` of a message; null for text that is no message and for messages about no table."""
    return bind(parse_object(F.col(RAW), texts(["database", "table"])), _named)


def split(df: DataFrame, _: Options) -> DataFrame:
    """One row for each row of a message; messages without rows stay as they are.

    A message whose `old` has another number of rows also stays: what belongs together is not known, so it is rejected whole.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    shape = StructType([*texts(_ABOUT).fields, StructField("data", _TEXTS), StructField("old", _TEXTS)])
    cut = Parts(
        elements=bind(parse_object(quote_numbers(F.col(RAW)), shape), _elements),
        text=_message,
        table=lambda element: _named(element["about"]),
        record_table=route(),
    )
    return split_records(df, cut)


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of Canal, split; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    require_bronze(df, contract, RAW)
    frame = _staged(df)
    kind, row, old = F.col("message.type"), F.col("row"), F.col("old")
    there = {name: F.map_contains_key(row, name) for name in contract.names}
    texts_ = {name: F.try_element_at(row, F.lit(name)) for name in contract.names}
    binary = [field.name for field in contract.schema.fields if isinstance(field.dataType, BinaryType)]
    reading = Reading(
        raw=F.col("raw"),
        kind=_kind(kind),
        malformed=_malformed(),
        operation=F.when(kind.isin("INSERT", "UPDATE"), UPSERT)
        .when(kind == "DELETE", DELETE)
        .when(kind == "TRUNCATE", TRUNCATE),
        unknown="type is none of INSERT, UPDATE, DELETE, TRUNCATE",
        sequence=F.when(F.col("es").isNotNull() & F.col("id").isNotNull(), F.struct("es", "id", "place")),
        event_time=instant(F.col("es"), per_second=1000),
        row={name: _cell(text, binary=name in binary) for name, text in texts_.items()},
        old_key={
            key: _cell(F.when(kind == "UPDATE", F.try_element_at(old, F.lit(key))), binary=key in binary)
            for key in contract.key_names
        },
        faults=[
            F.when(F.col("message")[name].isNotNull() & F.col(name).isNull(), f"{name} is no whole number")
            for name in ("es", "id")
        ]
        + [F.when(~_is_bytes(texts_[name]), f"{name} is no binary") for name in binary],
        provided=F.when(kind == "UPDATE", provided_names(there)),
    )
    return assemble(frame, reading, contract, timezone=options.timezone, binary="hex")


def _staged(df: DataFrame) -> DataFrame:
    """Columns: message, row and old (maps, null when the message has none), es, id, place."""
    shape = StructType([*texts(_ABOUT).fields, StructField("data", _ROWS), StructField("old", _ROWS)])
    frame = staged(df, raw=F.col(RAW), message=parse_object(quote_numbers(F.col(RAW)), shape))
    numbers = (F.expr(f"try_cast(message.{name} AS BIGINT)").alias(name) for name in ("es", "id"))
    return frame.select(
        "*",
        F.get("message.data", F.lit(0)).alias("row"),
        F.get("message.old", F.lit(0)).alias("old"),
        *numbers,
        F.coalesce("origin.part", F.lit(0)).alias("place"),
    )


def _elements(message: Column) -> Column:
    """The rows of a message, each with what it says of all of them; null when it cannot be told which old row is whose."""
    rows, old = message["data"], message["old"]
    about = F.struct(*(message[name].alias(name) for name in _ABOUT))
    found = F.transform(
        rows, lambda row, i: F.struct(about.alias("about"), row.alias("row"), F.get(old, i).alias("old"))
    )
    return F.when(old.isNull() | (F.size(old) == 0) | (F.size(old) == F.size(rows)), found)


def _message(element: Column) -> Column:
    """A message of one row."""
    about = F.regexp_replace(F.to_json(element["about"]), r"\}$", "")
    old = F.coalesce(F.concat(F.lit(',"old":['), element["old"], F.lit("]")), F.lit(""))
    row = F.coalesce(element["row"], F.lit("null"))
    return F.concat(about, F.lit(',"data":['), row, F.lit("]"), old, F.lit("}"))


def _named(message: Column) -> Column:
    return named_table(message["database"], message["table"])


def _kind(kind: Column) -> Column:
    is_definition = (F.col("message.isDdl") == "true") & (kind != "TRUNCATE")
    return (
        F.when(is_definition | kind.isin(*_DEFINITIONS), "ddl")
        .when(kind.isin(*_MARKS), "transaction")
        .when(kind == "MHEARTBEAT", "heartbeat")
    )


def _malformed() -> Column:
    message = F.col("message")
    has_rows = message["type"].isin("INSERT", "UPDATE", "DELETE")
    return (
        F.when(message.isNull(), "the text is not one JSON object of the form of Canal messages")
        .when(message["type"].isNull(), "the message has no type")
        .when(has_rows & F.col("row").isNull(), "the message has no data")
        .when(has_rows & F.col("origin.part").isNull(), "old has another number of rows than data")
    )


def _cell(text: Column, *, binary: bool) -> Cell:
    return Cell(F.when(_is_bytes(text), F.encode(text, "ISO-8859-1")), typed=True) if binary else Cell(text)


def _is_bytes(text: Column) -> Column:
    return text.rlike(r"^[\x00-\xFF]*+$")
