"""Merges into real tables are the oracle's, for any events in any order, in both formats."""

from __future__ import annotations

from uuid import uuid4

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.tables import Table, TableRef, open_table
from lakehouse.tables.merging import merge_current, merge_history
from lakehouse.tables.tallies import MergeResult
from lakehouse.testing.expectations import (
    SPECS,
    expected_current,
    expected_versions,
    found_current,
    found_versions,
    split,
)
from lakehouse.testing.generators import change_log, random_events

CASES = 120


@pytest.fixture(params=["delta", "iceberg"])
def place(request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Table:
    """A table that is not there yet, in each format."""
    name = f"t_{uuid4().hex}"
    if request.param == "iceberg":
        return open_table(spark, TableRef(format="iceberg", name=f"lake.merges.{name}"))
    return open_table(spark, TableRef(format="delta", path=str(tmp_path_factory.mktemp("delta") / name)))


@pytest.mark.parametrize("name", ["one column tracked", "nulls ignored"])
def test_merged_history_is_the_oracles(spark: SparkSession, place: Table, name: str) -> None:
    """Batches in random order and a repeat: the versions of the set of events, in one commit a batch or none."""
    spec = SPECS[name]
    events = random_events(21, cases=CASES, partial=0.3)
    commits = []
    for batch in split(events, 3):
        result = merge_history(place, change_log(spark, batch), spec)
        check_counts(result, len(batch))
        commits.append(result.commit)
    assert found_versions(place.read()) == expected_versions(events, spec)
    assert all(commits[:3])
    assert commits[3] is None, "a repeat changes nothing and commits nothing"
    rows = place.read().where(F.col("_is_latest")).groupBy("case", "k").count().where(F.col("count") > 1)
    assert rows.isEmpty(), "a key has one latest row"


@pytest.mark.parametrize("partial", [0.0, 0.3])
def test_merged_current_table_is_the_oracles(spark: SparkSession, place: Table, partial: float) -> None:
    """Batches in random order and a repeat: the rows of the set of events, deletes remembered, columns filled in."""
    spec = SPECS["all columns tracked"]
    events = random_events(22, cases=CASES, partial=partial)
    commits = []
    for batch in split(events, 3):
        result = merge_current(place, change_log(spark, batch), spec)
        check_counts(result, len(batch))
        commits.append(result.commit)
    assert commits[-1] is None, "a repeat changes nothing and commits nothing"
    assert found_current(place.read()) == expected_current(events, spec)


def check_counts(result: MergeResult, rows: int) -> None:
    """Every row of the batch is counted once."""
    assert result.input == rows
    assert result.input == result.applied + result.duplicate + result.tie
