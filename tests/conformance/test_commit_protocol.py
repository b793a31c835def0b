"""What the commit protocol promises, on tables of both formats: nothing lost, nothing twice, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import DataFrame, SparkSession
from shares import shared

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.errors import CommitError, CommitUnknownError
from lakehouse.tables import CommitMarker, Merge, Snapshot, Table, TableRef, last_marker, open_table
from lakehouse.tables.merging import merge_current, merge_history

LOG = "id bigint, name string, city string, _op string, _sequence bigint, _provided array<string>"
SPEC = ChangeSpec(keys=["id"])
MINE = CommitMarker(app="mine", sequence=1, batch_id="b1", config_hash="c1", run_id="r1")


@pytest.fixture(params=[shared("delta"), shared("iceberg")])
def new_table(request: pytest.FixtureRequest, spark: SparkSession, tmp_path: Path) -> Callable[[], Table]:
    """Makes references to tables that are not there yet, of each format."""

    def refer() -> Table:
        name = f"t_{uuid4().hex}"
        if request.param == "iceberg":
            return open_table(spark, TableRef(format="iceberg", name=f"lake.protocol.{name}"))
        return open_table(spark, TableRef(format="delta", path=str(tmp_path / name)))

    return refer


def log(spark: SparkSession, *events: tuple[Any, ...]) -> DataFrame:
    """A change log; an event is a key, a name, a city, an operation, a sequence and the columns it provides."""
    return spark.createDataFrame(list(events), LOG).coalesce(1)


def between(table: Table, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let another writer act once, after the table was read and before the MERGE begins."""
    merge = table.merge

    def overtaken(source: DataFrame, how: Merge, *, commit: CommitMarker | None = None) -> Snapshot:
        monkeypatch.setattr(table, "merge", merge)
        act()
        return merge(source, how, commit=commit)

    monkeypatch.setattr(table, "merge", overtaken)


ALL = None
MEANWHILE = [
    # key 1: theirs is newer; key 2: ours is newer; key 3: both bring it; key 4: theirs deletes it; key 5: each has a part
    (1, "theirs", "Rome", "upsert", 30, ALL),
    (2, "theirs", "Rome", "upsert", 20, ALL),
    (3, "theirs", "Rome", "upsert", 30, ALL),
    (4, None, None, "delete", 30, ALL),
    (5, None, "Rome", "upsert", 20, ["id", "city"]),
]
OURS = [
    (1, "ours", "Oslo", "upsert", 20, ALL),
    (2, "ours", "Oslo", "upsert", 30, ALL),
    (3, "ours", "Oslo", "upsert", 20, ALL),
    (4, "ours", "Oslo", "upsert", 20, ALL),
    (5, "ours", None, "upsert", 30, ["id", "name"]),
]
BEFORE = [(key, "first", "Bonn", "upsert", 10, ALL) for key in (1, 2, 4, 5)]
SHOWN = [(1, "theirs", "Rome"), (2, "ours", "Oslo"), (3, "theirs", "Rome"), (5, "ours", "Rome")]


@pytest.mark.parametrize("merge", [merge_current, merge_history])
def test_a_commit_between_reading_and_merging_is_not_lost(
    spark: SparkSession,
    new_table: Callable[[], Table],
    monkeypatch: pytest.MonkeyPatch,
    merge: Callable[..., Any],
) -> None:
    """Another writer's newer, older and partial events that land in between end up in the table as if they had come first."""
    table = new_table()
    merge(table, log(spark, *BEFORE), SPEC)
    if merge is merge_current:  # what makes a table take partial events comes first, so that it is no commit in between
        merge(table, log(spark, (9, "nine", None, "upsert", 1, ["id", "name"])), SPEC)
    same = open_table(spark, table.ref)
    between(table, monkeypatch, lambda: merge(same, log(spark, *MEANWHILE), SPEC))
    result = merge(table, log(spark, *OURS), SPEC, commit=MINE)
    rows = table.read()
    shown = rows.where("_is_current") if merge is merge_history else rows.where("id < 9")
    assert sorted(tuple(row) for row in shown.select("id", "name", "city").collect()) == SHOWN
    assert (result.applied, result.late) == (5, 3)
    assert last_marker(table, "mine") == MINE
    if merge is merge_history:
        ends = rows.where("id = 2 AND _valid_from < _valid_to").select("_valid_from", "_valid_to").collect()
        assert sorted(tuple(row) for row in ends) == [(10, 20), (20, 30)]


def test_a_delete_between_reading_and_merging_is_not_lost(
    spark: SparkSession, new_table: Callable[[], Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer's delete of a key that the table does not show, before the first tombstone and after it, outlives ours."""
    table = new_table()
    merge_current(table, log(spark, (9, "first", "Bonn", "upsert", 10, ALL)), SPEC)
    same = open_table(spark, table.ref)
    for key in (1, 2):
        gone = log(spark, (key, None, None, "delete", 30, ALL))
        between(table, monkeypatch, partial(merge_current, same, gone, SPEC))
        ours = log(spark, (key, "ours", "Oslo", "upsert", 20, ALL), (key + 2, "ours", "Oslo", "upsert", 20, ALL))
        assert merge_current(table, ours, SPEC, commit=replace(MINE, sequence=key)).late == 1
        assert last_marker(table, "mine") == replace(MINE, sequence=key)
    assert sorted(row.id for row in table.read().collect()) == [3, 4, 9]


def test_a_lost_answer_is_no_second_commit(
    spark: SparkSession, new_table: Callable[[], Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An append and a merge whose answers are lost are found in the history: their rows are there once, in one commit each."""
    table, rows = new_table(), spark.createDataFrame([(1, "a")], "id bigint, name string").coalesce(1)
    table.create(rows.schema)
    monkeypatch.setattr("lakehouse.tables.outcomes.commit_failures", _lost)
    table.append(rows, commit=MINE)
    how = Merge(on="t.id = s.id", update={"name": "s.name"})
    made = table.merge(rows.selectExpr("id", "'b' AS name"), how)
    assert made.version == table.version()
    assert [tuple(row) for row in table.read().collect()] == [(1, "b")]
    assert [snapshot.marker for snapshot in table.snapshots(limit=2)] == [None, MINE]
    assert made.token


@contextmanager
def _lost(where: str) -> Iterator[None]:
    """The commit arrives, and its answer does not."""
    yield
    msg = f"lost {where}"
    raise CommitUnknownError(msg)


def test_what_a_third_writer_built_upon_is_not_undone(
    spark: SparkSession, new_table: Callable[[], Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the newest commit is taken back; where it is not the newest any more, the error names the version to restore."""
    table = new_table()
    merge_current(table, log(spark, (1, "first", "Bonn", "upsert", 10, ALL)), SPEC)
    same = open_table(spark, table.ref)
    between(table, monkeypatch, lambda: merge_current(same, log(spark, (1, "theirs", "Rome", "upsert", 30, ALL)), SPEC))
    take_back = table.take_back

    def late(made: Snapshot) -> bool:
        merge_current(same, log(spark, (2, "third", "Kyiv", "upsert", 10, ALL)), SPEC)
        return take_back(made)

    monkeypatch.setattr(table, "take_back", late)
    with pytest.raises(CommitError, match="third commit came upon it") as caught:
        merge_current(table, log(spark, (1, "ours", "Oslo", "upsert", 20, ALL)), SPEC, commit=MINE)
    theirs = table.snapshots(limit=3)[2]
    assert f"Restore version {theirs.version}" in str(caught.value)
    assert sorted(row.name for row in table.read().collect()) == ["ours", "third"]
