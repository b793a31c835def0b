"""The fault rig says the seed it runs with, and has a session that reaches a store which misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from fault_lake import FaultLake, Lakes, TableFormat
from fault_process import TINY
from fault_proxy import Proxy
from fault_results import SEED
from fault_store import running_store, store_conf, store_environment
from pyspark.sql import SparkSession

from lakehouse.runtime.session import WAREHOUSE, open_session

QUICK = {
    **TINY,
    "spark.master": "local[2,4]",  # a task is tried as often as on a cluster
    "spark.driver.extraJavaOptions": "-XX:ReservedCodeCacheSize=512m -XX:+UseSerialGC",
}


def pytest_report_header() -> str:
    """The line that a run is repeated from."""
    return f"faults: FAULTS_SEED={SEED}"


@pytest.fixture(params=get_args(TableFormat))
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> FaultLake:
    """A lake with a warehouse of its own."""
    return FaultLake(folder=tmp_path, warehouse=tmp_path / "warehouse", zone="faults", format=request.param)


@pytest.fixture(scope="session")
def store() -> Iterator[Proxy]:
    """An object store behind a proxy that spoils what it is told to."""
    with running_store() as proxy, pytest.MonkeyPatch.context() as patch:
        for name, value in store_environment(proxy).items():
            patch.setenv(name, value)
        yield proxy


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory, store: Proxy) -> Iterator[SparkSession]:
    """A local session as the suite's, quick on tiny tables, that reaches the store as well."""
    folder = tmp_path_factory.mktemp("warehouse")
    conf = QUICK | store_conf(store, folder)
    session = open_session(app_name="faults", warehouse=folder, features=("core", "s3"), conf=conf)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def lakes(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lakes:
    """Fresh lakes in the warehouse of the session."""
    warehouse = Path(str(spark.conf.get(WAREHOUSE)))
    return Lakes(warehouse=warehouse, new_folder=lambda: tmp_path_factory.mktemp("lake"))
