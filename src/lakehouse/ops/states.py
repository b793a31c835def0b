"""The parts of a definition in Amazon States Language: calls, choices and how calls are tried again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lakehouse.ops.settings import RetryPolicy

State = dict[str, Any]


def task(
    action: str,
    parameters: Mapping[str, Any],
    *,
    keep: Mapping[str, Any],
    at: str,
    retry: list[State],
    then: str,
    otherwise: str = "NotifyFailure",
) -> State:
    """A call of which `keep` goes on; results are never null, as CloudFormation takes no null."""
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{action}",
        "Parameters": dict(parameters),
        "ResultSelector": dict(keep),
        "ResultPath": at,
        "Retry": retry,
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": otherwise}],
        "Next": then,
    }


def choice(rule: State, *, then: str, default: str) -> State:
    """One rule, and where to go otherwise."""
    return {"Type": "Choice", "Choices": [{**rule, "Next": then}], "Default": default}


def retrier(errors: Sequence[str], policy: RetryPolicy) -> State:
    """Try again at these errors."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": policy.interval_seconds,
        "BackoffRate": policy.backoff_rate,
        "MaxAttempts": policy.max_attempts,
        "MaxDelaySeconds": policy.max_delay_seconds,
        "JitterStrategy": "FULL",
    }
