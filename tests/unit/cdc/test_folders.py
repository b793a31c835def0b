"""The table that folders name, below which producers put folders of a time or a partition."""

from __future__ import annotations

from pyspark.sql import SparkSession

from lakehouse.bronze.manifest import LandedFile
from lakehouse.cdc.parsing import route

ROOT = "s3://bucket/landing"
ITEMS = [
    "",
    "2026/11/25/13",
    "2026/11/25/13/05",
    "2026/11/25",
    "2026/11",
    "2026",
    "20261125",
    "2026-11-25",
    "2026_11_25",
    "2026-11-25-13",
    "2026112513",
    "202611",
    "2026-11",
    "2026-11-25/13",
    "1999/01/01/00",
    "year=2026/month=11/day=25/hour=13",
    "dt=2026-11-25",
    "region=eu%20west/2026/11/25",
    "2026/11/25/region=",
    "dt=a=b",
]
"""Folders below `app/items` that are none of its name."""
NAMES = {
    "app/items/2026/13": "2026.13",
    "app/items/2026/1/5": "1.5",
    "app/items/2026/11/25/24": "25.24",
    "app/items/2026/11/255": "11.255",
    "app/items/25/11/2026": "25.11",
    "app/items/1899": "items.1899",
    "app/items/2026-1125x": "items.2026-1125x",
    "app/items/202611255": "items.202611255",
    "app/items/dt=2026-11-25/13": "dt=2026-11-25.13",
    "app/items/=x": "items.=x",
    "app/items/x/2026": "items.x",
    "2026/11/items": "11.items",
    "2026/items/2026": "2026.items",
    "dt=1/items": "dt=1.items",
    "app/it%20ems/dt=1": "app.it ems",
    "sch%C3%B6n/a+b%2B/2026/11": "schön.a+b+",
}
"""By the folders, the table: what looks like a time and is none, and what stands before other names, is a name."""
NONE = {"file:///2026/11/25/f", "file:///items/2026/f", "s3://bucket/2026/f", "2026/f", "items/dt=1/f", "f"}


def test_folders_of_times_and_partitions_name_no_table(spark: SparkSession) -> None:
    """Every layout leads to its table, and the manifest finds the same one as the rows do."""
    wanted: dict[str, str | None] = {
        f"{ROOT}/app/items/{below}/f.x".replace("//f", "/f"): "app.items" for below in ITEMS
    }
    wanted |= {f"{ROOT}/{folders}/f.x": table for folders, table in NAMES.items()}
    wanted |= dict.fromkeys(NONE)
    frame = spark.createDataFrame([(file,) for file in wanted], "_source_file string")
    found = {row[0]: row[1] for row in frame.select("_source_file", route("columns")).collect()}
    assert found == wanted
    tables = {file: LandedFile(file=file, size=1, modified_at=0).table for file in wanted}
    assert {file: ".".join(table) if all(table) else None for file, table in tables.items()} == wanted
