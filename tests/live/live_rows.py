"""Rows of the server and of the lake in one form, by their keys, and what differs between them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from struct import pack, unpack
from typing import Any

from live_sources import Key, Source

Rows = Mapping[Key, tuple[Any, ...]]


def by_key(rows: Iterable[Sequence[Any]], source: Source) -> Rows:
    """Rows by their key, values in a form that equals itself.

    Raises:
        AssertionError: a key is there twice.
    """
    found: dict[Key, tuple[Any, ...]] = {}
    for row in rows:
        key = tuple(row[: len(source.keys)])
        assert key not in found, f"{source.table}: a key is there twice"
        found[key] = tuple(map(_comparable, row))
    return found


def _comparable(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return bytes(value) if isinstance(value, bytearray) else value


def typed(value: Any, contract: str) -> Any:  # noqa: PLR0911  one for each type
    """A value of the server's answer as Spark gives it to Python.

    >>> typed("1.50", "decimal(4,2)"), typed("2020-01-01 00:00:00+00", "timestamp")
    (Decimal('1.50'), datetime.datetime(2020, 1, 1, 0, 0))
    """
    if value is None:
        return None
    match contract.partition("(")[0]:
        case "decimal":
            return Decimal(value)
        case "float":
            return unpack("f", pack("f", float(value)))[0]  # the nearest one of four bytes
        case "double":
            return float(value)
        case "date":
            return date.fromisoformat(value)
        case "timestamp":
            return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
        case "timestamp_ntz":
            return datetime.fromisoformat(value)
        case "binary":
            return bytes.fromhex(value.removeprefix("\\x"))
        case _:
            return value


def without_specials(rows: Rows, source: Source) -> Rows:
    """Rows as a feed that has no word for NaN and infinities tells them: null."""
    doubles = [i for i, column in enumerate(source.columns.values()) if column.contract in ("double", "float")]
    specials = ("NaN", float("inf"), float("-inf"))
    return {
        key: tuple(None if i in doubles and value in specials else value for i, value in enumerate(row))
        for key, row in rows.items()
    }


def differences(found: Rows, wanted: Rows, source: Source) -> Sequence[str]:
    """What differs, by key and column; values are shortened."""
    said = [f"{key} is not on the server" for key in found.keys() - wanted.keys()]
    said += [f"{key} is missing" for key in wanted.keys() - found.keys()]
    for key in found.keys() & wanted.keys():
        for column, mine, theirs in zip(source.columns, found[key], wanted[key], strict=True):
            if mine != theirs:
                said.append(f"{key} {column}: {str(mine)[:40]!r} instead of {str(theirs)[:40]!r}")
    return sorted(said)
