"""Text files before they are loaded: what is refused, and how many records the others have."""

from __future__ import annotations

import bz2
import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse.runtime.checks.content import judge
from lakehouse.runtime.checks.orders import Order, Rules, Verdict

CSV = Rules(kind="csv")
JSON = Rules(kind="json")
HEADER = b"id,name\n"


def verdict(tmp_path: Path, content: bytes, rules: Rules, name: str = "file", columns: tuple[str, ...] = ()) -> Verdict:
    """What is made of a file with this content."""
    path = tmp_path / "file"
    path.write_bytes(content)
    return judge(Order(path=str(path), name=name, size=len(content), root=str(tmp_path), columns=columns, rules=rules))


@pytest.mark.parametrize(
    ("content", "rules", "records"),
    [
        (b"", CSV, 0),
        (b"", JSON, 0),
        (b"\xef\xbb\xbf", JSON, 0),
        (b"\xef\xbb\xbf\n", JSON, 1),
        (b"\n", JSON, 1),
        (b"{}\n{}", JSON, 2),
        (b"{}\n\n \n\x00\x01\n{}\n", JSON, 5),
        (HEADER, CSV, 0),
        (HEADER + b"1,a\n2,b", CSV, 2),
        (HEADER + b"1,a\r\n\r\n2,b\r\n", CSV, 3),
        (HEADER + b'1,"a\nb"\n2,"say ""hi""\n"\n', CSV, 2),
        (HEADER + b'1,a"b"c\n2,"x"y\n', CSV, 2),
        (HEADER + b"1,\x00\n\x01\x02\n", CSV, 2),
        (b"\xef\xbb\xbf" + HEADER + b"1,a\n", CSV, 1),
        (b'"id","na\nme"\n1,a\n', CSV, 1),
        (b"1,a\n2,b\n", replace(CSV, header=False), 2),
        (b"id;name\n1;a\n", replace(CSV, delimiter=";"), 1),
        ("id,name\n1,\N{EURO SIGN}\n".encode("cp1252"), replace(CSV, encoding="cp1252"), 1),
    ],
)
def test_records_are_counted_as_they_are_read(tmp_path: Path, content: bytes, rules: Rules, records: int) -> None:
    """Blank and control lines are records, line breaks in quotes and headers are none, nothing at all is 0 records."""
    found = verdict(tmp_path, content, rules)
    assert (found.reason, found.records) == (None, records)


@pytest.mark.parametrize(
    ("content", "rules", "reason", "detail"),
    [
        (HEADER + b'4,"x\n5,q\n6,r', CSV, "unterminated_quote", "line 2"),
        (HEADER + b'1,a"b\n2,c\n3,d"e\n4,f\n', CSV, "stray_quote", "lines 2 to 4"),
        (b"id,name,id\n", CSV, "bad_header", "column 3"),
        (b"id,,name\n", CSV, "bad_header", "column 2 of the header has no name"),
        (b'id,na"me"\n', CSV, "bad_header", "RFC 4180"),
        (b"\n1,a\n", CSV, "bad_header", "column 1 of the header has no name"),
        (HEADER + b"1,caf\xe9\n", CSV, "encoding", "line 2 is not utf-8"),
        (b"{}\n" + b'{"a": "\xed\xa0\x80"}\n', JSON, "encoding", "line 2"),
        (HEADER + b"1,\x81\n", replace(CSV, encoding="cp1252"), "encoding", "line 2 is not cp1252"),
        ("id,name\n1,a\n".encode("utf-16"), CSV, "encoding", "UTF-16"),
        ("id,name\n1,a\n".encode("utf-16-le"), CSV, "encoding", "UTF-16"),
        ('{"a": 1}\n'.encode("utf-16-be"), JSON, "encoding", "UTF-16"),
        (
            b'{"a": "' + b"x" * 100 + b'"}\n',
            replace(JSON, record_bytes=100),
            "over_limit",
            "limits.record_bytes is 100: line 1",
        ),
        (HEADER + b'1,"' + b"a\n" * 50 + b'"\n', replace(CSV, record_bytes=100), "over_limit", "begins in line 2"),
        (b"[" * 10_000, JSON, "over_limit", "limits.nesting is 100: line 1"),
        (b"{" + b'"a":1,' * 11 + b"}", replace(JSON, columns=10), "over_limit", "limits.columns is 10"),
        (
            b",".join(b"c%d" % i for i in range(12)) + b"\n",
            replace(CSV, columns=10),
            "over_limit",
            "the header names 12",
        ),
        (HEADER + b"," * 12 + b"\n", replace(CSV, columns=10), "over_limit", "line 2 has more fields"),
    ],
)
def test_what_would_be_misread_is_refused(
    tmp_path: Path, content: bytes, rules: Rules, reason: str, detail: str
) -> None:
    """Open quotes, other encodings, headers that name nothing or twice, and what goes beyond a limit, each by its place."""
    found = verdict(tmp_path, content, rules)
    assert (found.reason, detail in str(found.detail), found.records) == (reason, True, None), found


def test_brackets_and_colons_in_strings_are_letters(tmp_path: Path) -> None:
    """A long text of brackets is neither deep nor wide."""
    content = b'{"a": "' + b"[{:" * 20_000 + b'\\""}\n'
    assert verdict(tmp_path, content, JSON).records == 1


def test_columns_are_matched_by_name(tmp_path: Path) -> None:
    """Another order and further columns are well; a column that is renamed is missing, by name."""
    wanted = ("id", "na,me")
    assert verdict(tmp_path, b'x,"na,me",id\n1,2,3\n', CSV, columns=wanted).records == 1
    found = verdict(tmp_path, b"id,name\n1,2\n", CSV, columns=wanted)
    assert (found.reason, found.detail) == ("missing_columns", "the header does not name na,me")
    assert verdict(tmp_path, b"", CSV, columns=wanted).records == 0


def test_compressed_text_is_read_to_its_end(tmp_path: Path) -> None:
    """Whole members count, a cut is a cut, damage is damage, and a bomb goes off at its limit."""
    text = HEADER + b"".join(b"%d,name %d\n" % (i, i * 7919) for i in range(2000))
    whole, small = gzip.compress(text), replace(CSV, decompressed_bytes=1 << 20)
    for content, name, rules, wanted in (
        (whole, "a.csv.gz", CSV, 2000),
        (whole + gzip.compress(b"1,x\n"), "a.csv.gz", CSV, 2001),
        (bz2.compress(text), "a.csv.bz2", CSV, 2000),
        (gzip.compress(HEADER + b"1,x\n" * 500_000), "a.csv.gz", small, "over_limit"),
        (whole, "a.csv.zst", CSV, "unsupported"),
        (text, "a.csv.gz", CSV, "corrupt"),
        (whole[:-8] + bytes(4) + whole[-4:], "a.csv.gz", CSV, "corrupt"),
        (bz2.compress(text)[:-9] + bytes(9), "a.csv.bz2", CSV, "corrupt"),
        *((whole[: len(whole) * tenth // 10], "a.csv.gz", CSV, "truncated") for tenth in range(1, 10)),
    ):
        found = verdict(tmp_path, content, rules, name)
        assert (found.reason or found.records) == wanted, (name, found)
