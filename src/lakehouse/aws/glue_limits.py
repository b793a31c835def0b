"""Limits of the Glue Data Catalog, checked before a call; sizes in bytes of UTF-8 as the API reference of Glue states them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lakehouse.errors import ConfigError

_NAME, _COMMENT, _TYPE, _DESCRIPTION, _LOCATION = 255, 255, 131_072, 2_048, 2_056
_KEY, _VALUE = 255, 512_000
_FIRST_PRINTABLE = " "


def check_name(name: str, *, what: str) -> str:
    """The name, which Glue takes.

    Raises:
        ConfigError: it is empty, longer than 255 bytes, or has more than one line.
    """
    if faults := list(_faults(what, name, _NAME, least=1)):
        raise ConfigError(faults[0])
    return name


def check_limits(table_input: Mapping[str, Any]) -> None:
    """Refuse a `TableInput` that Glue would not take.

    Raises:
        ConfigError: names everything that is too long, empty, or has more than one line.
    """
    if faults := list(_table_faults(table_input)):
        raise ConfigError("; ".join(faults))


def _table_faults(table_input: Mapping[str, Any]) -> Iterator[str]:
    yield from _faults("table", table_input["Name"], _NAME, least=1)
    yield from _faults("description", table_input.get("Description", ""), _DESCRIPTION, lines=True)
    storage = table_input["StorageDescriptor"]
    yield from _faults("location", storage["Location"], _LOCATION)
    for column in (*storage["Columns"], *table_input["PartitionKeys"]):
        yield from _faults("column", column["Name"], _NAME, least=1)
        yield from _faults(f"type of {column['Name'][:40]}", column["Type"], _TYPE)
        yield from _faults(f"comment of {column['Name'][:40]}", column.get("Comment", ""), _COMMENT)
    for key, value in table_input["Parameters"].items():
        yield from _faults("property", key, _KEY, least=1)
        yield from _faults(f"value of property {key[:40]}", value, _VALUE, lines=True)


def _faults(what: str, text: str, most: int, *, least: int = 0, lines: bool = False) -> Iterator[str]:
    size = len(text.encode())
    if not least <= size <= most:
        yield f"{what} has {size} bytes, and Glue takes {least} to {most}: {text[:40]!r}"
    if not lines and any(letter < _FIRST_PRINTABLE and letter != "\t" for letter in text):
        yield f"{what} must be one line: {text[:40]!r}"
