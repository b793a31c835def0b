"""One feed of every value that Spark, a format or a reader is known to change without a word, under any settings of the session.

Each trap is kept exactly or quarantined with a reason; the expectations are written down by the rules. The same tables have
to come out whether ANSI mode is on, wherever the session thinks it is, and whether letter case counts.

| trap | rule | here |
|---|---|---|
| ANSI mode | nothing depends on it | every case, on and off |
| bad cast, overflow | quarantined as `bad_value`, the type named and the value not | `seven`, `over_*`, `1e20` |
| `1.5` as an integer | numbers are spelled as `lakehouse.transforms.decoding` says; only a zero fraction is whole | `fraction`, `zero_fraction` |
| decimal too wide, or with more digits than its scale | quarantined, never rounded | `too_wide`, `too_fine` |
| decimal(38,19) | all 38 digits are kept | `digits_38` |
| `1e400` as a double | quarantined; NaN and infinities that are spelled are values | `too_large`, `nan`, `infinity` |
| NaN and -0.0 | values are kept bit for bit; as keys 0.0 is -0.0 and NaN is NaN | `negative_zero`, `test_zeros_and_nans_are_one_key` |
| hashing | surrogate keys are hashes of the canonical value | `test_a_published_history_is_the_same_in_any_session` |
| null and empty keys | null: `missing_key`; an empty text is a key, an empty number is null | `""`, `no key` |
| a clock change | a zone is declared; a skipped time is no value, of a repeated one the first is meant | `gap`, `fold` |
| dates before 1582, the year 9999 | the Gregorian calendar throughout | `old_*`, `far_*` |
| CSV: empty, quoted empty, null | text: empty, empty; only the unquoted null text is null | `empty`, `quoted_empty`, `null`, `quoted_null` |
| JSON: a missing field, `"12"` for a number | null unless it is a key; digits are a number however they are quoted | `DOCUMENTS` |
| JSON: `a` and `A`, a name twice | names match exactly; the record is malformed | `DOCUMENTS`, `test_names_that_differ_in_case` |
| columns `a.b`, with a back-tick | quoted in one place | `dotted`, `ticked` |
| trim, NBSP, zero width | text stays; around a number only ASCII blanks are none of it | `padded`, `nbsp`, `nbsp_number` |
| ß, İ | text stays; as names İ is i, as Java has it | `eszett`, `dotted_i`, `test_names_that_differ_in_case` |
| lines of control characters, blank lines | records like any other, malformed | `CELLS`, `DOCUMENTS` |
| header only, no bytes | files of no records | `RECORDS` |
| readers that drop what is malformed | never used, and sessions that do are refused | `tests/house/test_lossy_reads.py` |

No code meets these yet: division, arithmetic on decimals, normalisers of text and of keys, CSV that is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pytest
import yaml
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StringType, StructField, StructType, TimestampType
from spark_settings import settings
from whole_jobs import WholeJob

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.history import history_schema, versions
from lakehouse.cdc.publishing import Publication, publish
from lakehouse.columns import quoted
from lakehouse.config.loading import load_config
from lakehouse.errors import ConfigError
from lakehouse.runtime.job import DONE
from lakehouse.tables import TableRef, open_table
from lakehouse.tables.merging import merge_current

COLUMNS = {
    "trap": "string",
    "tiny": "tinyint",
    "small": "smallint",
    "whole": "int",
    "big": "bigint",
    "money": "decimal(10,2)",
    "wide": "decimal(38,19)",
    "real": "float",
    "double": "double",
    "flag": "boolean",
    "day": "date",
    "at": "timestamp",
    "wall": "timestamp_ntz",
    "bytes": "binary",
    "text": "string",
    "a.b": "string",
    "tick`tick": "string",
}
BAD = "quarantined"


def at(text: str) -> datetime:
    """A timestamp as Spark gives it to a process in UTC, or a wall clock."""
    return datetime.fromisoformat(text)


CELLS: dict[str, tuple[str, str, Any]] = {
    "seven": ("whole", "seven", BAD),
    "fraction": ("whole", "1.5", BAD),
    "zero_fraction": ("whole", "12.00", 12),
    "scientific": ("whole", "1e2", BAD),
    "hexadecimal": ("whole", "0x10", BAD),
    "leading_zeros": ("whole", "007", 7),
    "padded_number": ("whole", " 7 ", 7),
    "nbsp_number": ("whole", "\u00a07", BAD),
    "zero_width_number": ("whole", "7\u200b", BAD),
    "full_width_number": ("whole", "\uff17", BAD),
    "arabic_number": ("whole", "\u0667", BAD),
    "grouped_number": ("whole", '"1,000"', BAD),
    "max_tiny": ("tiny", "127", 127),
    "over_tiny": ("tiny", "300", BAD),
    "under_tiny": ("tiny", "-129", BAD),
    "max_small": ("small", "-32768", -32768),
    "over_small": ("small", "32768", BAD),
    "max_whole": ("whole", "2147483647", 2147483647),
    "over_whole": ("whole", "2147483648", BAD),
    "max_big": ("big", "9223372036854775807", 9223372036854775807),
    "beyond_double": ("big", "9007199254740993", 9007199254740993),
    "over_big": ("big", "9223372036854775808", BAD),
    "1e20": ("big", "1e20", BAD),
    "money": ("money", "-12345678.90", Decimal("-12345678.90")),
    "too_wide": ("money", "123456789.00", BAD),
    "too_fine": ("money", "1.005", BAD),
    "trailing_zeros": ("money", "1.500", Decimal("1.50")),
    "digits_38": (
        "wide",
        "1234567890123456789.1234567890123456789",
        Decimal("1234567890123456789.1234567890123456789"),
    ),
    "too_wide_38": ("wide", "12345678901234567890.1", BAD),
    "too_fine_38": ("wide", "0.12345678901234567891", BAD),
    "no_number": ("wide", "NaN", BAD),
    "too_large": ("double", "1e400", BAD),
    "too_large_negative": ("double", "-1e400", BAD),
    "too_large_real": ("real", "1e39", BAD),
    "real": ("real", "0.5", 0.5),
    "tiny_double": ("double", "5e-324", 5e-324),
    "shortest_double": ("double", "0.1", 0.1),
    "nan": ("double", "NaN", float("nan")),
    "infinity": ("double", "-Infinity", float("-inf")),
    "negative_zero": ("double", "-0.0", -0.0),
    "suffixed_double": ("double", "1d", BAD),
    "yes": ("flag", "Yes", True),
    "perhaps": ("flag", "2", BAD),
    "old_day": ("day", "1500-02-28", date(1500, 2, 28)),
    "julian_day": ("day", "1500-02-29", BAD),
    "left_out_day": ("day", "1582-10-10", date(1582, 10, 10)),
    "first_day": ("day", "0001-01-01", date(1, 1, 1)),
    "far_day": ("day", "9999-12-31", date(9999, 12, 31)),
    "farther_day": ("day", "10000-01-01", BAD),
    "no_day": ("day", "2023-02-29", BAD),
    "day_with_time": ("day", "2024-01-01 12:00:00", BAD),
    "summer": ("at", "2024-07-01 12:00:00", at("2024-07-01 16:00:00")),
    "gap": ("at", "2024-03-10 02:30:00", BAD),
    "before_gap": ("at", "2024-03-10 01:59:59.999999", at("2024-03-10 06:59:59.999999")),
    "after_gap": ("at", "2024-03-10 03:00:00", at("2024-03-10 07:00:00")),
    "fold": ("at", "2024-11-03 01:30:00", at("2024-11-03 05:30:00")),
    "told_fold": ("at", "2024-11-03 01:30:00-05:00", at("2024-11-03 06:30:00")),
    "told_gap": ("at", "2024-03-10T02:30:00Z", at("2024-03-10 02:30:00")),
    "date_only": ("at", "2024-07-01", at("2024-07-01 04:00:00")),
    "old_time": ("at", "1500-01-01T00:00:00Z", at("1500-01-01 00:00:00")),
    "local_mean_time": ("at", "1850-01-01 00:00:00", at("1850-01-01 04:56:02")),
    "far_time": ("at", "9999-12-31T23:59:59.999999Z", at("9999-12-31 23:59:59.999999")),
    "farther_time": ("at", "10000-01-01T00:00:00Z", BAD),
    "nanoseconds": ("at", "2024-01-01T00:00:00.123456789Z", at("2024-01-01 00:00:00.123456")),
    "wall_in_gap": ("wall", "2024-03-10 02:30:00", at("2024-03-10 02:30:00")),
    "wall_of_instant": ("wall", "2024-03-10T07:30:00Z", at("2024-03-10 03:30:00")),
    "old_wall": ("wall", "1582-10-10 00:00:00", at("1582-10-10 00:00:00")),
    "bytes": ("bytes", "00Ff", b"\x00\xff"),
    "no_bytes": ("bytes", "", b""),
    "half_a_byte": ("bytes", "0ff", BAD),
    "empty": ("text", "", ""),
    "quoted_empty": ("text", '""', ""),
    "null": ("text", "NULL", None),
    "quoted_null": ("text", '"NULL"', "NULL"),
    "empty_number": ("whole", "", None),
    "quoted_empty_number": ("whole", '""', None),
    "padded": ("text", "  a\t", "  a\t"),
    "nbsp": ("text", "\u00a0a\u00a0", "\u00a0a\u00a0"),
    "zero_width": ("text", "\u200ba\ufeff", "\u200ba\ufeff"),
    "eszett": ("text", "stra\u00dfe", "stra\u00dfe"),
    "dotted_i": ("text", "\u0130", "\u0130"),
    "decomposed": ("text", "e\u0301", "e\u0301"),
    "line_break": ("text", '"a\r\nb"', "a\r\nb"),
    "control": ("text", "\x01\x00\x7f", "\x01\x00\x7f"),
    "dotted": ("a.b", "kept", "kept"),
    "ticked": ("tick`tick", "kept", "kept"),
    "": ("text", "the empty key", "the empty key"),
}
"""By trap: the column, the text in the file, and the value that comes out."""

MALFORMED_LINES = ("\x01\x02", "", "\x1f", "a,b")
FIELDS = "the record has another number of fields than the header"


def record(trap: str, column: str, text: str) -> str:
    """A line of CSV in which one column has the text and every other one is null."""
    texts = ("string", "binary")
    given = {name: "NULL" if data_type in texts else "" for name, data_type in COLUMNS.items()}
    given |= {"trap": trap, column: text}
    return ",".join([*given.values(), "1"])


RECORDS = {
    "cells.csv": [*(record(trap, *case[:2]) for trap, case in CELLS.items()), *MALFORMED_LINES],
    "no key.csv": [record("NULL", "text", "no key")],
    "header only.csv": [],
}

DOCUMENTS: list[tuple[str, Any]] = [
    ('{"id":1,"n":"12","seq":1}', (1, 12, None, None, None)),
    ('{"id":"2","n":12.0,"seq":"1"}', (2, 12, None, None, None)),
    ('{"id":3,"seq":1}', (3, None, None, None, None)),
    ('{"id":4,"n":null,"text":null,"seq":1}', (4, None, None, None, None)),
    ('{"id":5,"text":"","n":"","seq":1}', (5, None, None, "", None)),
    (
        '{"id":6,"amount":0.12345678901234567890,"text":1.10,"seq":1}',
        (6, None, Decimal("0.12345678901234567890"), "1.10", None),
    ),
    (
        '{"id":7,"amount":1E+3,"text":"\\u0000\\u00a0\\ud83d\\ude00","seq":1}',
        (7, None, Decimal(1000), "\x00\u00a0\U0001f600", None),
    ),
    ('{"id":8,"A":"other","a":"this","seq":1}', (8, None, None, None, "this")),
    ('{"id":9,"A":"other","seq":1}', (9, None, None, None, None)),
    ('{"id":10,"text":"\\\\ud800","seq":1}', (10, None, None, "\\ud800", None)),
    ('{"id":11,"n":1.5,"seq":1}', ("bad_value", "n is no int")),
    ('{"id":12,"n":true,"seq":1}', ("bad_value", "n is no int")),
    ('{"id":13,"n":2147483648,"seq":1}', ("bad_value", "n is no int")),
    ('{"id":14,"n":{"a":1},"seq":1}', ("bad_value", "n is no int")),
    ('{"id":15,"amount":1e-21,"seq":1}', ("bad_value", "amount is no decimal(38,20)")),
    ('{"id":9223372036854775808,"seq":1}', ("bad_value", "id is no bigint")),
    ('{"text":"no id","seq":1}', ("missing_key", "no value for key id")),
    ('{"id":null,"seq":1}', ("missing_key", "no value for key id")),
    ('{"id":"","seq":1}', ("missing_key", "no value for key id")),
    ('{"ID":16,"seq":1}', ("missing_key", "no value for key id")),
    ('{"id":17}', ("missing_sequence", "no sequence")),
    ('{"id":18,"a":"x","a":"y","seq":1}', ("malformed", "the object names a field twice")),
    ('{"id":19,"text":"\\ud800","seq":1}', ("malformed", "the text is not one JSON object")),
    ('{"id":20,"seq":1} {"id":21}', ("malformed", "the text is not one JSON object")),
    ("[1]", ("malformed", "the text is not one JSON object")),
    ("\x01\x02", ("malformed", "the text is not one JSON object")),
    ("", ("malformed", "the text is not one JSON object")),
]
"""Lines of JSON, each with its row or the reason and the detail of the quarantine."""

DOCUMENT = {"id": "bigint", "n": "int", "amount": "decimal(38,20)", "text": "string", "a": "string"}

ANSI, ZONES, CASES = ("true", "false"), ("UTC", "America/New_York", "Asia/Kolkata"), ("true", "false")
FORMATS: tuple[Literal["delta", "iceberg"], ...] = ("delta", "iceberg")
SURROGATES: tuple[Literal["hash64", "sha256"], ...] = ("hash64", "sha256")
DAILY = {
    ("true", "UTC", "true", "iceberg"),
    ("false", "America/New_York", "false", "delta"),
    ("true", "Asia/Kolkata", "false", "iceberg"),
}
"""Every setting of the session is in one of these; all of them take eight times as long."""


def session(spark: SparkSession, ansi: str, zone: str, case: str) -> AbstractContextManager[None]:
    """The session as somebody else has set it, who knows nothing of this library."""
    other = {
        "spark.sql.ansi.enabled": ansi,
        "spark.sql.session.timeZone": zone,
        "spark.sql.caseSensitive": case,
        "spark.sql.parquet.datetimeRebaseModeInWrite": "EXCEPTION",
        "spark.sql.parquet.int96RebaseModeInWrite": "EXCEPTION",
    }
    return settings(spark, other)


def exact(value: Any) -> str:
    """A value in a form in which NaN is itself and -0.0 is not 0.0."""
    return repr(bytes(value) if isinstance(value, bytearray) else value)


def cells_of(rows: list[Any]) -> dict[str, dict[str, str]]:
    """By trap, what is in each column that is not null."""
    kept = [{name: value for name, value in row.asDict().items() if value is not None} for row in rows]
    found = {row.pop("trap"): {name: exact(value) for name, value in row.items()} for row in kept}
    assert len(found) == len(rows)
    return found


def land(job: WholeJob) -> None:
    """Give a job both inputs, with their files: of the cells it keeps the history, of the documents the current rows."""
    job.outputs["current"]["select"] = "traps.documents"
    job.outputs["history"]["select"] = "traps.cells"
    contract = {"keys": ["trap"], "columns": COLUMNS}
    options: dict[str, Any] = {"sequence": {"seq": "bigint"}}
    cells = job.add_input(
        "cells",
        feed="columns",
        files="csv",
        options={**options, "timezone": "America/New_York"},
        tables={"traps.cells": contract},
    )
    (cells / "traps" / "cells").mkdir(parents=True)
    for name, lines in RECORDS.items():
        content = "\n".join([",".join([*COLUMNS, "seq"]), *lines, ""])
        (cells / "traps" / "cells" / name).write_bytes(content.encode())
    (cells / "traps" / "cells" / "no bytes.csv").touch()
    documents = job.add_input(
        "documents",
        feed="columns",
        files="json",
        options={**options, "form": "json"},
        tables={"traps.documents": {"keys": ["id"], "columns": DOCUMENT}},
    )
    (documents / "traps" / "documents").mkdir(parents=True)
    text = "".join(f"{line}\n" for line, _ in DOCUMENTS)
    (documents / "traps" / "documents" / "lines.json").write_bytes(text.encode())


def expected_quarantine() -> list[tuple[str, ...]]:
    """Table, reason, detail and text of every record that is set aside."""
    bad = [
        ("traps.cells", "bad_value", f"{column} is no {COLUMNS[column]}", record(trap, column, text))
        for trap, (column, text, value) in CELLS.items()
        if value is BAD
    ]
    bad += [("traps.cells", "malformed", FIELDS, line) for line in MALFORMED_LINES]
    bad += [("traps.cells", "missing_key", "no value for key trap", line) for line in RECORDS["no key.csv"]]
    return sorted(bad + [("traps.documents", *told, line) for line, told in DOCUMENTS if isinstance(told[0], str)])


@pytest.mark.parametrize(
    ("ansi", "zone", "case", "table_format"),
    [
        pytest.param(*point, marks=() if point in DAILY else pytest.mark.exhaustive)
        for point in product(ANSI, ZONES, CASES, FORMATS)
    ],
)
def test_the_same_tables_under_any_session(
    spark: SparkSession, tmp_path: Path, ansi: str, zone: str, case: str, table_format: Literal["delta", "iceberg"]
) -> None:
    """Every trap is kept to the bit or quarantined with its reason, the tables equal under all settings of the session."""
    job = WholeJob(spark, tmp_path, table_format, zone=f"traps_{uuid4().hex[:8]}")
    land(job)
    with session(spark, ansi, zone, case):
        code, said = job.run()
        assert code == DONE, said[-1]
        cells = versions(job.rows("cells_history")).select(*map(quoted, COLUMNS)).collect()
        documents = job.rows("documents").select(*DOCUMENT).collect()
        aside = job.rows("quarantine").select("_table", "_reason", "_detail", "_raw").collect()
    kept = {
        trap: {} if value is None else {column: exact(value)}
        for trap, (column, _, value) in CELLS.items()
        if value is not BAD
    }
    assert cells_of(cells) == kept
    rows = sorted(told for _, told in DOCUMENTS if not isinstance(told[0], str))
    assert sorted(map(tuple, documents)) == rows
    assert sorted(map(tuple, aside)) == expected_quarantine()
    assert said[-1]["rows"] == len(CELLS) + len(MALFORMED_LINES) + 1 + len(DOCUMENTS)


@pytest.mark.parametrize("table_format", FORMATS)
def test_zeros_and_nans_are_one_key(
    spark: SparkSession, tmp_path: Path, table_format: Literal["delta", "iceberg"]
) -> None:
    """A later event of -0.0 replaces the row of 0.0, one of NaN that of NaN, in one batch and over two."""
    name = f"traps_keys_{uuid4().hex[:8]}"
    ref = (
        TableRef(format="iceberg", name=f"lake.traps.{name}")
        if table_format == "iceberg"
        else TableRef(format="delta", path=str(tmp_path / name))
    )
    table, spec = open_table(spark, ref), ChangeSpec(keys=["x"])
    nan, schema = float("nan"), "x double, v string, _op string, _sequence long"
    first = [
        (0.0, "zero", "upsert", 1),
        (-0.0, "minus", "upsert", 2),
        (nan, "nan", "upsert", 1),
        (1.0, "one", "upsert", 1),
    ]
    merge_current(table, spark.createDataFrame(first, schema), spec)
    assert sorted(row.v for row in table.read().collect()) == ["minus", "nan", "one"]
    second = [(0.0, "plus", "upsert", 3), (nan, "again", "upsert", 2), (-1.0, "below", "upsert", 1)]
    result = merge_current(table, spark.createDataFrame(second, schema), spec)
    assert (result.updated, result.inserted) == (2, 1)
    assert sorted(row.v for row in table.read().collect()) == ["again", "below", "one", "plus"]


def test_a_published_history_is_the_same_in_any_session(spark: SparkSession) -> None:
    """The far end is one instant, and keys of 0.0 and -0.0, and of NaN, have one surrogate key each, in every session."""
    told = [(x, "v", datetime(2024, 1, 1, tzinfo=UTC)) for x in (0.0, -0.0, float("nan"), -float("nan"), 1.0)]
    schema = history_schema(
        StructType([StructField("x", DoubleType()), StructField("v", StringType())]), TimestampType()
    )
    given = spark.createDataFrame(told, "x double, v string, _sequence timestamp").withColumns(
        {"_op": F.lit("upsert"), "_valid_from": F.col("_sequence"), "_is_current": F.lit(True)}
    )
    known = [F.col(f.name) if f.name in given.columns else F.lit(None).cast(f.dataType).alias(f.name) for f in schema]
    seen = set()
    for ansi, zone, case, _ in DAILY:
        with session(spark, ansi, zone, case):
            for kind in SURROGATES:
                publication = Publication(open_end="far", surrogate_key="k", surrogate=kind)
                shown = publish(given.select(*known), keys="x", publication=publication).collect()
                keys = [row.k for row in shown]
                assert (keys[0], keys[2], len(set(keys))) == (keys[1], keys[3], 3)
                assert {row["_valid_to"] for row in shown} == {at("9999-12-31 00:00:00")}
                seen.add(tuple(keys))
    assert len(seen) == len(SURROGATES)


@pytest.mark.parametrize("twin", ["A", "\u0130d"])
def test_names_that_differ_in_case_are_refused(tmp_path: Path, twin: str) -> None:
    """A contract with two columns that a session, a catalog or Java takes for one is refused, with their names."""
    other = {"A": "a", "\u0130d": "id"}[twin]
    columns: Mapping[str, str] = {"id": "bigint", "a": "string", twin: "string"}
    config = {
        "job": "cdc_to_warehouse",
        "inputs": {
            "in": {
                "path": str(tmp_path),
                "feed": "columns",
                "files": "json",
                "options": {"form": "json", "sequence": {"seq": "bigint"}},
                "tables": {"traps.twins": {"keys": ["id"], "columns": columns}},
                "bronze": "traps.bronze",
            }
        },
        "outputs": {"current": {"table": "traps.{table}", "write": "current"}},
    }
    path = tmp_path / "job.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    with pytest.raises(ConfigError, match=f"differ in letter case alone: {', '.join(sorted([twin, other]))}"):
        load_config(str(path))
