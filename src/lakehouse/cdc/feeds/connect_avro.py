"""Avro schemas as Kafka Connect registers them: the form that is on the wire, and what its fields mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lakehouse.errors import ConfigError

_CONNECT = "org.apache.kafka.connect.data"
# What Avro's own logical types are in the names of Connect, for schemas that have no `connect.name`.
_LOGICAL = {
    "decimal": f"{_CONNECT}.Decimal",
    "date": f"{_CONNECT}.Date",
    "time-millis": f"{_CONNECT}.Time",
    "time-micros": "io.debezium.time.MicroTime",
    "timestamp-millis": f"{_CONNECT}.Timestamp",
    "timestamp-micros": "io.debezium.time.MicroTimestamp",
}


@dataclass(frozen=True, slots=True)
class WireSchema:
    """One registered schema.

    Attributes:
        avro: the schema without logical types, as JSON text: values are read as they are on the wire.
        connect: the fields of its records as Connect's JSON converter describes them, as JSON text.
    """

    avro: str
    connect: str


def read_schema(schema: str | Mapping[str, Any], *, origin: str) -> WireSchema:
    """Read a registered schema.

    Args:
        schema: JSON text, or the object it holds.
        origin: how messages call it.

    Raises:
        ConfigError: it is no Avro record.
    """
    try:
        tree = json.loads(schema) if isinstance(schema, str) else dict(schema)
    except ValueError:
        msg = f"{origin} is no JSON text; give an Avro schema, or in a configuration the name of a file that ends in .avsc"
        raise ConfigError(msg) from None
    if not isinstance(tree, dict) or tree.get("type") != "record" or not isinstance(tree.get("fields"), list):
        msg = f"{origin} is no Avro record; give the schema of the message's value or key"
        raise ConfigError(msg)
    return WireSchema(json.dumps(_physical(tree)), json.dumps(_described(tree)))


def _physical(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_physical(part) for part in schema]
    if isinstance(schema, dict):
        return {
            name: part if name == "default" else _physical(part)
            for name, part in schema.items()
            if name != "logicalType"
        }
    return schema


def _described(record: dict[str, Any]) -> dict[str, Any]:
    """The record's fields, and those of the records in them: name, meaning and scale."""
    names = dict(_named(record, ""))
    parts = ((field["name"], _resolved(field["type"], names)) for field in record["fields"])
    return {
        "type": "struct",
        "fields": [
            {"field": name, "fields": [_entry(field, names) for field in part["fields"]]}
            for name, part in parts
            if part.get("type") == "record"
        ],
    }


def _entry(field: Mapping[str, Any], names: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    kind = _resolved(field["type"], names)
    meaning = kind.get("connect.name") or _LOGICAL.get(str(kind.get("logicalType")))
    scale = (kind.get("connect.parameters") or {}).get("scale", kind.get("scale", 0))
    decimal = {"parameters": {"scale": str(scale)}} if meaning == _LOGICAL["decimal"] else {}
    return {"field": field["name"], **({"name": meaning} if meaning else {}), **decimal}


def _resolved(kind: Any, names: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The type itself: of a union the first that is not null, of a name what it stands for."""
    while isinstance(kind, list):
        kind = next((part for part in kind if part != "null"), "null")
    if isinstance(kind, str):
        return names.get(kind, {"type": kind})
    return kind if isinstance(kind, dict) else {}


def _named(kind: Any, space: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every named type, by its full and by its short name."""
    if isinstance(kind, list):
        for part in kind:
            yield from _named(part, space)
    if not isinstance(kind, dict):
        return
    inner = kind.get("namespace", space)
    if "name" in kind and kind.get("type") in ("record", "enum", "fixed"):
        yield kind["name"], kind
        yield f"{inner}.{kind['name']}", kind
    for field in kind.get("fields", ()):
        yield from _named(field["type"], inner)
    for part in ("items", "values", "type"):
        yield from _named(kind.get(part), inner)
