"""One Spark session for the whole suite, which doctests that say `spark` share."""

from __future__ import annotations

import ast
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.doctest import DoctestItem
from hypothesis import settings
from pyspark.sql import SparkSession
from spark_settings import INTERPRETED

from lakehouse.runtime.jars import CORE, Feature, find_runtime
from lakehouse.runtime.session import open_session

os.environ["TZ"] = "UTC"  # Python turns collected timestamps into the zone of its process
time.tzset()

settings.register_profile("suite", deadline=None)  # how long Spark takes says nothing of an example
settings.load_profile("suite")

HAS_DEEQU = "deequ" in find_runtime().bundles
FEATURES: tuple[Feature, ...] = (*CORE, "deequ") if HAS_DEEQU else CORE
collect_ignore = [] if HAS_DEEQU else ["tests/deequ"]  # there are no jars of Deequ for Spark 4.1

# Java's optimizing compiler pays in a suite of this length, but for what runs often, and needs room for it.
JAVA_OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:ReservedCodeCacheSize=512m",
    "-XX:Tier4InvocationThreshold=20000",
    "-XX:Tier4MinInvocationThreshold=2400",
    "-XX:Tier4CompileThreshold=60000",
    "-XX:Tier4BackEdgeThreshold=160000",
)
SUITE_CONF = {
    "spark.master": "local[2]",
    "spark.default.parallelism": "2",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
    # Nearly every test makes plans of its own. Tests of properties, and the jobs that tests start, run compiled.
    **INTERPRETED,
    "spark.driver.extraJavaOptions": " ".join(JAVA_OPTIONS),
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A local session with Delta by path and Iceberg in the catalog `lake`, both in a folder of its own."""
    warehouse = tmp_path_factory.mktemp("warehouse")
    session = open_session(app_name="tests", warehouse=warehouse, features=FEATURES, conf=SUITE_CONF)
    yield session
    session.stop()


@pytest.fixture(autouse=True)
def _spark_for_doctests(request: pytest.FixtureRequest, doctest_namespace: dict[str, Any]) -> None:
    """Start Spark only for doctests that use it."""
    node = request.node
    examples = node.dtest.examples if isinstance(node, DoctestItem) else []
    names = (name for example in examples for name in ast.walk(ast.parse(example.source)))
    if any(isinstance(name, ast.Name) and name.id == "spark" for name in names):
        doctest_namespace["spark"] = request.getfixturevalue("spark")
