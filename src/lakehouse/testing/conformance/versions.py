"""Markers, versions, restores and upkeep behave alike in every format."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import (
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
)

from lakehouse.errors import ConfigError
from lakehouse.tables import Merge, Table, last_sequence
from lakehouse.testing.conformance.fixtures import (
    JOB,
    PEOPLE,
    UPSERT,
    TableFixtures,
    marker,
    rows_of,
)


class Versions(TableFixtures):
    """Markers, versions, restores and upkeep behave alike in every format."""

    def test_every_write_carries_its_marker(self, people: Table, frame: Callable[..., DataFrame]) -> None:
        """Append, overwrite and merge commit their marker with the data; a write without one leaves none."""
        people.append(frame([(1, "a")]), commit=marker(1))
        people.overwrite(frame([(1, "b")]), where="id = 1", commit=marker(2, app="other"))
        people.merge(frame([(1, "c")]), UPSERT, commit=marker(3))
        people.append(frame([(2, "d")]))
        assert [snapshot.marker for snapshot in people.snapshots(limit=4)] == [
            None, marker(3), marker(2, app="other"), marker(1),
        ]  # fmt: skip
        assert last_sequence(people, JOB) == 3
        assert last_sequence(people, "other") == 2
        assert last_sequence(people, "orders") is None

    def test_a_batch_that_changes_nothing_is_known_all_the_same(
        self, people: Table, frame: Callable[..., DataFrame]
    ) -> None:
        """Empty appends and merges raise `last_sequence` too, whether or not the format makes a commit for them."""
        people.append(frame([]), commit=marker(1))
        assert last_sequence(people, JOB) == 1
        people.merge(frame([]), UPSERT, commit=marker(2))
        assert last_sequence(people, JOB) == 2
        assert rows_of(people.read()) == []

    def test_a_restore_takes_rows_and_markers_back(self, people: Table, frame: Callable[..., DataFrame]) -> None:
        """After a restore the undone batches are unknown, can be applied again, and can be undone again."""
        people.append(frame([(1, "a")]), commit=marker(1))
        kept = people.snapshots(limit=1)[0]
        people.append(frame([(2, "b")]), commit=marker(2))
        people.append(frame([]), commit=marker(3))
        people.set_properties({"lakehouse.applied." + JOB: "4"})
        people.restore(kept.version)
        assert rows_of(people.read()) == [(1, "a")]
        assert last_sequence(people, JOB) == 1
        people.append(frame([(2, "B")]), commit=marker(2))
        assert last_sequence(people, JOB) == 2
        assert [s.marker for s in people.snapshots() if s.marker] == [marker(2), marker(1)]
        people.restore(kept.version)
        assert rows_of(people.read()) == [(1, "a")]
        assert [s.marker for s in people.snapshots() if s.marker] == [marker(1)]

    def test_time_travel(self, people: Table, frame: Callable[..., DataFrame]) -> None:
        """Rows are read at a version, and at an instant with a zone; what cannot be read is said clearly."""
        people.append(frame([(1, "a")]))
        first = people.snapshots(limit=1)[0]
        people.append(frame([(2, "b")]))
        second = people.snapshots(limit=1)[0]
        assert rows_of(people.read(version=first.version)) == [(1, "a")]
        assert rows_of(people.read(timestamp=second.committed_at - timedelta(milliseconds=1))) == [(1, "a")]
        assert rows_of(people.read(timestamp=second.committed_at)) == [(1, "a"), (2, "b")]
        assert rows_of(people.read(timestamp=second.committed_at + timedelta(days=365))) == [(1, "a"), (2, "b")]
        with pytest.raises(ConfigError, match="zone"):
            people.read(timestamp=datetime(2024, 1, 1))  # noqa: DTZ001 - the point of the test
        with pytest.raises(ConfigError, match="as old as"):
            people.read(timestamp=datetime(2001, 1, 1, tzinfo=UTC))
        with pytest.raises(ConfigError, match="no version 987654321"):
            people.read(version=987654321)
        with pytest.raises(ConfigError, match="not both"):
            people.read(version=first.version, timestamp=second.committed_at)
        with pytest.raises(ConfigError, match="no version 987654321"):
            people.restore(987654321)

    def test_changes_are_net_and_count_duplicates(self, spark: SparkSession, table: Table) -> None:
        """Only what differs between two versions is told, row by row, with maps compared by their content."""
        schema = StructType([*PEOPLE, StructField("tags", MapType(StringType(), LongType()))])
        table.create(schema)
        ab, ba = {"a": 1, "b": 2}, {"b": 2, "a": 1}
        table.append(
            spark.createDataFrame([(1, "a", ab), (2, None, None), (2, None, None), (3, "c", {"z": 0})], schema)
        )
        start = table.snapshots(limit=1)[0].version
        table.overwrite(spark.createDataFrame([(1, "a", ba), (1, "a", ba)], schema), where="id = 1")
        table.overwrite(spark.createDataFrame([(2, None, None)], schema), where="id = 2")
        table.evolve(add=StructType([StructField("extra", LongType())]))
        table.merge(
            spark.createDataFrame([(3,)], "id bigint"), Merge(on="t.id = s.id", update={"tags": "map('z', 9L)"})
        )
        end = table.snapshots(limit=1)[0].version
        found = [
            (row.id, row.name, row.tags, row.extra, row["_change_type"]) for row in table.changes(start, end).collect()
        ]
        assert sorted(found, key=str) == [
            (1, "a", ab, None, "insert"),
            (2, None, None, None, "delete"),
            (3, "c", {"z": 0}, None, "delete"),
            (3, "c", {"z": 9}, None, "insert"),
        ]
        assert rows_of(table.changes(end, end)) == []

    def test_maintenance_keeps_rows_and_markers(
        self, people: Table, frame: Callable[..., DataFrame], no_retention: None
    ) -> None:
        """Compaction and expiry change no row, and the newest batch of every app stays known, after a restore too."""
        del no_retention
        people.append(frame([(1, "a"), (2, "b")]), commit=marker(1, app="old"))
        people.append(frame([(3, "c")]), commit=marker(1))
        people.merge(frame([(1, "A")]), UPSERT, commit=marker(2))
        people.maintain(compact=True)
        assert rows_of(people.read()) == [(1, "A"), (2, "b"), (3, "c")]
        people.maintain(compact=False, expire_older_than=timedelta(0))
        assert rows_of(people.read()) == [(1, "A"), (2, "b"), (3, "c")]
        assert last_sequence(people, "old") == 1
        assert last_sequence(people, JOB) == 2
        kept = people.snapshots(limit=1)[0]
        people.append(frame([(4, "d")]), commit=marker(3))
        people.restore(kept.version)
        assert last_sequence(people, "old") == 1
        assert last_sequence(people, JOB) == 2
