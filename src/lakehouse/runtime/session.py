"""The Spark session: the platform's own where there is one, else a laptop session that needs no set-up."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from pathlib import Path

import pyspark
from pyspark import SparkContext
from pyspark.sql import SparkSession

from lakehouse.errors import ConfigError
from lakehouse.runtime.jars import CORE, Feature, cache_folder, find_jars, find_runtime
from lakehouse.runtime.java import find_java, java_options
from lakehouse.runtime.sqlite_catalog import make_tables, without_initialization
from lakehouse.tables.jvm import java_packages

DELTA_EXTENSION = "io.delta.sql.DeltaSparkSessionExtension"
ICEBERG_EXTENSION = "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
DELTA_CATALOG = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
ICEBERG_CATALOG = "org.apache.iceberg.spark.SparkCatalog"

WAREHOUSE = "spark.lakehouse.warehouse"
"""Setting that marks a laptop session and holds the warehouse it was opened with."""

JAVA_OPTIONS = "spark.driver.extraJavaOptions"
CLASS_PATH = "spark.driver.extraClassPath"
OLD_DATES = {
    "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
}
"""As Spark 4 has it by default: Spark 3.5 fails the write at a timestamp before 1900 or a date before 1582."""
METHOD_LIMIT = {"spark.sql.codegen.hugeMethodLimit": "8000"}
"""Bytes of code. Of a longer method Java makes no machine code, so Spark should not put all of a stage into it; it does up to 65535."""
GENERATED_CLASSES = {"spark.sql.codegen.cache.maxEntries": "2000"}
"""Classes that Spark keeps of what it generated: a merge has about a hundred, the default, which the next one would find none of."""
_DEFAULTS = {**dict.fromkeys(OLD_DATES, "EXCEPTION"), **dict.fromkeys(METHOD_LIMIT, "65535")}
"""What a session has of these where nobody chose."""


def open_session(
    *,
    app_name: str,
    warehouse: str | Path,
    catalog: str = "lake",
    features: Collection[Feature] = CORE,
    conf: Mapping[str, str] | None = None,
) -> SparkSession:
    """Open the Spark session of this process.

    Where a platform runs the session (spark-submit, AWS Glue, EMR, a notebook with a context), it is returned as it is:
    its settings belong to whoever submits, and static ones set here would be reported but not applied. Only old dates,
    which Spark 3.5 refuses to write unless it is told how, are then written as they are. Otherwise a
    laptop session starts as `local_conf` says, with Java and jars found or fetched. A second call returns the same one.

    Args:
        app_name: name of the application.
        warehouse: folder for tables and catalogs; made when missing. Laptop only.
        catalog: name of the Iceberg catalog. Laptop only.
        features: what the jars must serve. Laptop only.
        conf: settings that win over those of `local_conf`; Java options and class path are added instead. Laptop only.

    Raises:
        ConfigError: no Java, no jars, or this process has a laptop session on another warehouse.
    """
    folder = Path(warehouse).expanduser().resolve()
    if is_submitted():
        spark = SparkSession.builder.appName(app_name).getOrCreate()
        _refuse_other_warehouse(spark, folder)
        make_tables(spark.sparkContext.getConf().getAll())
        _improve(spark)
        _remember_functions(spark)
        return spark
    runtime = find_runtime()
    java = find_java(versions=runtime.java, wheel=runtime.java_wheel)
    settings = local_conf(
        warehouse=folder,
        catalog=catalog,
        jars=find_jars(runtime, features, java=java),
        java_options=java_options(java, cache=cache_folder()),
        conf=conf,
    )
    folder.mkdir(parents=True, exist_ok=True)
    make_tables(settings.items())
    os.environ |= _local_environment(java.home)
    builder = SparkSession.builder.appName(app_name)
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    _remember_functions(spark)
    return spark


def _remember_functions(spark: SparkSession) -> None:
    """Spare every call of `F.*` a search: PySpark 3.5 asks Java for a class named `functions`, which looks into all jars."""
    packages = java_packages(spark)
    packages.functions = packages.functions


def _improve(spark: SparkSession) -> None:
    """Write old dates as they are, one of which must not fail a whole batch, and limit methods, unless the platform chose."""
    for name, value in (OLD_DATES | METHOD_LIMIT).items():
        if spark.conf.get(name, _DEFAULTS[name]) == _DEFAULTS[name]:
            spark.conf.set(name, value)


def is_submitted() -> bool:
    """Whether this process has a Spark context already, or a submitter (spark-submit, Glue, EMR) holds one ready."""
    return SparkContext._active_spark_context is not None or "PYSPARK_GATEWAY_PORT" in os.environ  # noqa: SLF001 - no public way


def local_conf(
    *,
    warehouse: Path,
    catalog: str = "lake",
    jars: Sequence[Path] = (),
    java_options: Sequence[str] = (),
    conf: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """List the settings of a laptop session: Delta by path, Iceberg in a catalog on a SQLite file in the warehouse.

    Args:
        warehouse: absolute folder; blanks and any letters are fine.
        catalog: name of the Iceberg catalog.
        jars: jar files for the class path.
        java_options: options for the JVM.
        conf: settings that win over these; Java options and class path are added to these instead.

    Raises:
        ConfigError: the warehouse is not absolute, or a jar's path holds the class path separator.
    """
    if not warehouse.is_absolute():
        msg = f"the warehouse must be an absolute folder, not {warehouse}"
        raise ConfigError(msg)
    given = dict(conf or {})
    options = [*_driver_options(java_options), *filter(None, [given.pop(JAVA_OPTIONS, "")])]
    class_path = [*_class_path(jars), *filter(None, [given.pop(CLASS_PATH, "")])]
    settings = {
        "spark.master": "local[*]",
        **_quiet_conf(),
        **_sql_conf(warehouse),
        **_catalog_conf(warehouse, catalog),
        WAREHOUSE: str(warehouse),
        JAVA_OPTIONS: " ".join(options),
        CLASS_PATH: os.pathsep.join(class_path),
        **given,
    }
    return {**without_initialization(settings), **settings}


def _quiet_conf() -> dict[str, str]:
    """Keep to this machine and leave the terminal to the job."""
    return {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "3g",  # a ceiling: the JVM takes what it needs
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }


def _sql_conf(warehouse: Path) -> dict[str, str]:
    """Set what decides results (zone, ANSI), and sizes that fit small tables."""
    return {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.warehouse.dir": _hadoop_uri(warehouse / "spark"),
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.shuffle.partitions": str(min(os.cpu_count() or 2, 8)),
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",  # VACUUM would list with 10,000 tasks
        "spark.databricks.delta.snapshotPartitions": "2",  # the default of 50 makes 50 tasks of every small table
        **OLD_DATES,
        **METHOD_LIMIT,
        **GENERATED_CLASSES,
    }


def _catalog_conf(warehouse: Path, catalog: str) -> dict[str, str]:
    """Load both formats; the Iceberg catalog is a SQLite file, which PyIceberg reads as well."""
    name = f"spark.sql.catalog.{catalog}"
    return {
        "spark.sql.extensions": f"{DELTA_EXTENSION},{ICEBERG_EXTENSION}",
        "spark.sql.catalog.spark_catalog": DELTA_CATALOG,
        name: ICEBERG_CATALOG,
        f"{name}.type": "jdbc",
        f"{name}.uri": f"jdbc:sqlite:{(warehouse / 'catalog.db').as_uri()}",
        f"{name}.jdbc.schema-version": "V1",
        f"{name}.jdbc.busy_timeout": "30000",  # milliseconds a writer waits for another one's commit
        f"{name}.warehouse": _hadoop_uri(warehouse / "iceberg"),
    }


def _hadoop_uri(folder: Path) -> str:
    """Write a folder as Hadoop reads paths: a URI whose letters stand for themselves, not percent-encoded."""
    return f"file://{folder.as_posix()}"


def _driver_options(extra: Sequence[str]) -> list[str]:
    logging = Path(str(resources.files("lakehouse.runtime") / "log4j2.properties")).as_uri()
    options = (f"-Dlog4j2.configurationFile={logging}", "-Duser.timezone=UTC", *extra)
    return [shlex.quote(option) for option in options]


def _class_path(jars: Sequence[Path]) -> list[str]:
    split = [str(jar) for jar in jars if os.pathsep in str(jar)]
    if split:
        msg = f"a class path cannot hold {', '.join(split)}: move the jars to a folder without {os.pathsep!r}"
        raise ConfigError(msg)
    return [str(jar) for jar in jars]


def _local_environment(java_home: Path) -> dict[str, str]:
    """Tie driver, workers and Spark to this Python and its pyspark, whatever else is installed."""
    return {
        "JAVA_HOME": str(java_home),
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }


def _refuse_other_warehouse(spark: SparkSession, folder: Path) -> None:
    """A laptop session keeps its warehouse: a second one would write to the first without a word."""
    current = spark.sparkContext.getConf().get(WAREHOUSE, str(folder))
    if current != str(folder):
        msg = f"this process has a session on the warehouse {current}, not {folder}; stop it first, or use the same warehouse"
        raise ConfigError(msg)
