"""What the producers themselves write: recorded and documented samples, compared with expectations written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import feed_samples
import pytest
from pyspark.sql import DataFrame

from lakehouse.cdc.parsing import parse_changes, route
from lakehouse.columns import TABLE
from lakehouse.schemas.type_names import parse_schema

PRODUCT = {"id": "bigint", "name": "string", "price": "decimal(10,2)"}
DELTA = "id BIGINT, name STRING, price DECIMAL(10,2), _change_type STRING, _commit_version BIGINT, _commit_timestamp TIMESTAMP"
ICEBERG = (
    "id BIGINT, name STRING, price DECIMAL(10,2), _change_type STRING, _change_ordinal INT, _commit_snapshot_id BIGINT"
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A sample of a feed and how it is read.

    Attributes:
        feed: the feed, and the folder of the sample.
        columns: the contract; the first column is the key.
        options: of the feed.
        table: which table's messages are wanted, where the sample holds those of several.
        records: the file of the records.
        expected: the file of what becomes of them.
        typed: the columns of typed rows, in DDL; None: the records are text.
    """

    feed: str
    columns: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    table: str | None = None
    records: str = "records.jsonl"
    expected: str = "expected.jsonl"
    typed: str | None = None


SAMPLES = {
    "maxwell": Sample(
        feed="maxwell",
        columns={"id": "bigint", "name": "string", "description": "string", "weight": "decimal(10,3)"},
        table="test.product",
    ),
    "debezium-unwrapped": Sample(
        feed="debezium-unwrapped",
        columns={
            "id": "bigint",
            "name": "string",
            "credit": "decimal(12,2)",
            "joined": "date",
            "seen": "timestamp",
            "note": "string",
        },
        options={"sequence": {"__lsn": "bigint"}},
        table="sales.customers",
    ),
    "sqlserver-cdc": Sample(
        feed="sqlserver-cdc",
        columns={"CustomerID": "int", "Name": "string", "Balance": "decimal(19,4)"},
        options={"event_time": "tran_end_time"},
        records="records.csv",
    ),
    "columns": Sample(
        feed="columns",
        columns={"userId": "int", "name": "string", "city": "string"},
        options={"form": "json", "op_column": "operation", "sequence": {"sequenceNum": "bigint"}},
    ),
    "delta-cdf": Sample(feed="delta-cdf", columns=PRODUCT, typed=DELTA),
    "iceberg-changelog": Sample(feed="iceberg-changelog", columns=PRODUCT, typed=ICEBERG),
    "iceberg-changelog view": Sample(
        feed="iceberg-changelog",
        columns=PRODUCT,
        typed=ICEBERG,
        records="view.jsonl",
        expected="view_expected.jsonl",
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_becomes_what_is_written_beside_it(
    text_rows: Callable[..., DataFrame], typed_rows: Callable[..., DataFrame], outcomes: Any, name: str
) -> None:
    """Each record is its changes, skipped by kind, or rejected with its reason; none is lost and none is there twice."""
    sample = SAMPLES[name]
    lines = feed_samples.records(sample.feed, sample.records)
    header, records = (lines[0], lines[1:]) if sample.records.endswith(".csv") else (None, lines)
    bronze = text_rows(records, header) if sample.typed is None else typed_rows(records, sample.typed)
    if sample.table:
        bronze = bronze.withColumn(TABLE, route(sample.feed))
    schema = parse_schema(sample.columns)
    parsed = parse_changes(
        bronze, feed=sample.feed, schema=schema, keys=schema.names[0], table=sample.table, **sample.options
    )
    found = outcomes(parsed)
    assert len(found) == len(records)
    assert feed_samples.written(found) == feed_samples.expected(sample.feed, sample.expected)
