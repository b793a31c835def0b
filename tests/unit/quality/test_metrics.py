"""Metrics as rows, and the history that they make."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pyspark.sql import Row

from lakehouse.errors import ConfigError
from lakehouse.quality.metrics import (
    METRICS,
    MetricRow,
    history_of,
    metric_record,
    metric_row,
    metric_rows,
    verdict_metrics,
)
from lakehouse.quality.outcomes import Outcome, Verdict

MONDAY = datetime(2026, 3, 2, 6, tzinfo=UTC)


def measured(day: int, rows: float, *, run: str = "", table: str = "silver.orders") -> tuple[MetricRow, ...]:
    """What a run of some day measured."""
    metrics = {"Dataset.*.RowCount": rows, "Column.email.Completeness": rows / 100}
    return metric_rows(metrics, run_id=run or f"run-{day}", at=MONDAY + timedelta(days=day), table=table)


def outcome(verdict: Verdict) -> Outcome:
    """What came of a rule."""
    return Outcome(rule="RowCount > 0", verdict=verdict, reason="", metrics={}, labels={})


def test_history_is_a_run_to_a_mapping_the_oldest_first() -> None:
    """Whatever order the rows come in, and whatever else is among them."""
    part = metric_rows(
        {"Dataset.*.RowCount": 7}, run_id="run-3", at=MONDAY, table="silver.orders", partition="2026-03-02"
    )
    rows = [*measured(2, 30), *measured(0, 10), *measured(1, 20), *measured(0, 99, table="silver.customers"), *part]
    expected = [
        {"Dataset.*.RowCount": 10, "Column.email.Completeness": 0.1},
        {"Dataset.*.RowCount": 20, "Column.email.Completeness": 0.2},
        {"Dataset.*.RowCount": 30, "Column.email.Completeness": 0.3},
    ]
    for seed in range(20):
        random.Random(seed).shuffle(rows)  # noqa: S311 - an order, no secret
        assert history_of(rows, "silver.orders") == expected
    assert history_of(rows, "silver.orders", partition="2026-03-02") == [{"Dataset.*.RowCount": 7}]
    assert history_of(rows, "silver.returns") == []


def test_a_row_written_twice_counts_once() -> None:
    """A write that was tried again makes no second run; two runs of one instant are two."""
    rows = [*measured(0, 10), *measured(0, 10), *measured(0, 12, run="run-0b")]
    assert [run["Dataset.*.RowCount"] for run in history_of(rows, "silver.orders")] == [10, 12]


def test_instants_are_compared_as_such() -> None:
    """A run at 7 o'clock in Berlin was before one at 6:30 in London."""
    berlin, london = timezone(timedelta(hours=1)), UTC
    at = {"b": datetime(2026, 3, 2, 7, tzinfo=berlin), "l": datetime(2026, 3, 2, 6, 30, tzinfo=london)}
    rows = [row for name in "lb" for row in metric_rows({name: 1}, run_id=name, at=at[name], table="t")]
    assert history_of(rows, "t") == [{"b": 1.0}, {"l": 1.0}]
    with pytest.raises(ConfigError, match="has no time zone"):
        MetricRow(run_id="r", at=datetime(2026, 3, 2, 7), table="t", name="n", value=1.0)  # noqa: DTZ001 - what is refused


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process whose clock goes as in Berlin."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize("hour", [0, 1])
def test_instants_come_back_whatever_the_clock_of_the_process_says(hour: int) -> None:
    """Also those of the hour that it shows twice."""
    at = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
    [row] = metric_rows({"n": 1}, run_id="r", at=at, table="t")
    record = METRICS.fromInternal(METRICS.toInternal(metric_record(row)))
    assert (record["at"].hour, record["at"].minute) == (2, 30)
    assert metric_row(record).at == at


def test_verdicts_are_counted_even_if_there_are_none() -> None:
    """An alarm needs a zero to know that all is well."""
    none = {"glue.data.quality.rules.passed": 0, "glue.data.quality.rules.failed": 0, "lakehouse.rules.error": 0}
    assert verdict_metrics([]) == none
    told = [outcome("Passed"), outcome("Failed"), outcome("Passed"), outcome("Error")]
    assert list(verdict_metrics(told).values()) == [2, 1, 1]


@pytest.mark.parametrize("partition", [None, "day=2026-03-02"])
def test_rows_come_back_from_their_table(partition: str | None) -> None:
    """Through Spark's own form of rows and back, as the same instant."""
    at = datetime(2026, 3, 2, 7, 15, 30, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    [row] = metric_rows({"Column.größe.Sum": 1.5}, run_id="r", at=at, table="t", partition=partition)
    kept = METRICS.toInternal(metric_record(row))
    record = METRICS.fromInternal(kept)
    assert isinstance(record, Row)
    assert record["at"].tzinfo is None
    assert metric_row(record) == row
