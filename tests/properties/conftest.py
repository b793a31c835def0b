"""Properties are held against what Spark compiles of a plan, as every session but the suite's does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

COMPILED = {"spark.sql.codegen.factoryMode": "FALLBACK", "spark.sql.codegen.wholeStage": "true"}
"""The defaults of Spark."""


@pytest.fixture(autouse=True, scope="module")
def _compiled(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compile plans during the tests of a module, if any of them needs a session."""
    mine = [item for item in request.session.items if item.path == request.path]
    if not any("spark" in getattr(item, "fixturenames", ()) for item in mine):
        yield
        return
    spark: SparkSession = request.getfixturevalue("spark")
    before = {name: str(spark.conf.get(name)) for name in COMPILED}
    for name, value in COMPILED.items():
        spark.conf.set(name, value)
    yield
    for name, value in before.items():
        spark.conf.set(name, value)
