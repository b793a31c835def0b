"""Threads that work on tables side by side."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import SparkSession

from lakehouse.tables.jvm import activate, java_session

WORKERS = min(max(os.cpu_count() or 2, 2), 8)
"""Tables merged at a time: planning keeps a core of the driver busy, the executors do the rest meanwhile."""


def workers(spark: SparkSession) -> ThreadPoolExecutor:
    """Threads in which columns are made by the settings of a session, and Spark jobs are in the caller's job group and pool.

    In a thread that Spark never saw, Spark 3.5 makes columns by its defaults: a sum that overflows is a wrong number there, though
    the session has ANSI mode on.
    """
    context = java_session(spark).sparkContext()
    properties = context.getLocalProperties()

    def prepare() -> None:
        activate(spark)
        context.setLocalProperties(properties.clone())  # one for each thread, which keeps its own query in it

    return ThreadPoolExecutor(max_workers=WORKERS, initializer=prepare)
