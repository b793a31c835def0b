"""Records that a person mended, to be replayed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from lakehouse.columns import FILE, RAW, ROW
from lakehouse.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A record as it should have been: where it came from, and its text."""

    file: str
    row: int
    raw: str


def read_mended(path: str) -> tuple[Mended, ...]:
    """Read a file of records, each an object of JSON in a line: `_source_file`, `_row` and `_raw`, as they were shown.

    Raises:
        ConfigError: it cannot be read; a line is no such object, or a record is there twice.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"--replay {path}: cannot be read as text in UTF-8: {error}"
        raise ConfigError(msg) from error
    found = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        one = _mended(line)
        if one is None or (one.file, one.row) in found:
            problem = (
                "is no object with the texts _source_file and _raw and the number _row"
                if one is None
                else "names a record again"
            )
            msg = f"--replay {path}: line {number} {problem}"
            raise ConfigError(msg)
        found[one.file, one.row] = one
    return tuple(found.values())


def _mended(line: str) -> Mended | None:
    try:
        one = json.loads(line)
    except ValueError:
        return None
    if not isinstance(one, dict) or not isinstance(one.get(FILE), str) or not isinstance(one.get(RAW), str):
        return None
    row = one.get(ROW)
    return Mended(file=one[FILE], row=row, raw=one[RAW]) if type(row) is int else None  # a truth value is no row
