"""Avro types as data: what a reader needs to know and no more.

Format: https://avro.apache.org/docs/1.11.1/specification/, which Glue's registry and the Avro modules of both Sparks follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Primitive:
    """A type without parts; `logical` is what its values mean, such as `date` or `decimal(10,2)`."""

    name: str
    logical: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """Any number of items."""

    items: Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """Values by text."""

    values: Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Union:
    """One of several."""

    branches: tuple[Type, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A named type by its full name, where it is defined as well as where it is used again."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enum:
    """One of the symbols; `default` is what a reader takes for one that it does not know."""

    name: str
    aliases: tuple[str, ...]
    symbols: tuple[str, ...]
    default: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """A number of bytes."""

    name: str
    aliases: tuple[str, ...]
    size: int
    logical: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a record; aliases are names that writers may have for it."""

    name: str
    aliases: tuple[str, ...]
    type: Type
    has_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Fields in their order on the wire."""

    name: str
    aliases: tuple[str, ...]
    fields: tuple[Field, ...]


Type = Primitive | Array | Map | Union | Reference
Named = Enum | Fixed | Record


@dataclass(frozen=True, slots=True, kw_only=True)
class AvroSchema:
    """A schema: its outermost type, and every named type by full name."""

    root: Type
    names: Mapping[str, Named]


def short_name(full: str) -> str:
    """A name without its namespace.

    >>> short_name("com.shop.Customer")
    'Customer'
    """
    return full.rpartition(".")[2]


def type_name(kind: Type) -> str:
    """A type as an error names it."""
    match kind:
        case Primitive():
            return kind.name if kind.logical is None else f"{kind.name} ({kind.logical})"
        case Reference():
            return kind.name
        case Union():
            return "a union of " + ", ".join(map(type_name, kind.branches))
        case _:
            return type(kind).__name__.lower()
