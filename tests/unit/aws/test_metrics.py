"""Metrics arrive in CloudWatch, in as few calls as its limits allow, and lines of a log keep to their specification."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.serialize import create_serializer
from moto import mock_aws

from lakehouse.aws.metrics import batches, embedded_lines, metric_data, put_metrics, sift_rows
from lakehouse.errors import ConfigError
from lakehouse.quality.metrics import MetricRow, metric_rows

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
MILLION = 1_000_000
UNITS = {None, "None"}


def measured(metrics: dict[str, float], *, at: datetime = NOW, partition: str | None = None) -> tuple[MetricRow, ...]:
    """What a run measured of a table."""
    return metric_rows(metrics, run_id="run-1", at=at, table="silver.orders", partition=partition)


@pytest.fixture
def calls() -> list[Any]:
    """The calls that the client made: arguments, and bytes of the body."""
    return []


@pytest.fixture
def client(calls: list[Any]) -> Iterator[Any]:
    """A client of an emulator, with keys that open nothing."""
    with mock_aws():
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        plain = Config(disable_request_compression=True)
        made = boto3.client("cloudwatch", region_name="eu-central-1", config=plain, **keys)
        made.meta.events.register(
            "provide-client-params.cloudwatch.PutMetricData", lambda params, **_: calls.append(params)
        )
        yield made


def test_metrics_arrive_with_their_dimensions(client: Any) -> None:
    """As they were measured, under their table."""
    assert (
        put_metrics(client, measured({"Dataset.*.RowCount": 12, "Column.größe.Sum": -0.5}), namespace="L", now=NOW)
        == ()
    )
    listed = client.list_metrics(Namespace="L")["Metrics"]
    assert {(one["MetricName"], *(f"{d['Name']}={d['Value']}" for d in one["Dimensions"])) for one in listed} == {
        ("Dataset.*.RowCount", "Table=silver.orders"),
        ("Column.gr%C3%B6%C3%9Fe.Sum", "Table=silver.orders"),
    }
    [point] = client.get_metric_statistics(
        Namespace="L",
        MetricName="Dataset.*.RowCount",
        Dimensions=[{"Name": "Table", "Value": "silver.orders"}],
        StartTime=NOW - timedelta(hours=1),
        EndTime=NOW + timedelta(hours=1),
        Period=60,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    assert (point["Sum"], point["SampleCount"], point["Timestamp"].astimezone(UTC)) == (12, 1, NOW)


def test_a_thousand_metrics_go_into_one_call(client: Any, calls: list[Any]) -> None:
    """2,001 make three calls, in order; none makes none."""
    put_metrics(client, measured({f"m{place}": place for place in range(2001)}), namespace="L", now=NOW)
    assert [len(call["MetricData"]) for call in calls] == [1000, 1000, 1]
    assert [one["Value"] for call in calls for one in call["MetricData"]] == list(range(2001))
    put_metrics(client, [], namespace="L", now=NOW)
    assert len(calls) == 3


@pytest.mark.parametrize("protocol", ["query", "json", "smithy-rpc-v2-cbor"])
@pytest.mark.parametrize("repeats", [40, 0])
def test_a_call_stays_below_a_megabyte(protocol: str, repeats: int) -> None:
    """In each form that clients send it in, uncompressed, whatever is in the names; and calls are no smaller than need be."""
    text = 'v"\\ %' * repeats
    more = {f"d{place:02}{text}": f"{text}." for place in range(29)}
    cut = list(batches(metric_data(measured({f"{text}{place}": -(2.0**359) for place in range(550)}), dimensions=more)))
    assert sum(map(len, cut)) == 550
    service = botocore.session.get_session().get_service_model("cloudwatch")
    serializer = create_serializer(protocol)
    sizes = [body_size(serializer, service.operation_model("PutMetricData"), one) for one in cut]
    assert max(sizes) <= MILLION
    if protocol == "query":
        assert min(sizes[:-1]) > MILLION * 0.7


def body_size(serializer: Any, operation: Any, batch: list[dict[str, Any]]) -> int:
    """The bytes of a call as botocore writes them."""
    body = serializer.serialize_to_request({"Namespace": "x" * 255, "MetricData": batch}, operation)["body"]
    if isinstance(body, dict):
        body = urlencode(body)
    return len(body)


@pytest.mark.parametrize(
    ("value", "at", "reason"),
    [
        (math.nan, NOW, "no number within"),
        (math.inf, NOW, "no number within"),
        (-math.inf, NOW, "no number within"),
        (math.nextafter(2.0**360, math.inf), NOW, "no number within"),
        (1.0, NOW - timedelta(weeks=2, seconds=1), "two weeks ago"),
        (1.0, NOW + timedelta(hours=2, seconds=1), "two hours ahead"),
    ],
)
def test_what_cloudwatch_does_not_take_is_told(
    client: Any, calls: list[Any], value: float, at: datetime, reason: str
) -> None:
    """One such row does not keep the others from arriving, by call and by line."""
    wrong, right = measured({"bad": value}, at=at), measured({"good": 2.0**360, "old": 0.0})
    [unsent] = put_metrics(client, [*wrong, *right], namespace="L", now=NOW)
    assert [one["MetricName"] for one in calls[0]["MetricData"]] == ["good", "old"]
    assert unsent.row is wrong[0]
    assert reason in unsent.reason
    lines, untold = embedded_lines([*wrong, *right], namespace="L", now=NOW)
    assert untold == (unsent,)
    assert [set(json.loads(line)) for line in lines] == [{"_aws", "RunId", "Table", "good", "old"}]


def test_the_ends_of_what_is_taken_are_taken() -> None:
    """Two weeks ago and in two hours, to the second, and an instant is asked for."""
    ends = [
        *measured({"a": 1}, at=NOW - timedelta(weeks=2)),
        *measured({"a": -(2.0**360)}, at=NOW + timedelta(hours=2)),
    ]
    assert sift_rows(ends, now=NOW) == (ends, ())
    with pytest.raises(ConfigError, match="has no time zone"):
        sift_rows(ends, now=datetime(2026, 3, 2))  # noqa: DTZ001 - what is refused


def test_nothing_is_sent_when_a_name_is_refused(client: Any, calls: list[Any]) -> None:
    """Not even the calls before the one it would be in."""
    rows = [*measured({f"m{place}": 0 for place in range(1500)}), *measured({" ": 0})]
    with pytest.raises(ConfigError, match="metric is blank"):
        put_metrics(client, rows, namespace="L", now=NOW)
    with pytest.raises(ConfigError, match="is not yours"):
        put_metrics(client, measured({"a": 0}), namespace="AWS/Glue", now=NOW)
    assert calls == []


def require_embedded(line: str) -> dict[str, Any]:
    """The document of a line, which keeps to the rules of the specification (see the schema and the text there)."""
    assert line.isascii()
    assert len(line) <= 256 * 1024
    assert "\n" not in line
    root: dict[str, Any] = json.loads(line, object_pairs_hook=unrepeated)
    assert root["_aws"].keys() == {"Timestamp", "CloudWatchMetrics"}
    assert type(root["_aws"]["Timestamp"]) is int
    for directive in root["_aws"]["CloudWatchMetrics"]:
        assert directive.keys() == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 255
        assert directive["Dimensions"]
        for names in directive["Dimensions"]:
            assert len(names) <= 30
            assert all(1 <= len(name) <= 250 and isinstance(root[name], str) for name in names)
            assert all(1 <= len(root[name]) <= 1024 for name in names)
        assert 1 <= len(directive["Metrics"]) <= 100
        for metric in directive["Metrics"]:
            assert metric.keys() <= {"Name", "Unit", "StorageResolution"}
            assert metric.get("Unit") in UNITS
            assert 1 <= len(metric["Name"]) <= 255
            assert math.isfinite(root[metric["Name"]])
    return root


def unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that has each name once."""
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def test_a_line_says_what_was_measured() -> None:
    """As the specification writes it, with the run beside it."""
    at = datetime(2026, 3, 2, 5, 59, 59, 999000, tzinfo=UTC)
    rows = measured({"Dataset.*.RowCount": 12, "Column.größe.Sum": -0.5}, at=at, partition="d=1")
    [line], unsent = embedded_lines(rows, namespace="Lakehouse", now=NOW, dimensions={"Environment": "prod"})
    assert unsent == ()
    assert require_embedded(line) == {
        "_aws": {
            "Timestamp": 1772431199999,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Lakehouse",
                    "Dimensions": [["Table", "Partition", "Environment"]],
                    "Metrics": [{"Name": "Dataset.*.RowCount"}, {"Name": "Column.gr%C3%B6%C3%9Fe.Sum"}],
                }
            ],
        },
        "RunId": "run-1",
        "Table": "silver.orders",
        "Partition": "d=1",
        "Environment": "prod",
        "Dataset.*.RowCount": 12.0,
        "Column.gr%C3%B6%C3%9Fe.Sum": -0.5,
    }


def test_lines_are_of_a_hundred_metrics_and_one_part() -> None:
    """Another instant, partition or table, the 101st metric, and a name that comes again begin a line."""
    many = measured({f"m{place}": place for place in range(201)})
    rows = [
        *many,
        *measured({"m200": 7}),
        *measured({"m0": 8}, partition="p"),
        *measured({"m0": 9}, at=NOW - timedelta(1)),
    ]
    documents = [require_embedded(line) for line in embedded_lines(rows, namespace="L", now=NOW)[0]]
    assert [len(one["_aws"]["CloudWatchMetrics"][0]["Metrics"]) for one in documents] == [100, 100, 1, 1, 1, 1]
    assert [one["m0"] for one in documents if "m0" in one] == [0, 8, 9]
    assert [one["m200"] for one in documents if "m200" in one] == [200, 7]
    assert {name: one[name] for one in documents[:3] for name in one if name[0] == "m"} == {
        f"m{place}": place for place in range(201)
    }


def test_the_longest_line_is_below_the_limit() -> None:
    """As many metrics and dimensions as can be, their names as long as can be, of letters that JSON writes twice."""
    more = {f"{place:02}".ljust(250, '"'): '"' * 1024 for place in range(29)}
    metrics = {f"{place:03}".ljust(255, "\\"): -1.2345678901234567e-100 for place in range(100)}
    rows = metric_rows(metrics, run_id="r" * 255, at=NOW, table='"' * 1024)
    [line], _ = embedded_lines(rows, namespace="n" * 255, now=NOW, dimensions=more)
    require_embedded(line)


@pytest.mark.parametrize(
    ("metrics", "dimensions"),
    [
        ({"Table": 1.0}, {}),
        ({"RunId": 1.0}, {}),
        ({"_aws": 1.0}, {}),
        ({"x": 1.0}, {"x": "y"}),
        ({"x": 1.0}, {"RunId": "y"}),
    ],
)
def test_a_name_for_two_things_is_refused(metrics: dict[str, float], dimensions: dict[str, str]) -> None:
    """A line could not tell them apart; by call they can be sent."""
    with pytest.raises(ConfigError, match="a line has each name once"):
        embedded_lines(measured(metrics), namespace="L", now=NOW, dimensions=dimensions)
    assert len(metric_data(measured(metrics), dimensions=dimensions)) == 1
