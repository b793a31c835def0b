"""The engine of a ruleset is chosen, and an engine that is not there says what to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import ConfigError
from lakehouse.runtime import deequ
from lakehouse.runtime.evaluation import evaluate
from lakehouse.runtime.jars import RUNTIMES


def test_deequ_is_had_on_spark_3_5_alone(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Spark 4.1 the error names the Spark that has it, before anything is asked."""
    monkeypatch.setattr(deequ, "find_runtime", lambda: RUNTIMES["4.1"])
    with pytest.raises(ConfigError, match=r"there are no jars for deequ on Spark 4\.1, only on Spark 3\.5"):
        evaluate(spark.range(1), "Rules = [RowCount = 1]", as_of=datetime.now(UTC), engine="deequ")
