"""The alarms of CloudWatch: read by their prefix, put and deleted as `lakehouse.ops.alarms` plans it.

A role needs `cloudwatch:DescribeAlarms`, `cloudwatch:PutMetricAlarm` and `cloudwatch:DeleteAlarms`.
Limits: the API reference of CloudWatch (DeleteAlarms: 100 names a call).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lakehouse.aws.codes import NO_ALARM, error_code

_MOST_NAMES = 100


def read_alarms(client: Any, prefix: str) -> list[dict[str, Any]]:
    """The metric alarms whose names begin with a prefix, as DescribeAlarms tells them.

    Args:
        client: `boto3.client("cloudwatch")`.
        prefix: of their names.
    """
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"])
    return [alarm for page in pages for alarm in page["MetricAlarms"]]


def apply_alarms(client: Any, *, put: Iterable[Mapping[str, Any]], delete: Sequence[str]) -> None:
    """Put alarms and then delete others; done again, it comes to the same.

    Args:
        client: `boto3.client("cloudwatch")`.
        put: arguments of PutMetricAlarm.
        delete: names; those that are gone already do not matter.
    """
    for alarm in put:
        client.put_metric_alarm(**alarm)
    for first in range(0, len(delete), _MOST_NAMES):
        try:
            client.delete_alarms(AlarmNames=list(delete[first : first + _MOST_NAMES]))
        except Exception as error:  # CloudWatch has deleted the others all the same
            if error_code(error) not in NO_ALARM:
                raise
