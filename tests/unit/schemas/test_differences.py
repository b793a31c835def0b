"""Schemas are compared at any depth, and the result reads like a diff."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import types as T

from lakehouse.schemas.differences import describe, order_kept, schema_differences, written
from lakehouse.schemas.type_names import parse_schema, parse_type
from lakehouse.schemas.widening import holds


def found(before: T.StructType, after: T.StructType) -> list[tuple[Any, ...]]:
    """The differences as tuples."""
    return [(written(one.path), one.kind, one.before, one.after) for one in schema_differences(before, after)]


def field(name: str, kind: str = "string", *, nullable: bool = True, comment: str | None = None) -> T.StructField:
    """A field."""
    return T.StructField(name, parse_type(kind), nullable, {"comment": comment} if comment else {})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": "int"}, {"a": "int", "b": "string"}, [("b", "added", None, "string")]),
        ({"a": "int", "b": "string"}, {"a": "int"}, [("b", "removed", "string", None)]),
        ({"a": "int"}, {"a": "bigint"}, [("a", "widened", "int", "bigint")]),
        ({"a": "bigint"}, {"a": "int"}, [("a", "narrowed", "bigint", "int")]),
        ({"a": "decimal(10,2)"}, {"a": "decimal(12,4)"}, [("a", "widened", "decimal(10,2)", "decimal(12,4)")]),
        (
            {"a": "decimal(10,2)"},
            {"a": "decimal(10,4)"},
            [("a", "type changed", "decimal(10,2)", "decimal(10,4)")],
        ),
        ({"a": "bigint"}, {"a": "double"}, [("a", "type changed", "bigint", "double")]),
        ({"a": "array<int>"}, {"a": "struct<b:int>"}, [("a", "type changed", "array<int>", "struct<b:int>")]),
        ({"customerId": "int"}, {"customerid": "int"}, [("customerid", "renamed by case", "customerId", "customerid")]),
        (
            {"a": "struct<x:int,y:int>"},
            {"a": "struct<y:int,z:int>"},
            [("a.x", "removed", "int", None), ("a.z", "added", None, "int")],
        ),
        (
            {"a": "array<struct<x:int>>"},
            {"a": "array<struct<x:bigint>>"},
            [("a.element.x", "widened", "int", "bigint")],
        ),
        (
            {"a": "map<string,struct<x:int>>"},
            {"a": "map<binary,struct<x:int,`y`:int>>".replace("`", "")},
            [("a.key", "type changed", "string", "binary"), ("a.value.y", "added", None, "int")],
        ),
    ],
)
def test_each_kind_is_named_with_its_path(
    before: dict[str, str], after: dict[str, str], expected: list[tuple[Any, ...]]
) -> None:
    """Nested fields, elements, keys and values are found where they are, and nothing else is reported."""
    assert found(parse_schema(before), parse_schema(after)) == expected


def test_nullability_and_comments_are_differences_of_their_own() -> None:
    """A field that becomes required, an element that may be null, and another comment are told beside a wider type."""
    before = T.StructType([field("a", "int", comment="old"), T.StructField("b", T.ArrayType(T.StringType(), False))])
    after = T.StructType([field("a", "bigint", nullable=False), T.StructField("b", T.ArrayType(T.StringType()))])
    assert found(before, after) == [
        ("a", "nullability", "nullable", "required"),
        ("a", "widened", "int", "bigint"),
        ("a", "comment", "old", None),
        ("b.element", "nullability", "required", "nullable"),
    ]


def test_the_fewest_fields_move() -> None:
    """One field that goes to the front is one move, however many it passes; additions and removals move nothing."""
    before, after = (
        parse_schema(dict.fromkeys(names, "int")) for names in (["a", "b", "c", "x", "d"], ["d", "a", "new", "b", "c"])
    )
    assert found(before, after) == [
        ("x", "removed", "int", None),
        ("d", "moved", "after x", "first"),
        ("new", "added", None, "int"),
    ]


def test_names_that_case_alone_does_not_pair_are_removed_and_added() -> None:
    """Where two fields could be meant, none is taken for the other."""
    before, after = parse_schema({"A": "int", "a": "int"}), parse_schema({"Á": "int"})
    assert [kind for _, kind, _, _ in found(before, after)] == ["removed", "removed", "added"]
    two = T.StructType([field("ID"), field("Id")])
    assert [kind for _, kind, _, _ in found(two, parse_schema({"id": "string"}))] == ["removed", "removed", "added"]


def test_people_read_a_diff() -> None:
    """Each line says with its first letter what happened; odd names are quoted."""
    before = T.StructType([field("id", "int"), field("fax"), field("b"), field("c"), field("e mail", comment="old")])
    after = T.StructType(
        [field("ID", "bigint"), field("c"), field("b"), field("e mail", nullable=False), field("phone")]
    )
    assert describe(schema_differences(before, after)).splitlines() == [
        "- fax string",
        "~ ID was written id",
        "~ ID int -> bigint (widened)",
        "~ b moved: after fax -> after c",
        "~ `e mail` nullable -> required",
        '~ `e mail` comment "old" -> none',
        "+ phone string",
    ]
    assert describe(schema_differences(before, before)) == "no difference"


NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True)
TYPES = st.recursive(
    st.sampled_from(["int", "bigint", "string", "double", "decimal(5,2)"]).map(parse_type),
    lambda inner: st.one_of(
        inner.map(T.ArrayType),
        st.builds(T.MapType, inner, inner),
        st.dictionaries(st.sampled_from("abcd"), inner, min_size=1).map(
            lambda fields: T.StructType([T.StructField(n, t) for n, t in fields.items()])
        ),
    ),
    max_leaves=6,
)
SCHEMAS = st.dictionaries(st.sampled_from(["a", "A", "b", "c d"]), TYPES).map(
    lambda fields: T.StructType([T.StructField(n, t) for n, t in fields.items()])
)


@given(before=SCHEMAS, after=SCHEMAS)
def test_there_is_no_difference_only_where_schemas_are_equal(before: T.StructType, after: T.StructType) -> None:
    """Equal schemas differ in nothing, others in something, and what came one way goes the other way."""
    forth, back = schema_differences(before, after), schema_differences(after, before)
    assert bool(forth) == (before != after)
    swapped = {"added": "removed", "removed": "added", "widened": "narrowed", "narrowed": "widened"}
    kinds = sorted(swapped.get(one.kind, one.kind) for one in forth if one.kind != "moved")
    assert kinds == sorted(one.kind for one in back if one.kind != "moved")


@given(names=NAMES, wanted=NAMES)
def test_what_is_kept_is_in_order_already(names: list[str], wanted: list[str]) -> None:
    """The kept names stand in one order in both lists, and no other common name fits between them."""
    kept = order_kept(names, wanted)
    assert [name for name in names if name in kept] == [name for name in wanted if name in kept]
    for other in {*names} & {*wanted} - kept:
        more = kept | {other}
        assert [name for name in names if name in more] != [name for name in wanted if name in more]


@pytest.mark.parametrize(
    ("wide", "small", "expected"),
    [
        ("bigint", "tinyint", True),
        ("double", "int", True),
        ("double", "bigint", False),
        ("float", "smallint", True),
        ("float", "int", False),
        ("decimal(10,0)", "int", True),
        ("decimal(9,0)", "int", False),
        ("decimal(21,2)", "bigint", True),
        ("decimal(20,2)", "bigint", False),
        ("timestamp_ntz", "date", True),
        ("timestamp", "date", False),
        ("string", "int", False),
        ("binary", "string", False),
    ],
)
def test_a_wider_type_holds_every_value(wide: str, small: str, *, expected: bool) -> None:
    """Digits decide: a double has 53 bits, a float 24, and text is no wider number."""
    assert holds(parse_type(wide), parse_type(small)) is expected
    assert not holds(parse_type(small), parse_type(wide))
