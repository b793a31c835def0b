"""Rows are appended, replaced and merged alike in every format."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.errors import CommitConflictError, ConfigError, IncompatibleSchemaError, MissingColumnsError
from lakehouse.tables import Merge, Table, last_sequence
from lakehouse.tables.guarding import append_unless
from lakehouse.testing.conformance.fixtures import (
    HOSTILE,
    JOB,
    PEOPLE,
    UPSERT,
    TableFixtures,
    held_up,
    marker,
    rows_of,
    until_there,
)


class Writing(TableFixtures):
    """Rows are appended, replaced and merged alike in every format."""

    def test_hostile_names_and_all_types_come_back_as_written(self, spark: SparkSession, table: Table) -> None:
        """Dots, backticks, blanks, keywords and other alphabets in names are safe in create, append and merge; so are nulls."""
        table.create(HOSTILE)
        assert table.schema().names == HOSTILE.names
        full = (
            1, "naïve 🙂 'quoted'", Decimal("1234567890123456.7891"), -0.5, True, datetime(2024, 2, 29, tzinfo=UTC).date(),
            datetime(2024, 2, 29, 12, 0, 0, 123456), (["x", None, ""], 3), {"k": None},  # noqa: DTZ001 - Spark collects naive
        )  # fmt: skip
        empty = (2, None, None, None, None, None, None, None, None)
        table.append(spark.createDataFrame([full, empty], HOSTILE))
        assert rows_of(table.read()) == [full, empty]
        table.merge(
            spark.createDataFrame([(1, "changed"), (3, "new")], "`a.b` bigint, `tick``tick` string"),
            Merge(
                on="t.`a.b` = s.`a.b`",
                update={"tick`tick": "s.`tick``tick`"},
                insert={"a.b": "s.`a.b`", "tick`tick": "s.`tick``tick`"},
            ),
        )
        new = (3, "new", *(None,) * 7)
        assert rows_of(table.read()) == [(1, "changed", *full[2:]), empty, new]

    def test_append_matches_columns_by_name(self, spark: SparkSession, people: Table) -> None:
        """Columns may come in any order, a missing one becomes null, and a narrower type is widened."""
        people.append(spark.createDataFrame([("ann", 1)], "name string, id int"))
        people.append(spark.createDataFrame([(2,)], "id bigint"))
        assert rows_of(people.read()) == [(1, "ann"), (2, None)]

    def test_append_refuses_what_does_not_fit(self, spark: SparkSession, people: Table) -> None:
        """An unknown column and a type that would lose values are refused, by name, before anything is written."""
        with pytest.raises(IncompatibleSchemaError, match="nickname"):
            people.append(spark.createDataFrame([(1, "x")], "id bigint, nickname string"), commit=marker(1))
        with pytest.raises(IncompatibleSchemaError, match="id is string, not bigint"):
            people.append(spark.createDataFrame([("1", "x")], "id string, name string"), commit=marker(1))
        assert rows_of(people.read()) == []
        assert last_sequence(people, JOB) is None

    def test_overwrite_replaces_rows_whatever_files_hold_them(
        self, people: Table, frame: Callable[..., DataFrame]
    ) -> None:
        """Exactly the rows that fulfil the predicate go, also when their file holds others; a null fulfils nothing."""
        people.append(frame([(1, "a"), (2, "b"), (3, None)]))
        people.overwrite(frame([(2, "b"), (2, "b")]), where="name = 'b'", commit=marker(1))
        assert rows_of(people.read()) == [(1, "a"), (2, "b"), (2, "b"), (3, None)]
        people.overwrite(frame([]), where="id <= 2 AND name IS NOT NULL", commit=marker(2))
        assert rows_of(people.read()) == [(3, None)]
        assert last_sequence(people, JOB) == 2

    def test_overwrite_is_one_commit(self, people: Table, frame: Callable[..., DataFrame]) -> None:
        """Between the version before and the version after an overwrite there is none."""
        people.append(frame([(1, "a"), (2, "b")]), commit=marker(1))
        people.overwrite(frame([(2, "c")]), where="id = 2", commit=marker(2))
        assert [snapshot.marker for snapshot in people.snapshots(limit=2)] == [marker(2), marker(1)]

    def test_overwrite_refuses_rows_outside_the_predicate(self, people: Table, frame: Callable[..., DataFrame]) -> None:
        """A row that the predicate does not cover stops the overwrite, with no trace in table, marker or message."""
        people.append(frame([(1, "a"), (2, "b")]))
        with pytest.raises(ConfigError, match="does not fulfil the predicate") as caught:
            people.overwrite(frame([(2, "B"), (3, "secret")]), where="id = 2", commit=marker(1))
        assert "secret" not in str(caught.value)
        assert rows_of(people.read()) == [(1, "a"), (2, "b")]
        assert last_sequence(people, JOB) is None

    def test_merge_deletes_then_updates_then_inserts(self, spark: SparkSession, people: Table) -> None:
        """Matched rows are deleted or else updated, others inserted, each under its condition; the rest stays."""
        schema = "id bigint, name string, op string"
        people.append(spark.createDataFrame([(1, "a"), (2, "b"), (3, "c"), (4, "d")], PEOPLE))
        source = [(1, "A", "u"), (2, "B", "d"), (3, "C", "skip"), (5, "E", "u"), (6, "F", "d")]
        made = people.merge(
            spark.createDataFrame(source, schema),
            Merge(
                on="t.id = s.id",
                delete_when="s.op = 'd'",
                update={"name": "s.name"},
                update_when="s.op = 'u'",
                insert={"id": "s.id"},
                insert_when="s.op = 'u'",
            ),
            commit=marker(1),
        )
        assert rows_of(people.read()) == [(1, "A"), (3, "c"), (4, "d"), (5, None)]
        assert made == people.snapshots(limit=1)[0]
        assert made.marker == marker(1)
        assert made.committed_at.tzinfo is not None

    def test_merge_refuses_bad_clauses(self, people: Table, frame: Callable[..., DataFrame]) -> None:
        """A merge without a clause, or one that sets an unknown column, is refused before anything is written."""
        with pytest.raises(ConfigError, match="at least one"):
            people.merge(frame([(1, "a")]), Merge(on="t.id = s.id"))
        with pytest.raises(MissingColumnsError, match="nickname"):
            people.merge(frame([(1, "a")]), Merge(on="t.id = s.id", insert={"nickname": "s.name"}))
        assert rows_of(people.read()) == []

    def test_statements_leave_no_names_behind(
        self, spark: SparkSession, people: Table, frame: Callable[..., DataFrame]
    ) -> None:
        """Neither a write that works nor one that fails leaves a view in the session."""
        people.append(frame([(1, "a")]), commit=marker(1))
        with pytest.raises(Exception, match="stop here"):
            people.merge(
                frame([(1, "a")]),
                Merge(on="t.id = s.id", delete_when="raise_error('stop here') is null"),
                commit=marker(2),
            )
        tables = spark.sql("SHOW TABLES").collect()
        assert [row.tableName for row in tables if row.isTemporary and "lakehouse" in row.tableName] == []
        assert last_sequence(people, JOB) == 1

    def test_of_two_writers_one_is_told(self, people: Table, frame: Callable[..., DataFrame], tmp_path: Path) -> None:
        """A merge whose rows another writer changed meanwhile fails as a conflict and leaves no marker."""
        people.append(frame([(1, "a"), (2, "b")]))
        source = frame([(1, "slow")]).withColumn("name", held_up(tmp_path)(F.col("name")))
        with ThreadPoolExecutor(max_workers=1) as pool:
            slow = pool.submit(people.merge, source, UPSERT, commit=marker(2))
            until_there(tmp_path / "started")
            people.merge(frame([(1, "fast")]), UPSERT, commit=marker(1))
            (tmp_path / "go").touch()
            with pytest.raises(CommitConflictError, match="another writer"):
                slow.result()
        assert rows_of(people.read()) == [(1, "fast"), (2, "b")]
        assert last_sequence(people, JOB) == 1

    def test_rows_are_added_unless_there_are_such_rows(self, people: Table, frame: Callable[..., DataFrame]) -> None:
        """Either all of them or none, in one commit with its marker; whether they were added is said."""
        assert append_unless(people, frame([(1, "a"), (1, None)]), where="id = 1", commit=marker(1))
        assert not append_unless(people, frame([(1, "b"), (1, "c"), (2, "d")]), where="id = 1")
        assert not append_unless(people, frame([(1, "b")]), where="id = 1")
        assert append_unless(people, frame([(2, "b")]).drop("name"), where="id = 2", commit=marker(2))
        assert append_unless(people, frame([]), where="id = 3")
        assert rows_of(people.read()) == [(1, None), (1, "a"), (2, None)]
        assert last_sequence(people, JOB) == 2

    def test_of_two_writers_that_add_the_same_rows_one_does(
        self, people: Table, frame: Callable[..., DataFrame], tmp_path: Path
    ) -> None:
        """Also when neither saw those of the other when it began, and when the table was empty then."""
        for round_ in (1, 2):
            folder = tmp_path / str(round_)
            folder.mkdir()
            rows = frame([(round_, "slow"), (round_, "too")])
            slow_rows = rows.withColumn("name", held_up(folder)(F.col("name")))
            with ThreadPoolExecutor(max_workers=1) as pool:
                slow = pool.submit(append_unless, people, slow_rows, where=f"id = {round_}")
                until_there(folder / "started")
                assert append_unless(people, frame([(round_, "fast"), (round_, "too")]), where=f"id = {round_}")
                (folder / "go").touch()
                assert not slow.result()
        assert rows_of(people.read()) == [(1, "fast"), (1, "too"), (2, "fast"), (2, "too")]
