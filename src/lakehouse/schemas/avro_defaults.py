"""Whether a JSON value may stand as the default of an Avro type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakehouse.schemas.avro_types import Array, Enum, Fixed, Map, Named, Primitive, Record, Reference, Type, Union

_BITS = {"int": 32, "long": 64}
_BYTE = 256


def is_default(value: Any, kind: Type, names: Mapping[str, Named]) -> bool:
    """Whether the value is one of the type, of a union one of its first type: what every implementation reads.

    Bytes are text whose letters stand for one byte each.
    """
    match kind:
        case Primitive():
            return _is_primitive(value, kind.name)
        case Array():
            return isinstance(value, list) and all(is_default(item, kind.items, names) for item in value)
        case Map():
            return isinstance(value, dict) and all(is_default(item, kind.values, names) for item in value.values())
        case Union():
            return is_default(value, kind.branches[0], names)
        case Reference():
            return _is_named(value, names[kind.name], names)


def _is_named(value: Any, kind: Named, names: Mapping[str, Named]) -> bool:
    match kind:
        case Enum():
            return value in kind.symbols
        case Fixed():
            return _is_bytes(value) and len(value) == kind.size
        case Record():
            return isinstance(value, dict) and all(
                is_default(value[field.name], field.type, names) if field.name in value else field.has_default
                for field in kind.fields
            )


def _is_primitive(value: Any, name: str) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match name:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "int" | "long":
            bound = 1 << (_BITS[name] - 1)
            return is_number and isinstance(value, int) and -bound <= value < bound
        case "float" | "double":
            return is_number
        case "bytes":
            return _is_bytes(value)
        case _:
            return isinstance(value, str)


def _is_bytes(value: Any) -> bool:
    return isinstance(value, str) and all(ord(letter) < _BYTE for letter in value)
