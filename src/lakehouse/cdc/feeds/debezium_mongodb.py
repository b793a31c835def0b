"""Debezium's connector of MongoDB: its envelope, in which documents are text in extended JSON.

| | |
|---|---|
| operation | `op`: c, u, r upsert, d deletes |
| order | struct (`ts_ms`, `ord`) of the `source` block; snapshot rows below all |
| an absent column | of a document (`after`): null. Of an update without one, which `updateDescription` tells: unchanged, left out of `_provided`; a field in `removedFields` is null |
| key change | `_id` never changes. Other key columns: with pre-images (`before`) |
| cannot be told | the order of changes of one document in one transaction, which share `ts_ms` and `ord`; the key of a delete, when bronze has only the value and the connector sends no `before`; a column that `updateDescription` changes only inside |

A record is a message, or a line `{"topic", "key", "value"}` with key and value as text: the key of a delete is in the message key
(`id`), so keep whole lines, or capture with pre-images. What is no change is skipped as in the feed `debezium`.
Format: https://debezium.io/documentation/reference/stable/connectors/mongodb.html
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import MapType, StringType, StructField, StructType

from lakehouse.cdc.changes import DELETE, UPSERT, ParsedChanges
from lakehouse.cdc.feeds.assembly import Contract, Reading, assemble, require_bronze
from lakehouse.cdc.feeds.debezium_messages import (
    envelope_of,
    event_time,
    is_snapshot,
    key_texts,
    kind,
    opened,
    route_message,
)
from lakehouse.cdc.feeds.documents import (
    FIELDS,
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
from lakehouse.cdc.feeds.mongodb import FullDocument, require_full_document
from lakehouse.cdc.feeds.topics import named_table, topic_records
from lakehouse.cdc.json_text import parse_object, quote_numbers, texts
from lakehouse.columns import RAW
from lakehouse.transforms.decoding import require_timezone

_UPDATE = StructType(
    [
        StructField("updatedFields", StringType()),
        StructField("removedFields", REMOVED),
        StructField("truncatedArrays", TRUNCATED),
    ]
)
_ENVELOPE = envelope_of(
    *texts(["before", "after"]).fields,
    StructField("source", texts(["db", "collection", "ts_ms", "ts_us", "ord", "snapshot"])),
    StructField("updateDescription", _UPDATE),
)
_DOCUMENTS = {"full": "after", "before": "before", "keyed": "told"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the connector is set.

    Attributes:
        full_document: what the `after` of an update is good for. `use` takes the whole row from it; captured with
            `change_streams_update_full` it may be newer than the event, so that a version shows a later value. `ignore` reads
            `updateDescription` alone and sets updates that change a column only inside aside as `bad_value`.
        timezone: wall clock of `timestamp_ntz`, and zone of timestamps in text that name none.
    """

    full_document: FullDocument = "use"
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse what is not known."""
        require_timezone(self.timezone)
        require_full_document(self.full_document, feed="debezium-mongodb")


def route() -> Column:
    """`database.collection` from the source block, else from the topic of a tombstone; null for the rest."""
    return route_message(texts(["db", "collection"]), lambda source: named_table(source["db"], source["collection"]))


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of Debezium's connector of MongoDB; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    require_bronze(df, contract, RAW)
    frame = _staged(topic_records(df), contract, options)
    op = F.col("envelope.op")
    reading = Reading(
        raw=F.col("raw"),
        kind=kind(),
        malformed=_malformed(),
        operation=F.when(op.isin("c", "u", "r"), UPSERT).when(op == "d", DELETE),
        unknown="op is none of c, u, r, d",
        sequence=_sequence(),
        event_time=event_time(),
        row=document_cells(contract),
        old_key=document_keys_before(contract),
        faults=[document_fault(contract)],
        provided=document_provided(contract),
    )
    return assemble(frame, reading, contract, timezone=options.timezone, binary="base64")


def _staged(records: DataFrame, contract: Contract, options: Options) -> DataFrame:
    """Columns beside those of a document: those of a message, the source's numbers, after and fields (null: no object)."""
    messages = opened(records, _ENVELOPE)
    # The key tells `_id` as extended JSON of its own.
    identity = F.when(F.col("envelope.op").isin("u", "d"), key_texts(F.col("key"))["id"])
    told = F.concat(F.lit('{"_id":'), identity, F.lit("}"))
    texts_of = {"after": F.col("envelope.after"), "before": F.col("envelope.before"), "told": told}
    plain = messages.select(
        "*",
        *(plain_json(text).alias(f"plain_{name}") for name, text in texts_of.items()),
        plain_json(F.col("envelope.updateDescription.updatedFields")).alias("plain_fields"),
    )
    shapes: dict[str, StructType | MapType] = {**dict.fromkeys(texts_of, texts(contract.names)), "fields": FIELDS}
    read = plain.select(
        "*",
        *(parse_object(quote_numbers(F.col(f"plain_{name}")), form).alias(name) for name, form in shapes.items()),
        *(parse_object(F.col(f"plain_{name}"), form).alias(f"written_{name}") for name, form in shapes.items()),
    )
    update = F.col("envelope.updateDescription")
    whole, inside = changed_fields(F.col("fields"), update["removedFields"], update["truncatedArrays"])
    partial = (F.col("envelope.op") == "u") & update.isNotNull()
    if options.full_document == "use":
        partial &= F.col("envelope.after").isNull()
    numbers = {"ts_ms": "BIGINT", "ts_us": "BIGINT", "ord": "BIGINT"}
    return read.select(
        *("origin", "table", "raw", "is_line", "topic", "value", "message", "envelope", "after", "fields"),
        *(image(F.col(name), F.col(f"written_{name}"), contract).alias(place) for place, name in _DOCUMENTS.items()),
        image(F.col("fields"), F.col("written_fields"), contract).alias("updated"),
        *(whole.alias("whole"), inside.alias("inside"), partial.alias("partial"), F.lit(False).alias("fill")),
        *(F.expr(f"try_cast(envelope.source.{name} AS {number})").alias(name) for name, number in numbers.items()),
    )


def _malformed() -> Column:
    envelope = F.col("envelope")
    op, after, update = envelope["op"], envelope["after"], envelope["updateDescription"]
    broken = (F.col("after").isNull() & after.isNotNull()) | (
        F.col("fields").isNull() & update["updatedFields"].isNotNull()
    )
    return (
        F.when(F.col("message").isNull(), "the text is not one JSON object of the form of Debezium messages")
        .when(op.isNull(), "the message has no op")
        .when(op.isin("c", "r") & after.isNull(), "the message has no after image")
        .when((op == "u") & after.isNull() & update.isNull(), "the message has no after image and no updateDescription")
        .when(op.isin("c", "r", "u") & broken, "a document in the message is not one JSON object")
    )


def _sequence() -> Column:
    """Where the change stands in the oplog; null when the message does not say. Snapshot rows rank lowest."""
    zero = F.lit(0).cast("bigint")
    lowest = F.struct(zero.alias("ts_ms"), zero.alias("ord"))
    known = F.col("ts_ms").isNotNull() & F.col("ord").isNotNull()
    return F.when(is_snapshot(), lowest).when(known, F.struct("ts_ms", "ord"))
