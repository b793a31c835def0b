"""Properties inside an Iceberg commit, for every kind of statement, on Iceberg 1.10 and 1.11 alike.

The write option `snapshot-property.*` does not exist for MERGE, and the session setting of that name reaches a MERGE only from
1.11 on. `CommitMetadata.withCommitProperties` reaches all of them: it runs a `Callable` on the calling thread, and Spark commits
on that thread too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import local
from typing import Any

from py4j.clientserver import ClientServer
from pyspark.sql import SparkSession

from lakehouse.errors import PreflightError
from lakehouse.tables.jvm import java_static


class _Statement(local):
    """The statement this thread is about to run, callable from Java. One object for all, as py4j never lets go of one."""

    run: Callable[[], Any] | None = None
    failure: BaseException | None = None

    def call(self) -> None:
        """Run it; a failure is kept, as Java would turn it into one of its own."""
        try:
            if self.run is not None:
                self.run()
        except BaseException as error:  # noqa: BLE001 - raised again on the other side of Java
            self.failure = error

    class Java:
        """What py4j reads."""

        implements = ("java.util.concurrent.Callable",)


_STATEMENT = _Statement()


def with_commit_properties(spark: SparkSession, properties: Mapping[str, str], run: Callable[[], Any]) -> None:
    """Run one statement; the snapshot it commits carries the properties.

    Raises:
        PreflightError: Python and Java threads are not pinned to each other.
    """
    if not isinstance(spark.sparkContext._gateway, ClientServer):  # noqa: SLF001 - nothing public tells
        msg = (
            "Iceberg commits need Python threads pinned to Java threads: unset PYSPARK_PIN_THREAD (true is its default)"
        )
        raise PreflightError(msg)
    entries = java_static(spark, "java.util.HashMap")()
    for key, value in properties.items():
        entries.put(key, value)
    _STATEMENT.run, _STATEMENT.failure = run, None
    try:
        java_static(spark, "org.apache.iceberg.spark.CommitMetadata.withCommitProperties")(
            entries, _STATEMENT, java_static(spark, "java.lang.Class.forName")("java.lang.RuntimeException")
        )
        failure = _STATEMENT.failure
    finally:
        _STATEMENT.run = _STATEMENT.failure = None
    if failure is not None:
        raise failure
