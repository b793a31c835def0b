"""One file, looked at from its first byte to its last: what it is, whether it may be read, and how many records it holds."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from lakehouse.runtime.checks.avro_files import count_avro
from lakehouse.runtime.checks.orders import (
    AGAIN,
    GONE,
    NOT_A_FILE,
    OUTSIDE,
    OVER_LIMIT,
    STILL_BEING_WRITTEN,
    UNREADABLE,
    Order,
    Refused,
    Verdict,
)
from lakehouse.runtime.checks.text import count_records
from lakehouse.runtime.checks.typed import count_orc, count_parquet

_TYPED = {"parquet": count_parquet, "orc": count_orc, "avro": count_avro}


def judge(order: Order) -> Verdict:
    """Look at a file. Whatever is in it, the answer is a verdict; an empty text file is a file of 0 records."""
    digest = None
    try:
        _refuse_misplaced(order)
        _refuse_growing(order)
        digest = _hash(order.path)
        records = _count(order)
        _refuse_growing(order)
    except Refused as refused:
        return Verdict(hash=digest, reason=refused.reason, detail=refused.detail)
    except MemoryError:
        return Verdict(hash=digest, reason=OVER_LIMIT, detail="to read it takes more memory than a check may have")
    except FileNotFoundError:
        return Verdict(reason=GONE, detail="the file was listed and is no longer there")
    except OSError as error:
        return Verdict(hash=digest, reason=UNREADABLE, detail=f"the file cannot be read: {error.strerror}")
    return Verdict(hash=digest, records=records)


def _count(order: Order) -> int | None:
    if order.rules.kind == "any":
        return None
    if typed := _TYPED.get(order.rules.kind):
        return typed(order.path, order.rules, order.columns)
    return count_records(order.path, order.name, order.rules, order.columns)


def _refuse_misplaced(order: Order) -> None:
    """A link may lead anywhere, and a pipe has no end."""
    path = Path(order.path)
    if order.root is not None and not path.resolve().is_relative_to(Path(order.root).resolve()):
        raise Refused(OUTSIDE, "it is a link that leads out of the landing folder")
    if not stat.S_ISREG(path.stat().st_mode):
        raise Refused(NOT_A_FILE, "it is a pipe, a socket or a device")


def _refuse_growing(order: Order) -> None:
    size = Path(order.path).stat().st_size
    if size != order.size:
        detail = f"it had {order.size} bytes when the folder was listed and has {size} now; {AGAIN}"
        raise Refused(STILL_BEING_WRITTEN, detail)


def _hash(path: str) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
