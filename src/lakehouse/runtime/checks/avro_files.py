"""Avro's object container files, read in full by fastavro.

Format: https://avro.apache.org/docs/1.11.1/specification/#object-container-files. A block says how many records it has and ends with
the marker of its file, so that a file is known to be whole but for blocks that are missing at its end.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from lakehouse.errors import ConfigError
from lakehouse.runtime.checks.orders import AGAIN, CORRUPT, EMPTY, TRUNCATED, UNSUPPORTED, Refused, Rules
from lakehouse.runtime.checks.typed import checked, refuse_columns
from lakehouse.schemas.avro import parse_avro
from lakehouse.schemas.avro_types import Array, Map, Named, Record, Reference, Type, Union

_MAGIC = b"Obj\x01"
_CODECS = ("null", "deflate", "snappy", "bzip2", "xz", "zstandard")
"""What Spark reads."""
_MARKER = 16  # bytes at the end of a block
_CHECKSUM = 4  # bytes behind a block in Snappy


def count_avro(path: str, rules: Rules, columns: Sequence[str]) -> int:
    """Count the records of an Avro file by reading all of them.

    Args:
        path: where it is.
        rules: what it has to keep to.
        columns: those that it has to have, in any case.

    Raises:
        Refused: it is no whole Avro file, or Spark could not read it as it is meant.
    """
    size = Path(path).stat().st_size
    if not size:
        raise Refused(EMPTY, "the file has no bytes, and an Avro file has a header")
    with Path(path).open("rb") as stream:
        start = stream.read(len(_MAGIC))
        if not _MAGIC.startswith(start):
            raise Refused(CORRUPT, "it does not begin as an Avro file does")
        stream.seek(0)
        return checked(lambda: _read(stream, size, rules, columns), reader="fastavro")


def _read(stream: IO[bytes], size: int, rules: Rules, columns: Sequence[str]) -> int:
    import fastavro  # noqa: PLC0415 - others need no fastavro

    with _whole(stream, size):
        blocks: Any = fastavro.block_reader(stream)
    _refuse_codec(blocks.metadata)
    _refuse_schema(blocks.metadata, rules, columns)
    records = total = 0
    end = stream.tell()
    with _plain_values(), _whole(stream, size):
        for block in blocks:
            total += len(block.bytes_.getbuffer())
            if total > rules.decompressed_bytes:
                raise rules.beyond(limit="decompressed_bytes", what="the file decompresses to more")
            _refuse_damage(block, stream.name)
            records, end = records + block.num_records, block.offset + block.size
    if end != size:
        raise _torn()
    return records


@contextmanager
def _whole(stream: IO[bytes], size: int) -> Iterator[None]:
    """Tell a file that ends too soon from one that is damaged: there is nothing left of it to be read."""
    try:
        yield
    except (Refused, MemoryError):
        raise
    except Exception:
        if stream.tell() < size:
            raise
        raise _torn() from None


def _torn() -> Refused:
    return Refused(TRUNCATED, f"its header, or its last block, has no end; {AGAIN}")


def _refuse_damage(block: Any, path: str) -> None:
    """Decode each record; there have to be as many as the block says, and nothing behind them."""
    where = f"the block at byte {block.offset}"
    try:
        for _ in block:
            pass
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - hostile bytes may raise anything in there
        raise Refused(CORRUPT, f"{where} has no such records as it says ({type(error).__name__})") from None
    if block.bytes_.tell() != len(block.bytes_.getbuffer()):
        raise Refused(CORRUPT, f"{where} has more than the records that it says")
    # fastavro passes over the one checksum that there is, and Spark fails on it.
    if block.codec == "snappy":
        with Path(path).open("rb") as stream:
            stream.seek(block.offset + block.size - _MARKER - _CHECKSUM)
            if int.from_bytes(stream.read(_CHECKSUM)) != zlib.crc32(block.bytes_.getbuffer()):
                raise Refused(CORRUPT, f"the checksum of {where} is another")


@contextmanager
def _plain_values() -> Iterator[None]:
    """Without what fastavro makes of logical types: Python has fewer dates than Avro."""
    import fastavro.read  # noqa: PLC0415 - as above

    readers = fastavro.read.LOGICAL_READERS
    kept = dict(readers)
    readers.clear()
    try:
        yield
    finally:
        readers.update(kept)


def _refuse_codec(metadata: Mapping[str, str]) -> None:
    import fastavro.read  # noqa: PLC0415 - as above

    codec = metadata.get("avro.codec", "null")
    if codec not in _CODECS:
        raise Refused(UNSUPPORTED, f"Spark does not read this compression; use one of {', '.join(_CODECS)}")
    if getattr(fastavro.read.BLOCK_READERS.get(codec), "__name__", "") == "missing":
        raise Refused(UNSUPPORTED, f"fastavro needs a package for {codec}: install fastavro[snappy,zstandard]")


def _refuse_schema(metadata: Mapping[str, str], rules: Rules, columns: Sequence[str]) -> None:
    try:
        schema = parse_avro(metadata["avro.schema"])
    except ConfigError:
        raise Refused(CORRUPT, "the schema in its header is none") from None
    record = schema.names.get(schema.root.name) if isinstance(schema.root, Reference) else None
    if not isinstance(record, Record):
        raise Refused(UNSUPPORTED, "its schema is no record, which has columns")
    depth = _depth(schema.root, schema.names, ()) - 1
    refuse_columns([field.name for field in record.fields], depth, rules, columns)


def _depth(kind: Type, names: Mapping[str, Named], outer: tuple[str, ...]) -> int:
    """How deep values of a type are nested; a union is its deepest branch."""
    match kind:
        case Array(items=inner) | Map(values=inner):
            return 1 + _depth(inner, names, outer)
        case Union(branches=branches):
            return max((_depth(branch, names, outer) for branch in branches), default=0)
        case Reference(name=name) if name in outer:
            raise Refused(UNSUPPORTED, f"record {name} holds itself, which Spark does not read")
        case Reference(name=name) if isinstance(record := names[name], Record):
            return 1 + max((_depth(field.type, names, (*outer, name)) for field in record.fields), default=0)
    return 0
