"""Records of topics in bronze: a value alone, or a line `{"topic", "key", "value"}` with key and value as text."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from lakehouse.cdc.feeds.assembly import staged
from lakehouse.cdc.json_text import bind, parse_object, texts
from lakehouse.columns import RAW

_LINE = texts(["topic", "key", "value"])


def topic_records(df: DataFrame) -> DataFrame:
    """A staged frame of bronze rows: raw, is_line, topic and key (null without a line), value (null: a line has none).

    And `problem`, what keeps a value from being read: null here, for a feed to say.
    """
    lines = staged(df, raw=F.col(RAW), line=parse_object(F.col(RAW), _LINE))
    is_line = F.coalesce(*(F.col("line")[name] for name in _LINE.names)).isNotNull()
    return lines.select(
        *("origin", "table", "raw"),
        is_line.alias("is_line"),
        F.col("line.topic").alias("topic"),
        F.col("line.key").alias("key"),
        F.when(is_line, F.col("line.value")).otherwise(F.col("raw")).alias("value"),
        F.lit(None).cast("string").alias("problem"),
    )


def is_tombstone() -> Column:
    """Whether a record of `topic_records` is a line whose value is null."""
    return F.col("is_line") & (F.col("value").isNull() | (F.trim("value") == "null"))


def route_record(shape: StructType, table: Callable[[Column], Column]) -> Column:
    """The table a bronze record belongs to, null when it names none; it never fails.

    Args:
        shape: what to read of a value.
        table: the table that such a value names; null when it names none. A line without a value is of its topic's table.
    """

    def of_record(record: Column) -> Column:
        is_line = record["topic"].isNotNull() | record["key"].isNotNull() | record["value"].isNotNull()
        inner = bind(parse_object(record["value"], shape), table)
        return F.when(is_line & record["value"].isNull(), topic_table(record["topic"])).otherwise(
            F.when(is_line, inner).otherwise(table(record))
        )

    return bind(parse_object(F.col(RAW), StructType([*_LINE.fields, *shape.fields])), of_record)


def topic_table(topic: Column) -> Column:
    """`schema.table` from the last two parts of the name of a topic; null for Debezium's heartbeats and shorter names."""
    parts = F.when(topic.rlike(r"^[^.]+(\.[^.]+)+\.[^.]+$") & ~topic.startswith("__debezium-"), F.split(topic, r"\."))
    return F.when(parts.isNotNull(), F.array_join(F.slice(parts, -2, 2), "."))


def named_table(schema: Column, table: Column) -> Column:
    """`schema.table`; null when either is empty or null."""
    return F.when((schema != "") & (table != ""), F.concat_ws(".", schema, table))
