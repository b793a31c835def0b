"""Tables that others made evolve as well."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.columns import quoted
from lakehouse.schemas.evolution import AddField, AllowNull, DropField, RenameField, plan_evolution
from lakehouse.schemas.type_names import parse_schema
from lakehouse.tables import TableRef, open_table
from lakehouse.tables.evolution import evolve_table, plan_table
from lakehouse.testing.conformance.fixtures import rows_of


@pytest.mark.parametrize("kind", ["delta", "iceberg"])
def test_a_plain_table_of_somebody_else_becomes_what_a_contract_says(
    spark: SparkSession, tmp_path: Path, kind: str
) -> None:
    """Without any feature switched on beforehand, required fields become nullable, and others are renamed and dropped."""
    namespace = f"lake.evolution_{uuid4().hex}"
    if kind == "delta":
        ref, target = TableRef(format="delta", path=str(tmp_path / "plain")), f"delta.{quoted(str(tmp_path / 'plain'))}"
    else:
        spark.sql(f"CREATE NAMESPACE {namespace}")
        ref, target = TableRef(format="iceberg", name=f"{namespace}.plain"), f"{namespace}.plain"
    spark.sql(
        f"CREATE TABLE {target} (id BIGINT NOT NULL, s STRUCT<a: BIGINT NOT NULL, b: STRING>, x STRING) USING {kind}"
    )
    spark.sql(f"INSERT INTO {target} SELECT 1, named_struct('a', 2L, 'b', 'b'), 'x'")
    table = open_table(spark, ref)
    old = table.snapshots(limit=1)[0].version
    contract = parse_schema({"id": "bigint", "s": "struct<a:bigint,c:string>"})
    plan = evolve_table(table, contract, "mirror", renames={"s.b": "c"})
    assert set(plan.steps) == {
        AllowNull(path=("id",)),
        AllowNull(path=("s", "a")),
        RenameField(path=("s", "b"), name="c"),
        DropField(path=("x",)),
    }
    assert str(plan_table(table, contract, "mirror")) == "nothing to do"
    table.append(spark.createDataFrame([(None, (None, "c"))], contract))
    assert rows_of(table.read()) == [(None, (None, "c")), (1, (2, "b"))]
    assert rows_of(table.read(version=old)) == [(1, (2, "b"), "x")]


def test_a_plan_that_was_stopped_halfway_goes_on(spark: SparkSession, tmp_path: Path) -> None:
    """What was done before is not planned again, and the rest is what it was."""
    table = open_table(spark, TableRef(format="delta", path=str(tmp_path / "stopped")))
    have = StructType(
        [StructField("id", LongType()), StructField("email", StringType()), StructField("x", StringType())]
    )
    contract = parse_schema({"id": "bigint", "mail": "string", "phone": "string"})
    table.create(have)
    plan = plan_evolution(have, contract, "mirror", renames={"email": "mail"})
    assert [type(step) for step in plan.steps] == [RenameField, AddField, DropField]
    table.alter(plan.steps[:2])
    assert plan_table(table, contract, "mirror").steps == plan.steps[2:]
    evolve_table(table, contract, "mirror")
    assert table.schema() == contract
