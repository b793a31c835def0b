"""Metrics into CloudWatch: by PutMetricData in as few calls as it takes, or as lines of a log in its embedded metric format.

Limits: the API reference of PutMetricData (1,000 metrics and 1 MB a call, values within 2^360 that are numbers, timestamps of
the last two weeks and the next two hours), and the specification of the embedded metric format (100 metrics a line).
A role needs `cloudwatch:PutMetricData`; for lines, what writes its log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

from lakehouse.aws.metric_names import NO_DIMENSIONS, check_namespace, dimension_list, metric_dimensions, metric_name
from lakehouse.errors import ConfigError
from lakehouse.quality.metrics import MetricRow, require_zone

Datum = dict[str, Any]
"""A `MetricDatum` of the API."""

_MOST_METRICS, _MOST_BYTES = 1_000, 990_000  # of a million, the rest for the namespace
_MOST_METRICS_A_LINE = 100
_LARGEST = 2.0**360
_OLDEST, _NEWEST = timedelta(weeks=2), timedelta(hours=2)
_RUN = "RunId"
_META = "_aws"
# Beside its texts: the longest form of the API writes a key of up to 52 characters to each, and number, instant and bounds.
_BYTES_A_TEXT, _BYTES_A_DATUM = 64, 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """A row that CloudWatch would not take, and with it none of the call that it came in.

    Attributes:
        row: as it was given.
        reason: why.
    """

    row: MetricRow
    reason: str


def put_metrics(
    client: Any,
    rows: Iterable[MetricRow],
    *,
    namespace: str,
    now: datetime,
    dimensions: Mapping[str, str] = NO_DIMENSIONS,
) -> tuple[Unsent, ...]:
    """Put the metrics of runs, and return the rows that CloudWatch would not take.

    Sent twice, a metric counts twice: watch its maximum, minimum or average. Calls that fail are tried again by the client, as
    it is configured; what it raises in the end passes through.

    Args:
        client: `boto3.client("cloudwatch")`.
        rows: of runs; their table and partition become dimensions.
        namespace: where they go, such as `Lakehouse`.
        now: the instant, with a zone.
        dimensions: of all metrics, such as the environment.

    Raises:
        ConfigError: a name is one that CloudWatch does not take; nothing was sent.
    """
    check_namespace(namespace)
    fit, unsent = sift_rows(rows, now=now)
    for batch in batches(metric_data(fit, dimensions=dimensions)):
        client.put_metric_data(Namespace=namespace, MetricData=batch)
    return unsent


def sift_rows(rows: Iterable[MetricRow], *, now: datetime) -> tuple[list[MetricRow], tuple[Unsent, ...]]:
    """The rows that CloudWatch takes at this instant, and the others with the reason.

    Raises:
        ConfigError: the instant has no zone.
    """
    require_zone(now)
    told = [(row, _refusal(row, now)) for row in rows]
    return [row for row, reason in told if not reason], tuple(
        Unsent(row=row, reason=reason) for row, reason in told if reason
    )


def _refusal(row: MetricRow, now: datetime) -> str:
    if not abs(row.value) <= _LARGEST:  # NaN is not within anything
        return "its value is no number within 2^360"
    if not now - _OLDEST <= row.at <= now + _NEWEST:
        return "its instant is more than two weeks ago or two hours ahead"
    return ""


def metric_data(rows: Iterable[MetricRow], *, dimensions: Mapping[str, str] = NO_DIMENSIONS) -> list[Datum]:
    """Rows as `MetricData` of the API, in their order.

    Raises:
        ConfigError: a name is one that CloudWatch does not take.
    """
    return [
        {
            "MetricName": metric_name(row.name),
            "Dimensions": dimension_list(metric_dimensions(row.table, partition=row.partition, more=dimensions)),
            "Timestamp": row.at,
            "Value": row.value,
        }
        for row in rows
    ]


def batches(data: Iterable[Datum]) -> Iterator[list[Datum]]:
    """Cut data into as many as a call takes, in number and in bytes before they are compressed."""
    batch: list[Datum] = []
    size = 0
    for datum in data:
        more = _size(datum)
        if batch and (len(batch) == _MOST_METRICS or size + more > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(datum)
        size += more
    if batch:
        yield batch


def _size(datum: Datum) -> int:
    """At least as many bytes as a datum takes in any of the API's forms, of which the one for HTML forms is the longest."""
    texts = [datum["MetricName"], *(text for one in datum["Dimensions"] for text in one.values())]
    return _BYTES_A_DATUM + sum(len(quote_plus(text)) + _BYTES_A_TEXT for text in texts)


def embedded_lines(
    rows: Iterable[MetricRow], *, namespace: str, now: datetime, dimensions: Mapping[str, str] = NO_DIMENSIONS
) -> tuple[list[str], tuple[Unsent, ...]]:
    """Metrics as lines of a log from which CloudWatch takes them, and the rows that it would not take.

    A line is one JSON object in ASCII, without a line break, of one run, table and partition. The run stands in it as `RunId`, to
    be searched for, and is no dimension. However long the names are, a line is below 256 KB, the limit of a log's events until
    2025, which is 1 MB now.

    Args:
        rows: of runs; their table and partition become dimensions.
        namespace: where the metrics go, such as `Lakehouse`.
        now: the instant, with a zone.
        dimensions: of all metrics, such as the environment.

    Raises:
        ConfigError: a name is one that CloudWatch does not take, or stands for two things.
    """
    check_namespace(namespace)
    fit, unsent = sift_rows(rows, now=now)
    documents: dict[tuple[str, datetime, str, str | None], list[MetricRow]] = {}
    for row in fit:
        documents.setdefault((row.run_id, row.at, row.table, row.partition), []).append(row)
    return [
        _line(part, namespace, metric_dimensions(part[0].table, partition=part[0].partition, more=dimensions))
        for document in documents.values()
        for part in _parts(document)
    ], unsent


def _parts(rows: Sequence[MetricRow]) -> Iterator[list[MetricRow]]:
    """As many as a line takes; a name that comes again begins a line, as one object has each name once."""
    part: dict[str, MetricRow] = {}
    for row in rows:
        if row.name in part or len(part) == _MOST_METRICS_A_LINE:
            yield list(part.values())
            part = {}
        part[row.name] = row
    if part:
        yield list(part.values())


def _line(rows: Sequence[MetricRow], namespace: str, dimensions: Mapping[str, str]) -> str:
    values = {metric_name(row.name): row.value for row in rows}
    told = {_RUN: rows[0].run_id}
    twice = sorted({_META, *told} & {*dimensions, *values} | dimensions.keys() & values.keys())
    if twice:
        msg = f"{', '.join(twice)}: a line has each name once, for a metric or a dimension, and {_RUN} and {_META} are its own"
        raise ConfigError(msg)
    directive = {
        "Namespace": namespace,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name} for name in values],
    }
    meta = {"Timestamp": round(rows[0].at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({_META: meta, **told, **dimensions, **values}, allow_nan=False, separators=(",", ":"))
