"""The few doors into the JVM that SQL does not have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

FAILURES = (PySparkException, Py4JError)
"""How failures of Spark, of Hadoop, and of the JVM at large arrive in Python."""


def keep_text(spark: SparkSession) -> None:
    """Let a session take the text of statements as it is.

    Spark puts settings and the environment in place of `${...}`, in quoted names and texts as well: a column of a landed file
    called `${env:SECRET}` would tell the secret.
    """
    spark.conf.set("spark.sql.variable.substitute", "false")


def java_session(spark: SparkSession) -> Any:
    """The JVM's own session object."""
    return spark._jsparkSession  # noqa: SLF001 - the only handle there is


def java_packages(spark: SparkSession) -> Any:
    """The root of the JVM's packages: `java_packages(spark).java.util.HashMap()`."""
    return spark._jvm  # noqa: SLF001 - the only handle there is


def activate(spark: SparkSession) -> None:
    """Make a session the active one of this thread."""
    _active_sessions(spark).setActiveSession(java_session(spark))


@contextmanager
def acting(spark: SparkSession) -> Iterator[None]:
    """Make a session the active one of this thread, as far as the block goes.

    Spark 3.5 makes columns by the settings of the active session, ANSI mode for one, whichever session has the frame they are for.
    """
    sessions = _active_sessions(spark)
    before = sessions.getActiveSession()
    activate(spark)
    try:
        yield
    finally:
        if before.isDefined():
            sessions.setActiveSession(before.get())
        else:
            sessions.clearActiveSession()


def _active_sessions(spark: SparkSession) -> Any:
    """The class that knows each thread's active session; it differs between Spark 3 and 4."""
    name = str(java_session(spark).getClass().getName())
    return reduce(getattr, name.split("."), java_packages(spark))


def java_causes(error: BaseException) -> list[str]:
    """Class names of a Java failure and of everything that caused it, outermost first; empty when it is not Java's.

    >>> java_causes(ValueError("python"))
    []
    """
    thrown: Any = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    names: list[str] = []
    while thrown is not None and len(names) < _DEEPEST:
        names.append(str(thrown.getClass().getName()))
        thrown = thrown.getCause()
    return names


_DEEPEST = 30
"""Causes may form a ring; nobody nests failures deeper than this."""
