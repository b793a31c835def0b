"""Alarms watch the metrics that are sent, are taken by CloudWatch and CloudFormation, and are planned and applied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from cfnlint.api import lint
from moto import mock_aws

from lakehouse.aws.alarms import apply_alarms, read_alarms
from lakehouse.aws.metrics import metric_data
from lakehouse.errors import ConfigError
from lakehouse.ops.alarms import (
    Alarm,
    Watch,
    alarm_resources,
    failed_rules,
    missing_runs,
    plan_alarms,
    quarantined_rows,
    rules_in_error,
    unusual_metric,
)
from lakehouse.quality.metrics import metric_rows, verdict_metrics

KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
PREFIX = "lakehouse: "
WATCH = Watch(
    namespace="Lakehouse",
    table="silver.bücher",
    dimensions={"Environment": "prod"},
    every=timedelta(days=1),
    topics=["arn:aws:sns:eu-central-1:123456789012:quality"],
)
DIMENSIONS = [{"Name": "Table", "Value": "silver.b%C3%BCcher"}, {"Name": "Environment", "Value": "prod"}]
TOLD = {
    "AlarmActions": ["arn:aws:sns:eu-central-1:123456789012:quality"],
    "OKActions": ["arn:aws:sns:eu-central-1:123456789012:quality"],
    "EvaluationPeriods": 1,
}


def all_alarms(watch: Watch = WATCH) -> list[Alarm]:
    """One of each kind."""
    return [
        failed_rules(watch),
        rules_in_error(watch),
        missing_runs(watch),
        quarantined_rows(watch, share=0.01),
        unusual_metric(watch, "Column.größe.Mean", deviations=3),
    ]


@pytest.fixture
def client() -> Iterator[Any]:
    """A client of an emulator, with keys that open nothing."""
    with mock_aws():
        yield boto3.client("cloudwatch", region_name="eu-central-1", **KEYS)


def counted(name: str, metric: str, statistic: str) -> dict[str, Any]:
    """A metric in an expression."""
    what = {"Namespace": "Lakehouse", "MetricName": metric, "Dimensions": DIMENSIONS}
    return {"Id": name, "MetricStat": {"Metric": what, "Period": 90_000, "Stat": statistic}, "ReturnData": False}


def test_failed_rules_ring_until_a_run_passes() -> None:
    """More than none in the time in which a run comes; no run changes nothing."""
    assert failed_rules(WATCH) == {
        "AlarmName": "lakehouse: silver.bücher: rules failed",
        "AlarmDescription": "A run failed at least one rule. Table: silver.bücher",
        **TOLD,
        "Namespace": "Lakehouse",
        "MetricName": "glue.data.quality.rules.failed",
        "Dimensions": DIMENSIONS,
        "Statistic": "Maximum",
        "Period": 90_000,
        "Threshold": 0.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "ignore",
    }
    assert rules_in_error(WATCH)["MetricName"] == "lakehouse.rules.error"


def test_missing_runs_ring() -> None:
    """Less than one in a day and an hour; a gap is a zero, and missing data are what is wrong."""
    told = missing_runs(WATCH)
    assert told["AlarmDescription"] == "No run was measured within 1 day, 1:00:00. Table: silver.bücher"
    assert told["Metrics"] == [
        {"Id": "came", "Expression": "FILL(runs, 0)", "Label": "runs that came", "ReturnData": True},
        counted("runs", "glue.data.quality.rules.passed", "SampleCount"),
    ]
    assert (told["Threshold"], told["ComparisonOperator"]) == (1.0, "LessThanThreshold")
    assert (told["TreatMissingData"], told["EvaluationPeriods"]) == ("breaching", 1)


def test_a_share_of_quarantined_rows_rings() -> None:
    """Of the rows that were read; none read is none quarantined."""
    told = quarantined_rows(WATCH, share=0.01)
    assert told["Metrics"] == [
        {
            "Id": "share",
            "Expression": "IF(read > 0, quarantined / read, 0)",
            "Label": "share of rows in quarantine",
            "ReturnData": True,
        },
        counted("read", "lakehouse.rows.read", "Sum"),
        counted("quarantined", "lakehouse.rows.quarantined", "Sum"),
    ]
    assert (told["Threshold"], told["ComparisonOperator"]) == (0.01, "GreaterThanThreshold")
    assert told["AlarmDescription"].startswith("More than 1 % of the rows")
    assert "Period" not in told
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ConfigError, match="must be from 0 to 1"):
            quarantined_rows(WATCH, share=share)


@pytest.mark.parametrize(
    ("side", "comparator"),
    [
        ("both", "LessThanLowerOrGreaterThanUpperThreshold"),
        ("below", "LessThanLowerThreshold"),
        ("above", "GreaterThanUpperThreshold"),
    ],
)
def test_unusual_metrics_ring_outside_of_their_band(side: Any, comparator: str) -> None:
    """The band is the threshold; there is no number for one."""
    told = unusual_metric(WATCH, "Dataset.*.RowCount", deviations=2.5, side=side)
    measured, expected = told["Metrics"]
    assert measured["MetricStat"]["Metric"]["MetricName"] == "Dataset.*.RowCount"
    assert expected["Expression"] == "ANOMALY_DETECTION_BAND(measured, 2.5)"
    assert (told["ThresholdMetricId"], measured["Id"]) == (expected["Id"], "measured")
    assert told["ComparisonOperator"] == comparator
    assert "Threshold" not in told
    with pytest.raises(ConfigError, match="must be above 0"):
        unusual_metric(WATCH, "Dataset.*.RowCount", deviations=0)


def test_alarms_watch_what_is_sent() -> None:
    """Name, namespace and dimensions are those of the data, letter by letter, or an alarm would never see any."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    metrics = {**verdict_metrics([]), "lakehouse.rows.read": 1, "lakehouse.rows.quarantined": 0, "Column.größe.Mean": 1}
    rows = metric_rows(metrics, run_id="r", at=at, table=WATCH.table)
    sent = {(one["MetricName"], repr(one["Dimensions"])) for one in metric_data(rows, dimensions=WATCH.dimensions)}
    watched = set()
    for alarm in all_alarms():
        queries = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
        watched |= {(one["MetricName"], repr(one["Dimensions"])) for one in queries or [alarm]}
    assert watched == sent


def test_cfn_lint_finds_nothing_but_faults() -> None:
    """The resources are in order; a property and a period that do not exist are found."""

    def faults(alarms: list[Alarm]) -> list[str]:
        template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": alarm_resources(alarms)}
        return [str(match.rule.id) for match in lint(json.dumps(template))]

    assert faults(all_alarms()) == []
    assert faults([failed_rules(WATCH) | {"Level": 1}]) == ["E3002"]
    assert faults([failed_rules(WATCH) | {"Period": 90}]) == ["E3615"]


def test_resources_keep_their_logical_names() -> None:
    """They depend on the alarm's name alone, so that CloudFormation changes what is there instead of making it anew."""
    changed = replace(WATCH, every=timedelta(hours=2))
    assert list(alarm_resources(all_alarms())) == list(alarm_resources(all_alarms(changed)))
    other = replace(WATCH, table="silver.orders")
    assert not alarm_resources(all_alarms()).keys() & alarm_resources(all_alarms(other)).keys()
    assert all(name.isalnum() for name in alarm_resources(all_alarms()))


def test_alarms_are_planned_applied_and_then_unchanged(client: Any) -> None:
    """What is there already stays; what differs is put, what nobody wants goes, and what others made is let be."""
    client.put_metric_alarm(**failed_rules(replace(WATCH, prefix="theirs: ")))
    first = plan_alarms(all_alarms(), read_alarms(client, PREFIX), prefix=PREFIX)
    assert (len(first.put), first.delete, first.unchanged) == (5, (), ())
    apply_alarms(client, put=first.put, delete=first.delete)
    again = plan_alarms(all_alarms(), read_alarms(client, PREFIX), prefix=PREFIX)
    assert (again.put, again.delete, len(again.unchanged)) == ((), (), 5)

    wanted = [failed_rules(WATCH), quarantined_rows(WATCH, share=0.02)]
    second = plan_alarms(wanted, read_alarms(client, PREFIX), prefix=PREFIX)
    assert second.put == (quarantined_rows(WATCH, share=0.02),)
    assert [name.removeprefix(PREFIX) for name in second.delete] == [
        "silver.bücher: rules in error",
        "silver.bücher: runs missing",
        "silver.bücher: unusual Column.gr%C3%B6%C3%9Fe.Mean",
    ]
    apply_alarms(client, put=second.put, delete=second.delete)
    apply_alarms(client, put=second.put, delete=second.delete)
    there = {one["AlarmName"]: one for one in read_alarms(client, PREFIX)}
    assert there.keys() == {one["AlarmName"] for one in wanted}
    assert there["lakehouse: silver.bücher: rows quarantined"]["Threshold"] == 0.02
    assert [one["AlarmName"] for one in read_alarms(client, "theirs")] == ["theirs: silver.bücher: rules failed"]


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"ActionsEnabled": False}, False),
        ({"Unit": "Count"}, False),
        ({"DatapointsToAlarm": 1}, False),
        ({"Dimensions": DIMENSIONS[:1]}, False),
        ({"OKActions": []}, False),
        ({"Dimensions": DIMENSIONS[::-1]}, True),
        ({"ActionsEnabled": True, "InsufficientDataActions": [], "Metrics": [], "StateValue": "ALARM"}, True),
        ({"Threshold": 0, "AlarmArn": "arn:aws:cloudwatch:x", "StateReason": "Unchecked"}, True),
    ],
)
def test_what_somebody_changed_is_put_back(change: dict[str, Any], same: bool) -> None:  # noqa: FBT001 - a golden answer
    """An alarm that was muted or narrowed by hand differs; one that rings, or is told in another order, does not."""
    plan = plan_alarms([failed_rules(WATCH)], [failed_rules(WATCH) | change], prefix=PREFIX)
    assert (plan.put == ()) is same


def test_plans_that_would_do_harm_are_refused() -> None:
    """Without a prefix all alarms would be one's own, and of two with one name the last would win."""
    with pytest.raises(ConfigError, match="prefix of alarms is blank"):
        plan_alarms([], [failed_rules(WATCH)], prefix=" ")
    for wanted in ([failed_rules(WATCH)] * 2, [failed_rules(replace(WATCH, prefix="other"))]):
        with pytest.raises(ConfigError, match="each must have a name of its own that begins with 'lakehouse: '"):
            plan_alarms(wanted, [], prefix=PREFIX)
    others = [{"AlarmName": "billing"}]
    assert plan_alarms([], others, prefix=PREFIX).delete == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"namespace": "AWS/Glue"}, "is not yours"),
        ({"table": " "}, "value of dimension Table is blank"),
        ({"dimensions": {"Table": "x"}}, "are set already"),
        ({"every": timedelta(seconds=30), "grace": timedelta(0)}, "whole minutes"),
        ({"every": timedelta(seconds=90)}, "whole minutes"),
        ({"every": timedelta(days=7)}, "seven days at most"),
        ({"topics": ["arn:aws:sns:eu-central-1:123456789012:t"] * 6}, "6 are too many"),
        ({"prefix": ""}, "prefix of alarms is blank"),
    ],
)
def test_watches_that_cloudwatch_does_not_take_are_refused(change: dict[str, Any], message: str) -> None:
    """Before anything is planned."""
    with pytest.raises(ConfigError, match=message):
        replace(WATCH, **change)
    assert replace(WATCH, every=timedelta(days=6, hours=23)).period == 604_800


def test_names_that_cloudwatch_does_not_take_are_refused() -> None:
    """Those too long, and those of two lines."""
    for table in ("x" * 250, "a\nb"):
        with pytest.raises(ConfigError, match="the name of an alarm has"):
            failed_rules(replace(WATCH, table=table))


def test_alarms_are_deleted_a_hundred_at_a_time() -> None:
    """One that is gone already does not stop the others; other answers pass through."""
    names = [f"a{place}" for place in range(201)]
    client = boto3.client("cloudwatch", region_name="eu-central-1", **KEYS)
    with Stubber(client) as stub:
        stub.add_response("delete_alarms", {}, {"AlarmNames": names[:100]})
        stub.add_client_error("delete_alarms", "ResourceNotFound", expected_params={"AlarmNames": names[100:200]})
        stub.add_response("delete_alarms", {}, {"AlarmNames": names[200:]})
        apply_alarms(client, put=[], delete=names)
        stub.assert_no_pending_responses()
        stub.add_client_error("delete_alarms", "AccessDenied")
        with pytest.raises(ClientError, match="AccessDenied"):
            apply_alarms(client, put=[], delete=names)
