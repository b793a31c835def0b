"""Plans of evolution: what is done, in which order, and what is refused with which reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import types as T

from lakehouse.errors import ConfigError, IncompatibleSchemaError
from lakehouse.schemas.evolution import (
    AddField,
    AllowNull,
    DropField,
    Evolution,
    MoveField,
    RenameField,
    Step,
    WidenField,
    plan_evolution,
)
from lakehouse.schemas.type_names import parse_schema, parse_type
from lakehouse.schemas.widening import is_wider, plain

TABLE = {"id": "int", "email": "string", "address": "struct<zip:int,city:string>", "items": "array<struct<n:int>>"}


def lines(table: dict[str, str], contract: dict[str, str], mode: Any = "add", **more: Any) -> list[str]:
    """The plan as its diff."""
    return str(plan_evolution(parse_schema(table), parse_schema(contract), mode, **more)).splitlines()


def required(name: str, kind: str = "string") -> T.StructType:
    """A schema of one required field."""
    return T.StructType([T.StructField(name, parse_type(kind), False)])


def test_the_mode_add_adds_and_widens_and_leaves_the_rest() -> None:
    """New fields go to the end at any depth, types are widened last, and neither order nor absence is a matter."""
    contract = {
        "items": "array<struct<n:bigint,sku:string>>",
        "phone": "string",
        "id": "bigint",
        "address": "struct<country:string,zip:int>",
    }
    assert lines(TABLE, contract) == [
        "+ phone string",
        "+ items.element.sku string",
        "+ address.country string",
        "~ items.element.n int -> bigint",
        "~ id int -> bigint",
    ]
    assert lines(TABLE, {"id": "int"}) == ["nothing to do"]


def test_the_mode_mirror_makes_the_table_what_the_contract_says() -> None:
    """Fields are renamed as told, put in order and dropped; nested steps name the paths that fields have by then."""
    contract = {
        "mail": "string",
        "id": "bigint",
        "home": "struct<city:string,postcode:int>",
        "seen": "date",
    }
    renames = {"email": "mail", "address": "home", "address.zip": "postcode"}
    assert lines(TABLE, contract, "mirror", renames=renames) == [
        "~ email renamed to mail",
        "~ address renamed to home",
        "~ id moved after mail",
        "+ seen date after home",
        "~ home.zip renamed to postcode",
        "~ home.postcode moved after city",
        "- items",
        "~ id int -> bigint",
    ]


def test_the_mode_refuse_refuses_every_difference() -> None:
    """What would be done is told as the reason, and no step is left."""
    found = plan_evolution(parse_schema({"a": "int", "b": "int"}), parse_schema({"a": "bigint", "c": "int"}), "refuse")
    assert found.steps == ()
    assert str(found).splitlines() == [
        "! c: differs (+ c int after a)",
        "! a: differs (~ a int -> bigint)",
        "! b: differs (- b)",
    ]
    assert plan_evolution(parse_schema(TABLE), parse_schema(TABLE), "refuse") == Evolution()


FEWER = "which holds fewer values; leave the contract at the wider type"
OTHER = "which is another type; add a field of the new type instead"
REWRITE = "in both formats without writing all rows again; add a field of the new type instead"


@pytest.mark.parametrize(
    ("have", "want", "reason"),
    [
        ("bigint", "int", f"bigint cannot become int, {FEWER}"),
        ("string", "int", f"string cannot become int, {OTHER}"),
        ("int", "string", f"int cannot become string, {OTHER}"),
        ("decimal(10,2)", "decimal(8,2)", f"decimal(10,2) cannot become decimal(8,2), {FEWER}"),
        ("decimal(10,2)", "decimal(12,3)", f"decimal(10,2) cannot become decimal(12,3) {REWRITE}"),
        ("int", "double", f"int cannot become double {REWRITE}"),
        ("date", "timestamp_ntz", f"date cannot become timestamp_ntz {REWRITE}"),
        ("date", "timestamp", f"date cannot become timestamp, {OTHER}"),
        ("struct<b:int>", "array<int>", f"struct<b:int> cannot become array<int>, {OTHER}"),
    ],
)
def test_types_that_no_format_or_only_one_can_change_are_refused(have: str, want: str, reason: str) -> None:
    """The reason says whether values would be lost, and what to do instead; at any depth."""
    assert lines({"a": have}, {"a": want}, "mirror") == [f"! a: {reason}"]
    nested = {"a": f"array<struct<b:{have}>>"}, {"a": f"array<struct<b:{want}>>"}
    assert lines(*nested, "mirror") == [f"! a.element.b: {reason}"]


def test_nullability_only_grows() -> None:
    """A required field may become nullable, no other way; elements, values and new fields have their own reasons."""
    free = parse_schema({"a": "string"})
    assert plan_evolution(required("a"), free).steps == (AllowNull(path=("a",)),)
    assert "rows may hold null" in str(plan_evolution(free, required("a")))
    assert "rows that are there have no value" in str(plan_evolution(free, T.StructType([*free, *required("b")])))
    strict = T.StructType([T.StructField("a", T.ArrayType(T.MapType(T.StringType(), T.LongType(), False), False))])
    loose = parse_schema({"a": "array<map<string,bigint>>"})
    for one, other in ((strict, loose), (loose, strict)):
        assert [str(refusal).partition(":")[0] for refusal in plan_evolution(one, other).refusals] == [
            "! a.element",
            "! a.element.value",
        ]


@pytest.mark.parametrize(
    ("contract", "options", "refused"),
    [
        ({"ID": "int"}, {}, "! ID: differs from id in letter case alone"),
        ({"id": "int", "_op": "string"}, {}, "! _op: is a name that the library keeps for itself"),
        ({"id": "int"}, {"mode": "mirror", "layout": ["email"]}, "! email: lays out the table, and cannot be dropped"),
        ({"id": "int", "mail": "string"}, {"mode": "mirror", "renames": {"email": "mail"}, "layout": ["email"]},
         "! email: lays out the table, and cannot be renamed"),
        ({"id": "int", "mail": "string"}, {"renames": {"email": "mail"}}, "! email: is to be renamed to mail, which takes"),
        ({"id": "int"}, {"mode": "mirror", "renames": {"email": "mail"}}, "! email: cannot be renamed to mail"),
        ({"id": "int"}, {"mode": "mirror", "renames": {"email": "id"}}, "! email: cannot be renamed to id"),
        ({"id": "int"}, {"mode": "mirror", "renames": {"nowhere": "id"}}, "! nowhere: is to be renamed, and the table has no"),
        ({}, {"mode": "mirror"}, "! : has no fields in the contract"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(contract: dict[str, str], options: dict[str, Any], refused: str) -> None:
    """Each refusal names the field and the reason."""
    found = lines({"id": "int", "email": "string"}, contract, **options)
    assert next(line for line in found if line.startswith("!")).startswith(refused)


def test_map_keys_do_not_change() -> None:
    """Not even to a wider type, as no format finds the values again."""
    found = lines({"a": "map<int,int>"}, {"a": "map<bigint,bigint>"})
    assert found == ["~ a.value int -> bigint", "! a.key: is the key of a map, and keys do not change"]


def test_names_twice_are_refused() -> None:
    """No table has two fields whose names differ in letter case alone."""
    twice = T.StructType([T.StructField("b", T.StringType()), T.StructField("B", T.StringType())])
    assert [one.path for one in plan_evolution(parse_schema({"a": "int"}), twice).refusals] == [("b",), ("B",)]


def test_columns_of_the_library_stay() -> None:
    """A contract names the payload; what the library added is neither dropped nor moved."""
    table = {"_op": "string", "id": "int", "_sequence": "bigint", "gone": "int"}
    assert lines(table, {"id": "int"}, "mirror") == ["- gone"]


def test_small_integers_are_what_a_format_makes_of_them() -> None:
    """A contract of 8 or 16 bits fits a table that keeps them as 32."""
    assert lines({"a": "int", "b": "int"}, {"a": "tinyint", "b": "smallint"}, "mirror") == ["nothing to do"]


def test_a_plan_with_a_refusal_is_an_error_when_it_is_required() -> None:
    """The error names every refusal; a plan without is none."""
    found = plan_evolution(parse_schema({"a": "int", "b": "int"}), parse_schema({"a": "string", "b": "date"}))
    with pytest.raises(IncompatibleSchemaError, match=r"silver.t cannot become .*nothing was changed:\n! a: .*\n! b: "):
        found.require("silver.t")
    Evolution().require("silver.t")
    with pytest.raises(ConfigError, match="unknown mode 'all'; use one of refuse, add, mirror"):
        lines(TABLE, TABLE, "all")


def taken(schema: T.StructType, steps: Sequence[Step]) -> T.StructType:
    """A schema after the steps: what a table is expected to do."""
    for step in steps:
        schema = level(schema, step.path, step)
    return schema


def level(data_type: Any, path: tuple[str, ...], step: Step) -> Any:
    """The step taken below a type."""
    if isinstance(data_type, T.ArrayType):
        return T.ArrayType(last(data_type.elementType, path, step), data_type.containsNull)
    if isinstance(data_type, T.MapType):
        return T.MapType(data_type.keyType, last(data_type.valueType, path, step), data_type.valueContainsNull)
    if len(path) > 1:
        return T.StructType(
            [T.StructField(f.name, level(f.dataType, path[1:], step), f.nullable) if f.name == path[0] else f for f in data_type]
        )  # fmt: skip
    return changed(data_type, path[0], step)


def last(data_type: Any, path: tuple[str, ...], step: Step) -> Any:
    """The step taken on an element or a value, or below."""
    return level(data_type, path[1:], step) if path[1:] else step.after if isinstance(step, WidenField) else None


def changed(struct: T.StructType, name: str, step: Step) -> T.StructType:
    """The step taken on one level."""
    fields = {field.name: field for field in struct}
    assert (name in fields) != isinstance(step, AddField)
    if isinstance(step, DropField):
        del fields[name]
    elif isinstance(step, RenameField):
        assert step.name not in fields
        fields = {(step.name if n == name else n): T.StructField(step.name if n == name else n, f.dataType) for n, f in fields.items()}  # fmt: skip
    elif isinstance(step, WidenField):
        fields[name] = T.StructField(name, step.after)
    elif isinstance(step, AddField | MoveField):
        moved = fields.pop(name, None) or T.StructField(
            name, step.data_type if isinstance(step, AddField) else T.NullType()
        )
        names = list(fields)
        at = len(names) if step.after is None else names.index(step.after) + 1 if step.after else 0
        names.insert(at, name)
        fields = {one: moved if one == name else fields[one] for one in names}
    return T.StructType(list(fields.values()))


TYPES = st.recursive(
    st.sampled_from(["int", "bigint", "string", "float", "double"]).map(parse_type),
    lambda inner: st.one_of(
        inner.map(T.ArrayType),
        inner.map(lambda value: T.MapType(T.StringType(), value)),
        st.dictionaries(st.sampled_from("abcd"), inner, min_size=1).map(
            lambda fields: T.StructType([T.StructField(n, t) for n, t in fields.items()])
        ),
    ),
    max_leaves=6,
)
SCHEMAS = st.dictionaries(st.sampled_from("abcde"), TYPES, min_size=1).map(
    lambda fields: T.StructType([T.StructField(n, t) for n, t in fields.items()])
)


def holds_all(table: Any, contract: Any) -> bool:
    """Whether a table has every field of a contract, with its type."""
    if isinstance(contract, T.StructType):
        return all(f.name in table.names and holds_all(table[f.name].dataType, f.dataType) for f in contract)
    if isinstance(contract, T.ArrayType):
        return holds_all(table.elementType, contract.elementType)
    if isinstance(contract, T.MapType):
        return holds_all(table.valueType, contract.valueType)
    return bool(table == contract)


@given(table=SCHEMAS, contract=SCHEMAS)
def test_the_steps_lead_to_the_contract(table: T.StructType, contract: T.StructType) -> None:
    """Taken one after the other, the steps of mirror make the contract itself, those of add a table that has all of it."""
    mirrored, added = plan_evolution(table, contract, "mirror"), plan_evolution(table, contract, "add")
    assert mirrored.refusals == added.refusals
    if not mirrored.refusals:
        assert taken(table, mirrored.steps) == contract
        assert holds_all(taken(table, added.steps), contract)
        assert not any(isinstance(step, DropField | MoveField | RenameField) for step in added.steps)
    assert plan_evolution(table, table, "mirror") == Evolution()


@given(have=TYPES, want=TYPES)
def test_types_change_to_wider_ones_alone(have: Any, want: Any) -> None:
    """Between atomic types there is a step exactly where both formats widen."""
    if not any(isinstance(one, T.StructType | T.ArrayType | T.MapType) for one in (have, want)):
        one, other = (T.StructType([T.StructField("a", kind)]) for kind in (have, want))
        found = plan_evolution(one, other)
        assert bool(found.steps) == is_wider(want, have)
        assert bool(found.refusals) == (plain(have) != plain(want) and not is_wider(want, have))
