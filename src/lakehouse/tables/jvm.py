"""The few doors into the JVM that SQL does not have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, reduce
from typing import Any, cast

import pyspark
from py4j.java_gateway import JavaPackage, JVMView
from py4j.protocol import Py4JError, Py4JNetworkError
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


def java_static(spark: SparkSession, name: str) -> Any:
    """A class of the JVM, or a static method of one, by its full name: `java_static(spark, "java.lang.Math.abs")(-1)`.

    Looked for once: through `java_packages` every part of the name is a question to the JVM each time.

    Raises:
        Py4JError: there is none.
    """
    return _java_static(java_packages(spark), name)


@lru_cache(maxsize=64)
def _java_static(packages: JVMView, name: str) -> Any:
    found = reduce(getattr, name.split("."), packages)
    if isinstance(found, JavaPackage):  # what py4j takes every unknown name for
        msg = f"{name} does not exist in the JVM"
        raise Py4JError(msg)
    return found


def texts(spark: SparkSession, entries: Any) -> dict[str, str]:
    """A map of texts of the JVM's, as one text: walking through it asks the JVM several times for each entry."""
    mapper = java_static(spark, "com.fasterxml.jackson.databind.ObjectMapper")()
    return dict(json.loads(mapper.writeValueAsString(entries)))


def activate(spark: SparkSession) -> None:
    """Make a session the active one of this thread."""
    java_static(spark, f"{_SESSIONS}.setActiveSession")(java_session(spark))


@contextmanager
def acting(spark: SparkSession) -> Iterator[None]:
    """Make a session the active one of this thread, as far as the block goes.

    Spark 3.5 makes columns by the settings of the active session, ANSI mode for one, whichever session has the frame they are for.
    """
    before = java_static(spark, f"{_SESSIONS}.getActiveSession")()
    if before.contains(java_session(spark)):
        yield
        return
    activate(spark)
    try:
        yield
    finally:
        if before.isDefined():
            java_static(spark, f"{_SESSIONS}.setActiveSession")(before.get())
        else:
            java_static(spark, f"{_SESSIONS}.clearActiveSession")()


_SESSIONS = f"org.apache.spark.sql.{'' if pyspark.__version__ < '4' else 'classic.'}SparkSession"
"""The class that knows each thread's active session."""


def java_causes(error: BaseException) -> list[str]:
    """Class names of a Java failure and of everything that caused it, outermost first; empty when it is not Java's.

    >>> java_causes(ValueError("python"))
    []
    """
    return [str(thrown.getClass().getName()) for thrown in _thrown(error)]


def java_condition(error: BaseException) -> str | None:
    """What a Java failure is, in a word that holds no values; None when it is not Java's.

    The error class of the innermost cause that Spark gave one, such as `ARITHMETIC_OVERFLOW`, else what the innermost is called.

    >>> java_condition(ValueError("python"))
    """
    try:
        causes = list(reversed(_thrown(error)))
        named = next(filter(None, map(_error_class, causes)), None)
        return named or (str(causes[0].getClass().getSimpleName()) if causes else None)
    except Py4JError:  # the JVM is gone, which may be what has failed
        return None


def _error_class(thrown: Any) -> str | None:
    try:
        return cast("str | None", thrown.getErrorClass())
    except Py4JNetworkError:
        raise
    except Py4JError:  # it is none of Spark's
        return None


def _thrown(error: BaseException) -> list[Any]:
    """A Java failure and everything that caused it, outermost first."""
    thrown: Any = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    found: list[Any] = []
    while thrown is not None and len(found) < _DEEPEST:
        found.append(thrown)
        thrown = thrown.getCause()
    return found


_DEEPEST = 30
"""Causes may form a ring; nobody nests failures deeper than this."""
