"""Iceberg tables keep the contract of tables."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.errors import CommitRefusedError, ConfigError
from lakehouse.tables import Table, TableRef, open_table
from lakehouse.testing.conformance import TableConformance
from lakehouse.testing.conformance.fixtures import PEOPLE, rows_of


class TestIceberg(TableConformance):
    """The contract, in the catalog `lake`."""

    @pytest.fixture
    def table_ref(self) -> TableRef:
        """A name in a namespace that does not exist yet, with letters that need care."""
        return TableRef(format="iceberg", name=f"lake.conformance_{uuid4().hex}.`the people`")

    def test_a_table_of_another_format_is_an_error(self, spark: SparkSession) -> None:
        """A name that holds a table which is not Iceberg's is neither an Iceberg table nor free for one."""
        name = f"default.parquet_{uuid4().hex}"
        spark.sql(f"CREATE TABLE {name} (id BIGINT) USING parquet")
        try:
            with pytest.raises(ConfigError, match="not an Iceberg table"):
                open_table(spark, TableRef(format="iceberg", name=name)).exists()
        finally:
            spark.sql(f"DROP TABLE {name}")

    def test_tables_are_of_format_version_2_and_merge_on_read(self, spark: SparkSession, table: Table) -> None:
        """Athena reads version 2 and not 3, and small merges must not rewrite files."""
        table.create(PEOPLE)
        shown = spark.sql(f"SHOW TBLPROPERTIES {table.ref.identifier}").collect()
        properties = {row.key: row.value for row in shown}
        assert properties["format-version"] == "2"
        modes = {properties[f"write.{kind}.mode"] for kind in ("delete", "merge", "update")}
        assert modes == {"merge-on-read"}

    def test_partitioning_and_clustering_go_together(self, spark: SparkSession, table: Table) -> None:
        """A partitioned table may sort the rows of each partition."""
        table.create(PEOPLE, partition_by=["name"], cluster_by=["id"])
        table.append(spark.createDataFrame([(2, "a"), (1, "b"), (1, "a")], PEOPLE))
        assert rows_of(table.read()) == [(1, "a"), (1, "b"), (2, "a")]

    def test_a_commit_is_refused_while_the_clock_is_behind(self, spark: SparkSession, table: Table) -> None:
        """A table whose newest commit is of a later hour says that it is a matter of the clock, and stays as it is."""
        table.create(PEOPLE)
        table.append(spark.createDataFrame([(1, "a")], PEOPLE))
        entries = spark.table(f"{table.ref.identifier}.metadata_log_entries").orderBy("timestamp").collect()
        path = Path(unquote(urlsplit(entries[-1]["file"]).path))
        metadata = json.loads(path.read_text(encoding="utf-8"))
        later = 2 * 3_600_000
        for entry in (metadata["snapshots"][-1], metadata["snapshot-log"][-1]):
            entry["timestamp-ms"] += later
        metadata["last-updated-ms"] += later
        ahead = path.with_name("00099-ahead.metadata.json")
        ahead.write_text(json.dumps(metadata), encoding="utf-8")
        name = f"default.ahead_{uuid4().hex}"
        spark.sql(f"CALL lake.system.register_table('{name}', '{ahead}')")
        other = open_table(spark, TableRef(format="iceberg", name=f"lake.{name}"))
        with pytest.raises(CommitRefusedError, match="clock of this machine"):
            other.append(spark.createDataFrame([(2, "b")], PEOPLE))
        assert [row["id"] for row in other.read().collect()] == [1]

    def test_a_partition_is_replaced_by_whole_files(self, spark: SparkSession, table: Table) -> None:
        """An overwrite by partition columns reads no rows and leaves no deletes for readers to apply."""
        schema = StructType([StructField("id", LongType()), StructField("the day", StringType())])
        table.create(schema, partition_by=["the day"])
        table.append(spark.createDataFrame([(1, "mon"), (2, "mon"), (3, "tue")], schema).coalesce(1))
        table.overwrite(spark.createDataFrame([(4, "mon")], schema), where="`the day` = 'mon'")
        metrics = table.snapshots(limit=1)[0].metrics
        assert metrics["deleted-data-files"] == "1"
        assert metrics["total-position-deletes"] == "0"
        assert rows_of(table.read()) == [(3, "tue"), (4, "mon")]
