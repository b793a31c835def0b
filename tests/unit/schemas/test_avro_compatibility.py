"""Avro schemas: what one reads of another, case by case from the specification."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakehouse.errors import ConfigError
from lakehouse.schemas.avro import parse_avro
from lakehouse.schemas.avro_resolution import unreadable

Schema = Any


def record(*fields: Any, name: str = "R", **more: Any) -> dict[str, Any]:
    """A record of fields given as name and type, or whole."""
    whole = [one if isinstance(one, dict) else {"name": one[0], "type": one[1]} for one in fields]
    return {"type": "record", "name": name, "fields": whole, **more}


def optional(name: str, kind: Schema = "string") -> dict[str, Any]:
    """A field that may be null, and is when it is absent."""
    return {"name": name, "type": ["null", kind], "default": None}


def enum(*symbols: str, name: str = "E", **more: Any) -> dict[str, Any]:
    """An enum."""
    return {"type": "enum", "name": name, "symbols": list(symbols), **more}


def fixed(size: int, name: str = "F", **more: Any) -> dict[str, Any]:
    """A fixed."""
    return {"type": "fixed", "name": name, "size": size, **more}


def logical(kind: str, name: str, **more: Any) -> dict[str, Any]:
    """A primitive with a meaning."""
    return {"type": kind, "logicalType": name, **more}


def problems(writer: Schema, reader: Schema) -> list[tuple[str, str]]:
    """What is not read, as path and reason."""
    return [
        (one.path, one.reason) for one in unreadable(parse_avro(json.dumps(writer)), parse_avro(json.dumps(reader)))
    ]


TREE = record(("value", "int"), ("children", {"type": "array", "items": "Tree"}), name="Tree")
LONG_TREE = record(("value", "long"), ("children", {"type": "array", "items": "Tree"}), name="Tree")
TEXT_TREE = record(("value", "string"), ("children", {"type": "array", "items": "Tree"}), name="Tree")

READ: list[tuple[str, Schema, Schema]] = [
    *((f"{w} to {r}", w, r) for w, r in [
        ("int", "long"), ("int", "float"), ("int", "double"), ("long", "float"), ("long", "double"), ("float", "double"),
        ("string", "bytes"), ("bytes", "string"), ("null", "null"), ("boolean", "boolean"),
    ]),
    ("array items", {"type": "array", "items": "int"}, {"type": "array", "items": "long"}),
    ("map values", {"type": "map", "values": "int"}, {"type": "map", "values": "double"}),
    ("a field goes", record(("a", "int"), ("b", "int")), record(("a", "int"))),
    ("a field with default comes", record(("a", "int")), record(("a", "int"), optional("b"))),
    ("fields change places", record(("a", "int"), ("b", "string")), record(("b", "string"), ("a", "int"))),
    ("a field by its alias", record(("old", "int")), record({"name": "new", "type": "int", "aliases": ["old"]})),
    ("a record by its alias", record(("a", "int"), name="n.Old"), record(("a", "int"), name="m.New", aliases=["n.Old"])),
    ("an alias in the namespace", record(("a", "int"), name="n.Old"), record(("a", "int"), name="n.New", aliases=["Old"])),
    ("another namespace", record(("a", "int"), name="n.R"), record(("a", "int"), name="m.R")),
    ("a field becomes optional", record(("a", "int")), record(("a", ["null", "int"]))),
    ("a promoted branch", record(("a", "int")), record(("a", ["null", "double"]))),
    ("a union grows", ["null", "int"], ["null", "string", "long"]),
    ("a union of one", ["int"], "long"),
    ("an enum grows", enum("A", "B"), enum("B", "A", "C")),
    ("an enum with default shrinks", enum("A", "B"), enum("A", default="A")),
    ("an enum by its alias", enum("A", name="Old"), enum("A", name="New", aliases=["Old"])),
    ("fixed", fixed(4), fixed(4)),
    ("a recursion", TREE, LONG_TREE),
    ("a decimal stays", logical("bytes", "decimal", precision=9, scale=2), logical("bytes", "decimal", precision=9, scale=2)),
    ("a meaning comes", "long", logical("long", "timestamp-millis")),
    ("a meaning goes", logical("int", "date"), "long"),
    ("an unknown meaning is none", logical("long", "of-our-own"), logical("long", "timestamp-micros")),
    ("a meaning on the wrong type is none", logical("string", "timestamp-millis"), "string"),
]  # fmt: skip

REFUSED: list[tuple[str, Schema, Schema, list[tuple[str, str]]]] = [
    *((f"{w} to {r}", w, r, [("", f"{w} cannot be read as {r}")]) for w, r in [
        ("long", "int"), ("float", "int"), ("double", "float"), ("int", "string"), ("boolean", "int"), ("null", "string"),
        ("int", "bytes"),
    ]),
    ("array items", {"type": "array", "items": "long"}, {"type": "array", "items": "int"},
     [("[]", "long cannot be read as int")]),
    ("map values", record(("m", {"type": "map", "values": "long"})), record(("m", {"type": "map", "values": "int"})),
     [("m{}", "long cannot be read as int")]),
    ("array to map", {"type": "array", "items": "int"}, {"type": "map", "values": "int"}, [("", "array cannot be read as map")]),
    ("a field without default comes", record(("a", "int")), record(("a", "int"), ("b", "string")),
     [("b", "is not written, and its reader (string) has no default for it")]),
    ("a field becomes required", record(optional("a")), record(("a", "string")), [("a", "null cannot be read as string")]),
    ("deep down", record(("a", record(("b", {"type": "array", "items": "string"}), name="S"))),
     record(("a", record(("b", {"type": "array", "items": "int"}), name="S"))), [("a.b[]", "string cannot be read as int")]),
    ("another record", record(("a", "int"), name="R"), record(("a", "int"), name="S"), [("", "R cannot be read as S")]),
    ("an alias of the writer", record(("old", "int")), record(("new", "int")),
     [("new", "is not written, and its reader (int) has no default for it")]),
    ("two written fields for one", record(("a", "int"), ("b", "int")), record({"name": "a", "type": "int", "aliases": ["b"]}),
     [("a", "aliases make it ambiguous which written field is meant")]),
    ("one written field for two", record(("b", "int")),
     record(("b", "int"), {"name": "a", "type": "int", "aliases": ["b"], "default": 0}),
     [("b", "aliases make it ambiguous which written field is meant"),
      ("a", "aliases make it ambiguous which written field is meant")]),
    ("a union shrinks", ["null", "int", "string"], ["null", "int"],
     [("", "string cannot be read as a union of null, int")]),
    ("a branch that cannot be read", record(("a", "int"), name="n.R"),
     [record(("a", "string"), name="m.R"), record(("a", "int"), name="n.R")], [("a", "int cannot be read as string")]),
    ("an enum shrinks", enum("A", "B", "C"), enum("B"),
     [("", "the symbols A, C are not known, and there is no default symbol")]),
    ("another enum", enum("A"), enum("A", name="G"), [("", "E cannot be read as G")]),
    ("fixed of another size", fixed(4), fixed(8), [("", "4 bytes cannot be read as 8")]),
    ("fixed to bytes", fixed(4), "bytes", [("", "F cannot be read as bytes")]),
    ("a record to an enum of its name", record(("a", "int"), name="X"), enum("A", name="X"), [("", "X cannot be read as X")]),
    ("a recursion, reported once", TREE, TEXT_TREE, [("value", "int cannot be read as string")]),
    ("milliseconds to microseconds", logical("long", "timestamp-millis"), logical("long", "timestamp-micros"),
     [("", "timestamp-millis would be taken for timestamp-micros")]),
    ("another scale", logical("bytes", "decimal", precision=9, scale=2), logical("bytes", "decimal", precision=9, scale=3),
     [("", "decimal(9,2) would be taken for decimal(9,3)")]),
    ("a decimal without its scale", logical("bytes", "decimal", precision=9, scale=2), "bytes",
     [("", "decimal(9,2) would be taken for no logical type")]),
    ("a decimal in fixed", fixed(4, logicalType="decimal", precision=9), fixed(4, logicalType="decimal", precision=8),
     [("", "decimal(9,0) would be taken for decimal(8,0)")]),
]  # fmt: skip


@pytest.mark.parametrize(("writer", "reader"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_what_the_specification_resolves_is_read(writer: Schema, reader: Schema) -> None:
    """Each rule of schema resolution lets its example through."""
    assert problems(writer, reader) == []


@pytest.mark.parametrize(
    ("writer", "reader", "expected"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_what_is_not_resolved_is_named_with_its_place(
    writer: Schema, reader: Schema, expected: list[tuple[str, str]]
) -> None:
    """Each break is found where it is, once, and nothing beside it."""
    assert problems(writer, reader) == expected


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("not json", "no JSON text"),
        ('"strin"', "unknown type 'strin'"),
        ('["int", "int"]', "is no union"),
        ('["null", ["int"]]', "is no union"),
        ("[]", "is no union"),
        (json.dumps(record(("a", "int"), ("a", "int"))), "without fields"),
        (json.dumps(record(("a b", "int"))), "without fields"),
        ('{"type": "record", "name": "R"}', "without fields"),
        ('{"type": "record", "name": "a-b", "fields": []}', "is no name"),
        (json.dumps(record(("a", fixed(1)), ("b", fixed(2)))), "b defines F once more"),
        (json.dumps(record(("a", "Later"), ("b", fixed(2, name="Later")))), "a has the unknown type 'Later'"),
        ('{"type": "fixed", "name": "F"}', "without a size"),
        ('{"type": "enum", "name": "E", "symbols": ["A", "A"]}', "without symbols"),
        ('{"type": "enum", "name": "E", "symbols": ["A"], "default": "B"}', "without symbols"),
        (json.dumps(record({"name": "a", "type": "int", "default": "1"})), "a has a default of another type"),
        (json.dumps(record({"name": "a", "type": "int", "default": 2**31})), "a has a default of another type"),
        (json.dumps(record({"name": "a", "type": ["null", "int"], "default": 1})), "has to be of its first type"),
        (json.dumps(record({"name": "a", "type": "bytes", "default": "\u0100"})), "a has a default of another type"),
        (json.dumps(record({"name": "a", "type": record(("b", "int"), name="S"), "default": {}})), "a has a default"),
        ('{"items": "int"}', "is no type"),
        ("3", "is no type"),
    ],
)
def test_a_schema_that_is_none_is_refused(schema: str, message: str) -> None:
    """The message says where the schema is wrong, and what it should be."""
    with pytest.raises(ConfigError, match=message):
        parse_avro(schema)


def test_defaults_are_tried_at_any_depth() -> None:
    """Defaults of every kind are accepted where they fit, those that refer to a type defined later in the record too."""
    fields = [
        {"name": "e", "type": enum("A", "B"), "default": "B"},
        {"name": "f", "type": fixed(2), "default": "\u00ff\u0000"},
        {"name": "l", "type": {"type": "array", "items": "E"}, "default": ["A"]},
        {"name": "m", "type": {"type": "map", "values": "double"}, "default": {"x": 1}},
        {"name": "r", "type": record(optional("self", "R"), name="S"), "default": {}},
    ]
    assert len(parse_avro(record(*fields)).names) == 4
