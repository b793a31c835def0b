"""Parquet and ORC files, read in full by pyarrow: it refuses what Spark would hang on, or lose without a word."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lakehouse.columns import RESERVED, alike
from lakehouse.runtime.checks.orders import (
    AGAIN,
    BAD_HEADER,
    CORRUPT,
    EMPTY,
    MISSING_COLUMNS,
    TRUNCATED,
    UNSUPPORTED,
    Refused,
    Rules,
)

_BATCH = 8192
_PARQUET = b"PAR1"
_ORC = b"ORC"  # at the beginning, and before the last byte, which is the length of what ends with it
_FOOTER = 8  # its length in four bytes, and the magic


def count_parquet(path: str, rules: Rules, columns: Sequence[str]) -> int:
    """Count the rows of a Parquet file by reading all of them.

    Args:
        path: where it is.
        rules: what it has to keep to.
        columns: those that it has to have, in any case.

    Raises:
        Refused: it is no whole Parquet file, or Spark could not read it as it is meant.
    """
    size = _refuse_torn(path)
    return checked(lambda: _read_parquet(path, size, rules, columns), reader="pyarrow")


def count_orc(path: str, rules: Rules, columns: Sequence[str]) -> int:
    """Count the rows of an ORC file by reading all of them.

    Raises:
        Refused: it is no whole ORC file, or Spark could not read it as it is meant.
    """
    with Path(path).open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        if not size:
            raise Refused(EMPTY, "the file has no bytes, and an ORC file has a footer")
        stream.seek(0)
        if stream.read(len(_ORC)) != _ORC:
            raise Refused(CORRUPT, "it does not begin as an ORC file does")
        stream.seek(-min(size, len(_ORC) + 1), os.SEEK_END)
        if size < 2 * len(_ORC) + 1 or not stream.read().startswith(_ORC):
            raise Refused(TRUNCATED, f"there is no footer at its end; {AGAIN}")
    return checked(lambda: _read_orc(path, rules, columns), reader="pyarrow")


def checked(count: Callable[[], int], *, reader: str) -> int:
    """What the count says, or the refusal; the reader's own words may hold values and are left out."""
    try:
        return count()
    except (Refused, MemoryError):
        raise
    except RecursionError:
        raise Refused(UNSUPPORTED, "its schema is nested too deep") from None
    except Exception as error:  # noqa: BLE001 - hostile bytes may raise anything in there
        raise Refused(CORRUPT, f"{reader} cannot read it ({type(error).__name__})") from None


def _refuse_torn(path: str) -> int:
    """Look at both ends of a Parquet file, and return its size."""
    with Path(path).open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        if not size:
            raise Refused(EMPTY, "the file has no bytes, and a Parquet file has a footer")
        stream.seek(0)
        if stream.read(len(_PARQUET)) != _PARQUET:
            raise Refused(CORRUPT, "it does not begin as a Parquet file does")
        stream.seek(-min(size, _FOOTER), os.SEEK_END)
        end = stream.read()
    if size < len(_PARQUET) + _FOOTER or not end.endswith(_PARQUET):
        raise Refused(TRUNCATED, f"there is no footer at its end; {AGAIN}")
    footer = int.from_bytes(end[:4], "little")
    if footer > size - len(_PARQUET) - _FOOTER:
        raise Refused(CORRUPT, f"its footer is said to have {footer} bytes, more than there is room for")
    return size


def _read_parquet(path: str, size: int, rules: Rules, columns: Sequence[str]) -> int:
    from pyarrow import parquet  # noqa: PLC0415 - text needs no pyarrow

    with parquet.ParquetFile(path, buffer_size=1 << 20) as file:
        metadata = file.metadata
        if metadata.num_columns > rules.columns:
            raise rules.beyond(limit="columns", what=f"the file has {metadata.num_columns}")
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        _refuse_lying_groups(groups, metadata, size, rules)
        _refuse_unread_types(metadata)
        _refuse_schema(file.schema_arrow, rules, columns)
        return _read(file.iter_batches(batch_size=_BATCH, use_threads=False), metadata.num_rows, rules)


def _refuse_lying_groups(groups: Sequence[Any], metadata: Any, size: int, rules: Rules) -> None:
    if sum(group.num_rows for group in groups) != metadata.num_rows:
        raise Refused(CORRUPT, "its footer and its row groups disagree on the number of rows")
    if sum(group.total_byte_size for group in groups) > rules.decompressed_bytes:
        raise rules.beyond(limit="decompressed_bytes", what="the file decompresses to more")
    for number, group in enumerate(groups, 1):
        # A group without rows has no pages, and may say that they are anywhere.
        for chunk in (group.column(i) for i in range(group.num_columns if group.num_rows else 0)):
            starts = [chunk.data_page_offset, *filter(None, [chunk.dictionary_page_offset])]
            if min(starts) < len(_PARQUET) or min(starts) + chunk.total_compressed_size > size - _FOOTER:
                raise Refused(CORRUPT, f"row group {number} is said to lie outside the file")


def _refuse_unread_types(metadata: Any) -> None:
    """Types for which Spark has none, and fails the whole batch."""
    for column in (metadata.schema.column(i) for i in range(metadata.num_columns)):
        logical = str(column.logical_type).lower()
        kind = column.logical_type.type
        if kind in {"TIME", "FLOAT16", "INTERVAL"} or (kind == "TIMESTAMP" and "nanoseconds" in logical):
            name = f"{kind.lower()} of nanoseconds" if kind == "TIMESTAMP" else kind.lower()
            raise Refused(UNSUPPORTED, f"column {column.path} is a {name}, which Spark does not read")


def _read_orc(path: str, rules: Rules, columns: Sequence[str]) -> int:
    from pyarrow import orc  # noqa: PLC0415 - text needs no pyarrow

    file = orc.ORCFile(path)
    _refuse_schema(file.schema, rules, columns)
    _refuse_zones(file.schema)
    stripes = (file.read_stripe(i) for i in range(file.nstripes))
    return _read((_of_microseconds(stripe) for stripe in stripes), file.nrows, rules)


def _refuse_zones(schema: Any) -> None:
    """Timestamps of instants, for which Spark has no type and fails the whole batch."""
    for field in schema:
        if any(getattr(part, "tz", None) for part in _within(field.type)):
            raise Refused(
                UNSUPPORTED, f"column {field.name} is a timestamp with a zone, which Spark does not read in ORC"
            )


def _within(data_type: Any) -> Iterator[Any]:
    """A type, and all types in it."""
    yield data_type
    for i in range(data_type.num_fields):
        yield from _within(data_type.field(i).type)


def _of_microseconds(batch: Any) -> Any:
    """Refuse timestamps with nanoseconds: ORC has no others, and Spark cuts them off."""
    from pyarrow import ArrowInvalid  # noqa: PLC0415 - text needs no pyarrow

    for field, column in zip(batch.schema, batch.columns, strict=True):
        try:
            column.cast(_micros(field.type))
        except ArrowInvalid:
            detail = f"column {field.name} has timestamps of nanoseconds, which Spark does not read"
            raise Refused(UNSUPPORTED, detail) from None
    return batch


def _micros(data_type: Any) -> Any:
    """The type with timestamps of microseconds in it."""
    import pyarrow as pa  # noqa: PLC0415 - text needs no pyarrow

    if pa.types.is_timestamp(data_type):
        return pa.timestamp("us", data_type.tz)
    if pa.types.is_struct(data_type):
        return pa.struct([(field.name, _micros(field.type)) for field in data_type])
    if pa.types.is_list(data_type):
        return pa.list_(_micros(data_type.value_type))
    if pa.types.is_map(data_type):
        return pa.map_(_micros(data_type.key_type), _micros(data_type.item_type))
    return data_type


def _read(batches: Iterable[Any], promised: int, rules: Rules) -> int:
    """Read everything, text looked at letter by letter, and count."""
    rows = total = 0
    for batch in batches:
        batch.validate(full=True)
        rows, total = rows + batch.num_rows, total + batch.nbytes
        if total > rules.decompressed_bytes:
            raise rules.beyond(limit="decompressed_bytes", what="the file decompresses to more")
    if rows != promised:
        raise Refused(CORRUPT, f"its footer promises {promised} rows and {rows} are there")
    return rows


def _refuse_schema(schema: Any, rules: Rules, columns: Sequence[str]) -> None:
    refuse_columns(schema.names, max((_depth(field.type) for field in schema), default=0), rules, columns)


def refuse_columns(names: Sequence[str], depth: int, rules: Rules, columns: Sequence[str]) -> None:
    """Refuse a file with too many columns, names that clash or are taken, columns that it lacks, or values too deep.

    Args:
        names: its columns.
        depth: how deep the deepest of them is nested.
        rules: what it has to keep to.
        columns: those that it has to have, in any case.
    """
    lowered = [name.lower() for name in names]
    if len(names) > rules.columns:
        raise rules.beyond(limit="columns", what=f"the file has {len(names)}")
    if alike(names):
        raise Refused(BAD_HEADER, "two of its columns have one name, or names that differ in case alone")
    if taken := sorted(RESERVED.intersection(lowered)):
        raise Refused(BAD_HEADER, f"the reserved column names {', '.join(taken)} are used; rename the columns")
    if missing := [name for name in columns if name.lower() not in lowered]:
        raise Refused(MISSING_COLUMNS, f"there is no column {', '.join(missing)}")
    if depth > rules.nesting:
        raise rules.beyond(limit="nesting", what="a column is nested deeper")


def _depth(data_type: Any) -> int:
    fields = [data_type.field(i) for i in range(data_type.num_fields)]
    return 1 + max(_depth(field.type) for field in fields) if fields else 0
