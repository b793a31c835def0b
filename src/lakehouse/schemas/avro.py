"""Avro schemas read and checked: names resolved, every default tried."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehouse.errors import ConfigError
from lakehouse.schemas.avro_defaults import is_default
from lakehouse.schemas.avro_types import (
    PRIMITIVES,
    Array,
    AvroSchema,
    Enum,
    Field,
    Fixed,
    Map,
    Named,
    Primitive,
    Record,
    Reference,
    Type,
    Union,
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOGICAL: Mapping[str, frozenset[str]] = {
    "decimal": frozenset({"bytes", "fixed"}),
    "uuid": frozenset({"string", "fixed"}),
    "date": frozenset({"int"}),
    "time-millis": frozenset({"int"}),
    "duration": frozenset({"fixed"}),
    **{
        f"{kind}{unit}": frozenset({"long"})
        for kind in ("timestamp-", "local-timestamp-")
        for unit in ("millis", "micros", "nanos")
    },
    "time-micros": frozenset({"long"}),
}
"""Logical types with what they annotate; anywhere else, and with other names, they mean nothing."""


def parse_avro(schema: str | Mapping[str, Any] | list[Any]) -> AvroSchema:
    """Read a schema from JSON text, or from the object it holds.

    >>> parse_avro('["null", "string"]').root
    Union(branches=(Primitive(name='null', logical=None), Primitive(name='string', logical=None)))

    Raises:
        ConfigError: it is no valid Avro schema; says where and why.
    """
    tree: Any = schema
    if isinstance(schema, str) and schema not in PRIMITIVES:
        try:
            tree = json.loads(schema)
        except ValueError:
            msg = "the Avro schema is no JSON text; give the content of an .avsc file"
            raise ConfigError(msg) from None
    parser = _Parser()
    root = parser.type_of(tree, space="", path="")
    parser.check_defaults()
    return AvroSchema(root=root, names=parser.names)


@dataclass(slots=True)
class _Parser:
    names: dict[str, Named] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    defaults: list[tuple[str, Any, Type]] = field(default_factory=list)

    def type_of(self, tree: Any, *, space: str, path: str) -> Type:
        if isinstance(tree, str):
            return self._named(tree, space=space, path=path)
        if isinstance(tree, list):
            return self._union(tree, space=space, path=path)
        kind = tree.get("type") if isinstance(tree, dict) else None
        match kind:
            case "array":
                return Array(items=self.type_of(tree.get("items"), space=space, path=f"{path}[]"))
            case "map":
                return Map(values=self.type_of(tree.get("values"), space=space, path=f"{path}{{}}"))
            case "record" | "enum" | "fixed":
                return self._definition(tree, kind, space=space, path=path)
            case str():
                found = self._named(kind, space=space, path=path)
                logical = _logical(tree, kind)
                return Primitive(name=kind, logical=logical) if isinstance(found, Primitive) else found
            case _:
                raise _invalid(path, "is no type; use a name, a list of types, or an object with a type")

    def check_defaults(self) -> None:
        """Try every default, once all names are known."""
        for path, value, kind in self.defaults:
            if not is_default(value, kind, self.names):
                raise _invalid(path, "has a default of another type; that of a union has to be of its first type")

    def _named(self, name: str, *, space: str, path: str) -> Type:
        if name in PRIMITIVES:
            return Primitive(name=name)
        full = name if "." in name or not space else f"{space}.{name}"
        if full not in self.known:
            raise _invalid(path, f"has the unknown type {name!r}; define it where it is used first")
        return Reference(name=full)

    def _union(self, tree: list[Any], *, space: str, path: str) -> Union:
        branches = tuple(self.type_of(branch, space=space, path=path) for branch in tree)
        marks = [b.name if isinstance(b, Primitive | Reference) else type(b).__name__ for b in branches]
        if not branches or "Union" in marks or len({*marks}) < len(marks):
            raise _invalid(path, "is no union: it needs types, each once, and no union among them")
        return Union(branches=branches)

    def _definition(self, tree: dict[str, Any], kind: str, *, space: str, path: str) -> Reference:
        name = tree.get("name")
        if not isinstance(name, str) or not all(map(_NAME.fullmatch, name.split("."))):
            raise _invalid(path, f"defines {name!r}, which is no name")
        inner = name.rpartition(".")[0] if "." in name else tree.get("namespace", space)
        full = name if "." in name or not inner else f"{inner}.{name}"
        if full in self.known or full in PRIMITIVES:
            raise _invalid(path, f"defines {full} once more; each name is defined once")
        self.known.add(full)
        aliases = tuple(
            alias if "." in alias or not inner else f"{inner}.{alias}" for alias in tree.get("aliases") or ()
        )
        self.names[full] = self._parts(tree, kind, full, aliases, inner, path)
        return Reference(name=full)

    def _parts(
        self, tree: dict[str, Any], kind: str, name: str, aliases: tuple[str, ...], space: str, path: str
    ) -> Named:
        if kind == "fixed":
            size = tree.get("size")
            if not isinstance(size, int) or isinstance(size, bool) or size < 0:
                raise _invalid(path, f"defines {name} without a size")
            return Fixed(name=name, aliases=aliases, size=size, logical=_logical(tree, kind))
        if kind == "enum":
            symbols, default = _names(tree.get("symbols")), tree.get("default")
            if not symbols or (default is not None and default not in symbols):
                raise _invalid(path, f"defines {name} without symbols: names, each once, the default among them")
            return Enum(name=name, aliases=aliases, symbols=symbols, default=default)
        fields: list[Any] = tree["fields"] if isinstance(tree.get("fields"), list) else [None]
        if len(_names([isinstance(f, dict) and f.get("name") for f in fields])) < len(fields):
            raise _invalid(path, f"defines {name} without fields: a list of objects with names, each once")
        return Record(name=name, aliases=aliases, fields=tuple(self._field(f, space, path) for f in fields))

    def _field(self, tree: dict[str, Any], space: str, path: str) -> Field:
        here = f"{path}.{tree['name']}".lstrip(".")
        kind = self.type_of(tree.get("type"), space=space, path=here)
        if "default" in tree:
            self.defaults.append((here, tree["default"], kind))
        aliases = tuple(tree.get("aliases") or ())
        return Field(name=tree["name"], aliases=aliases, type=kind, has_default="default" in tree)


def _invalid(path: str, reason: str) -> ConfigError:
    return ConfigError(f"the Avro schema is not valid: {path or 'the whole'} {reason}")


def _names(names: Any) -> tuple[str, ...]:
    """The names when each is one and there once; else nothing."""
    good = isinstance(names, list) and all(isinstance(name, str) and _NAME.fullmatch(name) for name in names)
    return tuple(names) if good and len(set(names)) == len(names) else ()


def _logical(tree: Mapping[str, Any], kind: str) -> str | None:
    name = tree.get("logicalType")
    if not isinstance(name, str) or kind not in _LOGICAL.get(name, ()):
        return None
    return f"decimal({tree.get('precision')},{tree.get('scale', 0)})" if name == "decimal" else name
