"""SQL text is quoted, whatever the names, and says what was asked for."""

from __future__ import annotations

import pytest
from pyspark.sql.types import (
    ArrayType,
    DecimalType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
)

from lakehouse.errors import ConfigError, MissingColumnsError
from lakehouse.tables import statements
from lakehouse.tables.protocol import Merge


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("people", ("people",)),
        ("lake.silver.people", ("lake", "silver", "people")),
        ("lake.`odd.name`.my-table", ("lake", "odd.name", "my-table")),
        ("`tick``tick`", ("tick`tick",)),
    ],
)
def test_names_are_split_at_dots_outside_of_quotes(name: str, parts: tuple[str, ...]) -> None:
    """A part may be quoted with backticks, and then hold dots; joining the parts quotes each of them."""
    assert statements.name_parts(name) == parts
    assert statements.name_parts(statements.quoted_name(parts)) == parts


@pytest.mark.parametrize("name", ["", ".", "a..b", "a.", ".a", "`a", "a`b`", "``"])
def test_names_with_an_empty_part_or_a_stray_backtick_are_refused(name: str) -> None:
    """What is no name is said to be none, before any SQL is made of it."""
    with pytest.raises(ConfigError, match="not a table name"):
        statements.name_parts(name)


def test_text_cannot_leave_its_quotes() -> None:
    """Quotes and backslashes inside a literal are escaped."""
    assert statements.quoted_text("a'b\\c\"d") == "'a\\'b\\\\c\"d'"


def test_create_table_quotes_names_at_every_depth_and_declares_nothing_not_null() -> None:
    """Nested names, comments, layout and properties all come through quoted."""
    inner = StructType([StructField("x y", IntegerType(), nullable=False)])
    schema = StructType(
        [
            StructField("a.b", LongType(), nullable=False, metadata={"comment": "it's a key"}),
            StructField("items", ArrayType(inner, containsNull=False)),
            StructField("map", MapType(StringType(), DecimalType(10, 2))),
        ]
    )
    statement = statements.create_table(
        "`t`", schema, using="delta", partition_by=["a.b"], properties={"k.2": "v'", "k.1": "v"}
    )
    assert statement == (
        "CREATE TABLE `t` (`a.b` bigint COMMENT 'it\\'s a key', `items` array<struct<`x y`: int>>, "
        "`map` map<string, decimal(10,2)>) USING delta PARTITIONED BY (`a.b`) "
        "TBLPROPERTIES ('k.1' = 'v', 'k.2' = 'v\\'')"
    )


def test_create_table_refuses_a_layout_by_unknown_columns() -> None:
    """A layout column must be one of the table."""
    schema = StructType([StructField("id", LongType())])
    with pytest.raises(MissingColumnsError, match="day"):
        statements.create_table("`t`", schema, using="delta", cluster_by=["day"], properties={})


def test_a_merge_has_its_clauses_in_order_and_fills_what_an_insert_leaves_out() -> None:
    """Deletes come before updates, each condition is bracketed, and the insert names every column."""
    merge = Merge(
        on="t.id = s.id",
        delete_when="s.op = 'd' or s.op = 'x'",
        update={"a.b": "s.`a.b`"},
        update_when="s.op = 'u'",
        insert={"id": "s.id"},
        insert_when="s.op <> 'd'",
    )
    assert statements.merge_into("`t`", "v", merge, ["id", "a.b"]) == (
        "MERGE INTO `t` AS t USING v AS s ON t.id = s.id "
        "WHEN MATCHED AND (s.op = 'd' or s.op = 'x') THEN DELETE "
        "WHEN MATCHED AND (s.op = 'u') THEN UPDATE SET t.`a.b` = s.`a.b` "
        "WHEN NOT MATCHED AND (s.op <> 'd') THEN INSERT (`id`, `a.b`) VALUES (s.id, NULL)"
    )


def test_clauses_that_were_not_asked_for_are_left_out() -> None:
    """An empty mapping or a missing condition leaves no trace in the statement."""
    merge = Merge(on="t.id = s.id", update={"id": "s.id"})
    assert statements.merge_into("`t`", "v", merge, ["id"]) == (
        "MERGE INTO `t` AS t USING v AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET t.`id` = s.id"
    )
