"""JSON Schemas: which documents one accepts of another, case by case, and by validating random documents."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.errors import ConfigError
from lakehouse.schemas.json_containment import unaccepted
from lakehouse.schemas.json_schema import parse_json_schema

Node = Any


def closed(required: list[str] | None = None, **properties: Node) -> dict[str, Any]:
    """An object with these properties and no others."""
    return opened(required, **properties) | {"additionalProperties": False}


def opened(required: list[str] | None = None, **properties: Node) -> dict[str, Any]:
    """An object with these properties and any others."""
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def problems(writer: Node, reader: Node) -> list[tuple[str, str]]:
    """What is not accepted, as path and reason."""
    found = unaccepted(parse_json_schema(json.dumps(writer)), parse_json_schema(json.dumps(reader)))
    return [(one.path, one.reason) for one in found]


TEXT, NUMBER, INTEGER = {"type": "string"}, {"type": "number"}, {"type": "integer"}
TREE = {"type": "object", "properties": {"v": INTEGER, "kids": {"type": "array", "items": {"$ref": "#"}}}}
NUMBER_TREE = {"type": "object", "properties": {"v": NUMBER, "kids": {"type": "array", "items": {"$ref": "#"}}}}
ANY_VALUE = "may be there with any value, as additional properties are allowed where it is written"
CLOSED = "is not allowed; the content model is closed"

ACCEPTED: list[tuple[str, Node, Node]] = [
    ("anything", TEXT, {}),
    ("annotations say nothing", TEXT, TEXT | {"title": "T", "description": "d", "x-owner": "us", "default": ""}),
    ("nothing is written", False, TEXT),
    ("integers are numbers", INTEGER, NUMBER),
    ("more types", TEXT, {"type": ["string", "null"]}),
    ("the same types in a union", {"type": ["string", "null"]}, {"anyOf": [{"type": "null"}, TEXT]}),
    ("a union of types that exclude each other", TEXT, {"oneOf": [{"type": "null"}, TEXT]}),
    ("an enum grows", {"enum": ["a"]}, {"enum": ["b", "a"]}),
    ("an enum becomes free", {"enum": ["a", "b"]}, TEXT),
    ("a constant is an enum of one", {"const": "a"}, {"enum": ["a", "b"]}),
    ("values of several types", {"enum": ["a", None]}, {"type": ["null", "string"]}),
    ("limits widen", NUMBER | {"minimum": 1, "maximum": 5}, NUMBER | {"minimum": 0, "exclusiveMaximum": 6}),
    ("a limit includes its end", NUMBER | {"exclusiveMinimum": 1}, NUMBER | {"minimum": 1}),
    ("draft 4 excludes its ends", NUMBER | {"minimum": 1, "exclusiveMinimum": True}, NUMBER | {"exclusiveMinimum": 1}),
    ("a multiple of a multiple", INTEGER | {"multipleOf": 10}, INTEGER | {"multipleOf": 5}),
    ("lengths widen", TEXT | {"minLength": 2, "maxLength": 3}, TEXT | {"minLength": 1, "maxLength": 4}),
    ("a pattern goes", TEXT | {"pattern": "^a", "format": "email"}, TEXT),
    ("items widen", {"type": "array", "items": INTEGER, "minItems": 1}, {"type": "array", "items": NUMBER}),
    ("open: a property goes", opened(["a"], a=TEXT, b=TEXT), opened(["a"], a=TEXT)),
    ("closed: an optional property comes", closed(["a"], a=TEXT), closed(["a"], a=TEXT, b=TEXT)),
    ("closed: it opens", closed(a=TEXT), opened(a=TEXT)),
    ("a required property becomes optional", closed(["a"], a=TEXT), closed(a=TEXT)),
    ("additional properties widen", opened() | {"additionalProperties": INTEGER}, opened() | {"additionalProperties": NUMBER}),
    ("a property that others could be", opened() | {"additionalProperties": INTEGER}, opened(a=NUMBER)),
    ("a reference", {"$ref": "#/definitions/t", "definitions": {"t": TEXT}}, TEXT),
    ("a reference with odd letters", {"$ref": "#/$defs/a~1b~0c", "$defs": {"a/b~c": TEXT}}, TEXT),
    ("a recursion", TREE, NUMBER_TREE),
    ("what is not understood, but the same", closed(a={"not": TEXT}), closed(a={"not": TEXT}, b=TEXT)),
]  # fmt: skip

REFUSED: list[tuple[str, Node, Node, list[tuple[str, str]]]] = [
    ("another type", TEXT, NUMBER, [("", "string is not accepted")]),
    ("numbers are no integers", NUMBER, INTEGER, [("", "number is not accepted")]),
    ("fewer types", {"type": ["string", "null"]}, TEXT, [("", "null is not accepted")]),
    ("anything", {}, TEXT, [("", "may have any value, of which not all are accepted")]),
    ("nothing", TEXT, False, [("", "string is not accepted")]),
    ("a type goes from a union", {"anyOf": [TEXT, INTEGER]}, TEXT, [("", "integer is not accepted")]),
    ("a oneOf of one type", TEXT, {"oneOf": [TEXT, {"type": "string", "minLength": 1}]},
     [("", "has a oneOf whose schemas accept the same types; use anyOf")]),
    ("an enum shrinks", {"enum": ["a", "b"]}, {"enum": ["a"]}, [("", 'the values ["b"] are not accepted')]),
    ("a value of another type", {"enum": [1]}, {"enum": [True, 1.5]}, [("", "the values [1] are not accepted")]),
    ("an enum comes", TEXT, {"enum": ["a"]}, [("", "accepts some values of type string only")]),
    ("a minimum comes", NUMBER, NUMBER | {"minimum": 0}, [("", "numbers beyond the minimum 0 are not accepted")]),
    ("a maximum sinks", NUMBER | {"maximum": 9}, NUMBER | {"maximum": 8.5},
     [("", "numbers beyond the maximum 8.5 are not accepted")]),
    ("a limit leaves out its end", NUMBER | {"minimum": 1}, NUMBER | {"exclusiveMinimum": 1},
     [("", "numbers beyond the minimum 1 are not accepted")]),
    ("a step comes", INTEGER, INTEGER | {"multipleOf": 5}, [("", "accepts multiples of 5 only")]),
    ("another step", INTEGER | {"multipleOf": 5}, INTEGER | {"multipleOf": 10}, [("", "accepts multiples of 10 only")]),
    ("lengths", TEXT, TEXT | {"minLength": 1, "maxLength": 2},
     [("", "minLength is 1, and was 0"), ("", "maxLength is 2, and was not set")]),
    ("a pattern and a format", TEXT | {"pattern": "^b"}, TEXT | {"pattern": "^a", "format": "email"},
     [("", "the pattern is ^a, and was ^b"), ("", "the format is email, and was not set")]),
    ("items", {"type": "array", "items": NUMBER}, {"type": "array", "items": INTEGER, "maxItems": 2, "uniqueItems": True},
     [("", "maxItems is 2, and was not set"), ("", "items that come twice are not accepted"), ("[]", "number is not accepted")]),
    ("open: an optional property comes", opened(["a"], a=TEXT), opened(["a"], a=TEXT, b=TEXT), [("b", ANY_VALUE)]),
    ("closed: a property goes", closed(["a"], a=TEXT, b=TEXT), closed(["a"], a=TEXT), [("b", CLOSED)]),
    ("it closes", opened(a=TEXT), closed(a=TEXT), [("", "additional properties are not allowed; the content model is closed")]),
    ("a property becomes required", closed(a=TEXT), closed(["a"], a=TEXT), [("a", "is required, and may be absent")]),
    ("deep down", closed(a=closed(b={"type": "array", "items": closed(c=TEXT)})),
     closed(a=closed(b={"type": "array", "items": closed(c=INTEGER)})), [("a.b[].c", "string is not accepted")]),
    ("additional properties", opened() | {"additionalProperties": NUMBER}, opened() | {"additionalProperties": INTEGER},
     [("{}", "number is not accepted")]),
    ("numbers of properties", opened(), opened() | {"minProperties": 1}, [("", "minProperties is 1, and was 0")]),
    ("a recursion", NUMBER_TREE, TREE, [("v", "number is not accepted")]),
    ("no option accepts all", closed(a=TEXT, b=TEXT), {"anyOf": [closed(a=TEXT), closed(b=TEXT)]}, [("b", CLOSED)]),
    *((f"not understood: {name}", TEXT, {"type": "string", name: value}, [("", f"uses {name}, which this check does not understand")])
      for name, value in [("not", {}), ("if", {}), ("allOf", [{}]), ("contentSchema", {}), ("minlength", 3)]),
    ("not understood where it is written", {"type": "object", "patternProperties": {"^a": TEXT}}, opened(a=TEXT),
     [("", "uses patternProperties, which this check does not understand")]),
    ("tuples", {"type": "array"}, {"type": "array", "items": [TEXT]},
     [("", "uses items as a list, which this check does not understand")]),
    ("beside a union", TEXT, {"anyOf": [TEXT], "minLength": 1},
     [("", "uses minLength beside anyOf, which this check does not understand")]),
    ("not understood in a union", TEXT, {"anyOf": [{"type": "string", "not": {"const": "a"}}]},
     [("", "uses not, which this check does not understand")]),
]  # fmt: skip


@pytest.mark.parametrize(("writer", "reader"), [case[1:] for case in ACCEPTED], ids=[case[0] for case in ACCEPTED])
def test_what_accepts_every_document_is_compatible(writer: Node, reader: Node) -> None:
    """Constraints may go or widen."""
    assert problems(writer, reader) == []


@pytest.mark.parametrize(
    ("writer", "reader", "expected"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_what_refuses_a_document_or_may_is_named(writer: Node, reader: Node, expected: list[tuple[str, str]]) -> None:
    """Constraints that come or narrow are found where they are; so is every keyword that is not understood."""
    assert problems(writer, reader) == expected


def test_equal_schemas_are_compatible_whatever_they_use() -> None:
    """A schema with keywords that are not understood is compatible with itself, and a reference to another part is not."""
    schema = {"allOf": [{"$ref": "#/definitions/a"}], "definitions": {"a": TEXT}}
    assert problems(schema, schema) == []
    assert problems(schema, schema | {"definitions": {"a": NUMBER}}) != []
    named = {"type": "object", "properties": {"a": {"$ref": "#/definitions/a"}}}
    assert problems(named | {"definitions": {"a": TEXT}}, named | {"definitions": {"a": NUMBER}}) == [
        ("a", "string is not accepted")
    ]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("not json", "no JSON text"),
        ("3", "neither an object"),
        ('{"type": "strin"}', "unknown type strin"),
        ('{"required": "a"}', "required of the whole is 'a'"),
        ('{"type": [["string"]]}', "unknown type ['string']"),
        ('{"items": {"minimum": "1"}}', "minimum of [] is '1'"),
        ('{"maxLength": 1.5}', "maxLength of the whole is 1.5"),
        ('{"properties": {"a": 3}}', "a is neither an object"),
        ('{"properties": {"a": {"$ref": "#/definitions/b"}}}', "has no part #/definitions/b"),
        ('{"$ref": "https://example.com/a.json"}', "references stay inside"),
        ('{"$ref": "#/definitions/a", "definitions": {"a": {"$ref": "#/definitions/a"}}}', "refers to itself"),
    ],
)
def test_a_schema_that_is_none_is_refused(schema: str, message: str) -> None:
    """The message says where the schema is wrong."""
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse_json_schema(schema)


def is_valid(document: Any, node: Node) -> bool:
    """Validation as the specification has it, of the keywords below."""
    if isinstance(node, bool):
        return node
    own: dict[str, Any] = {
        "integer": int,
        "number": (int, float),
        "string": str,
        "null": type(None),
        "array": list,
        "object": dict,
    }
    types = node.get("type", list(own))
    if not any(isinstance(document, own[name]) for name in ([types] if isinstance(types, str) else types)):
        return False
    checks = ["anyOf" not in node or any(is_valid(document, one) for one in node["anyOf"])]
    checks += ["enum" not in node or document in node["enum"]]
    if isinstance(document, int):
        checks += [node.get("minimum", -99) <= document <= node.get("maximum", 99)]
    if isinstance(document, str):
        checks += [node.get("minLength", 0) <= len(document) <= node.get("maxLength", 99)]
    if isinstance(document, list):
        checks += [
            node.get("minItems", 0) <= len(document),
            all(is_valid(i, node.get("items", True)) for i in document),
        ]
    if isinstance(document, dict):
        parts, others = node.get("properties", {}), node.get("additionalProperties", True)
        checks += [is_valid(value, parts.get(name, others)) for name, value in document.items()]
        checks += [name in document for name in node.get("required", [])]
    return all(checks)


ATOMS = [None, 0, 1, 3, "", "a", "bbb"]
LISTS = [[], *([one] for one in ATOMS), [1, "a"], [[], ["a"]]]
VALUES = [*ATOMS, *LISTS, {}, {"a": 1}, {"b": {"a": "a"}}]
DOCUMENTS = [
    *VALUES,
    *([one, other] for one in VALUES for other in (None, 3, "a")),
    *({"a": one, "b": other} for one in VALUES for other in (None, 1, "a")),
    *({"c": one} for one in VALUES),
]
SMALL = st.integers(0, 3)


def some(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A schema with some of the keywords."""
    return st.fixed_dictionaries({}, optional=keywords)


NODES = st.recursive(
    st.one_of(
        some(type=st.sampled_from(["string", "integer", "null"]), minLength=SMALL, maxLength=SMALL, minimum=SMALL, maximum=SMALL),
        st.fixed_dictionaries({"enum": st.lists(st.sampled_from([None, 1, 2, "a", "b"]), min_size=1, unique=True)}),
        some(type=st.lists(st.sampled_from(["string", "number", "null", "object"]), min_size=1, unique=True)),
    ),
    lambda inner: st.one_of(
        some(type=st.just("array"), items=inner, minItems=SMALL),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        some(
            type=st.just("object"),
            properties=st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            required=st.lists(st.sampled_from("abc"), max_size=1),
            additionalProperties=st.one_of(st.booleans(), inner),
        ),
    ),
    max_leaves=4,
)  # fmt: skip


def test_documents_of_the_writer_are_valid_for_the_reader() -> None:
    """Of random schemas where one is said to accept all of another, it accepts each of many documents that are valid for that."""
    outcomes: Counter[str] = Counter()

    @settings(max_examples=600)
    @given(pair=st.tuples(NODES, NODES), same=st.booleans(), drop=st.integers(0, 3))
    def holds(pair: tuple[Any, Any], drop: int, *, same: bool) -> None:
        writer, reader = pair
        if same:  # as schemas of chance rarely have to do with each other: the same one without one of its keywords
            reader = {name: value for i, (name, value) in enumerate(writer.items()) if i != drop}
        if problems(writer, reader):
            outcomes["refused"] += 1
            return
        for document in DOCUMENTS:
            if is_valid(document, writer):
                outcomes["documents"] += 1
                assert is_valid(document, reader)

    holds()
    assert outcomes["documents"] > 300
    assert outcomes["refused"] > 40
