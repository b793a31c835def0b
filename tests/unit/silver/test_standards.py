"""Standard columns of a change log."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import ConfigError, MissingColumnsError
from lakehouse.silver.standards import Standards, standardise

COLUMNS = "id int, email string, `the country` string, _op string, _sequence int, _provided array<string>"
STANDARDS = Standards(columns={"email": "email", "the country": "country"}, countries={"Germany": "DE"})


def test_columns_get_their_standard_form_beside_them(spark: SparkSession) -> None:
    """What was sent stays; an event that leaves a column out leaves its standard form out; deletes have neither."""
    rows = [
        (1, " A@X.io", "germany", "upsert", 1, None),
        (2, "none", "Atlantis", "upsert", 2, ["id", "email"]),
        (3, None, None, "delete", 3, None),
    ]
    made = standardise(spark.createDataFrame(rows, COLUMNS), STANDARDS)
    assert made.columns == [
        "id", "email", "email_standard", "the country", "the country_standard", "_op", "_sequence", "_provided",
    ]  # fmt: skip
    assert sorted(map(tuple, made.collect())) == [
        (1, " A@X.io", "a@x.io", "germany", "DE", "upsert", 1, None),
        (2, "none", None, "Atlantis", None, "upsert", 2, ["id", "email", "email_standard"]),
        (3, None, None, None, None, "delete", 3, None),
    ]


def test_nothing_to_do_is_nothing_done(spark: SparkSession) -> None:
    """Without standards the rows are what they were."""
    frame = spark.createDataFrame([(1, "a", "b", "upsert", 1, ["id"])], COLUMNS)
    assert standardise(frame, Standards(columns={})).collect() == frame.collect()


def test_what_is_not_there_or_already_there_is_refused(spark: SparkSession) -> None:
    """A column that is missing, and a name that is taken."""
    frame = spark.createDataFrame([], "id int, email string, email_standard string")
    with pytest.raises(MissingColumnsError, match="phone"):
        standardise(frame, Standards(columns={"phone": "phone"}))
    with pytest.raises(ConfigError, match="email_standard already"):
        standardise(frame, Standards(columns={"email": "email"}))


def test_phones_are_of_the_country_of_their_row(spark: SparkSession) -> None:
    """A number without a country code gets that of the row's country; where that is not known it is none, or the default's."""
    frame = spark.createDataFrame(
        [
            (1, "030 1234567", "germany"),
            (2, "020 7946 0000", "GB"),
            (3, "030 1234567", "Atlantis"),
            (4, "+33 1 23 45 67 89", None),
        ],
        "id int, phone string, country string",
    )
    known: dict[str, Any] = {"countries": {"Germany": "DE", "UK": "GB"}, "calling_codes": {"DE": "49", "GB": "44"}}
    for default, unknown in ((None, None), ("1", "+1301234567")):
        standards = Standards(columns={"phone": "phone", "country": "country"}, country_code=default, **known)
        rows = standardise(frame, standards).orderBy("id").collect()
        assert [row.phone_standard for row in rows] == ["+49301234567", "+442079460000", unknown, "+33123456789"]
