"""Where tables lie, in both formats."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from pyspark.sql import SparkSession

from lakehouse.schemas.type_names import parse_schema
from lakehouse.tables import TableRef, open_table
from lakehouse.tables.locations import locate

SCHEMA = parse_schema({"id": "bigint", "the day": "date", "zone": "string"})


def test_where_a_delta_table_lies(spark: SparkSession, tmp_path: Path) -> None:
    """By path and by name: its folder, and the columns that its folders are of, in their order."""
    by_path = open_table(spark, TableRef(format="delta", path=str(tmp_path / "t")))
    by_path.create(SCHEMA, partition_by=["zone", "the day"])
    found = locate(by_path)
    assert (found.partitioned_by, found.metadata) == (("zone", "the day"), None)
    assert found.folder.endswith(str(tmp_path / "t"))
    by_name = open_table(spark, TableRef(format="delta", name=f"default.located_{uuid4().hex[:8]}"))
    by_name.create(SCHEMA)
    assert (locate(by_name).partitioned_by, by_name.ref.identifier.partition(".")[2] in locate(by_name).folder) == (
        (),
        True,
    )


def test_where_an_iceberg_table_lies(spark: SparkSession) -> None:
    """Its folder, and the file of its newest metadata, which is another one after each commit."""
    table = open_table(spark, TableRef(format="iceberg", name=f"lake.located.t{uuid4().hex[:8]}"))
    table.create(SCHEMA, partition_by=["zone"])
    first = locate(table)
    table.set_properties({"a": "b"})
    second = locate(table)
    for found in (first, second):
        assert found.partitioned_by == ()
        assert found.metadata is not None
        metadata, folder = (Path(urlsplit(address).path) for address in (found.metadata, found.folder))
        assert metadata.is_file()
        assert metadata.parent == folder / "metadata"
    assert first.metadata != second.metadata
