"""Threads of a job work as the one that started them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from spark_settings import settings

from lakehouse.runtime.threads import WORKERS, workers


def overflows(spark: SparkSession) -> bool:
    """Whether a sum that overflows is an error, of columns that are made here."""
    try:
        spark.range(1).select(F.lit(2_147_483_647) + F.lit(1)).collect()
    except Exception as error:  # noqa: BLE001 - which class it is depends on the Spark
        return "ARITHMETIC_OVERFLOW" in str(error)
    return False


def test_columns_are_made_by_the_settings_of_the_session(spark: SparkSession) -> None:
    """ANSI mode on and off, also of a session that is not the default one."""
    other = spark.newSession()
    for session in (spark, other):
        for ansi in (True, False):
            with settings(session, {"spark.sql.ansi.enabled": str(ansi).lower()}), workers(session) as pool:
                assert set(pool.map(overflows, [session] * WORKERS)) == {ansi}


def test_spark_jobs_are_as_the_callers(spark: SparkSession) -> None:
    """Local properties say of what group and pool a Spark job is; what a thread says of its own jobs stays there."""
    context, name = spark.sparkContext, "spark.lakehouse.of"
    context.setLocalProperty(name, "the nightly run")
    with workers(spark) as pool:
        assert pool.submit(context.getLocalProperty, name).result() == "the nightly run"
        pool.submit(context.setLocalProperty, name, "mine").result()
    assert context.getLocalProperty(name) == "the nightly run"


def test_any_other_thread_goes_by_the_defaults_of_spark(spark: SparkSession) -> None:
    """The control: what these threads are for. Spark 4 settles what a column does only when it is in a frame."""
    with settings(spark, {"spark.sql.ansi.enabled": "true"}), ThreadPoolExecutor(max_workers=1) as pool:
        on = pool.submit(overflows, spark).result()
    with settings(spark, {"spark.sql.ansi.enabled": "false"}), ThreadPoolExecutor(max_workers=1) as pool:
        off = pool.submit(overflows, spark).result()
    assert (on, off) == (not spark.version.startswith("3."), False)
