"""Audit columns."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import ConfigError
from lakehouse.transforms import with_audit_columns

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_rows_say_where_they_came_from(spark: SparkSession) -> None:
    """Run, time and batch are added behind the columns, and those of an earlier run are replaced."""
    first = with_audit_columns(spark.range(1), run_id="r1", loaded_at=AT, batch=7)
    again = with_audit_columns(first, run_id="r2", loaded_at=AT)
    assert first.columns == ["id", "_run_id", "_loaded_at", "_batch"]
    assert first.dtypes[-1] == ("_batch", "bigint")
    assert [tuple(row) for row in again.collect()] == [(0, 7, "r2", AT.replace(tzinfo=None))]


def test_a_time_without_a_zone_is_refused(spark: SparkSession) -> None:
    """A clock that names no zone is no point in time."""
    with pytest.raises(ConfigError, match="no time zone"):
        with_audit_columns(spark.range(1), run_id="r1", loaded_at=AT.replace(tzinfo=None))
