"""What a daily run leaves to the other Spark: each of them tries one format where both take long, and the exhaustive tests all."""

from __future__ import annotations

from typing import Any

import pyspark
import pytest

from lakehouse.tables.protocol import Format

SHARE: Format = "iceberg" if pyspark.__version__.startswith("3.") else "delta"
"""The format that the daily run of this Spark tries."""
OTHER: Format = "delta" if SHARE == "iceberg" else "iceberg"
"""The other one, which tests that are `crossed` try, so that no Spark goes a day without one of the formats."""


def shared(table_format: Format, *values: Any) -> Any:
    """A parameter, or several that begin with the format, that is exhaustive where the format is the other Spark's."""
    return _daily(SHARE, table_format, *values)


def crossed(table_format: Format, *values: Any) -> Any:
    """As `shared`, with the formats exchanged."""
    return _daily(OTHER, table_format, *values)


def _daily(tried: Format, table_format: Format, *values: Any) -> Any:
    return pytest.param(table_format, *values, marks=() if table_format == tried else pytest.mark.exhaustive)
