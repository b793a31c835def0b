"""Where a schema is said to read another one, an independent reader really does."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import Any

import fastavro
from fastavro.validation import validate
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.schemas.avro import parse_avro
from lakehouse.schemas.avro_resolution import unreadable

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
DEFAULTS: dict[str, Any] = {
    "null": None,
    "boolean": True,
    "int": 1,
    "long": 2,
    "float": 0.5,
    "double": 1.5,
    "string": "x",
}
"""None for bytes: the independent reader leaves them text."""

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "string": st.text(max_size=3),
    "bytes": st.text(max_size=3).map(str.encode),
}
WIDER = {"int": "long", "long": "double", "float": "double", "string": "bytes", "bytes": "string"}
PARTS = {"array": "items", "map": "values"}
SYMBOLS = ["A", "B", "C", "D"]


def kind_of(schema: Any) -> str:
    """The type's name."""
    return "union" if isinstance(schema, list) else schema if isinstance(schema, str) else schema["type"]


class Maker:
    """Makes a schema, another one that differs in places, and values, by what hypothesis draws."""

    def __init__(self, draw: Any) -> None:
        """No name is taken yet."""
        self.draw, self.names = draw, 0

    def pick(self, options: Any) -> Any:
        """One of several."""
        return self.draw(st.sampled_from(list(options)))

    def chance(self, percent: int) -> bool:
        """Whether something happens."""
        return bool(self.draw(st.integers(0, 99)) < percent)

    def name(self, prefix: str) -> str:
        """A name of its own."""
        self.names += 1
        return f"n.{prefix}{self.names}"

    def schema(self, depth: int = 3, *, in_union: bool = False) -> Any:
        """Any schema."""
        kinds = [*PRIMITIVES, "enum", "fixed"]
        if depth > 0:
            kinds += ["record"] * 6 + ["array", "map"] + ([] if in_union else ["union"] * 3)
        kind = self.pick(kinds)
        made: Any = kind
        if kind == "enum":
            made = {"type": "enum", "name": self.name("E"), "symbols": SYMBOLS[: self.pick([1, 2, 3])]}
        elif kind == "fixed":
            made = {"type": "fixed", "name": self.name("F"), "size": self.pick([1, 2])}
        elif kind in PARTS:
            made = {"type": kind, PARTS[kind]: self.schema(depth - 1)}
        elif kind == "union":
            made = list({kind_of(one): one for one in (self.schema(depth - 1, in_union=True) for _ in "abc")}.values())
        elif kind == "record":
            name = self.name("R")
            fields = [{"name": f"f{i}", "type": self.schema(depth - 1)} for i in range(self.pick([1, 2, 3]))]
            recursion = [{"name": "self", "type": ["null", name]}] if self.chance(20) else []
            made = {"type": "record", "name": name, "fields": fields + recursion}
        return made

    def changed(self, schema: Any) -> Any:
        """The schema with a few differences, of which a reader minds some."""
        kind = kind_of(schema)
        if kind == "union":
            return self.changed_union(schema)
        made = schema
        if kind in PARTS:
            made = schema | {PARTS[kind]: self.changed(schema[PARTS[kind]])}
        elif kind == "record":
            made = self.changed_record(schema)
        elif kind == "enum":
            symbols = self.draw(st.permutations(SYMBOLS))[: self.pick([2, 3, 4])]
            default = {"default": symbols[0]} if self.chance(50) else {}
            renamed = {"name": self.name("E"), "aliases": [schema["name"]]} if self.chance(50) else {}
            made = schema | {"symbols": symbols} | default | renamed
        elif kind == "fixed":
            made = schema | {"size": self.pick([schema["size"]] * 3 + [3])}
        else:
            made = self.pick([schema] * 4 + [WIDER.get(schema, schema)] * 3 + ["string"])
        return [made, "null"] if made != "null" and self.chance(12) else made

    def changed_union(self, schema: list[Any]) -> list[Any]:
        """A union whose types changed; one may have come."""
        branches = [one if kind_of(one) == "record" else self.changed(one) for one in schema]
        kept = {kind_of(one): one for one in branches if kind_of(one) != "union"}
        return list((kept | ({"double": "double"} if self.chance(40) else {})).values()) or schema

    def changed_record(self, schema: Any) -> Any:
        """A record whose fields came, went, moved and got other names."""
        fields = []
        for field in schema["fields"]:
            if self.chance(15):
                continue
            new = {
                "name": field["name"],
                "type": field["type"] if field["name"] == "self" else self.changed(field["type"]),
            }
            fields.append(new | {"name": field["name"] + "x", "aliases": [field["name"]]} if self.chance(15) else new)
        if self.chance(40):
            kind = self.pick(DEFAULTS)
            fields.append({"name": "more", "type": kind} | ({"default": DEFAULTS[kind]} if self.chance(80) else {}))
        return schema | {"fields": self.draw(st.permutations(fields))}

    def value(self, schema: Any, names: dict[str, Any], depth: int = 0) -> Any:
        """A value that the schema writes; bytes are text in UTF-8, as a reader may want them as text."""
        kind = kind_of(schema)
        some: Any = None
        if kind in VALUES:
            some = self.draw(VALUES[kind])
        elif kind == "array":
            some = [self.value(schema["items"], names, depth + 1) for _ in range(self.pick([0, 1, 2]))]
        elif kind == "map":
            some = {key: self.value(schema["values"], names, depth + 1) for key in "ab"[: self.pick([0, 1, 2])]}
        elif kind == "union":
            some = self.value(schema[0] if depth > 6 else self.pick(schema), names, depth + 1)
        elif kind == "enum":
            some = self.pick(schema["symbols"])
        elif kind == "fixed":
            some = bytes(schema["size"])
        elif kind == "record":
            names[schema["name"]] = schema
            some = {one["name"]: self.value(one["type"], names, depth + 1) for one in schema["fields"]}
        else:
            some = self.value(names[schema], names, depth + 1)
        return some


def read(writer: Any, reader: Any, value: Any) -> Any:
    """What the independent implementation makes of a value of the writer."""
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(writer), value)
    body.seek(0)
    return fastavro.schemaless_reader(body, fastavro.parse_schema(writer), fastavro.parse_schema(reader))


def test_what_is_said_to_be_read_is_read() -> None:
    """Data of random schemas is read through every random successor that is said to read it, as values of the successor."""
    outcomes: Counter[str] = Counter()

    @settings(max_examples=1000)
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        maker = Maker(data.draw)
        writer = maker.schema()
        reader = maker.changed(writer)
        if unreadable(parse_avro(json.dumps(writer)), parse_avro(json.dumps(reader))):
            outcomes["refused"] += 1
            return
        outcomes["the same" if reader == writer else "read"] += 1
        for _ in range(3):
            result = read(writer, reader, maker.value(writer, {}))
            assert validate(result, fastavro.parse_schema(reader), raise_errors=False)

    holds()
    assert outcomes["read"] > 60
    assert outcomes["refused"] > 60
