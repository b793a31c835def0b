"""Ties of a key that is alone in its batch: the winner is the same whatever came first, and it is what the table shows."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import DataFrame, SparkSession
from spark_hash import tie_rank

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.errors import IncompatibleSchemaError, InvalidChangesError
from lakehouse.tables import Table, TableRef, open_table
from lakehouse.tables.merging import merge_current
from lakehouse.testing.folding import Event

LOSER, WINNER = sorted("AB", key=lambda v: tie_rank(["v"])(Event(key=1, sequence=5, op="upsert", values={"v": v})))  # type: ignore[operator]


def new_table(spark: SparkSession) -> Table:
    """A table that is not there yet."""
    return open_table(spark, TableRef(format="iceberg", name=f"lake.ties.t_{uuid4().hex}"))


def event(spark: SparkSession, op: str, v: str | None) -> DataFrame:
    """One event of the one key at the one place."""
    return spark.createDataFrame([(1, v, op, 5)], "id int, v string, _op string, _sequence long")


def shown(table: Table) -> list[tuple[Any, ...]]:
    """The rows that live."""
    rows = table.read()
    return [
        (row["id"], row["v"])
        for row in (rows.where("NOT _is_deleted") if "_is_deleted" in rows.columns else rows).collect()
    ]


def test_a_soft_table_shows_the_upsert_that_won_later(spark: SparkSession) -> None:
    """The row's own event loses its place to one that comes alone in a later batch, and the row is that event's."""
    table, spec = new_table(spark), ChangeSpec(keys="id", deletes="soft")
    merge_current(table, event(spark, "upsert", LOSER), spec)
    result = merge_current(table, event(spark, "upsert", WINNER), spec)
    assert (result.inserted, result.updated) == (0, 1)
    assert shown(table) == [(1, WINNER)]


@pytest.mark.parametrize("deletes", ["hard", "soft"])
def test_row_10_an_upsert_brings_back_what_a_delete_at_its_place_removed(spark: SparkSession, deletes: Any) -> None:
    """Under `upsert_wins` the row is there again, the delete loses when it comes again, and the rule is the table's."""
    table, spec = new_table(spark), ChangeSpec(keys="id", deletes=deletes, on_tie="upsert_wins")
    merge_current(table, event(spark, "delete", None), spec)
    result = merge_current(table, event(spark, "upsert", "A"), spec)
    assert (result.inserted, result.updated) == ((1, 0) if deletes == "hard" else (0, 1))
    again = merge_current(table, event(spark, "delete", None), spec)
    assert (again.commit, again.applied) == (None, 0)
    assert shown(table) == [(1, "A")]
    with pytest.raises(IncompatibleSchemaError, match=r"lakehouse\.ties = upsert, now it is delete"):
        merge_current(table, event(spark, "delete", None), ChangeSpec(keys="id", deletes=deletes))


def test_row_10_a_current_table_refuses_what_it_could_not_keep_right(spark: SparkSession) -> None:
    """Under `upsert_wins` an event that leaves columns out is refused before anything is written."""
    table, spec = new_table(spark), ChangeSpec(keys="id", on_tie="upsert_wins", ignore_nulls=True)
    with pytest.raises(InvalidChangesError, match="some events leave columns out"):
        merge_current(table, event(spark, "upsert", None), spec)
    assert table.read().isEmpty()
