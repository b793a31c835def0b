"""JSON that a parser reads and the library does not take: names that repeat, and halves of letters."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.json_text import names_repeat, parse_object, texts

SMILE = "\\ud83d\\ude00"
VALUES = {
    '{"a":"\\ud83d"}': None,
    '{"a":"\\uDE00"}': None,
    '{"a":"\\ude00\\ud83d"}': None,
    '{"a":"\\ud83d\\ud83d\\ude00"}': None,
    '{"a":"\\ud83dx\\ude00"}': None,
    '{"b":"\\ud83d","a":"x"}': None,
    f'{{"a":"{SMILE}"}}': "\U0001f600",
    f'{{"a":"{SMILE * 3000}"}}': "\U0001f600" * 3000,
    '{"a":"\\\\ud83d"}': "\\ud83d",
    '{"a":"\\\\\\ud83d"}': None,
    '{"a":"\\ud7ff\\ue000"}': "\ud7ff\ue000",
    '{"a":"\U0001f600"}': "\U0001f600",
}
"""By JSON, the text of its field; none where there is half a letter, which UTF-8 does not have."""

REPEATS = {
    '{"a":1,"b":2}': False,
    '{"a":1,"A":2}': False,
    '{"a":1,"a":1}': True,
    '{"a":1,"\\u0061":2}': True,
    '{"a":{"b":1,"b":2},"c":{"b":3}}': False,
    "{}": False,
    "[1]": None,
    "{": None,
}


def test_half_a_letter_makes_no_object(spark: SparkSession) -> None:
    """Spark would read a question mark in its place; an escaped backslash before such letters is none."""
    rows = spark.createDataFrame([(text,) for text in VALUES], "text string")
    found = rows.select("text", parse_object(F.col("text"), texts(["a"]))["a"].alias("value"))
    assert {row.text: row.value for row in found.collect()} == VALUES


def test_names_that_repeat_are_seen(spark: SparkSession) -> None:
    """A name is there twice however it is spelled, at the top alone; letter case tells names apart."""
    rows = spark.createDataFrame([(text,) for text in REPEATS], "text string")
    found = rows.select("text", names_repeat(F.col("text")).alias("repeat")).collect()
    assert {row.text: row["repeat"] for row in found} == REPEATS
