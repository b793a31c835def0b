"""Maxwell: row changes of MySQL's binary log as JSON, one message a row.

| | |
|---|---|
| operation | `type`: insert, update and bootstrap-insert upsert, delete deletes; table and database definitions and the frames of a bootstrap are skipped |
| order | struct (`phase`, `ts`, `xid`, `xoffset`): bootstrap rows are phase 0, below every change; the last row of a transaction has `commit` and no `xoffset` |
| an absent column | null: `data` is the whole row. `old` holds only what an update changed |
| key change | an update whose `old` holds a key column: delete and upsert at one place |
| cannot be told | truncates, which MySQL's row log does not have; what `exclude_columns` or filters of the producer left out |

Binary values are base64, `ts` counts seconds. Format: https://maxwells-daemon.io/dataformat/
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from lakehouse.cdc.changes import DELETE, UPSERT, ParsedChanges
from lakehouse.cdc.feeds.assembly import Cell, Contract, Reading, ZoneOptions, assemble, require_bronze, staged
from lakehouse.cdc.json_text import as_written, bind, parse_object, quote_numbers, texts
from lakehouse.columns import RAW
from lakehouse.transforms.decoding import instant

_LAST = (1 << 63) - 1
_FRAMES = ("bootstrap-start", "bootstrap-complete")
_CONTROLS = ("database", "table", "type", "ts", "xid", "xoffset", "commit")


Options = ZoneOptions


def route() -> Column:
    """`database.table` of a message; null for database definitions and for text that is no message."""

    def named(message: Column) -> Column:
        database, table = message["database"], message["table"]
        return F.when((database != "") & (table != ""), F.concat_ws(".", database, table))

    return bind(parse_object(F.col(RAW), texts(["database", "table"])), named)


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of Maxwell; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    require_bronze(df, contract, RAW)
    frame = _staged(df, contract)
    kind, message = F.col("message.type"), F.col("message")
    loaded = kind == "bootstrap-insert"
    values = {
        name: as_written(message["data"][name], F.col("written.data")[name], contract.schema[name].dataType)
        for name in contract.names
    }
    reading = Reading(
        raw=F.col("raw"),
        kind=F.when(kind.isin(*_FRAMES), "bootstrap").when(kind.rlike("^(?:table|database)-"), "ddl"),
        malformed=F.when(message.isNull(), "the text is not one JSON object of the form of Maxwell messages")
        .when(kind.isNull(), "the message has no type")
        .when(message["data"].isNull(), "the message has no data"),
        operation=F.when(kind.isin("insert", "update") | loaded, UPSERT).when(kind == "delete", DELETE),
        unknown="type is none of insert, update, delete, bootstrap-insert",
        sequence=_sequence(loaded),
        event_time=instant(F.col("ts"), per_second=1),
        row={name: Cell(value) for name, value in values.items()},
        old_key={key: Cell(F.when(kind == "update", message["old"][key])) for key in contract.key_names},
        faults=[
            F.when(message[name].isNotNull() & F.col(name).isNull(), f"{name} is no whole number")
            for name in ("ts", "xid", "xoffset")
        ],
    )
    return assemble(frame, reading, contract, timezone=options.timezone, binary="base64")


def _staged(df: DataFrame, contract: Contract) -> DataFrame:
    """Columns: message, written (nested values as they were written), ts, xid, xoffset, commit."""
    data = StructField("data", texts(contract.names))
    shape = StructType([*texts(_CONTROLS).fields, data, StructField("old", texts(contract.key_names))])
    frame = staged(
        df,
        raw=F.col(RAW),
        message=parse_object(quote_numbers(F.col(RAW)), shape),
        written=parse_object(F.col(RAW), StructType([data])),
    )
    numbers = (F.expr(f"try_cast(message.{name} AS BIGINT)").alias(name) for name in ("ts", "xid", "xoffset"))
    return frame.select("*", *numbers, (F.col("message.commit") == "true").alias("commit"))


def _sequence(loaded: Column) -> Column:
    """Where the row stands in the log; null when the message does not say."""
    within = F.coalesce("xoffset", F.when(F.col("commit") | loaded, F.lit(_LAST)))
    known = F.col("ts").isNotNull() & (loaded | (F.col("xid").isNotNull() & within.isNotNull()))
    place = F.struct(
        F.when(loaded, 0).otherwise(1).alias("phase"),
        F.col("ts").alias("ts"),
        F.coalesce("xid", F.lit(0)).alias("xid"),
        within.alias("xoffset"),
    )
    return F.when(known, place)
