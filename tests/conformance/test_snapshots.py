"""Snapshots, repairs, views and SCD 4 on real tables, in both formats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from shares import shared

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.history import current
from lakehouse.cdc.history_checks import check_history
from lakehouse.cdc.publishing import Publication
from lakehouse.cdc.snapshots import SnapshotRules, diff_snapshot
from lakehouse.errors import ConfigError, IncompatibleSchemaError, InvalidChangesError, MissingColumnsError
from lakehouse.tables import CommitMarker, Table, TableRef, last_sequence, open_table
from lakehouse.tables.iceberg import IcebergTable
from lakehouse.tables.merging import merge_current, merge_history
from lakehouse.tables.repairs import repair_table
from lakehouse.tables.scd4 import merge_both
from lakehouse.tables.snapshots import SNAPSHOT_PROPERTY, Write, merge_snapshot, newest_version
from lakehouse.tables.tallies import MergeResult
from lakehouse.tables.views import publish_view

ROW = "id LONG, v STRING"
EVENT = f"{ROW}, _op STRING, _sequence LONG"
SPEC = ChangeSpec(keys="id")
Rows = list[tuple[Any, ...]]


class Places:
    """Tables that are not there yet, all of one format."""

    def __init__(self, spark: SparkSession, table_format: str, folder: str) -> None:
        """Make them in this folder, or in the catalog."""
        self.spark = spark
        self.format = table_format
        self.folder = folder

    def new(self) -> Table:
        """A table of its own."""
        name = f"t_{uuid4().hex}"
        if self.format == "iceberg":
            return open_table(self.spark, TableRef(format="iceberg", name=f"lake.snapshots.{name}"))
        return open_table(self.spark, TableRef(format="delta", path=f"{self.folder}/{name}"))

    def frame(self, rows: Sequence[tuple[Any, ...]], schema: str = ROW) -> DataFrame:
        """A snapshot, or a change log."""
        return self.spark.createDataFrame(rows, schema)


@pytest.fixture(params=[shared("delta"), shared("iceberg")])
def places(request: pytest.FixtureRequest, spark: SparkSession, tmp_path: Any) -> Places:
    """Each format."""
    return Places(spark, request.param, str(tmp_path))


@pytest.fixture
def iceberg(spark: SparkSession, tmp_path: Any) -> Places:
    """One format, for what does not depend on it."""
    return Places(spark, "iceberg", str(tmp_path))


def shown(df: DataFrame) -> Rows:
    """Keys and values in order."""
    return sorted(tuple(row) for row in df.select("id", "v").collect())


def data_commits(table: Table) -> list[int]:
    """The versions that are more than a note in the properties."""
    return [snapshot.version for snapshot in table.snapshots() if snapshot.operation != "SET TBLPROPERTIES"]


@pytest.mark.parametrize(("table_format", "write"), [("delta", "history"), ("iceberg", "current")])
def test_a_series_of_snapshots(spark: SparkSession, tmp_path: Any, table_format: str, write: Write) -> None:
    """The table shows the last one; an equal one commits nothing; what is older, or another one of its version, is refused."""
    places = Places(spark, table_format, str(tmp_path))
    table = places.new()
    start = datetime(2026, 11, 24, 0, 0, 0, 1, tzinfo=UTC)

    def merge(rows: Rows, day: float) -> MergeResult:
        version = start + timedelta(days=day)
        return merge_snapshot(table, places.frame(rows), SPEC, write=write, version=version)

    last: Rows = [(1, "A"), (3, "c"), (4, "d")]
    assert merge([(1, "a"), (2, "b"), (3, "c")], 1).applied == 3
    result = merge(last, 2)
    assert (result.input, result.applied, result.late) == (3, 3, 0)
    commits = data_commits(table)
    assert merge(last, 3).commit is None
    noted = table.properties()
    assert merge(last, 3).commit is None
    assert (data_commits(table), table.properties()) == (commits, noted)
    newest = newest_version(table, write)
    assert newest.astimezone(UTC) == start + timedelta(days=3)
    with pytest.raises(InvalidChangesError, match="older than what the table has seen"):
        merge([(1, "a")], 2.5)
    with pytest.raises(InvalidChangesError, match="at this version already, and 3 rows differ"):
        merge([(1, "a")], 3)
    rows = table.read() if write == "current" else current(table.read())
    assert shown(rows) == last
    merge([(1, "A"), (2, "b"), (3, "c"), (4, "d")], 4)
    if write == "history":
        assert check_history(table.read(), SPEC).collect() == []
        cut = F.array([F.datediff(F.col(c), F.lit("2026-11-24")) for c in ("_valid_from", "_valid_to")]).alias("days")
        versions = table.read().where("_valid_to IS NULL OR _valid_from <> _valid_to").select("id", "v", cut)
        assert sorted(tuple(row) for row in versions.collect() if row["id"] == 2) == [
            (2, "b", [1, 2]),
            (2, "b", [4, None]),
        ]


def test_guards_before_anything_is_written(iceberg: Places) -> None:
    """No key, a key twice, no rows, too many deletes, a column lost, another kind of table: refused with numbers alone."""
    table = iceberg.new()

    def merge(rows: Rows, *, schema: str = ROW, write: Write = "current", **rules: Any) -> MergeResult:
        frame = iceberg.frame(rows, schema)
        return merge_snapshot(table, frame, SPEC, write=write, version=2, rules=SnapshotRules(**rules))

    with pytest.raises(InvalidChangesError, match="2 of its rows have no key"):
        merge([(None, "a"), (None, "b"), (1, "c")])
    with pytest.raises(InvalidChangesError, match="1 of its keys are there more than once") as error:
        merge([(4711, "secret"), (4711, "secret"), (1, "c")])
    assert not {"4711", "secret"} & set(str(error.value).split())
    with pytest.raises(InvalidChangesError, match="it has no rows"):
        merge([])
    with pytest.raises(ConfigError, match="ignore_nulls"):
        merge_snapshot(table, iceberg.frame([]), ChangeSpec(keys="id", ignore_nulls=True), write="current", version=1)
    assert not table.exists()

    merge_snapshot(table, iceberg.frame([(i, "a") for i in range(4)]), SPEC, write="current", version=1)
    with pytest.raises(InvalidChangesError, match="it deletes 2 of 4 rows"):
        merge([(0, "a"), (1, "a")], max_delete_ratio=0.4)
    with pytest.raises(InvalidChangesError, match="which would delete all 4"):
        merge([])
    with pytest.raises(MissingColumnsError, match="the snapshot lacks v"):
        merge([(1,)], schema="id LONG")
    with pytest.raises(IncompatibleSchemaError, match="no history table"):
        merge([(1, "a")], write="history")
    assert len(shown(table.read())) == 4
    assert merge([(0, "a"), (1, "a")], max_delete_ratio=0.5).deleted == 2
    result = merge_snapshot(
        table, iceberg.frame([]), SPEC, write="current", version=3, rules=SnapshotRules(allow_empty=True)
    )
    assert (result.deleted, shown(table.read())) == (2, [])


def test_row_40_a_reload_after_events(iceberg: Places) -> None:
    """A table fed by events takes a snapshot above them all, of the sequence's type, and then events again; both kinds agree."""
    events = iceberg.frame([(1, "a", "upsert", 5), (2, "b", "upsert", 6), (3, None, "delete", 9)], EVENT)
    late = iceberg.frame([(3, "late", "upsert", 8), (1, "z", "upsert", 12)], EVENT)
    extract = iceberg.frame([(1, "a"), (3, "c")])
    for write in ("current", "history"):
        merge = merge_current if write == "current" else merge_history
        table = iceberg.new()
        merge(table, events, SPEC)
        for version, error, message in (
            (8, InvalidChangesError, "older than what the table has seen"),
            (datetime(2026, 1, 1, tzinfo=UTC), IncompatibleSchemaError, "lakehouse.sequence"),
        ):
            with pytest.raises(error, match=message):
                merge_snapshot(table, extract, SPEC, write=write, version=version)
        marker = CommitMarker(app="job/reload", sequence=1)
        result = merge_snapshot(table, extract, SPEC, write=write, version=10, commit=marker)
        assert (result.input, last_sequence(table, "job/reload")) == (2, 1)
        merge(table, late, SPEC)
        rows = table.read() if write == "current" else current(table.read())
        assert shown(rows) == [(1, "z"), (3, "c")]


def test_snapshots_are_events(iceberg: Places) -> None:
    """Snapshot mode makes the table that the difference makes when it is merged as a change log."""
    first, second = iceberg.frame([(1, "a"), (2, "b")]), iceberg.frame([(2, "B"), (3, "c")])
    snapshots, events = iceberg.new(), iceberg.new()
    for version, extract in ((1, first), (2, second)):
        merge_snapshot(snapshots, extract, SPEC, write="history", version=version)
        known = current(events.read()) if version > 1 else first.limit(0)
        merge_history(events, diff_snapshot(known, extract, keys="id", version=version), SPEC)
    assert sorted(map(str, snapshots.read().collect())) == sorted(map(str, events.read().collect()))


def test_a_snapshot_that_was_killed_is_merged_again(iceberg: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the tombstones and before the rows: the same snapshot is no older one, and is merged to its end."""
    table = iceberg.new()
    merge_snapshot(table, iceberg.frame([(1, "a"), (2, "b")]), SPEC, write="current", version=1)
    extract = iceberg.frame([(1, "A")])
    merged = IcebergTable.merge

    def killed(self: IcebergTable, *arguments: Any, **options: Any) -> Any:
        if self.ref == table.ref:
            raise KeyboardInterrupt
        return merged(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(IcebergTable, "merge", killed)
        with pytest.raises(KeyboardInterrupt):
            merge_snapshot(table, extract, SPEC, write="current", version=2)
    assert newest_version(table, "current") == 1
    merge_snapshot(table, extract, SPEC, write="current", version=2)
    assert shown(table.read()) == [(1, "A")]


def test_soft_deletes_and_new_columns(iceberg: Places) -> None:
    """Flagged rows are not what a snapshot is compared with; a new column comes with `evolve`, and is null before."""
    spec = ChangeSpec(keys="id", deletes="soft", evolve=True)
    table = iceberg.new()
    snapshots: list[tuple[Rows, str]] = [
        ([(1, "a"), (2, "b")], ROW),
        ([(1, "a")], ROW),
        ([(1, "a", None), (2, "b", 7)], f"{ROW}, w INT"),
    ]
    applied = [
        merge_snapshot(table, iceberg.frame(rows, schema), spec, write="current", version=version).applied
        for version, (rows, schema) in enumerate(snapshots, start=1)
    ]
    assert applied == [2, 1, 1]
    found = table.read().select("id", "v", "w", "_is_deleted").collect()
    assert sorted(map(tuple, found)) == [(1, "a", None, False), (2, "b", 7, False)]


@pytest.mark.parametrize("places", ["iceberg", pytest.param("delta", marks=pytest.mark.exhaustive)], indirect=True)
def test_a_damaged_table_is_repaired_in_one_commit(places: Places) -> None:
    """A row lost and a row twice: afterwards the table is what it was; a key the change log does not cover stays."""
    table = places.new()
    story = [("x", "upsert", 1), ("x", "upsert", 3), (None, "delete", 5), ("y", "upsert", 7)]
    changes = places.frame([(key, *event) for key in (1, 2, 3, 4) for event in story], EVENT)
    merge_history(table, changes, SPEC)
    sound = sorted(map(str, table.read().collect()))
    twice = table.read().where("id = 2 AND _sequence = 7").localCheckpoint()
    table.append(twice)
    table.overwrite(table.read().limit(0), where="id IN (1, 3) AND _sequence = 5")
    commits = len(table.snapshots())

    partly = changes.where("NOT (id = 3 AND _sequence = 5)")
    result = repair_table(table, partly, SPEC, commit=CommitMarker(app="repair", sequence=1))
    assert (result.keys, result.rows, len(table.snapshots())) == (2, 8, commits + 1)
    assert [(row["key"]["id"], row["_reason"]) for row in result.unrepaired.collect()] == [(3, "uncovered")]
    assert {row["key"]["id"] for row in check_history(table.read(), SPEC).collect()} == {3}
    assert repair_table(table, changes, SPEC).keys == 1
    assert sorted(map(str, table.read().collect())) == sound
    assert repair_table(table, changes, SPEC).commit is None


def test_views_and_both_tables(places: Places, spark: SparkSession) -> None:
    """SCD 4 keeps the current rows equal to the open versions; views show either, for this session or in a catalog."""
    now, history = places.new(), places.new()
    first = [(1, "a", "upsert", 1), (2, "b", "upsert", 1), (1, "A", "upsert", 3)]
    for batch in (first, [(2, None, "delete", 4), (1, "late", "upsert", 2)]):
        results = merge_both(now, history, places.frame(batch, EVENT), SPEC)
        assert (results.current.input, results.history.input) == (len(batch), len(batch))
    assert shown(now.read()) == shown(current(history.read())) == [(1, "A")]

    name, far = f"v_{uuid4().hex}", Publication(open_end="999", surrogate_key="k")
    frame = publish_view(history, publication=far)
    publish_view(history, name, publication=far, temporary=True)
    publish_view(history, f"lake.snapshots.{name}", publication=far)
    listed = sorted(map(tuple, frame.collect()))
    ends = sorted((row["id"], row["v"], row["_valid_from"], row["_valid_to"]) for row in frame.collect())
    assert ends == [(1, "A", 3, 999), (1, "a", 1, 2), (1, "late", 2, 3), (2, "b", 1, 4)]
    for view in (name, f"lake.snapshots.{name}"):
        assert sorted(map(tuple, spark.table(view).collect())) == listed
    publish_view(history, name, rows="current", temporary=True)
    assert shown(spark.table(name)) == [(1, "A")]
    other = places.new()
    other.create(places.frame([]).schema)
    with pytest.raises(ConfigError, match="no history table"):
        publish_view(other, "x")
    assert SNAPSHOT_PROPERTY not in history.properties()
