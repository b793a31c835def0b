"""What rules measured goes to CloudWatch at the end of a run, and no failure of that is one of the run."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from lakehouse.config.quality import CloudWatch
from lakehouse.quality.outcomes import Outcome, Verdict
from lakehouse.runtime.metric_publishing import publish_metrics
from lakehouse.runtime.planning import Job
from lakehouse.runtime.reporting import JsonReporter, Judged
from lakehouse.runtime.runs import Run

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


class Desk:
    """A job that knows where its metrics go, and what it said."""

    def __init__(self, cloudwatch: CloudWatch | None) -> None:
        """Nothing was said yet."""
        self.said = io.StringIO()
        run = Run(job="shop", run_id="jr_1", started_at=NOW)
        config = SimpleNamespace(cloudwatch=cloudwatch)
        self.job = cast("Job", SimpleNamespace(config=config, run=run, report=JsonReporter(self.said)))

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was said."""
        return [json.loads(line) for line in self.said.getvalue().splitlines()]


def judged(day: str, rows: int, *verdicts: Verdict, size: float = 1.0) -> Judged:
    """A day with rules of these verdicts."""
    outcomes = tuple(Outcome(rule="r", verdict=one, reason="", metrics={}, labels={}) for one in verdicts)
    bins = {"Column.size.Distribution.Edge.00": 1.0, "Column.size.Distribution.Count.00": 0.0}  # not for CloudWatch
    metrics = {"Dataset.*.RowCount": float(rows), "Column.size.Mean": size, **bins}
    return Judged(
        table="shop.orders", day=day, outcomes=outcomes, metrics=metrics, on_failure="warn", rows=rows, failed=2
    )


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """CloudWatch as moto emulates it, for clients that anybody opens."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield boto3.client("cloudwatch")


def test_each_day_arrives_with_its_verdicts(client: Any) -> None:
    """Metrics, verdicts and rows, by table and day, in the namespace and with the dimensions of the configuration."""
    desk = Desk(CloudWatch(namespace="Shop", dimensions={"Stage": "test"}))
    publish_metrics(desk.job, [judged("2026-11-25", 9, "Passed", "Failed"), judged("2026-11-26", 7, "Passed")], now=NOW)
    assert desk.events == []
    stored: dict[tuple[str, str], float] = {}
    for one in client.list_metrics(Namespace="Shop")["Metrics"]:
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in one["Dimensions"]}
        assert dimensions["Stage"] == "test"
        assert dimensions["Table"] == "shop.orders"
        found = client.get_metric_statistics(
            Namespace="Shop", MetricName=one["MetricName"], Dimensions=one["Dimensions"],
            StartTime=NOW.replace(hour=11), EndTime=NOW.replace(hour=13), Period=7200, Statistics=["Sum"],
        )  # fmt: skip
        stored[one["MetricName"], dimensions["Partition"]] = found["Datapoints"][0]["Sum"]
    assert {key: value for key, value in stored.items() if key[1] == "2026-11-25"} == {
        (name, "2026-11-25"): value
        for name, value in {
            "Dataset.*.RowCount": 9.0, "Column.size.Mean": 1.0,
            "glue.data.quality.rules.passed": 1.0, "glue.data.quality.rules.failed": 1.0, "lakehouse.rules.error": 0.0,
            "lakehouse.rows.read": 9.0, "lakehouse.rows.quarantined": 2.0,
        }.items()
    }  # fmt: skip
    assert stored["Dataset.*.RowCount", "2026-11-26"] == 7.0


def test_lines_of_the_log_carry_them_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    """The embedded metric format, a line a day, without a call."""
    desk = Desk(CloudWatch(namespace="Shop", by="log"))
    publish_metrics(desk.job, [judged("2026-11-25", 9, "Passed"), judged("2026-11-26", 7, "Passed")], now=NOW)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["Partition"], line["Dataset.*.RowCount"], line["RunId"]) for line in lines] == [
        ("2026-11-25", 9.0, "jr_1"), ("2026-11-26", 7.0, "jr_1"),
    ]  # fmt: skip
    assert lines[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Shop"


@pytest.mark.usefixtures("client")
def test_what_does_not_arrive_is_told() -> None:
    """A value that CloudWatch does not take, and a namespace that it does not have: the run goes on."""
    desk = Desk(CloudWatch(namespace="Shop"))
    publish_metrics(desk.job, [judged("2026-11-25", 9, size=float("nan"))], now=NOW)
    assert [(one["event"], one["metrics"]) for one in desk.events] == [("metrics_not_sent", 1)]
    desk = Desk(CloudWatch(namespace="AWS/Shop"))
    publish_metrics(desk.job, [judged("2026-11-25", 9)], now=NOW)
    assert [(one["event"], one["error"]) for one in desk.events] == [("metrics_not_sent", "ConfigError")]


def test_nothing_is_sent_unasked() -> None:
    """Without the section nothing is sent, and neither is where nothing was judged."""
    desk = Desk(None)
    publish_metrics(desk.job, [judged("2026-11-25", 9)], now=NOW)
    publish_metrics(Desk(CloudWatch(namespace="Shop")).job, [], now=NOW)
    assert desk.events == []
