"""How the sample writes things: rows, instants, JSON, CSV and gzip, the same on every Python."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dirt:
    """A line of the README: a kind of dirt, how often, where, and what the job should do."""

    what: str
    count: int
    where: str
    then: str


def as_utc(moment: datetime) -> str:
    """ISO text with the Z of UTC; milliseconds where there are any."""
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def as_json(value: object) -> str:
    """JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def packed(data: bytes, *, whole: bool = True) -> bytes:
    """Bytes as gzip without a time, which `gzip.compress` heads otherwise on another Python. Not whole: without their end."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush(zlib.Z_FINISH if whole else zlib.Z_SYNC_FLUSH)


def write_csv(file: Path, rows: Iterable[Row], *, delimiter: str = ",") -> None:
    """Write rows under the names of the first."""
    first, *others = rows
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, first, delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows([first, *others])
