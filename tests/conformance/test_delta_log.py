"""What the files of a Delta log say of its commits is what Delta says of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyspark.errors import AnalysisException
from pyspark.sql import Row, SparkSession

from lakehouse.columns import quoted
from lakehouse.tables import TableRef, last_marker, open_table
from lakehouse.tables.delta import DeltaTable
from lakehouse.tables.delta_history import FOREVER, read_history
from lakehouse.tables.delta_log import read_commits
from lakehouse.tables.jvm import java_packages, java_session
from lakehouse.testing.conformance.fixtures import JOB, PEOPLE, UPSERT, marker


@pytest.fixture(scope="module")
def original(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DeltaTable:
    """A table of eight commits: made, appended to, merged into twice, compacted, restored, given a property, appended to."""
    made = open_delta(spark, tmp_path_factory.mktemp("log") / "a tablé")
    made.create(PEOPLE, properties={"delta.appendOnly": "false"})
    made.append(spark.createDataFrame([(1, "a"), (2, "b")], PEOPLE), commit=marker(1))
    made.merge(spark.createDataFrame([(2, "ß"), (3, "c")], PEOPLE), UPSERT, commit=marker(2))
    made.merge(spark.createDataFrame([(4, "d")], PEOPLE), UPSERT)
    made.maintain()
    made.restore(3)
    made.set_properties({"team": 'a "quoted" name'})
    made.append(spark.createDataFrame([(5, None)], PEOPLE), commit=marker(3))
    return made


@pytest.fixture
def table(original: DeltaTable, tmp_path: Path) -> DeltaTable:
    """A copy of it."""
    shutil.copytree(str(original.ref.path), tmp_path / "a tablé", copy_function=shutil.copy2)
    return open_delta(original.spark, tmp_path / "a tablé")


def test_properties_are_what_delta_shows(original: DeltaTable, spark: SparkSession) -> None:
    """Those set by someone and those of the protocol, by path and by name; of no table there are none."""
    name = f"default.shown_{uuid4().hex}"
    named = open_table(spark, TableRef(format="delta", name=name))
    named.create(PEOPLE, partition_by=["name"], properties={"team": "naïve 'q'"})
    for table, shown in ((original, target(original)), (named, name)):
        assert table.properties() == {row.key: row.value for row in spark.sql(f"SHOW TBLPROPERTIES {shown}").collect()}
        with pytest.raises(AnalysisException):
            table.sibling("_nobody").properties()
    assert named.properties()["team"] == "naïve 'q'"
    spark.sql(f"DROP TABLE {name}")


def open_delta(spark: SparkSession, folder: Path) -> DeltaTable:
    """The table in a folder."""
    made = open_table(spark, TableRef(format="delta", path=str(folder)))
    assert isinstance(made, DeltaTable)
    return made


def told_by_delta(table: DeltaTable) -> list[Row]:
    """DESCRIBE HISTORY, which is what the files have to agree with."""
    history = table.spark.sql(f"DESCRIBE HISTORY {target(table)}")
    rows = history.selectExpr(
        "version", "unix_millis(timestamp) AS millis", "operation", "operationParameters", "operationMetrics", "userMetadata"
    )  # fmt: skip
    return rows.collect()


def target(table: DeltaTable) -> str:
    """The table in SQL."""
    return f"delta.{quoted(str(table.ref.path))}"


def told_by_files(table: DeltaTable, *, after: int = -1, limit: int = FOREVER, most: int = 99) -> list[Row] | None:
    """The same from the files."""
    return read_commits(table.spark, table.ref, target(table), after=after, limit=limit, most=most)


def log(table: DeltaTable) -> Path:
    """The folder of the log."""
    return Path(str(table.ref.path)) / "_delta_log"


def test_the_files_say_what_delta_says(table: DeltaTable) -> None:
    """All of it, for every operation; parts of it by limit and by version."""
    told = told_by_delta(table)
    assert [row.operation for row in told][:3] == ["WRITE", "SET TBLPROPERTIES", "RESTORE"]
    assert told_by_files(table) == told
    assert told_by_files(table, limit=3) == told[:3]
    assert told_by_files(table, after=4) == [row for row in told if row.version > 4]
    assert told_by_files(table, after=told[0].version) == []


def test_commits_of_another_writer_are_read_as_well(table: DeltaTable) -> None:
    """delta-rs tells of itself in another place of the file, with other names."""
    plain = open_delta(table.spark, Path(f"{table.ref.path} of others"))
    for id_ in range(3):
        write_deltalake(str(plain.ref.path), pa.table({"id": [id_], "name": ["commitInfo"]}), mode="append")
    assert told_by_files(plain) == told_by_delta(plain)


def test_a_clock_that_went_back_makes_no_commit_older_than_its_parent(table: DeltaTable) -> None:
    """Times grow by a millisecond then, as Delta has it."""
    os.utime(log(table) / f"{4:020d}.json", (1_000_000_000, 1_000_000_000))
    told = told_by_files(table)
    assert told is not None
    times = [row.millis for row in told]
    assert times == sorted(set(times), reverse=True)
    assert times == [row.millis for row in told_by_delta(table)]


def test_a_commit_may_carry_its_time(spark: SparkSession, tmp_path: Path) -> None:
    """With in-commit timestamps the time of the file does not count."""
    table = open_delta(spark, tmp_path / "timed")
    table.create(PEOPLE, properties={"delta.enableInCommitTimestamps": "true"})
    table.append(spark.createDataFrame([(1, "a")], PEOPLE), commit=marker(1))
    for file in log(table).glob("*.json"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    told = told_by_files(table)
    assert told == told_by_delta(table)
    assert told is not None
    assert told[0].millis > 1_700_000_000_000


def test_where_a_file_is_missing_delta_is_asked(table: DeltaTable) -> None:
    """Logs are cleaned up behind a checkpoint; the commits that are left are still told."""
    delta = java_packages(table.spark).org.apache.spark.sql.delta
    delta.DeltaLog.forTable(java_session(table.spark), str(table.ref.path)).checkpoint()
    for version in range(3):
        (log(table) / f"{version:020d}.json").unlink()
    assert told_by_files(table) is None
    history = read_history(table.spark, table.ref, target(table))
    assert [row.version for row in history] == list(range(table.version(), 2, -1))
    assert [row.version for row in read_history(table.spark, table.ref, target(table), after=4)] == [7, 6, 5]


def test_of_many_commits_delta_is_asked(table: DeltaTable) -> None:
    """A Spark job reads many of them at once."""
    assert told_by_files(table, most=7) is None
    assert told_by_files(table, after=2, most=5) == told_by_delta(table)[:5]


def test_the_last_batch_and_a_commit_just_made_are_found_without_a_spark_job(table: DeltaTable) -> None:
    """Both are looked for with every batch."""
    context = table.spark.sparkContext
    context.setJobGroup("history", "counted")
    try:
        made = table.snapshots(limit=2)
        newest = last_marker(table, JOB)
    finally:
        context.setJobGroup("", "")
    assert [snapshot.marker for snapshot in made] == [marker(3), None]
    assert newest == marker(3)
    assert list(context.statusTracker().getJobIdsForGroup("history")) == []
