"""Where a Delta table may be: a folder, or a name in the catalog. Runs no Spark job."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from lakehouse.errors import ConfigError
from lakehouse.tables import statements
from lakehouse.tables.jvm import java_session, java_static
from lakehouse.tables.protocol import TableRef

_LOG = "_delta_log"


def qualified(spark: SparkSession, path: str) -> str:
    """The path in full, so that it means the same in SQL as to a reader."""
    file_system, folder = _folder(spark, path)
    return str(file_system.makeQualified(folder).toString())


def is_delta_folder(spark: SparkSession, path: str) -> bool:
    """Whether the folder has a Delta log with anything in it.

    Raises:
        ConfigError: the folder holds something else.
    """
    file_system, folder = _folder(spark, path)
    if not file_system.exists(folder):
        return False
    inside = {status.getPath().getName() for status in file_system.listStatus(folder)}
    log = java_static(spark, "org.apache.hadoop.fs.Path")(folder, _LOG)
    if _LOG in inside and len(file_system.listStatus(log)) > 0:
        return True
    if inside - {_LOG}:
        msg = f"{path} holds something that is not a Delta table; choose an empty or a new folder"
        raise ConfigError(msg)
    return False


def is_delta_name(spark: SparkSession, target: str) -> bool:
    """Whether the catalog has a Delta table of that (quoted) name.

    Raises:
        ConfigError: the name is that of something else.
    """
    if not spark.catalog.tableExists(target):
        return False
    described = spark.sql(f"DESCRIBE TABLE EXTENDED {target}").collect()
    providers = [row.data_type for row in described if row.col_name == "Provider"]
    if providers[-1:] != ["delta"]:  # the last one: a column may have that name too
        msg = f"{target} is not a Delta table; open it by its own format, or choose another name"
        raise ConfigError(msg)
    return True


def _folder(spark: SparkSession, path: str) -> tuple[Any, Any]:
    """The Hadoop file system and the Hadoop path of a folder."""
    folder = java_static(spark, "org.apache.hadoop.fs.Path")(path)
    return folder.getFileSystem(java_session(spark).sessionState().newHadoopConf()), folder


def beside(ref: TableRef, suffix: str) -> TableRef:
    """The table whose path or name ends in `suffix` as well."""
    if ref.path is not None:
        return TableRef(format="delta", path=ref.path.rstrip("/") + suffix)
    *namespace, name = statements.name_parts(ref.identifier)
    return TableRef(format="delta", name=statements.quoted_name((*namespace, name + suffix)))
