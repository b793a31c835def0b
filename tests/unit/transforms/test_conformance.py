"""`conform`: what the property test over random schemas leaves open."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
)
from spark_settings import settings

from lakehouse.errors import ConfigError, IncompatibleSchemaError
from lakehouse.schemas.type_names import parse_schema
from lakehouse.transforms import conform, split_quarantined

MIXED = {
    "n": "int",
    "d": "decimal(30,18)",
    "x": "double",
    "t": "timestamp",
    "w": "timestamp_ntz",
    "day": "date",
    "s": "string",
    "r": "string",
}


def mixed(spark: SparkSession) -> DataFrame:
    """Texts, a decimal and a timestamp whose forms depend on settings unless one takes care."""
    return spark.sql(
        "SELECT '7' AS n, '0.0000000001' AS d, '1e-3' AS x, '2026-07-01 12:00' AS t, timestamp'2026-07-01 12:00:00.5Z' AS w, "
        "timestamp'2026-07-01 00:00:00Z' AS day, CAST(0 AS DECIMAL(30,18)) AS s, timestamp'2026-07-01 12:00:00Z' AS r, "
        "timestamp'2026-07-01 12:00:00.000001Z' AS extra "
        "UNION ALL SELECT '9999999999', 'x', '1e999', '2026-02-30', NULL, timestamp'2026-07-01 00:00:01Z', NULL, NULL, NULL"
    )


def test_neither_ansi_mode_nor_the_session_zone_matters(spark: SparkSession) -> None:
    """Values and what is rescued are the same with ANSI off in Tokyo as with ANSI on in UTC."""
    frame = mixed(spark)
    at_home = sorted(map(str, conform(frame, parse_schema(MIXED)).collect()))
    with settings(spark, {"spark.sql.ansi.enabled": "false", "spark.sql.session.timeZone": "Asia/Tokyo"}):
        abroad = sorted(map(str, conform(frame, parse_schema(MIXED)).collect()))
    assert abroad == at_home
    assert (
        "s='0.000000000000000000', r='2026-07-01 12:00:00Z', _rescued='{\"extra\":\"2026-07-01T12:00:00.000001Z\"}'"
        in at_home[0]
    )
    assert '{"n":"9999999999","d":"x","x":"1e999","t":"2026-02-30","day":"2026-07-01T00:00:01.000000Z"}' in at_home[1]


def test_clocks_that_are_put_forward_or_back(spark: SparkSession) -> None:
    """A time that Berlin's clocks never showed is no instant, and an instant in their double hour is no wall clock."""
    schema = StructType(
        [
            StructField("text", TimestampType()),
            StructField("wall", TimestampType()),
            StructField("at", TimestampNTZType()),
        ]
    )
    rows = spark.sql(
        "SELECT '2026-03-29 02:30:00' AS text, timestamp_ntz'2026-03-29 02:30:00' AS wall, timestamp'2026-10-25 01:30:00Z' AS at "
        "UNION ALL SELECT '2026-03-29 03:30:00', timestamp_ntz'2026-03-29 03:30:00', timestamp'2026-10-25 02:30:00Z'"
    )
    gap, clear = sorted(conform(rows, schema, timezone="Europe/Berlin").collect(), key=lambda row: row.at is not None)
    assert (gap.text, gap.wall, gap.at) == (None, None, None)
    assert (
        gap["_rescued"]
        == '{"text":"2026-03-29 02:30:00","wall":"2026-03-29T02:30:00.000000","at":"2026-10-25T01:30:00.000000Z"}'
    )
    half_past_one = datetime(2026, 3, 29, 1, 30)  # noqa: DTZ001 - in UTC, as it is collected
    assert (clear.text, clear.wall) == (half_past_one, half_past_one)
    assert clear.at == datetime(2026, 10, 25, 3, 30)  # noqa: DTZ001 - a wall clock
    assert clear["_rescued"] is None


def test_names_match_exactly_or_by_the_one_that_differs_in_case(spark: SparkSession) -> None:
    """An exact name wins, a lone other spelling is taken, and of two spellings neither is, in columns and in structs."""
    rows = spark.sql(
        "SELECT 1 AS id, 2 AS ID, 3 AS Name, 4 AS Tag, 5 AS TAG, named_struct('x', 6, 'X', 7, 'Y', 8) AS inner"
    )
    (row,) = conform(
        rows, parse_schema({"ID": "int", "name": "int", "tag": "int", "inner": "struct<x:int,y:int>"})
    ).collect()
    assert (row.ID, row.name, row.tag, tuple(row.inner)) == (2, 3, None, (6, 8))
    assert row["_rescued"] == '{"inner":{"X":7},"id":1,"Tag":4,"TAG":5}'


def test_what_is_not_nullable_and_misses(spark: SparkSession) -> None:
    """A required column that the frame lacks is a reason in every row, unless there is a default for it."""
    schema = StructType(
        [StructField("id", LongType(), nullable=False), StructField("kind", StringType(), nullable=False)]
    )
    frame = spark.range(2)
    without = split_quarantined(conform(frame, schema))
    assert [(row["_reason"], row["_detail"]) for row in without.quarantined.collect()] == [
        ("missing_value", "no value for kind")
    ] * 2
    with_default = split_quarantined(conform(frame, schema, defaults={"kind": "web", "id": 7}))
    assert sorted(map(tuple, with_default.valid.collect())) == [(0, "web", None), (1, "web", None)]


def test_one_pass(spark: SparkSession) -> None:
    """The plan has no shuffle and no Python, and stays small for many required columns under other names."""
    wide = spark.range(1).select(*(F.col("id").cast("string").alias(f"C{i}") for i in range(60)))
    schema = StructType([StructField(f"c{i}", [LongType(), StringType()][i % 2], nullable=False) for i in range(60)])
    split = split_quarantined(conform(wide, schema))
    for frame in (split.valid, split.quarantined):
        plan = frame._jdf.queryExecution().executedPlan().toString()  # noqa: SLF001 - no public way to a plan
        assert "Exchange" not in plan
        assert "Python" not in plan
        assert plan.count("Project") <= 3


@pytest.mark.parametrize(
    ("schema", "options", "error", "message"),
    [
        (StructType([StructField("id", VarcharType(3))]), {}, ConfigError, r"id is varchar\(3\), .*declare string"),
        (StructType([StructField("_rescued", StringType())]), {}, ConfigError, "writes _rescued itself"),
        (
            StructType([StructField("id", LongType())] * 2),
            {},
            IncompatibleSchemaError,
            "the schema has columns twice: id",
        ),
        (
            StructType([StructField("id", LongType())]),
            {"defaults": {"kind": 1}},
            ConfigError,
            "defaults for columns .*: kind",
        ),
        (StructType([StructField("id", LongType())]), {"extra": "keep"}, ConfigError, "'rescue', 'drop', 'refuse'"),
        (StructType([StructField("id", LongType())]), {"timezone": "Mars"}, ConfigError, "timezone 'Mars'"),
        (
            StructType([StructField("list", ArrayType(StructType([StructField("a", IntegerType())])))]),
            {"extra": "refuse"},
            IncompatibleSchemaError,
            r"lacks: id, list\.b\.c; drop them",
        ),
    ],
)
def test_what_cannot_be_conformed_is_refused(
    spark: SparkSession, schema: StructType, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    """The error comes before anything runs and says what to do."""
    frame = spark.sql("SELECT 1L AS id, array(named_struct('a', 1, 'b.c', 2)) AS list")
    with pytest.raises(error, match=message):
        conform(frame, schema, **options)
