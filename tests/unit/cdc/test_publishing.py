"""What a view over a history table shows."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType, TimestampType

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.history import apply_history, history_schema
from lakehouse.cdc.publishing import Publication, publish, select_rows
from lakehouse.errors import ConfigError, MissingColumnsError

PAYLOAD = StructType([StructField("i.d", LongType()), StructField("v", StringType())])
EVENTS = [
    (1, "a", "upsert", 1),
    (1, "a", "upsert", 2),
    (1, "b", "upsert", 3),
    (2, "c", "upsert", 1),
    (2, None, "delete", 4),
]


@pytest.fixture
def history(spark: SparkSession) -> DataFrame:
    """Two versions with an absorbed event, and one that a delete ended."""
    changes = spark.createDataFrame(EVENTS, "`i.d` LONG, v STRING, _op STRING, _sequence LONG")
    empty = spark.createDataFrame([], history_schema(PAYLOAD, LongType()))
    return apply_history(empty, changes, ChangeSpec(keys="i.d"))


def test_versions_and_current_rows(history: DataFrame) -> None:
    """Rows of zero width are not shown; the columns are the payload, the interval, and what says when and which."""
    versions = publish(history, keys="i.d")
    assert versions.columns == [
        "i.d", "v", "_valid_from", "_valid_to", "_effective_from", "_effective_to", "_is_current", "_sequence",
    ]  # fmt: skip
    shown = [tuple(row)[:4] for row in versions.orderBy("`i.d`", "_valid_from").collect()]
    assert shown == [(1, "a", 1, 3), (1, "b", 3, None), (2, "c", 1, 4)]
    assert [tuple(row)[:4] for row in publish(history, keys="i.d", rows="current").collect()] == [(1, "b", 3, None)]


def test_an_open_end_and_a_key_of_one_column(history: DataFrame) -> None:
    """The end that stands for "open" is only that of the open version; the surrogate key is a hash of keys and start."""
    publication = Publication(open_end="999", surrogate_key="version.id", surrogate="sha256")
    shown = publish(history, keys="i.d", publication=publication).orderBy("`i.d`", "_valid_from").collect()
    assert [row["_valid_to"] for row in shown] == [3, 999, 4]
    assert [row["_effective_to"] for row in shown] == [None, datetime(9999, 12, 31), None]  # noqa: DTZ001
    assert shown[1]["version.id"] == sha256(b'{"0":1,"1":3}').hexdigest()
    numbers = publish(history, keys="i.d", publication=Publication(surrogate_key="k")).select("k", "_valid_from")
    by_hand = publish(history, keys="i.d").select(F.xxhash64("`i.d`", "_valid_from").alias("k"), "_valid_from")
    assert sorted(map(tuple, numbers.collect())) == sorted(map(tuple, by_hand.collect()))
    assert numbers.schema["k"].dataType == LongType()


def test_far_is_the_end_of_9999_where_sequences_are_moments(spark: SparkSession) -> None:
    """Dates and timestamps have a far end; the hash of a timestamp sees its microseconds, whatever the session's zone."""
    for kind, far in ((DateType(), "DATE '9999-12-31'"), (TimestampType(), "TIMESTAMP '9999-12-31 00:00:00Z'")):
        schema = history_schema(PAYLOAD, kind)
        selection = select_rows(schema, keys="i.d", publication=Publication(open_end="far"))
        assert f"if(_is_current, {far}, _valid_to) AS `_valid_to`" in selection.columns
    publication = Publication(surrogate_key="k", surrogate="sha256")
    texts = ["2026-11-24 10:00:00.000001+00:00", "2026-11-24 10:00:00.000002+00:00", "2026-11-24 11:00:00.000001+01:00"]
    rows = spark.createDataFrame([(text,) for text in texts], "at STRING")
    started = [
        F.lit(None).cast(f.dataType).alias(f.name)
        for f in history_schema(PAYLOAD, TimestampType())
        if f.name not in ("i.d", "_valid_from")
    ]
    table = rows.select(
        F.lit(1).cast("long").alias("i.d"), F.col("at").cast("timestamp").alias("_valid_from"), *started
    )
    keys = [row["k"] for row in publish(table, keys="i.d", publication=publication).collect()]
    assert keys[0] == keys[2]
    assert keys[0] != keys[1]
    assert keys[0] == sha256(b'{"0":1,"1":"2026-11-24T10:00:00.000001Z"}').hexdigest()


def test_options_that_do_not_fit_are_refused(history: DataFrame) -> None:
    """A far end of numbers, a surrogate key with the name of a column, keys that are none, a frame that is no history."""
    with pytest.raises(ConfigError, match="the sequence is bigint"):
        select_rows(history.schema, keys="i.d", publication=Publication(open_end="far"))
    with pytest.raises(ConfigError, match="'v' is a column"):
        select_rows(history.schema, keys="i.d", publication=Publication(surrogate_key="v"))
    with pytest.raises(MissingColumnsError, match="nothing"):
        select_rows(history.schema, keys="nothing")
    with pytest.raises(MissingColumnsError, match="_valid_from"):
        select_rows(PAYLOAD, keys="i.d")
