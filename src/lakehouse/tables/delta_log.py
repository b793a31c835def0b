"""What the newest version of a Delta table is, and what its commits carry, told by Delta's own log. Runs no Spark job where the log is known."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Row, SparkSession

from lakehouse.tables.jvm import FAILURES, java_causes, java_session, java_static, texts
from lakehouse.tables.protocol import TableRef

_MISSING = "java.io.FileNotFoundException"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaState:
    """The newest `version` of a table, its `identity`, which lasts as long as the table, and the `folder` it lies in."""

    version: int
    identity: str
    folder: str


def read_state(spark: SparkSession, ref: TableRef, target: str) -> DeltaState:
    """Look at the log of the table that is `target` in SQL, and there."""
    log, snapshot = _newest(spark, ref, target)
    return DeltaState(
        version=int(snapshot.version()), identity=str(snapshot.metadata().id()), folder=str(log.dataPath())
    )


def read_properties(spark: SparkSession, ref: TableRef, target: str) -> dict[str, str]:
    """The properties of the table that is `target` in SQL, the features of its protocol among them.

    Raises:
        AnalysisException: there is no such table.
    """
    _, snapshot = _newest(spark, ref, target)
    if int(snapshot.version()) < 0:  # what Delta has of any folder, before the first commit
        spark.table(target)
    as_java = java_static(spark, "scala.collection.JavaConverters.mapAsJavaMap")
    return texts(spark, as_java(snapshot.getProperties()))


def read_commits(
    spark: SparkSession, ref: TableRef, target: str, *, after: int, limit: int, most: int
) -> list[Row] | None:
    """The newest commits after a version, newest first, as `DESCRIBE HISTORY` tells them, from the files of the log.

    A file is one small read, where `DESCRIBE HISTORY` plans and runs a query. A commit's time is the one it carries (in-commit
    timestamps), else that of its file, as Delta has it.

    Returns:
        None where there is no table, where these are more than `most` commits, or where a file is not in the log's folder
        (cleaned up, or kept elsewhere by a commit coordinator): Delta knows what to do.
    """
    log, snapshot = _newest(spark, ref, target)
    newest = int(snapshot.version())
    versions = range(newest, max(after, newest - limit, -1), -1)
    if newest < 0 or len(versions) > most:
        return None
    files = log.logPath().getFileSystem(log.newDeltaHadoopConf())
    try:
        commits = [_read_commit(spark, files, log.logPath(), version) for version in versions]
    except FAILURES as error:
        if _MISSING in java_causes(error):
            return None
        raise
    return list(reversed(_one_after_the_other(reversed(commits))))


def _newest(spark: SparkSession, ref: TableRef, target: str) -> tuple[Any, Any]:
    """The log of a table and its newest snapshot."""
    if ref.path is not None:
        folder: Any = java_static(spark, "org.apache.hadoop.fs.Path")(ref.path)
    else:
        named = java_static(spark, "io.delta.tables.DeltaTable.forName")(java_session(spark), target)
        folder = named.deltaLog().dataPath()
    found = java_static(spark, "org.apache.spark.sql.delta.DeltaLog.forTableWithSnapshot")(java_session(spark), folder)
    return found.productElement(0), found.productElement(1)


def _read_commit(spark: SparkSession, files: Any, log_folder: Any, version: int) -> Row:
    """What one file of the log says of its commit.

    The format of the file: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#commit-provenance-information
    """
    file = java_static(spark, "org.apache.hadoop.fs.Path")(log_folder, f"{version:020d}.json")
    told = _commit_info(spark, files.open(file))
    return Row(
        version=version,
        millis=told.get("inCommitTimestamp") or int(files.getFileStatus(file).getModificationTime()),
        operation=told.get("operation"),
        operationParameters=_texts(told.get("operationParameters")),
        operationMetrics=_texts(told.get("operationMetrics")),
        userMetadata=told.get("userMetadata"),
    )


def _commit_info(spark: SparkSession, stream: Any) -> dict[str, Any]:
    """The action of a commit that is about itself: the first one of Delta's own, anywhere in those of others; else empty."""
    decoded = java_static(spark, "java.io.InputStreamReader")(stream, "UTF-8")
    reader = java_static(spark, "java.io.BufferedReader")(decoded)
    try:
        while (line := reader.readLine()) is not None:
            if '"commitInfo"' in line and (told := json.loads(line).get("commitInfo")) is not None:
                return dict(told)
    finally:
        reader.close()
    return {}


def _texts(told: dict[str, Any] | None) -> dict[str, str | None] | None:
    """Values as text, which Delta makes of the numbers that others write."""
    if told is None:
        return None
    return {
        name: value if value is None or isinstance(value, str) else json.dumps(value) for name, value in told.items()
    }


def _one_after_the_other(commits: Iterable[Row]) -> list[Row]:
    """Commits, oldest first, at times that grow: where a clock was behind, a millisecond after the one before, as Delta has it."""
    ordered: list[Row] = []
    for commit in commits:
        earliest = ordered[-1].millis + 1 if ordered else commit.millis
        ordered.append(Row(**{**commit.asDict(), "millis": max(commit.millis, earliest)}))
    return ordered
