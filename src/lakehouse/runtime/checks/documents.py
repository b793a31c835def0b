"""JSON of a whole file: one value or several, each parsed in full and none kept."""

from __future__ import annotations

import codecs
import json
import re
from typing import NoReturn

from lakehouse.runtime.checks.orders import AGAIN, CORRUPT, ENCODING, TRUNCATED, Refused, Rules

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_BLANKS = " \t\n\r"
_BLANK = re.compile(rf"[{_BLANKS}]*+")


def count_document(content: bytes, rules: Rules) -> int:
    """How many documents the bytes of a file are: 1, or 0 where there are but blanks.

    Raises:
        Refused: they are not one or more whole JSON values, or go beyond a limit.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    text = _decoded(content, rules.encoding).rstrip(_BLANKS)
    if not text:
        return 0
    try:
        _parse(text, rules)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        if error.pos >= len(text) or error.msg.startswith("Unterminated string"):
            raise Refused(TRUNCATED, f"the JSON that goes on at {where} has no end; {AGAIN}") from None
        raise Refused(CORRUPT, f"{where}: this is no JSON") from None
    except RecursionError:
        raise rules.beyond(limit="nesting", what="the document is deeper, or too deep to be parsed") from None
    # What has been parsed closes each of its strings, so that to leave them out takes no second look at any letter.
    refuse_deep(without_strings(content), rules, what="the document")
    return 1


def without_strings(text: bytes) -> bytes:
    """JSON without its strings: what brackets and colons are left mean something."""
    return _STRING.sub(b"", text)


def refuse_deep(bare: bytes, rules: Rules, *, what: str) -> None:
    """Refuse JSON without its strings where brackets lie too deep in each other."""
    depth = 0
    for bracket in _BRACKET.finditer(bare):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > rules.nesting:
            raise rules.beyond(limit="nesting", what=f"{what} is deeper")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise not_of(encoding, line) from None


def not_of(encoding: str, line: int) -> Refused:
    """The refusal of text that is not of the input's encoding."""
    return Refused(ENCODING, f"line {line} is not {encoding}; mend the file, or declare the encoding of the input")


def _parse(text: str, rules: Rules) -> None:
    """Parse one value after the other. Objects and numbers become nothing as soon as they are read."""

    def object_(pairs: list[tuple[str, object]]) -> None:
        if len(pairs) > rules.columns:
            raise rules.beyond(limit="columns", what=f"an object has {len(pairs)} fields")

    def constant(_: str) -> NoReturn:
        raise Refused(CORRUPT, "NaN and Infinity are no JSON")

    decoder = json.JSONDecoder(
        object_pairs_hook=object_, parse_float=_nothing, parse_int=_nothing, parse_constant=constant
    )
    place = 0
    while place < len(text):
        start = _BLANK.match(text, place)
        _, place = decoder.raw_decode(text, start.end() if start else place)


def _nothing(_: str) -> None:
    """What a number is kept as; Python itself refuses numbers of many digits."""
