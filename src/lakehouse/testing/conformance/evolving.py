"""A table becomes what its contract says, alike in every format, and its older versions stay as they were."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import LongType, StructField, StructType

from lakehouse.errors import IncompatibleSchemaError
from lakehouse.schemas.differences import schema_differences
from lakehouse.schemas.evolution import EvolutionMode
from lakehouse.schemas.type_names import parse_schema
from lakehouse.tables import Table
from lakehouse.tables.evolution import evolve_table, plan_table
from lakehouse.testing.conformance.fixtures import TableFixtures, rows_of

OLD, NEW = "struct<a:int,b:string,c:string,x:string>", "struct<c:string,a:bigint,b2:string,n:string>"
BEFORE = parse_schema(
    {
        "id": "bigint", "i": "int", "f": "float", "d": "decimal(5,2)", "email": "string", "fax": "string", "the last": "string",
        "s": OLD, "l": f"array<{OLD}>", "m": f"map<string,{OLD}>", "li": "array<int>", "mi": "map<string,int>",
    }
)  # fmt: skip
AFTER = parse_schema(
    {
        "the last": "string", "id": "bigint", "i": "bigint", "f": "double", "d": "decimal(12,2)", "e mail": "string",
        "phone": "string", "s": NEW, "l": f"array<{NEW}>", "m": f"map<string,{NEW}>", "li": "array<bigint>",
        "mi": "map<string,bigint>",
    }
)  # fmt: skip
RENAMES = {"email": "e mail", "s.b": "b2", "l.element.b": "b2", "m.value.b": "b2"}
ONE = (1, 7, 0.5, Decimal("1.25"), "ada", "gone", "z", (1, "b", "c", "x"), [(2, "b", "c", "x")], {"k": (3, "b", "c", "x")},
       [4], {"k": 5})  # fmt: skip
ONE_AFTER = ("z", 1, 7, 0.5, Decimal("1.25"), "ada", None, ("c", 1, "b", None), [("c", 2, "b", None)],
             {"k": ("c", 3, "b", None)}, [4], {"k": 5})  # fmt: skip
BIG = 2**40
TWO = ("y", 2, BIG, 1e300, Decimal("1234567890.25"), "bob", "1", ("c", BIG, "b", "n"), [("c", BIG, "b", "n")],
       {"k": ("c", BIG, "b", "n")}, [BIG], {"k": BIG})  # fmt: skip


def nothing(key: int, place: int) -> tuple[Any, ...]:
    """A row of nulls, but for its key."""
    return tuple(key if i == place else None for i in range(len(BEFORE)))


class Evolving(TableFixtures):
    """A table becomes what its contract says, alike in every format, and its older versions stay as they were."""

    def test_a_table_becomes_what_its_contract_says(self, spark: SparkSession, table: Table) -> None:
        """Fields are added, widened, renamed, moved and dropped in columns, structs, arrays and maps; old rows keep their values."""
        table.create(BEFORE)
        table.append(spark.createDataFrame([ONE, nothing(9, 0)], BEFORE).coalesce(1))
        old = table.snapshots(limit=1)[0].version
        plan = evolve_table(table, AFTER, "mirror", renames=RENAMES)
        assert schema_differences(table.schema(), AFTER) == ()
        table.append(spark.createDataFrame([TWO], AFTER))
        assert rows_of(table.read()) == [nothing(9, 1), TWO, ONE_AFTER]
        was = table.read(version=old)
        assert was.columns == BEFORE.names
        assert rows_of(was) == [ONE, nothing(9, 0)]
        assert str(plan_table(table, AFTER, "mirror")) == "nothing to do"
        assert str(plan).splitlines()[0] == "~ email renamed to `e mail`"

    def test_a_field_that_comes_back_is_another_one(self, spark: SparkSession, table: Table) -> None:
        """A dropped column that is added again is null in old rows, whatever its type; columns of the library stay."""
        schema, less, other = (parse_schema({"id": "bigint"} | more) for more in ({"a": "string"}, {}, {"a": "bigint"}))
        own = parse_schema({"_sequence": "bigint"})
        table.create(StructType([*schema, *own]))
        table.append(spark.createDataFrame([(1, "secret", 7)], table.schema()))
        old = table.snapshots(limit=1)[0].version
        evolve_table(table, less, "mirror")
        evolve_table(table, other, "mirror")
        assert sorted(table.schema().names) == ["_sequence", "a", "id"]
        table.append(spark.createDataFrame([(2, 5, 8)], StructType([*other, *own])))
        assert rows_of(table.read().select("id", "a", "_sequence")) == [(1, None, 7), (2, 5, 8)]
        assert rows_of(table.read(version=old)) == [(1, "secret", 7)]

    def test_a_contract_that_contradicts_the_table_changes_nothing(self, spark: SparkSession, table: Table) -> None:
        """One refusal refuses the whole plan, whichever it is: the table stays as it was, properties and all."""
        schema = parse_schema(
            {
                "id": "bigint",
                "day": "string",
                "s": "struct<a:bigint>",
                "price": "int",
                "word": "string",
                "m": "map<int,int>",
            }
        )
        table.create(schema, partition_by=["day"])
        table.append(spark.createDataFrame([(1, "mon", (2,), 3, "w", {4: 5})], schema))
        assert table.layout() == ("day",)
        before = table.identity(), table.version(), table.properties()
        contradictions: dict[str, dict[str, str]] = {
            "! s.a": {"s": "struct<a:int>"},
            "! price": {"price": "double"},
            "! word": {"word": "int"},
            "! WORD": {"WORD": "string"},
            "! m.key": {"m": "map<bigint,int>"},
            "! _op": {"_op": "string"},
        }
        have = {field.name: field.dataType.simpleString() for field in schema}
        for refused, more in contradictions.items():
            kept = {name: kind for name, kind in have.items() if name.upper() not in more}
            with pytest.raises(IncompatibleSchemaError, match="nothing was changed") as caught:
                evolve_table(table, parse_schema({**kept, "new": "int", **more}), "mirror")
            assert [line.partition(":")[0] for line in str(caught.value).splitlines()[1:]] == [refused]
        fewer, required = StructType([f for f in schema if f.name != "day"]), StructField("id", LongType(), False)
        others: tuple[tuple[StructType, EvolutionMode, str], ...] = (
            (fewer, "mirror", "! day: lays out the table"),
            (StructType([required, *schema.fields[1:]]), "add", "! id: is to be required"),
            (StructType([*schema, StructField("new", LongType(), False)]), "add", "! new: is required"),
            (StructType([*schema, StructField("new", LongType())]), "refuse", r"! new: differs \(\+ new bigint"),
        )
        for contract, mode, reason in others:
            with pytest.raises(IncompatibleSchemaError, match=reason):
                evolve_table(table, contract, mode)
        assert table.schema() == schema
        assert (table.identity(), table.version(), table.properties()) == before
