"""Delta tables by path keep the contract of tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import IntegerType, LongType, StringType, StructField, StructType

from lakehouse.columns import quoted
from lakehouse.errors import ConfigError
from lakehouse.tables import Merge, Table, TableRef, open_table
from lakehouse.testing.conformance import TableConformance
from lakehouse.testing.conformance.fixtures import PEOPLE, UPSERT, rows_of


class TestDeltaByPath(TableConformance):
    """The contract, by path."""

    @pytest.fixture
    def table_ref(self, tmp_path: Path) -> TableRef:
        """A folder that does not exist yet, with letters that need care."""
        return TableRef(format="delta", path=str(tmp_path / "a table`s földer"))

    def test_a_folder_of_something_else_is_no_table(self, table: Table, spark: SparkSession) -> None:
        """A folder with other files in it is neither a table nor free for one."""
        spark.range(1).write.parquet(str(table.ref.path))
        with pytest.raises(ConfigError, match="not a Delta table"):
            table.exists()
        with pytest.raises(ConfigError, match="not a Delta table"):
            table.create(PEOPLE)

    def test_partitioning_and_clustering_exclude_each_other(self, table: Table) -> None:
        """Delta has one layout or the other."""
        with pytest.raises(ConfigError, match="not both"):
            table.create(PEOPLE, partition_by=["id"], cluster_by=["name"])
        assert not table.exists()

    @pytest.mark.parametrize("name", ["path", "Path"])
    def test_a_column_may_have_the_name_that_delta_joins_by(self, spark: SparkSession, table: Table, name: str) -> None:
        """A column named like one of Delta's own, there from the start or added to rows with deletes, fails no statement."""
        later = name != "path"
        first = StructType([StructField("id", LongType()), StructField("a" if later else name, StringType())])
        table.create(first)
        table.append(spark.createDataFrame([(1, "a"), (2, "b"), (3, "c")], first).coalesce(1))
        how = Merge(on="t.id = s.id", update={"id": "s.id + 10"})
        table.merge(spark.createDataFrame([(1,)], "id bigint"), how)
        if later:
            table.evolve(add=StructType([StructField(name, StringType())]))
        table.merge(spark.createDataFrame([(2,)], "id bigint"), how)
        table.overwrite(table.read().limit(0), where="id = 3")
        assert sorted(row.id for row in table.read().collect()) == [11, 12]

    def test_of_a_settled_source_no_copy_is_made(self, spark: SparkSession, tmp_path: Path) -> None:
        """Delta copies the rows of a merge first, in a job of its own, lest they be others when it reads them again."""
        people = spark.createDataFrame([(1, "a"), (2, "b")], PEOPLE).localCheckpoint()
        scheduler = spark.sparkContext._jsc.sc().dagScheduler()  # noqa: SLF001 - numbers jobs without a listener
        jobs = {}
        for settled in (False, True):
            table = open_table(spark, TableRef(format="delta", path=str(tmp_path / f"settled {settled}")))
            table.create(PEOPLE)
            table.append(people)
            before = scheduler.nextJobId()
            table.merge(people, replace(UPSERT, settled=settled))
            jobs[settled] = scheduler.nextJobId() - before
        assert jobs[True] < jobs[False]

    @pytest.mark.parametrize("layout", ["partition_by", "cluster_by"])
    def test_a_column_is_widened_without_a_change_of_layout(
        self, spark: SparkSession, table: Table, layout: str
    ) -> None:
        """Also where Delta has to write all rows again, they stay partitioned or clustered as they were."""
        schema = StructType([StructField("id", IntegerType()), StructField("two words", StringType())])
        by = ["two words"]
        table.create(
            schema,
            partition_by=by if layout == "partition_by" else (),
            cluster_by=by if layout == "cluster_by" else (),
            properties={"team": "us"},
        )
        table.append(spark.createDataFrame([(1, "a"), (2, "b")], schema))
        table.evolve(widen={"id": LongType()})
        detail = spark.sql(f"DESCRIBE DETAIL delta.{quoted(str(table.ref.path))}").head(1)[0]
        assert detail.partitionColumns == (by if layout == "partition_by" else [])
        assert detail.clusteringColumns == (["`two words`"] if layout == "cluster_by" else [])
        assert table.properties()["team"] == "us"
        assert rows_of(table.read()) == [(1, "a"), (2, "b")]
