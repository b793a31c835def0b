"""The laptop session: its settings, and that they hold in a running one."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.errors import ConfigError
from lakehouse.runtime.session import (
    CLASS_PATH,
    JAVA_OPTIONS,
    METHOD_LIMIT,
    OLD_DATES,
    WAREHOUSE,
    local_conf,
    open_session,
)
from lakehouse.runtime.sqlite_catalog import make_tables
from lakehouse.tables import TableRef, open_table
from lakehouse.tables.jvm import java_packages
from lakehouse.tables.merging import merge_current


def test_both_formats_are_configured() -> None:
    """Delta has Spark's own catalog; Iceberg has one of its own on a SQLite file in the warehouse."""
    conf = local_conf(warehouse=Path("/data/ware house"), catalog="lake")
    assert conf["spark.sql.extensions"] == (
        "io.delta.sql.DeltaSparkSessionExtension,org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
    )
    assert conf["spark.sql.catalog.spark_catalog"] == "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    assert conf["spark.sql.catalog.lake"] == "org.apache.iceberg.spark.SparkCatalog"
    assert conf["spark.sql.catalog.lake.uri"] == "jdbc:sqlite:file:///data/ware%20house/catalog.db"
    assert conf["spark.sql.catalog.lake.warehouse"] == "file:///data/ware house/iceberg"


def test_results_do_not_depend_on_the_machine() -> None:
    """Time zone and ANSI mode are set, not left to defaults that differ by Spark version."""
    conf = local_conf(warehouse=Path("/w"))
    assert (conf["spark.sql.session.timeZone"], conf["spark.sql.ansi.enabled"]) == ("UTC", "true")


def test_given_settings_win_and_java_options_add_up() -> None:
    """A caller's setting replaces ours, but its Java options and class path do not push ours out."""
    conf = local_conf(
        warehouse=Path("/w"),
        jars=[Path("/j/a.jar")],
        java_options=["-Dstore=/my cache"],
        conf={"spark.master": "local[1]", JAVA_OPTIONS: "-Xss4m", CLASS_PATH: "/own.jar"},
    )
    assert conf["spark.master"] == "local[1]"
    assert conf[JAVA_OPTIONS].endswith("-Duser.timezone=UTC '-Dstore=/my cache' -Xss4m")
    assert conf[CLASS_PATH] == "/j/a.jar:/own.jar"


def test_a_relative_warehouse_is_refused() -> None:
    """Where a relative folder lies depends on who asks, so it is resolved before."""
    with pytest.raises(ConfigError, match="absolute folder, not warehouse"):
        local_conf(warehouse=Path("warehouse"))


def test_a_jar_that_would_split_the_class_path_is_refused() -> None:
    """A colon in a folder's name would cut the class path in two."""
    with pytest.raises(ConfigError, match="a:b"):
        local_conf(warehouse=Path("/w"), jars=[Path("/a:b/c.jar")])


def test_the_session_runs_as_configured(spark: SparkSession) -> None:
    """The JVM, the SQL session and Python agree on the zone, and ANSI mode is on."""
    row = spark.sql("select current_timezone() zone, timestamp'1970-01-01 00:00:00' epoch").first()
    assert row is not None
    assert row.zone == "UTC"
    assert row.epoch.timestamp() == 0
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"


def test_a_warehouse_may_have_any_name(spark: SparkSession, tmp_path: Path) -> None:
    """Blanks, percent signs and letters of any script in a folder's name lead to that very folder."""
    folder = tmp_path / "ware house %20 übung 湖"
    folder.mkdir()
    conf = local_conf(warehouse=folder, catalog="odd")
    make_tables(conf.items())
    for key, value in conf.items():
        if key.startswith("spark.sql.catalog.odd"):
            spark.conf.set(key, value)
    spark.sql("create namespace odd.silver")
    spark.sql("create table odd.silver.names (name string) using iceberg")
    spark.sql("insert into odd.silver.names values ('kept')")
    assert [row.name for row in spark.table("odd.silver.names").collect()] == ["kept"]
    assert sorted(path.name for path in folder.iterdir()) == ["catalog.db", "iceberg"]
    assert list((folder / "iceberg" / "silver" / "names" / "data").glob("*.parquet"))


def test_a_second_call_returns_the_session(spark: SparkSession) -> None:
    """Who opens the same warehouse again gets the session that is there."""
    warehouse = spark.sparkContext.getConf().get(WAREHOUSE)
    assert warehouse is not None
    assert open_session(app_name="again", warehouse=warehouse).sparkContext is spark.sparkContext


def test_a_platform_session_takes_dates_of_any_age(spark: SparkSession, tmp_path: Path) -> None:
    """Where Spark 3.5 would fail at a timestamp before 1900 it writes it as it is; a calendar that was chosen stays."""
    warehouse = spark.sparkContext.getConf().get(WAREHOUSE)
    assert warehouse is not None
    int96, dates = OLD_DATES
    spark.conf.set(int96, "EXCEPTION")
    spark.conf.set(dates, "LEGACY")
    try:
        open_session(app_name="again", warehouse=warehouse)
        assert (spark.conf.get(int96), spark.conf.get(dates)) == ("CORRECTED", "LEGACY")
        old = spark.sql("select timestamp'1066-10-14 09:00:00' at")
        old.write.parquet(str(tmp_path / "old"))
        assert spark.read.parquet(str(tmp_path / "old")).collect() == old.collect()
    finally:
        spark.conf.set(dates, "CORRECTED")


def test_a_merge_finds_the_classes_of_the_one_before(spark: SparkSession, tmp_path: Path) -> None:
    """Spark compiles what it generates for the merges of a job once, and not for every batch."""
    compilations = java_packages(spark).org.apache.spark.metrics.source.CodegenMetrics.METRIC_COMPILATION_TIME()
    refs = TableRef(format="iceberg", name=f"lake.classes.t{uuid4().hex}"), TableRef(format="delta", path=str(tmp_path))
    compiled = []
    for batch in range(4):
        before = compilations.getCount()
        rows = [(key, f"{batch}", batch * 10 + key, "upsert") for key in range(5)]
        changes = spark.createDataFrame(rows, "id long, v string, _sequence long, _op string")
        for ref in refs:
            merge_current(open_table(spark, ref), changes, ChangeSpec(keys=("id",)))
        compiled.append(compilations.getCount() - before)
    assert compiled[-1] < 20, compiled


def test_a_platform_session_makes_no_methods_that_java_does_not_compile(spark: SparkSession) -> None:
    """The limit of Spark gives way to that of Java, which wide tables meet; one that was chosen stays."""
    warehouse = spark.sparkContext.getConf().get(WAREHOUSE)
    assert warehouse is not None
    (limit,) = METHOD_LIMIT
    found = []
    for before in ("65535", "20000"):
        spark.conf.set(limit, before)
        open_session(app_name="again", warehouse=warehouse)
        found.append(spark.conf.get(limit))
    spark.conf.set(limit, METHOD_LIMIT[limit])
    assert found == ["8000", "20000"]


@pytest.mark.usefixtures("spark")
def test_another_warehouse_is_refused(tmp_path: Path) -> None:
    """A session cannot change its warehouse, and writing to the old one unasked would be worse than an error."""
    with pytest.raises(ConfigError, match="stop it first"):
        open_session(app_name="other", warehouse=tmp_path)


def test_functions_are_not_sought_in_every_jar_again(spark: SparkSession) -> None:
    """The class behind `F.*` is looked up once: what a call asks of Java is already there in Python."""
    warehouse = spark.sparkContext.getConf().get(WAREHOUSE)
    assert warehouse is not None
    open_session(app_name="again", warehouse=warehouse)
    assert "functions" in vars(java_packages(spark))
