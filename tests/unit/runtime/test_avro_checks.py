"""Avro files before they are loaded: what is refused, and how many records the others have."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import fastavro
import pytest

from lakehouse.runtime.checks.content import judge
from lakehouse.runtime.checks.orders import Order, Rules, Verdict

ROWS = 1000
ID = {"name": "id", "type": "long"}
NAME = {"name": "name", "type": ["null", "string"]}


def written(*fields: dict[str, Any], codec: str = "null", rows: int = ROWS, **values: Any) -> bytes:
    """Records of these fields after `id` and `name`, in several blocks."""
    schema = {"type": "record", "name": "Item", "fields": [ID, NAME, *fields]}
    records = [{"id": number, "name": f"name {number}"} | values for number in range(rows)]
    stream = io.BytesIO()
    fastavro.writer(stream, schema, records, codec=codec, sync_interval=2000, sync_marker=b"0123456789abcdef")
    return stream.getvalue()


def verdict(tmp_path: Path, content: bytes, wanted: tuple[str, ...] = (), **rules: Any) -> Verdict:
    """What is made of a file with this content."""
    path = tmp_path / "file"
    path.write_bytes(content)
    order = Order(path=str(path), name="file", size=len(content), columns=wanted, rules=Rules(kind="avro", **rules))
    return judge(order)


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "bzip2", "xz", "zstandard"])
def test_whole_files_are_counted(tmp_path: Path, codec: str) -> None:
    """In every compression that Spark reads; no records are well, and names match in any case."""
    assert verdict(tmp_path, written(codec=codec), ("ID", "name")).records == ROWS
    assert verdict(tmp_path, written(codec=codec, rows=0)).records == 0


def test_values_that_python_has_not_are_values(tmp_path: Path) -> None:
    """A time beyond the year 9999, a decimal of 38 digits and an identifier that is none are the reader's affair."""
    at = {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}}
    key = {"name": "key", "type": {"type": "string", "logicalType": "uuid"}}
    assert verdict(tmp_path, written(at, key, at=1 << 60, key="x")).records == ROWS
    # And what fastavro makes of them elsewhere is as it was.
    assert "long-timestamp-micros" in fastavro.read.LOGICAL_READERS


@pytest.mark.parametrize("codec", ["null", "snappy"])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, codec: str) -> None:
    """Anywhere but between two blocks: in its name, its header, in a block, and in the marker behind one."""
    whole = written(codec=codec, rows=20)
    first = whole.index(b"0123456789abcdef") + 16
    found = {cut: verdict(tmp_path, whole[:cut]).reason for cut in range(1, len(whole)) if cut != first}
    assert {cut: reason for cut, reason in found.items() if reason != "truncated"} == {}
    assert verdict(tmp_path, b"").reason == "empty"
    assert verdict(tmp_path, whole[:first]).records == 0


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    """Another format, markers that are not the file's, counts that lie, text that is none, a checksum that is another."""
    whole, packed = written(rows=20), written(rows=20, codec="snappy")
    start = whole.index(b"0123456789abcdef") + 16
    text = whole.index(b"name 7")
    checksum = len(packed) - 20
    for content in (
        b"PAR1" + whole[4:],
        whole[:start] + whole[start:].replace(b"0123456789abcdef", bytes(16)) + whole[start:],
        whole[:start] + bytes([whole[start] - 2]) + whole[start + 1 :],
        whole[:start] + bytes([whole[start] + 2]) + whole[start + 1 :],
        whole[:text] + b"caf\xe9" + whole[text + 4 :],
        packed[:checksum] + bytes(4) + packed[checksum + 4 :],
        whole.replace(b'"long"', b'"lung"'),
        written(rows=20, codec="deflate").replace(b"deflate", b"snappy\x00"),
    ):
        found = verdict(tmp_path, content)
        assert found.reason in ("corrupt", "unsupported"), found
    assert verdict(tmp_path, packed.replace(b"snappy", b"snaggy")).reason == "unsupported"


@pytest.mark.parametrize(
    ("field", "value", "wanted", "rules", "reason"),
    [
        ({"name": "NAME", "type": "string"}, "x", (), {}, "bad_header"),
        ({"name": "_op", "type": "string"}, "x", (), {}, "bad_header"),
        ({"name": "more", "type": "string"}, "x", ("id", "city"), {}, "missing_columns"),
        ({"name": "more", "type": "string"}, "x", (), {"columns": 2}, "over_limit"),
        ({"name": "more", "type": "string"}, "x" * 1000, (), {"decompressed_bytes": 100_000}, "over_limit"),
        (
            {"name": "deep", "type": ["null", {"type": "array", "items": {"type": "map", "values": "int"}}]},
            [{"a": 1}],
            (),
            {"nesting": 1},
            "over_limit",
        ),
        (
            {"name": "deep", "type": ["null", {"type": "array", "items": {"type": "map", "values": "int"}}]},
            [{"a": 1}],
            ("deep",),
            {"nesting": 2},
            None,
        ),
        (
            {
                "name": "tree",
                "type": {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]},
            },
            {"next": None},
            (),
            {},
            "unsupported",
        ),
    ],
)
def test_schemas_that_spark_cannot_take_are_refused(
    tmp_path: Path,
    field: dict[str, Any],
    value: Any,
    wanted: tuple[str, ...],
    rules: dict[str, int],
    reason: str | None,
) -> None:
    """Names that clash or are reserved, columns that are missing, records in themselves, and what goes beyond a limit."""
    found = verdict(tmp_path, written(field, codec="deflate", **{field["name"]: value}), wanted, **rules)
    assert found.reason == reason, found


def test_a_file_without_columns_is_refused(tmp_path: Path) -> None:
    """Values that are no records have none."""
    stream = io.BytesIO()
    fastavro.writer(stream, "string", ["x"])
    assert "no record" in str(verdict(tmp_path, stream.getvalue()).detail)
