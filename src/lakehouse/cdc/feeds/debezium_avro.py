"""Debezium in Avro, as Confluent's serializer frames it: a zero byte, the schema's id in four bytes, the Avro body.

| | |
|---|---|
| operation, order, an absent column, key change, cannot be told | those of the feed `debezium`: a message is read with the names that Connect put into its schema, as if it were JSON with its schema |
| a schema | by its id, from the option `schemas`; a message of an id that is not there is rejected as `malformed` and names the id |

A record is the base64 of a message's value, or a line `{"topic", "key", "value"}` with base64 in key and value: bronze keeps text.
The table is in the topic's name, of records without a topic in the folders of the file.

The body is read by Spark's own Avro module, which is no part of Spark itself. On a laptop the library brings it. For
spark-submit and EMR add `--packages org.apache.spark:spark-avro_2.12:<version of Spark>` (`_2.13` from Spark 4 on), on AWS Glue the jar
of that name with `--extra-jars`.
Format: https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.feeds import debezium
from lakehouse.cdc.feeds.assembly import Contract, require_bronze
from lakehouse.cdc.feeds.connect_avro import WireSchema, read_schema
from lakehouse.cdc.feeds.folders import route_by_folder
from lakehouse.cdc.feeds.topics import is_tombstone, topic_records, topic_table
from lakehouse.cdc.json_text import parse_object, texts
from lakehouse.columns import RAW
from lakehouse.errors import ConfigError
from lakehouse.transforms.avro import read_body

_HEADER = 5  # bytes before the body
_IDS = range(1 << 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(debezium.Options):
    """How the connector is set, and the schemas of its messages.

    Attributes:
        schemas: what the registry holds, by id: Avro schemas as JSON text or as objects, of values and, where deletes have
            their key in the message key alone, of keys. In a configuration also names of files that end in `.avsc`.
    """

    schemas: Mapping[int | str, str | Mapping[str, Any]]

    def __post_init__(self) -> None:
        """Refuse what is not known, ids that are no numbers, and schemas that are no records."""
        debezium.Options.__post_init__(self)
        _require_mapping(self.schemas)
        _ = self.wire

    @property
    def wire(self) -> dict[int, WireSchema]:
        """The schemas by id, as they are on the wire."""
        return {
            _id(name): read_schema(schema, origin=f"the Avro schema {name}") for name, schema in self.schemas.items()
        }


def route() -> Column:
    """`schema.table` from the last two parts of the topic; of records without a topic from the folders of the file."""
    topic = parse_object(F.col(RAW), texts(["topic"]))["topic"]
    return F.when(F.col(RAW).startswith("{"), topic_table(topic)).otherwise(route_by_folder())


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of messages in Avro; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
        PreflightError: the Spark session has no Avro module (from Spark 4 on Spark's own error says so).
    """
    require_bronze(df, contract, RAW)
    return debezium.read(_decoded(topic_records(df), options.wire), contract, options)


def _decoded(records: DataFrame, schemas: Mapping[int, WireSchema]) -> DataFrame:
    """The records with key and value as JSON text, and what is wrong with the value."""
    framed = records.select(
        *("origin", "table", "raw", "is_line", "topic", "key", "value"),
        is_tombstone().alias("is_empty"),
        *(F.try_to_binary(F.col(name), F.lit("base64")).alias(f"{name}_bytes") for name in ("key", "value")),
    )
    identified = framed.select("*", *(_schema_id(f"{name}_bytes").alias(f"{name}_id") for name in ("key", "value")))
    read = identified.select(
        "*",
        _json("key", {number: ("", schema.avro, "") for number, schema in schemas.items()}).alias("key_json"),
        _json(
            "value",
            {number: (f'{{"schema":{told.connect},"payload":', told.avro, "}") for number, told in schemas.items()},
        ).alias("value_json"),
    )
    return read.select(
        *("origin", "table", "raw", "is_line", "topic"),
        F.coalesce("key_json", "key").alias("key"),
        F.when(~F.col("is_empty"), F.coalesce("value_json", "value")).alias("value"),
        _problem(schemas).alias("problem"),
    )


def _schema_id(content: str) -> Column:
    """The id in the frame; null when there is no frame."""
    framed = (F.hex(F.substring(content, 1, 1)) == "00") & (F.length(content) > _HEADER)
    return F.when(framed, F.conv(F.hex(F.substring(content, 2, 4)), 16, 10).cast("bigint"))


def _json(name: str, schemas: Mapping[int, tuple[str, str, str]]) -> Column:
    """The body as JSON text between two other texts, by the schema it names; null when it fits none."""
    text = F.lit(None).cast("string")
    for number, (before, schema, after) in schemas.items():
        # Times and decimals stay as they are on the wire; a body that does not fit gives an object without fields.
        body = F.to_json(read_body(F.expr(f"substring({name}_bytes, {_HEADER + 1})"), schema))
        whole = F.when(body != "{}", F.concat(F.lit(before), body, F.lit(after)))
        text = F.when(F.col(f"{name}_id") == number, whole).otherwise(text)
    return text


def _problem(schemas: Mapping[int, WireSchema]) -> Column:
    number = F.col("value_id")
    known = F.coalesce(number.isin(*schemas), F.lit(False))
    return F.when(
        ~F.col("is_empty"),
        F.when(number.isNull(), "the value is no Avro message in the frame of Confluent's serializer, as base64")
        .when(~known, F.concat(F.lit("the option schemas lacks the Avro schema "), number.cast("string")))
        .when(
            F.col("value_json").isNull(),
            F.concat(F.lit("the body does not fit the Avro schema "), number.cast("string")),
        ),
    )


def _require_mapping(schemas: object) -> None:
    if not isinstance(schemas, Mapping) or not schemas:
        msg = "option schemas of feed debezium-avro must map ids of the registry to Avro schemas"
        raise ConfigError(msg)


def _id(name: int | str) -> int:
    number = int(name) if str(name).isdecimal() else -1
    if number not in _IDS:
        msg = f"option schemas of feed debezium-avro has the id {name!r}; use the number that the registry gave the schema"
        raise ConfigError(msg)
    return number
