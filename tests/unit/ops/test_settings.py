"""What Step Functions, Glue or S3 would not take, or what would go round in circles, is refused where it is written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lakehouse.errors import ConfigError
from lakehouse.ops.settings import EventDrivenEtl, GlueJob, RetryPolicy


def settings(**changes: Any) -> EventDrivenEtl:
    """Settings that are right, but for the changes."""
    right: dict[str, Any] = {
        "landing_bucket": "lake",
        "landing_prefix": "landing/",
        "job": GlueJob(name="load"),
        "quality_job": GlueJob(name="check"),
        "topic_arn": "arn:aws:sns:us-east-1:123456789012:outcomes",
        "quarantine_bucket": "lake",
        "quarantine_prefix": "quarantine/",
        "extensions": ["csv"],
    }
    return EventDrivenEtl(**right | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quarantine_prefix": "landing/bad/"}, "is below landing_prefix"),
        ({"landing_prefix": ""}, "is below landing_prefix"),
        ({"quarantine_prefix": ""}, "must not be empty"),
        ({"quarantine_prefix": "quarantine"}, "quarantine_prefix: 'quarantine' must be folders"),
        ({"quarantine_prefix": "it's/"}, "must be folders"),
        ({"landing_prefix": "/landing/"}, "landing_prefix: '/landing/' must be folders"),
        ({"extensions": []}, "there is none"),
        ({"extensions": ["csv", ".json"]}, r"extensions: \.json;"),
        ({"extensions": ["CSV"]}, "lower case"),
        ({"extensions": ["*"]}, "without the dot"),
        ({"max_bytes": 0}, "max_bytes: 0 must be"),
        ({"crawler_poll_seconds": -1}, "crawler_poll_seconds: -1 must be"),
    ],
)
def test_settings_that_would_not_work_are_refused(changes: dict[str, Any], message: str) -> None:
    """The error names the setting and what to write."""
    with pytest.raises(ConfigError, match=message):
        settings(**changes)


def test_another_bucket_is_another_place() -> None:
    """Whatever the prefixes, files of another bucket are no events of this one."""
    assert settings(landing_prefix="", quarantine_bucket="bad").quarantine_prefix == "quarantine/"


@pytest.mark.parametrize("argument", ["source", "-s", "--", "--a.$", "--source_path"])
def test_arguments_of_jobs_are_spelled_as_glue_wants(argument: str) -> None:
    """Neither a path of the state machine nor the file's address can be slipped in."""
    with pytest.raises(ConfigError, match="cannot be set"):
        GlueJob(name="load", arguments={argument: "x"})


def test_a_job_has_time() -> None:
    """A timeout is whole seconds, one at least."""
    with pytest.raises(ConfigError, match="timeout"):
        GlueJob(name="load", timeout=timedelta(seconds=0.5))


@pytest.mark.parametrize(
    "numbers",
    [
        {"interval_seconds": 0},
        {"interval_seconds": 60, "max_delay_seconds": 60},
        {"backoff_rate": 0.5},
        {"max_attempts": 0},
    ],
)
def test_retry_policies_are_those_of_the_language(numbers: dict[str, Any]) -> None:
    """What Amazon States Language rules out is refused."""
    with pytest.raises(ConfigError, match="must hold"):
        RetryPolicy(**numbers)
