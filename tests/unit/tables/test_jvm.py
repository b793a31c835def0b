"""What is asked of the JVM directly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from py4j.protocol import Py4JError
from pyspark.sql import SparkSession
from spark_settings import settings

from lakehouse.tables.jvm import FAILURES, acting, java_condition, java_session, java_static, texts


def active(spark: SparkSession) -> str | None:
    """Which session is the active one of this thread, by a setting that tells it; PySpark would say what it thinks itself."""
    kind = str(java_session(spark).getClass().getName())
    found = java_static(spark, f"{kind}.getActiveSession")()
    return str(found.get().conf().get("test.which")) if found.isDefined() else None


def test_names_are_found_once(spark: SparkSession) -> None:
    """Classes and static methods alike; asked for again, they are the same object."""
    assert java_static(spark, "java.lang.Math.abs")(-3) == 3
    assert java_static(spark, "java.lang.StringBuilder")("ab").reverse().toString() == "ba"
    assert java_static(spark, "java.lang.Math.abs") is java_static(spark, "java.lang.Math.abs")


@pytest.mark.parametrize(
    "name", ["org.nowhere.Nothing", "java.lang.Nothing.abs", "java.lang.Math.nothing", "java.lang"]
)
def test_what_is_not_there_is_an_error_each_time(spark: SparkSession, name: str) -> None:
    """Also a package, which py4j would take for a class that cannot be called."""
    for _ in range(2):
        with pytest.raises(Py4JError, match="does not exist in the JVM"):
            java_static(spark, name)


def test_texts_come_as_they_are(spark: SparkSession) -> None:
    """Empty ones, quotes, line ends, control characters, and letters beyond the basic plane; and a map of none."""
    entries = {"": "empty", "a=b": "", 'it"s \\ {x}': "1\n2\r\t\x00\x1f", "ä€": "𝄞"}
    java = java_static(spark, "java.util.HashMap")()
    assert texts(spark, java) == {}
    for name, value in entries.items():
        java.put(name, value)
    assert texts(spark, java) == entries


def test_a_session_acts_as_far_as_the_block_goes(spark: SparkSession) -> None:
    """Whether another one was active before, the same one, or none; also when the block fails."""
    other = spark.newSession()
    for session, name in ((spark, "one"), (other, "other")):
        session.conf.set("test.which", name)

    def fail(seen: list[str | None]) -> None:
        with acting(spark):
            seen.append(active(spark))
            seen.append(str(1 / 0))

    def work() -> list[str | None]:
        seen = [active(spark)]
        with acting(other):
            seen.append(active(spark))
            with acting(other):
                seen.append(active(spark))
            seen.append(active(spark))
            with pytest.raises(ZeroDivisionError):
                fail(seen)
            seen.append(active(spark))
        return [*seen, active(spark)]

    try:
        with ThreadPoolExecutor(max_workers=1) as pool:
            assert pool.submit(work).result() == [None, "other", "other", "other", "one", "other", None]
        with acting(spark):
            assert active(spark) == "one"
    finally:
        spark.conf.unset("test.which")


def test_failures_are_told_by_their_kind(spark: SparkSession) -> None:
    """By the class that Spark gave the cause, however deep, and by Java's where it is none of Spark's; never by a value."""
    writing = spark.range(1, 2).selectExpr("1 / (id - id)").write.format("noop").mode("overwrite")
    with settings(spark, {"spark.sql.ansi.enabled": "true"}), pytest.raises(FAILURES) as divided:
        writing.save()
    with pytest.raises(FAILURES) as unread:
        java_static(spark, "java.io.FileInputStream")("/nowhere at all")
    with pytest.raises(FAILURES) as unknown:
        spark.sql("SELECT nothing FROM nobody")
    found = [java_condition(one.value) for one in (divided, unread, unknown)]
    assert found == ["DIVIDE_BY_ZERO", "FileNotFoundException", "TABLE_OR_VIEW_NOT_FOUND"]
    assert java_condition(ZeroDivisionError("python")) is None
