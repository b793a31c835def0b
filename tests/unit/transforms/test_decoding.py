"""Text to typed values: exact, zone-explicit, and never a silent loss."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)
from spark_settings import settings

from lakehouse.errors import ConfigError
from lakehouse.transforms.decoding import decode, require_decodable


def at(text: str) -> datetime:
    """A timestamp as it is collected, in UTC without a zone."""
    return datetime.fromisoformat(text)


BAD = "no value of the type"
POINT = StructType([StructField("x", IntegerType()), StructField("y", StringType())])
INTEGERS = {"7": 7, "-7": -7, "+7": 7, " 7 ": 7, "7.00": 7, "007": 7, "7.5": BAD, "seven": BAD, "": None, " ": BAD}
CASES: list[tuple[DataType, dict[str, Any]]] = [
    (StringType(), {"": "", " a ": " a ", "NULL": "NULL"}),
    (
        BooleanType(),
        {"true": True, "FALSE": False, "t": True, "f": False, "1": True, "0": False, "2": BAD, "ja": BAD, "": None},
    ),
    (ByteType(), INTEGERS | {"127": 127, "128": BAD, "-128": -128}),
    (ShortType(), INTEGERS | {"32767": 32767, "32768": BAD}),
    (IntegerType(), INTEGERS | {"2147483647": 2147483647, "2147483648": BAD, "0x10": BAD}),
    (LongType(), INTEGERS | {"9007199254740993": 9007199254740993, "9223372036854775808": BAD, "9" * 40: BAD}),
    (
        DoubleType(),
        {
            "10.22": 10.22,
            "1e308": 1e308,
            "-.5": -0.5,
            "5.": 5.0,
            "Infinity": float("inf"),
            "-Infinity": float("-inf"),
            "POSITIVE_INFINITY": float("inf"),
            "NEGATIVE_INFINITY": float("-inf"),
            "INFINITE": BAD,
            "1e309": BAD,
            "1.5d": BAD,
            "0x1p3": BAD,
            "": None,
        },
    ),
    (FloatType(), {"0.5": 0.5, "1e38": pytest.approx(1e38), "1e39": BAD, "x": BAD}),
    (
        DecimalType(12, 2),
        {
            "4916.14": Decimal("4916.14"),
            "-0.01": Decimal("-0.01"),
            "1.5": Decimal("1.50"),
            "1.500": Decimal("1.50"),
            ".5": Decimal("0.50"),
            "5.": Decimal("5.00"),
            "1e2": Decimal("100.00"),
            "12345e-2": Decimal("123.45"),
            "15000e-4": Decimal("1.50"),
            "0e-9": Decimal("0.00"),
            "9999999999.99": Decimal("9999999999.99"),
            "10000000000": BAD,
            "1.005": BAD,
            "1.001": BAD,
            "1e-3": BAD,
            "12345e-3": BAD,
            "1e11": BAD,
            "1e999999999": BAD,
            "1e-999999999": BAD,
            "NaN": BAD,
            ".": BAD,
            "1,5": BAD,
            "": None,
        },
    ),
    (
        DecimalType(38, 0),
        {
            "9" * 38: Decimal("9" * 38),
            "-" + "9" * 38: Decimal("-" + "9" * 38),
            "9" * 39: BAD,
            "1.0": Decimal(1),
            "0.1": BAD,
        },
    ),
    (DecimalType(38, 38), {"0." + "1" * 38: Decimal("0." + "1" * 38), "0." + "1" * 39: BAD, "1": BAD}),
    (
        DateType(),
        {
            "2026-11-24": date(2026, 11, 24),
            "1938-01-22": date(1938, 1, 22),
            "2024-02-29": date(2024, 2, 29),
            "2026-11-24Z": date(2026, 11, 24),
            "2026-02-30Z": BAD,
            "2026-11-24ZZ": BAD,
            "2026-11-24 00:00:00": date(2026, 11, 24),
            "2026-11-24T00:00:00.000Z": date(2026, 11, 24),
            "2026-11-24 10:00:00": BAD,
            "2023-02-29": BAD,
            "24.11.2026": BAD,
            "2026": BAD,
            "0000-00-00": BAD,
            "": None,
        },
    ),
    (
        TimestampType(),
        {
            "2026-11-24 03:35:44.644718": at("2026-11-24 02:35:44.644718"),
            "2026-11-24T03:35:44.644718Z": at("2026-11-24 03:35:44.644718"),
            "2026-11-24T03:35:44.644718999Z": at("2026-11-24 03:35:44.644718"),
            "2026-11-24 03:35:44+05:30": at("2026-11-23 22:05:44"),
            "2026-11-24 03:35:44-08": at("2026-11-24 11:35:44"),
            "2026-07-01 12:00": at("2026-07-01 10:00:00"),
            "2026-07-01T12:00+02:00": at("2026-07-01 10:00:00"),
            "2026-07-01": at("2026-06-30 22:00:00"),
            "2026-03-29 02:30:00": BAD,  # the clocks went from two to three
            "2026-03-29 02:30": BAD,
            "2026-03-29 03:00:00": at("2026-03-29 01:00:00"),
            "2026-03-29 02:30:00Z": at("2026-03-29 02:30:00"),
            "2026-10-25 02:30:00": at("2026-10-25 00:30:00"),  # and back: the first of two
            "2026-10-25 02:30:00+01:00": at("2026-10-25 01:30:00"),
            "1880-01-01 00:00:00.5": at("1879-12-31 23:06:32.5"),
            "2026-11-24 25:00:00": BAD,
            "2026-02-30 00:00:00": BAD,
            "infinity": BAD,
            "03:35": BAD,
            "12026-01-01 00:00": BAD,
            "": None,
        },
    ),
    (
        TimestampNTZType(),
        {
            "2026-11-24 03:35:44.644718": at("2026-11-24 03:35:44.644718"),
            "2026-07-01T12:00:00Z": at("2026-07-01 14:00:00"),
            "2026-07-01": at("2026-07-01 00:00:00"),
            "2026-07-01 12:00:61": BAD,
        },
    ),
    (BinaryType(), {"00ff": b"\x00\xff", "": b"", "abc": BAD, "0g": BAD}),
    (ArrayType(LongType()), {"[1,2]": [1, 2], "[]": [], "[1": BAD, '["x"]': BAD, "[1] 2": BAD, "": None}),
    (MapType(StringType(), DoubleType()), {'{"a":1.5}': {"a": 1.5}, "{}": {}, "[1]": BAD}),
    (POINT, {'{"x":1,"y":"b"}': {"x": 1, "y": "b"}, '{"x":1}': {"x": 1, "y": None}, '{"x":"one"}': BAD, "x": BAD}),
]


def decoded(spark: SparkSession, data_type: DataType, texts: list[str | None], **options: Any) -> dict[str | None, Any]:
    """Each text with its value, or `BAD` where it failed."""
    frame = spark.createDataFrame([(text,) for text in texts], "`a.b``c` STRING")
    result = decode("a.b`c", data_type, **options)
    rows = frame.select("*", result.value.alias("value"), result.failed.alias("failed")).collect()
    return {row[0]: BAD if row["failed"] else row.asDict(recursive=True)["value"] for row in rows}


@pytest.mark.parametrize(("data_type", "cases"), CASES, ids=[data_type.simpleString() for data_type, _ in CASES])
def test_text_is_a_value_or_is_said_to_be_none(spark: SparkSession, data_type: DataType, cases: dict[str, Any]) -> None:
    """Text decodes to exactly its value or is flagged; null is neither; a zone-less timestamp is read in the zone given."""
    found = decoded(spark, data_type, [*cases, None], timezone="Europe/Berlin")
    assert found == cases | {None: None}


def test_nan_is_a_double(spark: SparkSession) -> None:
    """NaN is a value of a double, not a failure."""
    value = decoded(spark, DoubleType(), ["NaN"])["NaN"]
    assert value != value  # noqa: PLR0124 - that is what NaN is


@pytest.mark.parametrize("data_type", [TimestampType(), TimestampNTZType()], ids=["timestamp", "timestamp_ntz"])
def test_the_session_time_zone_does_not_matter(spark: SparkSession, data_type: DataType) -> None:
    """The same text gives the same value in a session in Tokyo, with and without a zone in the text."""
    texts = ["2026-07-01 12:00:00", "2026-07-01T12:00:00Z", "2026-07-01"]
    frame = spark.createDataFrame([(text,) for text in texts], "text STRING")
    value = decode("text", data_type, timezone="Europe/Berlin").value
    shown = (
        "CAST(unix_micros(CAST(value AS TIMESTAMP)) AS STRING)"
        if data_type == TimestampType()
        else "CAST(value AS STRING)"
    )
    here = frame.select(value.alias("value")).selectExpr(shown).collect()
    with settings(spark, {"spark.sql.session.timeZone": "Asia/Tokyo"}):
        assert frame.select(value.alias("value")).selectExpr(shown).collect() == here


def test_bytes_in_base64(spark: SparkSession) -> None:
    """Base64 is read where the feed says so."""
    assert decoded(spark, BinaryType(), ["AP8=", "*"], binary="base64") == {"AP8=": b"\x00\xff", "*": BAD}


def test_a_type_no_feed_can_carry_is_refused() -> None:
    """The refusal names the column and its type before anything runs."""
    schema = StructType([StructField("pause", DayTimeIntervalType(0, 3))])
    with pytest.raises(ConfigError, match=r"column pause: .*interval day to second"):
        require_decodable(schema)


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("zone", ["Mars/Olympus", "'; DROP", ""])
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    """An unknown zone would turn every timestamp into null, so it is an error."""
    with pytest.raises(ConfigError, match="timezone"):
        decode("text", TimestampType(), timezone=zone)
