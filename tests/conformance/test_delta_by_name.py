"""Delta tables by catalog name keep the contract of tables."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import ConfigError
from lakehouse.tables import Table, TableRef
from lakehouse.testing.conformance.definition import Definition
from lakehouse.testing.conformance.versions import Versions
from lakehouse.testing.conformance.writing import Writing


class TestDeltaByName(Definition, Writing, Versions):
    """The contract, by name; how tables evolve is the same as by path, and takes the longest."""

    @pytest.fixture
    def table_ref(self, spark: SparkSession) -> Iterator[TableRef]:
        """A name in a namespace that does not exist yet."""
        namespace = f"conformance_{uuid4().hex}"
        yield TableRef(format="delta", name=f"{namespace}.people")
        spark.sql(f"DROP NAMESPACE IF EXISTS {namespace} CASCADE")

    def test_a_table_of_another_format_is_an_error(self, table: Table, spark: SparkSession) -> None:
        """A name that holds a Parquet table is neither a Delta table nor free for one."""
        spark.sql(f"CREATE NAMESPACE {table.ref.identifier.partition('.')[0]}")
        spark.sql(f"CREATE TABLE {table.ref.identifier} (Provider STRING) USING parquet")
        with pytest.raises(ConfigError, match="not a Delta table"):
            table.exists()
