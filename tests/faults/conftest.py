"""The fault rig says the seed it runs with, and makes the suite's session quick on tiny tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_lake import Lakes
from fault_results import SEED
from pyspark.sql import SparkSession

from lakehouse.runtime.session import WAREHOUSE

TINY = {"spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.codegen.wholeStage": "false"}
"""Compiling a plan takes longer than a dozen rows do."""


def pytest_report_header() -> str:
    """The line that a run is repeated from."""
    return f"faults: FAULTS_SEED={SEED}"


@pytest.fixture(scope="module")
def lakes(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lakes]:
    """Fresh lakes in the warehouse of the session."""
    before = {name: str(spark.conf.get(name)) for name in TINY}
    for name, value in TINY.items():
        spark.conf.set(name, value)
    warehouse = Path(str(spark.conf.get(WAREHOUSE)))
    yield Lakes(warehouse=warehouse, new_folder=lambda: tmp_path_factory.mktemp("lake"))
    for name, value in before.items():
        spark.conf.set(name, value)
