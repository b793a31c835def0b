"""Parquet and ORC files before they are loaded: what is refused, and how many rows the others have."""

from __future__ import annotations

import struct
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import orc, parquet

from lakehouse.bronze.manifest import LandedFile
from lakehouse.runtime.checks.content import judge
from lakehouse.runtime.checks.orders import Order, Rules, Verdict
from lakehouse.runtime.typed_files import differing
from lakehouse.schemas.type_names import parse_schema

PARQUET = Rules(kind="parquet")
ROWS = 1000


def table(**columns: Any) -> pa.Table:
    """A table of a thousand rows and these columns."""
    return pa.table({"id": pa.array(range(ROWS)), "name": [f"name {i}" for i in range(ROWS)]} | columns)


def written(tmp_path: Path, rows: pa.Table, **options: Any) -> bytes:
    """The rows as a Parquet file of several row groups."""
    path = tmp_path / "written"
    parquet.write_table(rows, path, row_group_size=300, **options)
    return path.read_bytes()


def verdict(tmp_path: Path, content: bytes, rules: Rules = PARQUET, columns: tuple[str, ...] = ()) -> Verdict:
    """What is made of a file with this content."""
    path = tmp_path / "file"
    path.write_bytes(content)
    return judge(Order(path=str(path), name="file", size=len(content), columns=columns, rules=rules))


def test_whole_files_are_counted(tmp_path: Path) -> None:
    """Every row group is read; no rows are well, names match in any case, and old timestamps of 96 bits are read."""
    assert verdict(tmp_path, written(tmp_path, table()), columns=("ID", "name")).records == ROWS
    assert verdict(tmp_path, written(tmp_path, table().slice(0, 0))).records == 0
    stamps = pa.array([0] * ROWS, pa.timestamp("ns"))
    old = written(tmp_path, table(at=stamps), use_deprecated_int96_timestamps=True)
    assert verdict(tmp_path, old).records == ROWS


def test_a_file_that_was_cut_anywhere_is_refused(tmp_path: Path) -> None:
    """At each tenth there is no footer, and without a byte there is nothing."""
    whole = written(tmp_path, table())
    found = [verdict(tmp_path, whole[: len(whole) * tenth // 10]).reason for tenth in range(10)]
    assert found == ["empty", *["truncated"] * 9]
    assert "taken up again" in str(verdict(tmp_path, whole[:-1]).detail)


def test_footers_that_lie_are_refused(tmp_path: Path) -> None:
    """A length beyond the file, garbage in its place, rows that are not there, another format."""
    whole = written(tmp_path, table())
    footer = struct.unpack("<I", whole[-8:-4])[0]
    body, meta, end = whole[: -8 - footer], whole[-8 - footer : -8], whole[-8:]
    assert "room" in str(verdict(tmp_path, whole[:-8] + struct.pack("<I", len(whole)) + b"PAR1").detail)
    for content in (
        whole[:-8] + struct.pack("<I", footer // 2) + b"PAR1",
        body + bytes(len(meta)) + end,
        body[: len(body) // 2] + meta + end,
        b"PAR1" + bytes(len(body) - 4) + meta + end,
        b"id,name\n" + whole[8:],
    ):
        assert verdict(tmp_path, content).reason == "corrupt"


def test_a_row_group_outside_the_file_is_refused(tmp_path: Path) -> None:
    """Spark would read such a group as no rows; its body is simply left out of the file here."""
    whole = written(tmp_path, table(), compression="none", use_dictionary=False)
    footer = struct.unpack("<I", whole[-8:-4])[0]
    found = verdict(tmp_path, b"PAR1" + whole[-8 - footer :])
    assert (found.reason, found.detail) == ("corrupt", "row group 1 is said to lie outside the file")


@pytest.mark.parametrize(
    ("columns", "rules", "wanted", "reason"),
    [
        ({"NAME": ["x"] * ROWS}, PARQUET, (), "bad_header"),
        ({"_op": ["x"] * ROWS}, PARQUET, (), "bad_header"),
        ({}, PARQUET, ("id", "city"), "missing_columns"),
        ({"at": pa.array([0] * ROWS, pa.timestamp("ns"))}, PARQUET, (), "unsupported"),
        ({"at": pa.array([0] * ROWS, pa.time64("us"))}, PARQUET, (), "unsupported"),
        ({"deep": [[[[1]]]] * ROWS}, replace(PARQUET, nesting=2), (), "over_limit"),
        ({}, replace(PARQUET, columns=1), (), "over_limit"),
        ({}, replace(PARQUET, decompressed_bytes=1000), (), "over_limit"),
        ({"at": pa.array([0] * ROWS, pa.timestamp("us")), "d": [Decimal("1.5")] * ROWS}, PARQUET, ("at", "d"), None),
    ],
)
def test_schemas_that_spark_cannot_take_are_refused(
    tmp_path: Path, columns: dict[str, Any], rules: Rules, wanted: tuple[str, ...], reason: str | None
) -> None:
    """Names that clash, columns that are missing, types Spark has none for, and what goes beyond a limit."""
    assert verdict(tmp_path, written(tmp_path, table(**columns)), rules, wanted).reason == reason


def test_text_that_is_none_is_refused(tmp_path: Path) -> None:
    """A string column with bytes that are not UTF-8 is damage, not text."""
    broken = pa.array([b"caf\xe9"] * ROWS, pa.binary()).view(pa.string())
    assert verdict(tmp_path, written(tmp_path, table(city=broken))).reason == "corrupt"


def orc_written(tmp_path: Path, rows: pa.Table, **options: Any) -> bytes:
    """The rows as an ORC file of several stripes."""
    orc.write_table(rows, tmp_path / "written", stripe_size=4096, batch_size=128, **options)
    return (tmp_path / "written").read_bytes()


def test_orc_files_are_read_in_full(tmp_path: Path) -> None:
    """A whole one is counted, no rows are well, and one that was cut anywhere has no end."""
    whole, rules = orc_written(tmp_path, table()), Rules(kind="orc")
    assert verdict(tmp_path, whole, rules, ("ID", "name")).records == ROWS
    assert verdict(tmp_path, orc_written(tmp_path, table().slice(0, 0)), rules).records == 0
    found = [verdict(tmp_path, whole[: len(whole) * tenth // 10], rules).reason for tenth in range(10)]
    assert found == ["empty", *["truncated"] * 9]


def test_damaged_orc_files_are_refused(tmp_path: Path) -> None:
    """Another format, a body of zeros, a footer that is none, and text that is no text."""
    whole, rules = orc_written(tmp_path, table(), compression="zlib"), Rules(kind="orc")
    broken = pa.array([b"caf\xe9"] * ROWS, pa.binary()).view(pa.string())
    for content in (
        b"PAR1" + whole[4:],
        b"ORC" + bytes(len(whole) // 2) + whole[len(whole) // 2 + 3 :],
        whole[:-40] + bytes(20) + whole[-20:],
        orc_written(tmp_path, table(city=broken)),
    ):
        assert verdict(tmp_path, content, rules).reason == "corrupt"


@pytest.mark.parametrize(
    ("columns", "rules", "wanted", "reason"),
    [
        ({"NAME": ["x"] * ROWS}, {}, (), "bad_header"),
        ({"_op": ["x"] * ROWS}, {}, (), "bad_header"),
        ({}, {}, ("id", "city"), "missing_columns"),
        ({"at": pa.array([1] * ROWS, pa.timestamp("ns"))}, {}, (), "unsupported"),
        (
            {"at": pa.array([[{"t": 1}]] * ROWS, pa.list_(pa.struct([("t", pa.timestamp("ns"))])))},
            {},
            (),
            "unsupported",
        ),
        ({"at": pa.array([1000] * ROWS, pa.timestamp("ns", "UTC"))}, {}, (), "unsupported"),
        ({"at": pa.array([[1000]] * ROWS, pa.list_(pa.timestamp("us", "UTC")))}, {}, (), "unsupported"),
        ({"at": pa.array([1000] * ROWS, pa.timestamp("ns"))}, {}, ("at",), None),
        ({"deep": [[[[1]]]] * ROWS}, {"nesting": 2}, (), "over_limit"),
        ({}, {"columns": 1}, (), "over_limit"),
        ({"pad": ["x" * 1000] * ROWS}, {"decompressed_bytes": 100_000}, (), "over_limit"),
    ],
)
def test_orc_that_spark_cannot_take_is_refused(
    tmp_path: Path, columns: dict[str, Any], rules: dict[str, Any], wanted: tuple[str, ...], reason: str | None
) -> None:
    """As of Parquet; every ORC timestamp is one of nanoseconds, and refused where there are any, or where it has a zone."""
    content = orc_written(tmp_path, table(**columns), compression="zlib")
    assert verdict(tmp_path, content, Rules(kind="orc", **rules), wanted).reason == reason


def test_files_of_other_types_are_told_from_the_rest() -> None:
    """The table decides and may be wider; where it says nothing most files do, and among equals the first by path."""

    def odd(table: dict[str, str], *schemas: dict[str, str]) -> list[int]:
        files = {
            LandedFile(file=f"f{place}", size=1, modified_at=0): parse_schema(schema)
            for place, schema in enumerate(schemas)
        }
        found = differing(files, parse_schema(table))
        assert {refused.reason for refused in found.values()} <= {"other_types"}
        return sorted(int(file.file[1:]) for file in found)

    number, long, text = {"a": "int"}, {"a": "bigint"}, {"a": "string"}
    assert odd({}, {"id": "int", "a": "string"}, {"ID": "bigint"}, {"id": "bigint", "b": "date"}) == [0]
    assert odd({}, text, number) == [1]
    assert odd(long, number, text, {"b": "string"}, number) == [1]
    assert odd(long, number, long, number) == [1]
    assert odd(number, long) == [0]


@pytest.mark.parametrize("twin", ["NAME", "\u0130D", "\u0131d"])
def test_columns_that_spark_takes_for_one_are_refused(tmp_path: Path, twin: str) -> None:
    """Letter case as Java has it, where I with a dot and i without one are an i, must not tell two columns apart."""
    found = verdict(tmp_path, written(tmp_path, table(**{twin: ["x"] * ROWS})))
    assert found.reason == "bad_header"
