"""Fingerprints and keys: equal values are equal, and nothing else is."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)
from spark_settings import settings

from lakehouse.errors import ConfigError, MissingColumnsError
from lakehouse.transforms import row_hash, surrogate_key

INNER = StructType([StructField("a", StringType()), StructField("b", StringType())])
SCHEMA = StructType(
    [
        StructField("n", IntegerType()),
        StructField("x", StringType()),
        StructField("y", StringType()),
        StructField("d", DoubleType()),
        StructField("list", ArrayType(StringType())),
        StructField("map", MapType(StringType(), StringType())),
        StructField("inner", INNER),
    ]
)
NOTHING = (None, None, None, None, None, None)
DIFFERENT = [
    NOTHING,
    ("a", None, None, None, None, None),
    (None, "a", None, None, None, None),
    ("a", "b", None, None, None, None),
    ("ab", None, None, None, None, None),
    ("ab", "", None, None, None, None),
    ("a|b", "c", None, None, None, None),
    ("a", "b|c", None, None, None, None),
    ("-", None, None, None, None, None),
    ("1:a", None, None, None, None, None),
    (None, None, 0.0, None, None, None),
    (None, None, math.nan, None, None, None),
    (None, None, None, [], None, None),
    (None, None, None, [None], None, None),
    (None, None, None, ["a", None], None, None),
    (None, None, None, [None, "a"], None, None),
    (None, None, None, ["a", "b"], None, None),
    (None, None, None, ["ab"], None, None),
    (None, None, None, None, {}, None),
    (None, None, None, None, {"a": "b"}, None),
    (None, None, None, None, {"b": "a"}, None),
    (None, None, None, None, None, (None, None)),
    (None, None, None, None, None, ("a", None)),
    (None, None, None, None, None, (None, "a")),
]
EQUAL = [
    ((None, None, 0.0, None, None, None), (None, None, -0.0, None, None, None)),
    ((None, None, math.nan, None, None, None), (None, None, -math.nan, None, None, None)),
    ((None, None, None, None, {"a": "1", "b": "2"}, None), (None, None, None, None, {"b": "2", "a": "1"}, None)),
]


def test_only_equal_rows_have_equal_hashes(spark: SparkSession) -> None:
    """Null is a value of its own wherever it stands, nothing runs into its neighbour, and equal values are equal."""
    others = [row for pair in EQUAL for row in pair]
    frame = spark.createDataFrame([(n, *row) for n, row in enumerate([*DIFFERENT, *others])], SCHEMA)
    of = SCHEMA.names[1:]
    hashed = surrogate_key(row_hash(frame, of=of, into="hash"), of=of, into="key")
    for name in ("hash", "key"):
        found = [value for _, value in sorted(hashed.select("n", name).collect())]
        different, pairs = found[: len(DIFFERENT)], found[len(DIFFERENT) :]
        assert None not in found
        assert len(set(different)) == len(DIFFERENT)
        assert pairs[::2] == pairs[1::2]


def test_a_key_is_the_digest_of_what_is_written(spark: SparkSession) -> None:
    """Each type is written as documented, whatever the session's zone, so that keys can be made elsewhere."""
    schema = StructType(
        [
            StructField(f"c{i}", data_type)
            for i, data_type in enumerate(
                [
                    LongType(), DecimalType(9, 2), DecimalType(38, 18), DecimalType(38, 18), FloatType(), BooleanType(),
                    DateType(), TimestampType(), BinaryType(), StringType(),
                ]
            )
        ]
    )  # fmt: skip
    at = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    row = (
        100, Decimal("100.00"), Decimal("0E-18"), Decimal("-0.1"), 0.5, True, date(2026, 1, 2), at, b"\x00\xff", "naïve",
    )  # fmt: skip
    texts = [
        "100",
        "100",
        "0",
        "-0.1",
        "0.5",
        "true",
        "2026-01-02",
        str(int(at.timestamp()) * 10**6 + 6),
        "00FF",
        "naïve",
    ]
    wanted = hashlib.sha256("".join(f"{len(text)}:{text}" for text in texts).encode()).hexdigest()[:32]
    frame = spark.createDataFrame([row], schema)
    with settings(spark, {"spark.sql.session.timeZone": "Asia/Tokyo"}):
        (made,) = surrogate_key(frame, of=schema.names, into="key").select("key").collect()
    assert made.key == wanted


def test_what_cannot_be_hashed_is_refused(spark: SparkSession) -> None:
    """A column that is not there, none at all, or a name that is taken are errors before anything runs."""
    frame = spark.range(1)
    with pytest.raises(MissingColumnsError, match="lacks x"):
        row_hash(frame, of=["id", "x"], into="hash")
    with pytest.raises(ConfigError, match="at least one column"):
        surrogate_key(frame, of=[], into="key")
    with pytest.raises(ConfigError, match="a column id already"):
        row_hash(frame, of="id", into="id")
