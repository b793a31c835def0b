"""CSV natively: what is a record, what is a field, what is null, and what is no CSV."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.csv_records import fields, split_records, tokens
from lakehouse.errors import ConfigError, MissingColumnsError

RECORDS = {
    "a,b": ["a", "b"],
    "": [""],
    ",": ["", ""],
    ",b": ["", "b"],
    "single": ["single"],
    '"quoted"': ["quoted"],
    '"a,b",c': ["a,b", "c"],
    '"a\nb\r\nc",d': ["a\nb\r\nc", "d"],
    '"say ""hi""",x': ['say "hi"', "x"],
    '""""': ['"'],
    '""': [""],
    '"",""': ["", ""],
    'NULL,"NULL",null': [None, "NULL", "null"],
    "back\\slash,\\,x": ["back\\slash", "\\", "x"],
    '"C:\\","\\"""': ["C:\\", '\\"'],
    "  a , b ": ["  a ", " b "],
    "\U0001d518\U0001d52b,日本,😀": ["\U0001d518\U0001d52b", "日本", "😀"],
    '"😀,""😀"""': ['😀,"😀"'],
    "a,b\r": ["a", "b"],
    '"a\r"\r': ["a\r"],
    "NULL\r": [None],
    '"never closed': None,
    'a,"b': None,
    '"a"b,c': None,
    'a"b,c': None,
    'a,b"': None,
    '"a" ,b': None,
    '"a""': None,
}


def test_a_record_is_cut_into_its_fields(spark: SparkSession) -> None:
    """Delimiters, quotes, line breaks, nulls and empty fields are told apart; what is no RFC 4180 record is null."""
    frame = spark.createDataFrame([(record,) for record in RECORDS], "record STRING")
    cut = frame.select("record", fields(tokens("record"), null_value="NULL").alias("fields"))
    assert {row["record"]: row["fields"] for row in cut.collect()} == RECORDS


def test_huge_fields_do_not_overflow_the_stack(spark: SparkSession) -> None:
    """A field of a megabyte and one of 20,000 doubled quotes are read like any other."""
    big, quotes = "x" * 1_000_000, '"' * 20_000
    record = f'{big},"{big}","{quotes}{quotes}"'
    frame = spark.createDataFrame([(record,)], "record STRING")
    assert frame.select(fields(tokens("record")).alias("fields")).collect()[0]["fields"] == [big, big, quotes]


@pytest.mark.parametrize("delimiter", [";", "|", "\t", "^", "]", "\\", "\U0001d518"])
def test_any_other_character_delimits(spark: SparkSession, delimiter: str) -> None:
    """Characters that mean something in regular expressions are plain delimiters."""
    frame = spark.createDataFrame([(f'a,b{delimiter}"c{delimiter}d"{delimiter}',)], "record STRING")
    cut = frame.select(fields(tokens("record", delimiter=delimiter)).alias("fields"))
    assert cut.collect()[0]["fields"] == ["a,b", f"c{delimiter}d", ""]


@pytest.mark.parametrize("delimiter", ["", "||", '"', "\n", "\r"])
def test_a_delimiter_that_cannot_delimit_is_refused(delimiter: str) -> None:
    """Nothing, two characters, a quote and line breaks are configuration errors."""
    with pytest.raises(ConfigError, match="must be one character"):
        tokens("record", delimiter=delimiter)


def test_lines_are_joined_while_a_quote_is_open(spark: SparkSession) -> None:
    """A record keeps its line breaks and carriage returns, is numbered by its first line, and files do not mix."""
    files = {
        "plain": ["a,b", "", "c,d\r"],
        "open": ['1,"one', "", "two\r", 'three",x', '2,"in ""quotes""",y'],
        "torn": ["3,z", '4,"never', "closed"],
    }
    rows = [(line, file, number) for file, lines in files.items() for number, line in enumerate(lines)]
    lines = spark.createDataFrame(rows[::-1], "_raw STRING, _source_file STRING, _line BIGINT").repartition(2)
    found = {(row["_source_file"], row["_row"]): row["_raw"] for row in split_records(lines).collect()}
    assert found == {
        ("plain", 0): "a,b",
        ("plain", 1): "",
        ("plain", 2): "c,d\r",
        ("open", 0): '1,"one\n\ntwo\r\nthree",x',
        ("open", 4): '2,"in ""quotes""",y',
        ("torn", 0): "3,z",
        ("torn", 1): '4,"never\nclosed',
    }


def test_a_file_of_a_hundred_thousand_lines_is_split(spark: SparkSession) -> None:
    """Every third line goes on in the next two: 100,000 lines make 33,334 records and no text is lost."""
    opening, closing = F.lit('1,"a'), F.lit('c"')
    text = F.when(F.col("id") % 3 == 0, opening).when(F.col("id") % 3 == 1, F.lit("b")).otherwise(closing)
    lines = spark.range(100_000).select(
        text.alias("_raw"), F.lit("f").alias("_source_file"), F.col("id").alias("_line")
    )
    records = split_records(lines)
    counts = records.groupBy("_raw").agg(F.count("*").alias("n"), F.max("_row").alias("last")).collect()
    assert {row["_raw"]: (row["n"], row["last"]) for row in counts} == {
        '1,"a\nb\nc"': (33_333, 99_996),
        '1,"a': (1, 99_999),
    }


def test_lines_without_their_columns_are_refused(spark: SparkSession) -> None:
    """A frame that lacks a column is refused with its name."""
    with pytest.raises(MissingColumnsError, match="_line"):
        split_records(spark.createDataFrame([("a", "f")], "_raw STRING, _source_file STRING"))
