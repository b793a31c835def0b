"""The day on which a row was written, and how tables are laid out: beside what a row is, and never a reason to write one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Literal
from uuid import uuid4

import pytest
from pyspark.sql import DataFrame, SparkSession
from shares import shared

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.runtime.places import Places
from lakehouse.runtime.session import WAREHOUSE
from lakehouse.tables import Table, open_table
from lakehouse.tables.merging import merge_current, merge_history
from lakehouse.tables.protocol import Format

MONDAY, TUESDAY, FRIDAY = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 27)
SPEC = ChangeSpec(keys="id")
SCHEMA = "id int, name string, _op string, _sequence long"


def new_table(spark: SparkSession, table_format: Format) -> Table:
    """A table that is not there yet."""
    places = Places(warehouse=str(spark.conf.get(WAREHOUSE)), catalog="lake", delta="path")
    return open_table(spark, places.ref(f"dated_{uuid4().hex[:8]}.people", table_format))


def log(spark: SparkSession, *changes: tuple[int, str | None, str, int]) -> DataFrame:
    """A change log."""
    return spark.createDataFrame([*changes], SCHEMA)


def on(day: date | None, **settings: Any) -> ChangeSpec:
    """The spec of a batch that was loaded on a day."""
    return replace(SPEC, processed_on=day, **settings)


@pytest.mark.parametrize("table_format", [shared("delta"), shared("iceberg")])
@pytest.mark.parametrize("deletes", ["hard", "soft"])
def test_a_current_row_has_the_day_of_its_last_change(
    spark: SparkSession, table_format: Format, deletes: Literal["hard", "soft"]
) -> None:
    """New and changed rows get the day of their batch, others keep theirs, and what came before writes nothing."""
    table = new_table(spark, table_format)
    first = log(spark, (1, "Ann", "upsert", 1), (2, "Bob", "upsert", 2))
    merge_current(table, first, on(MONDAY, deletes=deletes))
    merge_current(table, log(spark, (2, "Bo", "upsert", 3), (3, "Cy", "upsert", 4)), on(TUESDAY, deletes=deletes))
    again = merge_current(table, first, on(FRIDAY, deletes=deletes))
    assert (again.commit, again.updated) == (None, 0)
    rows = sorted(tuple(row) for row in table.read().select("id", "name", "_processed_date").collect())
    assert rows == [(1, "Ann", MONDAY), (2, "Bo", TUESDAY), (3, "Cy", TUESDAY)]


@pytest.mark.parametrize("table_format", [shared("delta"), shared("iceberg")])
def test_a_version_has_the_day_on_which_it_was_last_written(spark: SparkSession, table_format: Format) -> None:
    """Opened on one day and ended on another; a table that had no such column gets it, and older rows have no day."""
    table = new_table(spark, table_format)
    merge_history(table, log(spark, (1, "Ann", "upsert", 1), (2, "Bob", "upsert", 2)), on(None))
    assert "_processed_date" not in table.schema().names
    merge_history(table, log(spark, (1, "Anne", "upsert", 3)), on(TUESDAY))
    rows = sorted(tuple(row) for row in table.read().select("_sequence", "name", "_processed_date").collect())
    assert rows == [(1, "Ann", TUESDAY), (2, "Bob", None), (3, "Anne", TUESDAY)]


@pytest.mark.parametrize("table_format", [shared("delta"), shared("iceberg")])
@pytest.mark.parametrize("layout", [{"cluster_by": "name"}, {"partition_by": ("name",)}])
def test_a_current_table_is_laid_out_as_asked(
    spark: SparkSession, table_format: Format, layout: dict[str, str | tuple[str, ...]]
) -> None:
    """When it is made; rows that move from one part to another move, and are there once."""
    table = new_table(spark, table_format)
    spec = on(MONDAY, **layout)
    merge_current(table, log(spark, (1, "Ann", "upsert", 1), (2, "Bob", "upsert", 2), (3, None, "upsert", 3)), spec)
    merge_current(table, log(spark, (1, "Bob", "upsert", 4), (3, "Cy", "upsert", 5), (2, None, "delete", 6)), spec)
    assert table.layout() == ("name",)
    rows = sorted(tuple(row) for row in table.read().select("id", "name").collect())
    assert rows == [(1, "Bob"), (3, "Cy")]
