"""MongoDB's change streams: one event a record, in extended JSON, canonical or relaxed.

| | |
|---|---|
| operation | `operationType`: insert, replace and update upsert, delete deletes, drop truncates; rename, dropDatabase, create, indexes ... are skipped as `ddl`, invalidate by its name |
| order | struct (`t`, `i`, `token`): the two halves of `clusterTime`, and the resume token `_id._data`, whose hex text MongoDB lets one sort: events of one transaction share their clusterTime. Rows that the Kafka connector copied at its start (`copyingData`) rank below all |
| an absent column | of an update: unchanged, left out of `_provided`; a field in `removedFields` is null. Of an insert or a replacement: null |
| key change | `_id` never changes. Other key columns: an update that has `fullDocumentBeforeChange` or the old key in `documentKey` |
| cannot be told | a column that an update changes only inside (`address.city`, `list.3`, `truncatedArrays`), see the option `full_document`; where the rows of a renamed collection went |

A record is an event, or a line `{"topic", "key", "value"}` with the event as text in `value`. Keys come from `documentKey`. Documents
and arrays decode into struct, map and array columns, or stay JSON text in string columns; dates there are ISO text.
Format: https://www.mongodb.com/docs/manual/reference/change-events/, .../reference/mongodb-extended-json/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType, TimestampType

from lakehouse.cdc.changes import DELETE, TRUNCATE, UPSERT, ParsedChanges
from lakehouse.cdc.feeds.assembly import Contract, Reading, assemble, require_bronze
from lakehouse.cdc.feeds.documents import (
    FIELDS,
    PATHS,
    REMOVED,
    TRUNCATED,
    changed_fields,
    document_cells,
    document_fault,
    document_keys_before,
    document_provided,
    image,
)
from lakehouse.cdc.feeds.extended_json import plain_json
from lakehouse.cdc.feeds.topics import is_tombstone, named_table, route_record, topic_records
from lakehouse.cdc.json_text import parse_object, quote_numbers, texts
from lakehouse.columns import RAW
from lakehouse.errors import ConfigError
from lakehouse.transforms.decoding import decode, instant, require_timezone

FullDocument = Literal["ignore", "use"]

_DEFINITIONS = (
    *("rename", "dropDatabase", "create", "modify", "createIndexes", "dropIndexes"),
    *("shardCollection", "reshardCollection", "refineCollectionShardKey"),
)
_IMAGES = ("fullDocument", "fullDocumentBeforeChange", "documentKey")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the stream is opened.

    Attributes:
        full_document: what the `fullDocument` of an update is good for. `use` takes from it the columns that are changed
            inside; with `updateLookup` it may be newer than the event, so that a version shows a later value, with post-images
            (`required`) it is exact. `ignore` sets such updates aside as `bad_value`.
        timezone: wall clock of `timestamp_ntz`, and zone of timestamps in text that name none.
    """

    full_document: FullDocument = "ignore"
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse what is not known."""
        require_timezone(self.timezone)
        require_full_document(self.full_document, feed="mongodb")


def require_full_document(choice: str, *, feed: str) -> None:
    """Refuse an option `full_document` that is none.

    Raises:
        ConfigError: names the choices.
    """
    if choice not in get_args(FullDocument):
        msg = f"option full_document of feed {feed} is {choice!r}; use one of {', '.join(get_args(FullDocument))}"
        raise ConfigError(msg)


def route() -> Column:
    """`database.collection` of an event, else of the topic of a record without a value; null for the rest."""
    shape = StructType([StructField("ns", texts(["db", "coll"]))])
    return route_record(shape, lambda event: named_table(event["ns"]["db"], event["ns"]["coll"]))


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of change streams; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    require_bronze(df, contract, RAW)
    frame = _staged(topic_records(df), contract, options)
    kind = F.col("event.operationType")
    at = decode("at", TimestampType(), timezone=options.timezone)
    reading = Reading(
        raw=F.col("raw"),
        kind=F.when(is_tombstone(), "tombstone")
        .when(kind == "invalidate", "invalidate")
        .when(kind.isin(*_DEFINITIONS), "ddl"),
        malformed=_malformed(),
        operation=F.when(kind.isin("insert", "replace", "update"), UPSERT)
        .when(kind == "delete", DELETE)
        .when(kind == "drop", TRUNCATE),
        unknown="operationType is no operation that is known",
        sequence=_sequence(),
        event_time=F.coalesce(at.value, instant(F.col("t"), per_second=1)),
        row=document_cells(contract),
        old_key=document_keys_before(contract),
        faults=[
            document_fault(contract),
            F.when(F.col("clock").isNotNull() & F.col("t").isNull(), "clusterTime is no timestamp"),
            F.when(F.col("token").isNull() & F.col("event._id._data").isNotNull(), "_id._data is no hexadecimal text"),
            F.when(at.failed, "wallTime is no timestamp"),
        ],
        provided=document_provided(contract),
    )
    return assemble(frame, reading, contract, timezone=options.timezone, binary="base64")


def _staged(records: DataFrame, contract: Contract, options: Options) -> DataFrame:
    """Columns beside those of a document: event, t, i and token (its place), clock and at (as text)."""
    event, written = _shapes(contract)
    plain = records.select("*", plain_json(F.col("value")).alias("plain"))
    opened = plain.select(
        "*",
        parse_object(quote_numbers(F.col("plain")), event).alias("event"),
        parse_object(F.col("plain"), written).alias("again"),
    )
    told = F.col("event.updateDescription")
    whole, inside = changed_fields(
        told["updatedFields"], told["removedFields"], told["truncatedArrays"], told["disambiguatedPaths"]
    )
    full, before, keyed = (image(F.col("event")[name], F.col("again")[name], contract) for name in _IMAGES)
    written_fields = F.col("again.updateDescription.updatedFields")
    fill = F.lit(options.full_document == "use") & F.col("event.fullDocument").isNotNull()
    packed = F.expr("try_cast(event.clusterTime AS BIGINT)")
    halves = parse_object(F.col("event.clusterTime"), texts(["t", "i"]))
    placed = opened.select(
        *("origin", "table", "raw", "is_line", "value", "event"),
        *(full.alias("full"), before.alias("before"), keyed.alias("keyed")),
        image(told["updatedFields"], written_fields, contract).alias("updated"),
        *(whole.alias("whole"), inside.alias("inside"), fill.alias("fill")),
        (F.col("event.operationType") == "update").alias("partial"),
        F.col("event.wallTime").alias("at"),
        F.col("event.clusterTime").alias("clock"),
        F.upper(F.when(F.col("event._id._data").rlike("^[0-9A-Fa-f]+$"), F.col("event._id._data"))).alias("token"),
        packed.alias("packed"),
        halves.alias("halves"),
    )
    last = (1 << 32) - 1
    t = F.coalesce(F.expr("try_cast(halves.t AS BIGINT)"), F.shiftrightunsigned("packed", 32))
    i = F.coalesce(F.expr("try_cast(halves.i AS BIGINT)"), F.col("packed").bitwiseAND(F.lit(last)))
    return placed.select("*", *(F.when(half.between(0, last), half).alias(name) for name, half in (("t", t), ("i", i))))


def _shapes(contract: Contract) -> tuple[StructType, StructType]:
    """What is read of an event, and the part of it that is read a second time."""
    fields = StructField("updatedFields", FIELDS)
    told = [
        fields,
        StructField("removedFields", REMOVED),
        StructField("truncatedArrays", TRUNCATED),
        StructField("disambiguatedPaths", PATHS),
    ]
    images = [StructField(name, texts(contract.names)) for name in _IMAGES]
    event = [
        *texts(["operationType", "clusterTime", "wallTime", "splitEvent"]).fields,
        StructField("_id", texts(["_data", "copyingData"])),
        StructField("updateDescription", StructType(told)),
    ]
    return StructType([*images, *event]), StructType([*images, StructField("updateDescription", StructType([fields]))])


def _malformed() -> Column:
    event = F.col("event")
    kind = event["operationType"]
    return (
        F.when(event.isNull(), "the text is not one JSON object of the form of change events")
        .when(kind.isNull(), "the event has no operationType")
        .when(event["splitEvent"].isNotNull(), "the event is a fragment of a split event; join them before they land")
        .when(kind.isin("insert", "replace") & event["fullDocument"].isNull(), "the event has no fullDocument")
        .when((kind == "update") & event["updateDescription"].isNull(), "the event has no updateDescription")
    )


def _sequence() -> Column:
    """Where the event stands in the stream; null when it does not say."""
    zero = F.lit(0).cast("bigint")
    lowest = F.struct(zero.alias("t"), zero.alias("i"), F.lit("").alias("token"))
    place = F.struct("t", "i", "token")
    known = F.col("t").isNotNull() & F.col("i").isNotNull() & F.col("token").isNotNull()
    return F.when(F.col("event._id.copyingData") == "true", lowest).when(known, place)
