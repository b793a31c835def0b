"""Text files: every line of the declared encoding, every quote closed, every document whole, and how many records that makes.

Lines end with a line feed alone and a CSV record goes on while the number of quotes so far is odd, exactly as the records are
read later: the two counts have to agree.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path

from lakehouse.runtime.checks.documents import count_document, not_of, refuse_deep, without_strings
from lakehouse.runtime.checks.orders import (
    AGAIN,
    BAD_HEADER,
    CORRUPT,
    ENCODING,
    MISSING_COLUMNS,
    STRAY_QUOTE,
    TRUNCATED,
    UNSUPPORTED,
    UNTERMINATED_QUOTE,
    Refused,
    Rules,
)

Line = tuple[int, bytes]
Stream = BufferedReader | gzip.GzipFile | bz2.BZ2File

_UNREAD = (".deflate", ".lz4", ".snappy", ".zst", ".lzo")
_LOOKED_AT = 64  # bytes at the start in which the two bytes of each UTF-16 letter show


def count_records(path: str, name: str, rules: Rules, columns: Sequence[str]) -> int:
    """Count the records of a text file; a header is none, a blank line is one, a document is one, a file without bytes has none.

    Args:
        path: where it is.
        name: whose ending says how it is compressed.
        rules: what it has to keep to.
        columns: those that a header has to name.

    Raises:
        Refused: the file cannot be read so that every record is what its writer meant.
    """
    try:
        with _opened(path, name) as stream:
            _refuse_wide_letters(stream, rules.encoding)
            compressed = name.endswith((".gz", ".bz2"))
            if rules.kind == "document":
                return count_document(_whole(stream, rules, compressed=compressed), rules)
            lines = _decodable(_lines(stream, rules, compressed=compressed), rules.encoding)
            if rules.kind == "csv":
                return _count_csv(lines, rules, columns)
            return _count_json(lines, rules)
    except EOFError:
        raise Refused(TRUNCATED, f"the compressed data end too soon; {AGAIN}") from None
    except (gzip.BadGzipFile, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Refused(CORRUPT, "the compressed data are damaged") from None


def _opened(path: str, name: str) -> Stream:
    """The bytes of a file, decompressed as its name says."""
    if name.endswith(_UNREAD):
        raise Refused(UNSUPPORTED, "text of this compression cannot be checked; write it plain, as .gz or as .bz2")
    if name.endswith(".gz"):
        return gzip.GzipFile(path)
    if name.endswith(".bz2"):
        return bz2.BZ2File(path)
    return Path(path).open("rb")


def _refuse_wide_letters(stream: Stream, encoding: str) -> None:
    """UTF-16 without a mark looks like text with a NUL beside each letter, and would be read so."""
    start = stream.peek(_LOOKED_AT)[:_LOOKED_AT]
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    pairs = start[: len(start) // 2 * 2]
    wide = len(pairs) > 2 and (not any(pairs[::2]) or not any(pairs[1::2]))  # noqa: PLR2004 - one letter proves nothing
    if marked or wide:
        raise Refused(ENCODING, f"the text looks like UTF-16, not {encoding}; write it as UTF-8")


def _whole(stream: Stream, rules: Rules, *, compressed: bool) -> bytes:
    """All bytes of a file that is one record; no more are read than it may have."""
    limit = "decompressed_bytes" if compressed and rules.decompressed_bytes < rules.record_bytes else "record_bytes"
    most: int = getattr(rules, limit)
    content = stream.read(most + 1)
    if len(content) > most:
        raise rules.beyond(limit=limit, what="the document is longer")
    return content


def _lines(stream: Stream, rules: Rules, *, compressed: bool) -> Iterator[Line]:
    """The lines with their line feeds, numbered from 1; no more of a line is read than a record may have."""
    number = total = 0
    while line := stream.readline(rules.record_bytes + 1):
        number, total = number + 1, total + len(line)
        if number == 1 and line == codecs.BOM_UTF8:
            return  # a mark and nothing after it
        if len(line) > rules.record_bytes:
            raise rules.beyond(limit="record_bytes", what=f"line {number} is longer")
        if compressed and total > rules.decompressed_bytes:
            raise rules.beyond(limit="decompressed_bytes", what="the file decompresses to more")
        yield number, line


def _decodable(lines: Iterator[Line], encoding: str) -> Iterator[Line]:
    """The lines, as long as they are of the encoding."""
    for number, line in lines:
        if not line.isascii():
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                raise not_of(encoding, number) from None
        yield number, line


def _count_json(lines: Iterator[Line], rules: Rules) -> int:
    number = 0
    for number, line in lines:
        if line.count(b"{") + line.count(b"[") > rules.nesting or line.count(b":") > rules.columns:
            bare = without_strings(line)
            if bare.count(b":") > rules.columns:
                raise rules.beyond(limit="columns", what=f"line {number} has more fields")
            refuse_deep(bare, rules, what=f"line {number}")
    return number


def _count_csv(lines: Iterator[Line], rules: Rules, columns: Sequence[str]) -> int:
    mark = rules.delimiter.encode(rules.encoding)
    records = 0
    for first, last, record in _csv_records(lines, rules):
        if records == 0 and rules.header:
            _refuse_header(_fields(record, rules), rules, columns)
        # Most records need no second look: one line, and no more delimiters than there may be.
        elif first != last or record.count(mark) >= rules.columns:
            _refuse_odd(_fields(record, rules), first, last, rules)
        records += 1
    return max(records - rules.header, 0)


def _csv_records(lines: Iterator[Line], rules: Rules) -> Iterator[tuple[int, int, bytes]]:
    """Records with the numbers of their first and last line."""
    parts: list[bytes] = []
    first = length = 0
    is_open = False
    for number, line in lines:
        first = number if not parts else first
        is_open ^= line.count(b'"') % 2 == 1
        parts.append(line)
        length += len(line)
        if length > rules.record_bytes:
            what = f"the record that begins in line {first} is longer; perhaps a quote in it is never closed"
            raise rules.beyond(limit="record_bytes", what=what)
        if not is_open:
            yield first, number, b"".join(parts)
            parts, length = [], 0
    if parts:
        raise Refused(UNTERMINATED_QUOTE, f"a quote in line {first} or after it is never closed")


def _refuse_odd(fields: Sequence[str] | None, first: int, last: int, rules: Rules) -> None:
    """Refuse a record whose quotes have perhaps swallowed others, and one with too many fields."""
    if fields is None and first != last:
        detail = f"lines {first} to {last} are held together by quotes that RFC 4180 does not allow"
        raise Refused(STRAY_QUOTE, detail)
    if fields is None or len(fields) > rules.columns:
        raise rules.beyond(limit="columns", what=f"line {first} has more fields")


def _refuse_header(names: Sequence[str] | None, rules: Rules, columns: Sequence[str]) -> None:
    if names is None:
        raise Refused(BAD_HEADER, "the header is not CSV by RFC 4180")
    if len(names) > rules.columns:
        raise rules.beyond(limit="columns", what=f"the header names {len(names)}")
    seen: set[str] = set()
    for place, name in enumerate(names, 1):
        if not name.strip() or name in seen:
            raise Refused(BAD_HEADER, f"column {place} of the header {'repeats a' if name.strip() else 'has no'} name")
        seen.add(name)
    if missing := [name for name in columns if name not in seen]:
        raise Refused(MISSING_COLUMNS, f"the header does not name {', '.join(missing)}")


def _fields(record: bytes, rules: Rules) -> list[str] | None:
    """The fields of a record, quotes taken off and undoubled; None when it is not CSV by RFC 4180."""
    text = record.removeprefix(codecs.BOM_UTF8).decode(rules.encoding).removesuffix("\n").removesuffix("\r")
    mark = re.escape(rules.delimiter)
    found = re.findall(f'{mark}("[^"]*+(?:""[^"]*+)*+"|[^{mark}"]*+)', rules.delimiter + text)
    if sum(len(field) + 1 for field in found) != len(text) + 1:
        return None
    return [field[1:-1].replace('""', '"') if field.startswith('"') else field for field in found]
