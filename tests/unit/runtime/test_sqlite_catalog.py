"""The laptop's Iceberg catalog: its tables are there before a session asks, and no session locks it."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from pyspark.sql import SparkSession

from lakehouse.runtime.session import WAREHOUSE, local_conf
from lakehouse.runtime.sqlite_catalog import catalog_files, make_tables, without_initialization

NO_INITIALIZATION = "spark.sql.catalog.lake.jdbc.init-catalog-tables"


def test_a_session_leaves_no_lock_behind(spark: SparkSession) -> None:
    """Whatever instances of the catalog were asked, another connection can have the file for itself at once."""
    spark.sql("show namespaces in lake").collect()
    spark.newSession().sql("show namespaces in lake").collect()
    warehouse = Path(str(spark.conf.get(WAREHOUSE)))
    with closing(sqlite3.connect(warehouse / "catalog.db", timeout=0, isolation_level=None)) as other:
        other.execute("begin exclusive")
        other.execute("rollback")


def test_many_make_the_tables_at_once(tmp_path: Path) -> None:
    """First runs that start together all find the tables, and what a catalog holds already stays."""
    settings = local_conf(warehouse=tmp_path / "ware house ü").items()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(make_tables, [settings] * 32)) == [None] * 32
    with closing(sqlite3.connect(tmp_path / "ware house ü" / "catalog.db")) as database:
        database.execute("insert into iceberg_tables values ('lake', 'silver', 'names', 'there', null, 'TABLE')")
        database.commit()
        make_tables(settings)
        assert database.execute("select table_name from iceberg_tables").fetchall() == [("names",)]
        assert database.execute("select count(*) from iceberg_namespace_properties").fetchall() == [(0,)]


def test_only_sqlite_files_are_made_here() -> None:
    """A catalog on a database server makes its own tables, as Iceberg does for everybody."""
    settings = {
        "spark.sql.catalog.lake.uri": "jdbc:postgresql://db/iceberg",
        "spark.sql.catalog.memory.uri": "jdbc:sqlite::memory:",
        "spark.sql.catalog.rest.uri": "https://catalog.example",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    }
    assert catalog_files(settings.items()) == {}
    assert without_initialization(settings) == {}


def test_a_setting_of_the_caller_wins() -> None:
    """Who gives the catalog another address, or asks Iceberg to initialise it, has it so."""
    uri = "spark.sql.catalog.lake.uri"
    assert local_conf(warehouse=Path("/w"))[NO_INITIALIZATION] == "false"
    assert NO_INITIALIZATION not in local_conf(warehouse=Path("/w"), conf={uri: "jdbc:postgresql://db/iceberg"})
    assert local_conf(warehouse=Path("/w"), conf={NO_INITIALIZATION: "true"})[NO_INITIALIZATION] == "true"
