"""Delta tables by path keep the contract of tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import ConfigError
from lakehouse.tables import Table, TableRef
from lakehouse.testing.conformance import TableConformance
from lakehouse.testing.conformance.fixtures import PEOPLE


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
