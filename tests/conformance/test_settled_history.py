"""A batch without late events never opens settled history: shown by taking the settled files away."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.columns import IS_LATEST
from lakehouse.runtime.session import WAREHOUSE
from lakehouse.tables import TableRef, open_table
from lakehouse.tables.merging import merge_history

SCHEMA = "id long, name string, _op string, _sequence long"
SPEC = ChangeSpec(keys="id")


@pytest.mark.parametrize("table_format", ["delta", "iceberg"])
def test_settled_files_are_not_read(spark: SparkSession, tmp_path: Path, table_format: str) -> None:
    """With every settled file gone an in-order batch still merges, in one commit; reading the whole table does not work."""
    name = f"t_{uuid4().hex}"
    if table_format == "delta":
        table, folder = open_table(spark, TableRef(format="delta", path=str(tmp_path / name))), tmp_path / name
    else:
        table = open_table(spark, TableRef(format="iceberg", name=f"lake.settled.{name}"))
        folder = Path(spark.sparkContext.getConf().get(WAREHOUSE) or "") / "iceberg" / "settled" / name
    merge_history(table, spark.createDataFrame([(1, "a", "upsert", 1), (2, "b", "upsert", 1)], SCHEMA), SPEC)
    merge_history(table, spark.createDataFrame([(1, "c", "upsert", 2)], SCHEMA), SPEC)
    settled = [file for file in folder.rglob("*.parquet") if f"{IS_LATEST}=false" in str(file)]
    assert settled, "the second merge must have settled the first version"
    for file in settled:
        file.unlink()
    commits = len(table.snapshots())

    result = merge_history(table, spark.createDataFrame([(1, "d", "upsert", 3), (3, "e", "upsert", 3)], SCHEMA), SPEC)

    assert (result.inserted, result.updated) == (2, 1)
    assert len(table.snapshots()) == commits + 1
    latest = table.read().where(IS_LATEST).select("id", "name").collect()
    assert sorted(map(tuple, latest)) == [(1, "d"), (2, "b"), (3, "e")]
    with pytest.raises(Exception, match=r"(?i)exist|not found"):
        table.read().where(f"NOT {IS_LATEST}").collect()
