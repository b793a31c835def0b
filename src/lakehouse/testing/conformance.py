"""What every table must do, as a pytest class: subclass it, say where a fresh table goes, and run it on your platform.

    class TestMyTables(TableConformance):
        @pytest.fixture
        def table_ref(self, tmp_path):
            return TableRef(format="delta", path=str(tmp_path / "table"))

It needs a fixture `spark` beside `table_ref`, and a session with at least two cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from lakehouse.errors import CommitConflictError, ConfigError, IncompatibleSchemaError, MissingColumnsError
from lakehouse.tables import CommitMarker, Merge, Table, TableRef, last_sequence, open_table

PEOPLE = StructType([StructField("id", LongType()), StructField("name", StringType())])
UPSERT = Merge(on="t.id = s.id", update={"name": "s.name"}, insert={"id": "s.id", "name": "s.name"})
HOSTILE = StructType(
    [
        StructField("a.b", LongType(), nullable=False),
        StructField("tick`tick", StringType()),
        StructField("two words", DecimalType(20, 4)),
        StructField("größe=(µ)", DoubleType()),
        StructField("select", BooleanType()),
        StructField("day", DateType()),
        StructField("at", TimestampType()),
        StructField("nested", StructType([StructField("in ner.x", ArrayType(StringType())), StructField("n", LongType())])),
        StructField("map", MapType(StringType(), IntegerType())),
    ]
)  # fmt: skip
JOB = "orders.daily"


def marker(sequence: int, app: str = JOB) -> CommitMarker:
    """The marker of one batch."""
    return CommitMarker(app=app, sequence=sequence)


def rows_of(df: DataFrame) -> list[tuple[Any, ...]]:
    """The rows as sorted tuples, nulls first."""
    return sorted(
        (tuple(row) for row in df.collect()), key=lambda row: [(value is not None, str(value)) for value in row]
    )


class TableConformance:
    """The behaviour that `lakehouse.tables.protocol.Table` promises."""

    @pytest.fixture
    def table(self, spark: SparkSession, table_ref: TableRef) -> Table:
        """A table that does not exist yet."""
        return open_table(spark, table_ref)

    @pytest.fixture
    def people(self, table: Table) -> Table:
        """An empty table of people: id, name."""
        table.create(PEOPLE)
        return table

    @pytest.fixture
    def frame(self, spark: SparkSession) -> Callable[[Sequence[tuple[Any, ...]]], DataFrame]:
        """Makes frames of people."""
        return lambda rows: spark.createDataFrame(list(rows), PEOPLE).coalesce(1)

    def test_a_table_exists_once_it_is_created(self, table: Table) -> None:
        """A table that was never made is not there; once made it is, empty and nullable, and cannot be made again."""
        assert not table.exists()
        table.create(StructType([StructField("id", LongType(), nullable=False)]))
        assert table.exists()
        assert table.schema() == StructType([StructField("id", LongType(), nullable=True)])
        assert rows_of(table.read()) == []
        with pytest.raises(IncompatibleSchemaError, match="exists already"):
            table.create(PEOPLE)

    def test_a_sibling_is_a_table_of_its_own(self, people: Table, frame: Callable[..., DataFrame]) -> None:
        """A sibling lies beside the table, in the same format, and shares no rows with it."""
        sibling = people.sibling("__tombstones")
        assert not sibling.exists()
        sibling.create(PEOPLE)
        sibling.append(frame([(1, "gone")]))
        assert sibling.ref.format == people.ref.format
        assert sibling.ref.identifier.rstrip("`").endswith("__tombstones")
        assert rows_of(people.read()) == []

    def test_layout_columns_must_exist(self, table: Table) -> None:
        """A partition or clustering column that is not in the schema is refused before anything is made."""
        with pytest.raises(MissingColumnsError, match="nowhere"):
            table.create(PEOPLE, partition_by=["nowhere"])
        with pytest.raises(MissingColumnsError, match="nowhere"):
            table.create(PEOPLE, cluster_by=["nowhere"])
        assert not table.exists()

    def test_properties_are_kept_as_written(self, table: Table) -> None:
        """Properties given at creation and set later come back as they were, quotes and backslashes included."""
        hostile = 'it\'s "quoted" \\ back`tick é'
        table.create(PEOPLE, properties={"lakehouse.kind": "current"})
        table.set_properties({"lakehouse.applied.job's.app": "7", "lakehouse.note": hostile})
        properties = table.properties()
        assert properties["lakehouse.kind"] == "current"
        assert properties["lakehouse.applied.job's.app"] == "7"
        assert properties["lakehouse.note"] == hostile
        assert last_sequence(table, "job's.app") == 7

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
        people.overwrite(frame([]), where="id <= 2", commit=marker(2))
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

    def test_partitioned_tables_take_every_write(self, spark: SparkSession, table: Table) -> None:
        """Rows of several partitions in any order can be appended, merged and overwritten by partition."""
        schema = StructType([StructField("id", LongType()), StructField("is latest", BooleanType())])
        table.create(schema, partition_by=["is latest"])
        table.append(spark.createDataFrame([(i, i % 2 == 0) for i in range(6)], schema).repartition(2))
        table.merge(
            spark.createDataFrame([(0, False), (1, True), (7, True), (8, False)], schema),
            Merge(
                on="t.id = s.id",
                update={"is latest": "s.`is latest`"},
                insert={"id": "s.id", "is latest": "s.`is latest`"},
            ),
        )
        assert rows_of(table.read().where("`is latest`").select("id")) == [(1,), (2,), (4,), (7,)]
        table.overwrite(spark.createDataFrame([(9, True)], schema), where="`is latest`")
        table.overwrite(spark.createDataFrame([(10, False)], schema), where="`is latest` = false")
        assert rows_of(table.read()) == [(10, False), (9, True)]

    def test_clustered_tables_take_every_write(self, table: Table, frame: Callable[..., DataFrame]) -> None:
        """Clustering changes where rows lie, never which rows there are, also after maintenance."""
        table.create(PEOPLE, cluster_by=["id"])
        table.append(frame([(2, "b"), (1, "a")]))
        table.merge(frame([(2, "B"), (3, "c")]), UPSERT)
        table.maintain(compact=True)
        assert rows_of(table.read()) == [(1, "a"), (2, "B"), (3, "c")]

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
        with pytest.raises(Exception, match="nowhere"):
            people.merge(frame([(1, "a")]), Merge(on="t.nowhere = s.id", delete_when="true"), commit=marker(2))
        assert [view.name for view in spark.catalog.listTables() if view.isTemporary and "lakehouse" in view.name] == []
        assert last_sequence(people, JOB) == 1

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

    def test_evolve_adds_columns(self, spark: SparkSession, people: Table, frame: Callable[..., DataFrame]) -> None:
        """A new column is null in the rows that are there; asking again changes nothing; another type is refused."""
        people.append(frame([(1, "a")]))
        more = StructType(
            [StructField("name", StringType()), StructField("two words", LongType(), metadata={"comment": "it's new"})]
        )
        people.evolve(add=more)
        assert people.schema() == StructType([*PEOPLE, more["two words"]])
        before = people.snapshots(limit=1)
        people.evolve(add=more)
        assert people.snapshots(limit=1) == before
        people.append(spark.createDataFrame([(2, "b", 3)], people.schema()))
        assert rows_of(people.read()) == [(1, "a", None), (2, "b", 3)]
        with pytest.raises(IncompatibleSchemaError, match="name is string already, not bigint"):
            people.evolve(add=StructType([StructField("extra", LongType()), StructField("name", LongType())]))
        assert people.schema().names == ["id", "name", "two words"]

    def test_evolve_widens_types(self, spark: SparkSession, table: Table) -> None:
        """int, float and decimal grow in place, old rows keep their values, and narrowing is refused untouched."""
        table.create(
            StructType(
                [StructField("i", IntegerType()), StructField("f", FloatType()), StructField("a b", DecimalType(5, 2))]
            ),
            partition_by=[],
        )
        table.append(spark.createDataFrame([(1, 0.5, Decimal("1.25"))], table.schema()))
        wide = {"i": LongType(), "f": DoubleType(), "a b": DecimalType(12, 2)}
        table.evolve(widen=wide)
        assert [field.dataType for field in table.schema()] == list(wide.values())
        table.append(spark.createDataFrame([(2**40, 1e300, Decimal("1234567890.25"))], table.schema()))
        assert rows_of(table.read()) == [
            (1, 0.5, Decimal("1.25")),
            (2**40, 1e300, Decimal("1234567890.25")),
        ]
        before = table.snapshots(limit=1)
        table.evolve(widen=wide)
        assert table.snapshots(limit=1) == before
        for narrow in ({"i": IntegerType()}, {"a b": DecimalType(5, 2)}, {"f": StringType()}, {"nowhere": LongType()}):
            with pytest.raises(IncompatibleSchemaError, match="cannot become"):
                table.evolve(widen=narrow)
        assert table.snapshots(limit=1) == before

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

    def test_of_two_writers_one_is_told(self, people: Table, frame: Callable[..., DataFrame], tmp_path: Path) -> None:
        """A merge whose rows another writer changed meanwhile fails as a conflict and leaves no marker."""
        people.append(frame([(1, "a"), (2, "b")]))
        source = frame([(1, "slow")]).withColumn("name", _held_up(tmp_path)(F.col("name")))
        with ThreadPoolExecutor(max_workers=1) as pool:
            slow = pool.submit(people.merge, source, UPSERT, commit=marker(2))
            _await(tmp_path / "started")
            people.merge(frame([(1, "fast")]), UPSERT, commit=marker(1))
            (tmp_path / "go").touch()
            with pytest.raises(CommitConflictError, match="another writer"):
                slow.result()
        assert rows_of(people.read()) == [(1, "fast"), (2, "b")]
        assert last_sequence(people, JOB) == 1

    @pytest.fixture
    def no_retention(self, spark: SparkSession) -> Any:
        """Lets files expire at once, as nobody else reads them."""
        setting = "spark.databricks.delta.retentionDurationCheck.enabled"
        spark.conf.set(setting, "false")
        yield
        spark.conf.unset(setting)


def _held_up(folder: Path) -> Callable[..., Any]:
    """A function for Spark that reports its start in the folder and waits there for permission to go on."""
    started, go, wait = str(folder / "started"), str(folder / "go"), _await

    def hold(value: str) -> str:
        Path(started).touch()
        wait(Path(go))
        return value

    return F.udf(hold, StringType()).asNondeterministic()  # a Python function on purpose: it must be able to wait


def _await(path: Path, *, seconds: int = 120) -> None:
    """Wait until the file is there."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > deadline:
            msg = f"{path.name} did not come within {seconds} seconds"
            raise TimeoutError(msg)
        time.sleep(0.02)
