"""Files that are one JSON document, before they are loaded: each value whole, or the file is refused."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse.runtime.checks.content import judge
from lakehouse.runtime.checks.orders import Order, Rules, Verdict

DOCUMENT = Rules(kind="document")


def verdict(tmp_path: Path, content: bytes, rules: Rules = DOCUMENT, name: str = "file") -> Verdict:
    """What is made of a file with this content."""
    path = tmp_path / "file"
    path.write_bytes(content)
    return judge(Order(path=str(path), name=name, size=len(content), root=str(tmp_path), rules=rules))


@pytest.mark.parametrize(
    ("content", "rules", "records"),
    [
        (b"", DOCUMENT, 0),
        (b" \t\r\n\n", DOCUMENT, 0),
        (b"\xef\xbb\xbf", DOCUMENT, 0),
        (b"\xef\xbb\xbf \n", DOCUMENT, 0),
        (b"\xef\xbb\xbf{}", DOCUMENT, 1),
        (b'{"a":1}{"a":2}', DOCUMENT, 1),
        (b'\n {"a": 1}\n\n[{"a": 2},\r\n {"a": "}{["}]\n', DOCUMENT, 1),
        (b"[]", DOCUMENT, 1),
        (b'1 "x" null', DOCUMENT, 1),
        (b'{"a": "\\ud800", "b": ' + b"9" * 5000 + b', "c": 1e999}', DOCUMENT, 1),
        ('{"a": "\N{EURO SIGN}"}'.encode("cp1252"), replace(DOCUMENT, encoding="cp1252"), 1),
        (b'{"a": "' + b"[{:" * 20_000 + b'\\""}', DOCUMENT, 1),
        (b"[" * 100 + b"]" * 100, DOCUMENT, 1),
        (b"[" + b",".join([b'{"a":1,"b":2}'] * 100) + b"]", replace(DOCUMENT, columns=2, nesting=2), 1),
    ],
)
def test_a_file_is_one_document_or_none(tmp_path: Path, content: bytes, rules: Rules, records: int) -> None:
    """However many values there are and however they are laid out; blanks alone are no record."""
    found = verdict(tmp_path, content, rules)
    assert (found.reason, found.records) == (None, records), found


@pytest.mark.parametrize(
    ("content", "rules", "reason", "detail"),
    [
        (b'{"a": 1', DOCUMENT, "truncated", "line 1, column 8"),
        (b'{"a": 1}\n{"a": "x', DOCUMENT, "truncated", "line 2, column 7"),
        (b'[{"a": 1},\n', DOCUMENT, "truncated", "taken up again"),
        (b'{"a": 1},{"a": 2}', DOCUMENT, "corrupt", "line 1, column 9"),
        (b'{"a": 1}}', DOCUMENT, "corrupt", "line 1, column 9"),
        (b"[1\n\n2]", DOCUMENT, "corrupt", "line 3, column 1"),
        (b'{"a": 1,}', DOCUMENT, "corrupt", "line 1"),
        (b"{'a': 1}", DOCUMENT, "corrupt", "line 1, column 2"),
        (b'{"a": "x\ny"}', DOCUMENT, "corrupt", "line 1"),
        (b'{"a": "\\x"}', DOCUMENT, "corrupt", "line 1"),
        (b"id,name\n1,x\n", DOCUMENT, "corrupt", "line 1, column 1"),
        (b'{"a": NaN}', DOCUMENT, "corrupt", "NaN and Infinity"),
        (b'{"a": [-Infinity]}', DOCUMENT, "corrupt", "NaN and Infinity"),
        (b'{"a":\n"caf\xe9"}', DOCUMENT, "encoding", "line 2 is not utf-8"),
        ('{"a": 1}'.encode("utf-16"), DOCUMENT, "encoding", "UTF-16"),
        ('{"a": 1}'.encode("utf-16-le"), DOCUMENT, "encoding", "UTF-16"),
        (b'{"a": 1}\n' * 20, replace(DOCUMENT, record_bytes=100), "over_limit", "limits.record_bytes is 100"),
        (b'{"a": 1}{"a": 1, "b": 2}', replace(DOCUMENT, columns=1), "over_limit", "limits.columns is 1"),
        (b"[" * 101 + b"]" * 101, DOCUMENT, "over_limit", "limits.nesting is 100"),
        (b'{"a":' * 100_000, DOCUMENT, "over_limit", "limits.nesting is 100"),
    ],
)
def test_what_is_no_whole_document_is_refused(
    tmp_path: Path, content: bytes, rules: Rules, reason: str, detail: str
) -> None:
    """Cut off, glued with commas, no JSON, another encoding, beyond a limit: each by its place, and without a value."""
    found = verdict(tmp_path, content, rules)
    assert (found.reason, detail in str(found.detail), found.records) == (reason, True, None), found


def test_compressed_documents_are_read_to_their_end(tmp_path: Path) -> None:
    """Whole members count, a cut is a cut, damage is damage, and a bomb goes off at the limit that it meets first."""
    whole = gzip.compress(b"[" + b",".join(b'{"id": %d}' % (number * 7919) for number in range(2000)) + b"]")
    small = replace(DOCUMENT, decompressed_bytes=1 << 20)
    for content, rules, wanted in (
        (whole, DOCUMENT, 1),
        (whole + gzip.compress(b'{"id": 1}'), DOCUMENT, 1),
        (gzip.compress(b" \n"), DOCUMENT, 0),
        (gzip.compress(b" " * (1 << 21)), small, "limits.decompressed_bytes"),
        (gzip.compress(b" " * (1 << 21)), replace(small, record_bytes=1 << 19), "limits.record_bytes"),
        (whole[: len(whole) // 2], DOCUMENT, "end too soon"),
        (whole[:-8] + bytes(4) + whole[-4:], DOCUMENT, "damaged"),
        (b'{"id": 1}', DOCUMENT, "damaged"),
    ):
        found = verdict(tmp_path, content, rules, "a.json.gz")
        assert found.records == wanted if isinstance(wanted, int) else wanted in str(found.detail), (wanted, found)
