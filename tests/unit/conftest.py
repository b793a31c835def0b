"""A test has Spark because it asks for it, whichever tests ran before."""

from __future__ import annotations

import pytest
from pyspark import SparkContext


@pytest.fixture(autouse=True)
def _spark_for_who_asks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the session of the suite from tests that do not name it: in another order it might not be there yet."""
    if "spark" not in request.fixturenames:
        monkeypatch.setattr(SparkContext, "_active_spark_context", None)
