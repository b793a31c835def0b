"""A batch that is newer than all that a current table knows is merged without a look at the rows, to the same rows and counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import DataFrame, SparkSession
from shares import shared

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.columns import SEQUENCE
from lakehouse.failpoints import installed
from lakehouse.tables import CommitMarker, Table, TableRef, last_sequence, open_table
from lakehouse.tables.merging import merge_current
from lakehouse.tables.tallies import MergeResult
from lakehouse.testing.expectations import parts
from lakehouse.testing.folding import Event, fold_rows
from lakehouse.testing.generators import KEYS, VALUES, change_log, random_events

SPEC = ChangeSpec(keys="id")
ROW = "id int, v string, _op string, _sequence bigint"
ALONE = "current_merge.newer"
Changes = Sequence[tuple[int, str | None, str, int]]
Counts = tuple[int, int, int]


@dataclass
class Merging:
    """A table, and batches that are merged into it."""

    table: Table
    read: bool = False

    def __call__(self, rows: Changes, *, commit: CommitMarker | None = None) -> MergeResult:
        """Merge some changes; `looked` says then whether the stored rows were read for it."""
        return self.merge(self.table.spark.createDataFrame(rows, ROW), SPEC, commit=commit)

    def merge(self, changes: DataFrame, spec: ChangeSpec, *, commit: CommitMarker | None = None) -> MergeResult:
        """Merge a change log."""
        reached: set[str] = set()
        with installed(reached.add):
            result = merge_current(self.table, changes, spec, commit=commit)
        self.read = ALONE not in reached
        return result

    def looked(self) -> bool:
        """Whether the stored rows were read for the last batch."""
        return self.read

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows of the table."""
        return sorted(tuple(row) for row in self.table.read().collect())


def counts(result: MergeResult) -> Counts:
    """What became of rows."""
    return result.inserted, result.updated, result.deleted


@pytest.fixture(params=[shared("delta"), shared("iceberg")])
def merging(request: pytest.FixtureRequest, spark: SparkSession, tmp_path: Any) -> Iterator[Merging]:
    """A table of each format, not made yet."""
    name = f"newer_{uuid4().hex}"
    if request.param == "iceberg":
        yield Merging(open_table(spark, TableRef(format="iceberg", name=f"lake.newer.{name}")))
    else:
        yield Merging(open_table(spark, TableRef(format="delta", path=str(tmp_path / name))))


def test_upserts_that_are_newer_are_merged_alone(merging: Merging) -> None:
    """Also several of a key, one with itself as a rival or a repeat; of the same sequence as the newest row they are not newer."""
    assert counts(merging([(1, "a", "upsert", 1), (2, "b", "upsert", 2)])) == (2, 0, 0)
    told = merging([(1, "c", "upsert", 3), (1, "d", "upsert", 4), (3, "e", "upsert", 4), (3, "e", "upsert", 4)])
    assert not merging.looked()
    assert counts(told) == (1, 1, 0)
    assert (told.input, told.applied, told.duplicate, told.late) == (4, 3, 1, 0)
    assert merging.rows == [(1, "d", 4), (2, "b", 2), (3, "e", 4)]
    assert counts(merging([(2, "f", "upsert", 4)])) == (0, 1, 0)
    assert merging.looked()
    again = merging([(2, "f", "upsert", 4)])
    assert (counts(again), again.duplicate, again.commit) == ((0, 0, 0), 1, None)


def test_deletes_are_counted_and_remembered(merging: Merging) -> None:
    """Of rows that are there, of keys that nobody knows, and before an upsert; what is older than them stays dead."""
    merging([(1, "a", "upsert", 1), (2, "b", "upsert", 2), (3, "c", "upsert", 3)])
    told = merging([(1, None, "delete", 4), (9, None, "delete", 5), (2, None, "delete", 6), (2, "B", "upsert", 8)])
    assert merging.looked() == (
        merging.table.ref.format == "iceberg"
    )  # whose commits do not tell deleted rows from updated ones
    assert counts(told) == (0, 1, 1)
    assert merging.rows == [(2, "B", 8), (3, "c", 3)]
    late = merging([(9, "late", "upsert", 4), (1, "late", "upsert", 2), (2, "late", "upsert", 5)])
    assert merging.looked()
    assert (counts(late), late.late) == ((0, 0, 0), 3)
    assert counts(merging([(9, "alive", "upsert", 9)])) == (1, 0, 0)
    assert not merging.looked()
    assert merging.rows == [(2, "B", 8), (3, "c", 3), (9, "alive", 9)]


def test_deletes_of_nothing_are_remembered_without_a_commit(merging: Merging) -> None:
    """The table stays as it is and has the batch's number; the next batch is held against the tombstone."""
    merging([(1, "a", "upsert", 1)])
    before = merging.table.snapshots(limit=1)[0].version
    told = merging([(7, None, "delete", 5)], commit=CommitMarker(app="job", sequence=3))
    assert (counts(told), told.applied, told.commit) == ((0, 0, 0), 1, None)
    assert last_sequence(merging.table, "job") == 3
    assert all(one.operation == "SET TBLPROPERTIES" for one in merging.table.snapshots() if one.version > before) or (
        merging.table.version() == before
    )
    assert merging([(7, "late", "upsert", 4)]).late == 1
    assert merging.looked()
    assert merging.rows == [(1, "a", 1)]


def test_rows_of_another_writer_are_looked_at(merging: Merging, spark: SparkSession) -> None:
    """After them nothing is known: one batch reads, the next looks through the table once, and then it is known again."""
    merging([(1, "a", "upsert", 1)])
    where = merging.table.ref.name or f"delta.`{merging.table.ref.path}`"
    spark.sql(f"INSERT INTO {where} VALUES (2, 'foreign', 50)")  # nosec B608  # noqa: S608 - names of our own
    assert merging([(2, "old", "upsert", 20)]).late == 1
    assert merging.looked()
    assert counts(merging([(2, "older than none", "upsert", 60), (3, "new", "upsert", 60)])) == (1, 1, 0)
    assert merging.looked()
    assert merging([(3, "old", "upsert", 59)]).late == 1
    assert merging.looked()
    assert counts(merging([(3, "newer", "upsert", 61)])) == (0, 1, 0)
    assert not merging.looked()
    spark.sql(f"DELETE FROM {where} WHERE id = 1")  # nosec B608  # noqa: S608 - names of our own
    assert counts(merging([(1, "again", "upsert", 62)])) == (1, 0, 0)
    assert not merging.looked()
    assert merging.rows == [(1, "again", 62), (2, "older than none", 60), (3, "newer", 61)]


def test_a_table_that_was_taken_back_is_as_old_as_it_was(merging: Merging) -> None:
    """What was undone can come again."""
    merging([(1, "a", "upsert", 1)])
    version = merging.table.snapshots(limit=1)[0].version
    merging([(1, "b", "upsert", 5), (2, "b", "upsert", 5)])
    merging.table.restore(version)
    assert counts(merging([(1, "c", "upsert", 3), (2, "c", "upsert", 3)])) == (1, 1, 0)
    assert not merging.looked()
    assert merging.rows == [(1, "c", 3), (2, "c", 3)]


def test_compaction_changes_nothing(merging: Merging) -> None:
    """It adds no rows."""
    merging([(1, "a", "upsert", 1)])
    merging([(2, "b", "upsert", 2)])
    merging.table.maintain()
    assert counts(merging([(1, "c", "upsert", 3)])) == (0, 1, 0)
    assert not merging.looked()
    assert merging([(1, "late", "upsert", 2)]).late == 1


def test_events_that_leave_columns_out_are_filled_in(merging: Merging, spark: SparkSession) -> None:
    """By what the table has: it is read."""
    schema = "id int, v string, w string, _op string, _sequence bigint, _provided array<string>"
    merging.merge(spark.createDataFrame([(1, "a", "b", "upsert", 1, None)], schema), SPEC)
    merging.merge(spark.createDataFrame([(1, "A", None, "upsert", 2, ["v"])], schema), SPEC)
    assert merging.looked()
    merging.merge(spark.createDataFrame([(2, "x", "y", "upsert", 3, None)], schema), SPEC)
    assert [row[:4] for row in merging.rows] == [(1, "A", "b", 2), (2, "x", "y", 3)]


def test_commits_that_count_wrong_are_not_believed(merging: Merging, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a task ran twice: what became of rows is counted by the version before."""
    merging([(1, "a", "upsert", 1), (2, "b", "upsert", 1)])
    merge = type(merging.table).merge

    def wrong(*arguments: Any, **options: Any) -> Any:
        made = merge(*arguments, **options)
        assert made.merged is not None
        return replaced(made, written=made.merged.written + 1)

    monkeypatch.setattr(type(merging.table), "merge", wrong)
    assert counts(merging([(1, "c", "upsert", 2), (3, "c", "upsert", 2), (4, "c", "upsert", 2)])) == (2, 1, 0)
    assert not merging.looked()
    gone = merging([(1, None, "delete", 3), (3, "d", "upsert", 3), (8, None, "delete", 3)])
    assert counts(gone) == (0, 1, 1)


def replaced(made: Any, **told: int) -> Any:
    """A snapshot that tells something else of its rows."""
    return replace(made, merged=replace(made.merged, **told))


def test_batches_in_order_make_the_rows_of_the_set_of_events(merging: Merging, spark: SparkSession) -> None:
    """Hundreds of random histories in the order they happened: rows as the oracle has them, counts as the tables differ."""
    spec = ChangeSpec(keys=KEYS)
    events = random_events(41, cases=300)
    events = [one for one in events if one.op == "upsert" or one.sequence < 15 or merging.table.counts_deletes]
    seen: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    looked = []
    for first, last in ((0, 4), (5, 9), (10, 14), (15, 17), (18, 19)):
        batch = [one for one in events if first <= one.sequence <= last]
        told = merging.merge(change_log(spark, batch).drop("_origin"), spec)
        looked.append(merging.looked())
        found: dict[tuple[Any, ...], Any] = {
            row[:2]: row for row in merging.table.read().select(*KEYS, *VALUES, SEQUENCE).collect()
        }
        assert (told.input, told.applied, told.late) == (len(batch), len(batch), 0)
        assert counts(told) == differences(seen, found)
        assert found == wanted([one for one in events if one.sequence <= last])
        seen = found
    assert looked[0]
    assert not any(looked[-2:])


def differences(before: dict[tuple[Any, ...], Any], after: dict[tuple[Any, ...], Any]) -> Counts:
    """How many rows came, changed and went."""
    changed = sum(before[key] != after[key] for key in before.keys() & after.keys())
    return len(after.keys() - before.keys()), changed, len(before.keys() - after.keys())


def wanted(events: list[Event]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The live rows by the oracle."""
    rows = fold_rows(events, columns=VALUES)
    return {
        parts(row.key): (*parts(row.key), *((row.values or {}).get(name) for name in VALUES), row.sequence)
        for row in rows
        if not row.deleted
    }
