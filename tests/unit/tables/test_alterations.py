"""The statements of a plan: every name quoted, one for each step."""

from __future__ import annotations

from lakehouse.schemas.evolution import AddField, AllowNull, DropField, MoveField, RenameField, Step, WidenField
from lakehouse.schemas.type_names import parse_schema, parse_type
from lakehouse.tables.alterations import alterations, steps_of, widened_columns

HOSTILE = "a`b.c'; --"
QUOTED = "`a``b.c'; --`"


def test_each_step_is_a_statement_of_quoted_names() -> None:
    """Names of any kind are safe in every place where one stands; fields that come together are added together."""
    text, number = parse_type("string"), parse_type("bigint")
    steps: list[Step] = [
        RenameField(path=("s", HOSTILE), name="x y"),
        AddField(path=("s", HOSTILE), data_type=text, comment="it's", after=""),
        AddField(path=(HOSTILE,), data_type=number, after=HOSTILE),
        AddField(path=("end",), data_type=text),
        MoveField(path=("l", "element", HOSTILE), after=HOSTILE),
        MoveField(path=("a",), after=""),
        AllowNull(path=(HOSTILE,)),
        DropField(path=("m", "value", HOSTILE)),
        WidenField(path=("l", "element"), before=parse_type("int"), after=number),
    ]
    added = f"`s`.{QUOTED} string COMMENT 'it\\'s' FIRST, {QUOTED} bigint AFTER {QUOTED}, `end` string"
    assert list(alterations("`t`", steps)) == [
        f"ALTER TABLE `t` RENAME COLUMN `s`.{QUOTED} TO `x y`",
        f"ALTER TABLE `t` ADD COLUMNS ({added})",
        f"ALTER TABLE `t` ALTER COLUMN `l`.`element`.{QUOTED} AFTER {QUOTED}",
        "ALTER TABLE `t` ALTER COLUMN `a` FIRST",
        f"ALTER TABLE `t` ALTER COLUMN {QUOTED} DROP NOT NULL",
        f"ALTER TABLE `t` DROP COLUMNS (`m`.`value`.{QUOTED})",
        "ALTER TABLE `t` ALTER COLUMN `l`.`element` TYPE bigint",
    ]
    assert list(alterations("`t`", [])) == []


def test_columns_get_all_their_wider_parts_at_once() -> None:
    """Several steps in one column give one type; what is beside them stays."""
    have = parse_schema({"s": "struct<a:int,l:array<map<string,int>>,b:int>", "x": "float", "y": "int"})
    want = parse_schema({"s": "struct<a:bigint,l:array<map<string,bigint>>,b:int>", "x": "double"})
    number, before = parse_type("bigint"), parse_type("int")
    steps = [
        WidenField(path=("s", "a"), before=before, after=number),
        WidenField(path=("s", "l", "element", "value"), before=before, after=number),
        WidenField(path=("x",), before=parse_type("float"), after=parse_type("double")),
    ]
    assert widened_columns(have, steps) == {field.name: field.dataType for field in want}


def test_columns_are_added_before_others_are_widened() -> None:
    """What `Table.evolve` asks for are steps of the same kind."""
    have, more = parse_schema({"a": "int"}), parse_schema({"b": "string"})
    wide = {"a": parse_type("bigint")}
    assert steps_of(have, more.fields, wide) == [
        AddField(path=("b",), data_type=parse_type("string")),
        WidenField(path=("a",), before=parse_type("int"), after=parse_type("bigint")),
    ]
