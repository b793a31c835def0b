"""The definition says what it should, in a language that two checkers know, and leads nowhere it should not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from statelint.linter import Linter

from lakehouse.ops.settings import EventDrivenEtl, GlueJob, RetryPolicy
from lakehouse.ops.state_machines import event_driven_etl

NAMES: dict[str, Any] = {
    "landing_bucket": "lake",
    "landing_prefix": "landing/",
    "job": GlueJob(name="load", timeout=timedelta(hours=1), arguments={"--config": "s3://lake/etl.yaml"}),
    "quality_job": GlueJob(name="check"),
    "topic_arn": "arn:aws:sns:us-east-1:123456789012:outcomes",
    "quarantine_bucket": "bad",
    "quarantine_prefix": "quarantine/",
    "extensions": ("csv", "json.gz"),
    "max_bytes": 1000,
    "throttled": RetryPolicy(interval_seconds=1, backoff_rate=2.0, max_attempts=3, max_delay_seconds=20),
    "busy": RetryPolicy(interval_seconds=60, backoff_rate=1.5, max_attempts=9, max_delay_seconds=900),
}
ETL = EventDrivenEtl(**NAMES)
CRAWLING = EventDrivenEtl(**NAMES, crawler="landing")
BOTH = pytest.mark.parametrize("etl", [ETL, CRAWLING], ids=["plain", "crawling"])


def targets(state: Mapping[str, Any]) -> Iterator[str]:
    """Name the states that a state leads to."""
    for part in (state, *state.get("Catch", ()), *state.get("Choices", ())):
        yield from (part[name] for name in ("Next", "Default") if name in part)


def lint(definition: Mapping[str, Any]) -> list[str]:
    """What statelint finds."""
    found: list[str] = Linter.validate(json.dumps(definition))
    return found


@BOTH
def test_statelint_finds_nothing(etl: EventDrivenEtl) -> None:
    """The definition is Amazon States Language."""
    assert lint(event_driven_etl(etl)) == []


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        ("CheckQuality", {"Next": "Nowhere"}),
        ("ProcessFile", {"Resource": 7}),
        ("NotifyInvalid", {"Parameters": {"Message.$": "no path"}}),
        ("InvalidFile", {"ResultPath": "$.quarantine"}),
    ],
)
def test_statelint_finds_faults(state: str, fault: dict[str, Any]) -> None:
    """What it is silent about was looked at."""
    definition = event_driven_etl(ETL)
    definition["States"][state] |= fault
    assert lint(definition) != []


@BOTH
def test_each_state_is_reached_and_leads_on(etl: EventDrivenEtl) -> None:
    """Every state is reached from the first, and every name leads to a state."""
    definition = event_driven_etl(etl)
    states = definition["States"]
    reached, waiting = set(), [definition["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += targets(states[name])
    assert reached == set(states)


@BOTH
def test_each_call_is_tried_again_and_caught(etl: EventDrivenEtl) -> None:
    """Every call has pauses that grow and are drawn at random; all but last words lead to the failure branch when they fail."""
    for name, state in event_driven_etl(etl)["States"].items():
        if state["Type"] == "Task":
            assert state["Retry"]
            assert {one["JitterStrategy"] for one in state["Retry"]} == {"FULL"}
            caught = [(one["ErrorEquals"], one["Next"]) for one in state.get("Catch", ())]
            after = {"ValidateFile": "IsFileGone", "NotifyFailure": "FileFailed"}.get(name, "NotifyFailure")
            assert caught == ([(["States.ALL"], after)] if "End" not in state else [])


def test_the_job_is_started_with_the_address_of_the_file() -> None:
    """All of the state: `.sync`, the arguments, how long it may take, what is kept, and what is waited for."""
    assert event_driven_etl(ETL)["States"]["ProcessFile"] == {
        "Type": "Task",
        "Resource": "arn:aws:states:::glue:startJobRun.sync",
        "Parameters": {
            "JobName": "load",
            "Arguments": {
                "--source_path.$": "States.Format('s3://{}/{}', $.detail.bucket.name, $.detail.object.key)",
                "--config": "s3://lake/etl.yaml",
            },
        },
        "TimeoutSeconds": 3600,
        "ResultSelector": {"id.$": "$.Id", "state.$": "$.JobRunState"},
        "ResultPath": "$.job",
        "Retry": [
            {
                "ErrorEquals": [
                    "Glue.ConcurrentRunsExceededException",
                    "Glue.CrawlerRunningException",
                    "Glue.ResourceNumberLimitExceededException",
                ],
                "IntervalSeconds": 60,
                "BackoffRate": 1.5,
                "MaxAttempts": 9,
                "MaxDelaySeconds": 900,
                "JitterStrategy": "FULL",
            },
            {
                "ErrorEquals": [
                    "Glue.ThrottlingException",
                    "Glue.OperationTimeoutException",
                    "Glue.InternalServiceException",
                    "Glue.SdkClientException",
                ],
                "IntervalSeconds": 1,
                "BackoffRate": 2.0,
                "MaxAttempts": 3,
                "MaxDelaySeconds": 20,
                "JitterStrategy": "FULL",
            },
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "NotifyFailure"}],
        "Next": "IsFileProcessed",
    }


def test_the_copy_is_of_the_object_that_was_looked_at() -> None:
    """Copy and deletion ask for the ETag that was seen; the source is encoded."""
    states = event_driven_etl(ETL)["States"]
    assert states["QuarantineFile"]["Parameters"] == {
        "Bucket": "bad",
        "Key.$": "$.quarantine.key",
        "CopySource.$": "$.quarantine.source",
        "CopySourceIfMatch.$": "$.file.etag",
    }
    assert states["DeleteOriginal"]["Parameters"] == {
        "Bucket.$": "$.detail.bucket.name",
        "Key.$": "$.detail.object.key",
        "IfMatch.$": "$.file.etag",
    }
    assert "$encodeUrlComponent(" in states["InvalidFile"]["Output"]


def test_a_missing_object_is_known_by_either_sign() -> None:
    """By the error of its name, or by the status in a cause; an error without a cause, such as a timeout, is a failure."""
    assert event_driven_etl(ETL)["States"]["IsFileGone"] == {
        "Type": "Choice",
        "Choices": [
            {
                "Or": [
                    {"Variable": "$.error.Error", "StringEquals": "S3.NoSuchKeyException"},
                    {
                        "And": [
                            {"Variable": "$.error.Cause", "IsPresent": True},
                            {"Variable": "$.error.Cause", "StringMatches": "*Status Code: 404*"},
                        ]
                    },
                ],
                "Next": "NotifyGone",
            }
        ],
        "Default": "NotifyFailure",
    }


@BOTH
def test_nothing_is_null(etl: EventDrivenEtl) -> None:
    """CloudFormation refuses a definition with a null."""
    assert "null" not in json.dumps(event_driven_etl(etl))
