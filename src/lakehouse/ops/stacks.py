"""The CloudFormation template of `event_driven_etl`, as data: the state machine, its role, what starts it, and where lost events go.

The buckets, the topic, the jobs and the crawler exist already; the landing bucket must send its events to EventBridge.
"""

from __future__ import annotations

from typing import Any

from lakehouse.ops.settings import EventDrivenEtl
from lakehouse.ops.state_machines import event_driven_etl

_JOB_RUNS = ("glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun")
_FOURTEEN_DAYS = 14 * 24 * 3600
_ONE_DAY = 24 * 3600


def policy_statements(etl: EventDrivenEtl, *, partition: str, region: str, account: str) -> list[dict[str, Any]]:
    """What the role of the state machine may do, and nothing beyond it.

    `s3:ListBucket` is there because without it S3 answers 403, not 404, when an object is gone. Encrypted buckets and topics
    with keys of your own also want `kms:Decrypt` and `kms:GenerateDataKey` on those keys.
    """
    landing = f"arn:{partition}:s3:::{etl.landing_bucket}"
    quarantine = f"arn:{partition}:s3:::{etl.quarantine_bucket}/{etl.quarantine_prefix}*"
    glue = f"arn:{partition}:glue:{region}:{account}"
    jobs = sorted({f"{glue}:job/{job.name}" for job in (etl.job, etl.quality_job)})
    landed = ["s3:GetObject", "s3:GetObjectTagging", "s3:DeleteObject"]
    crawler = [_allow("Crawl", ["glue:StartCrawler", "glue:GetCrawler"], [f"{glue}:crawler/{etl.crawler}"])]
    return [
        _allow("TellMissingFromForbidden", ["s3:ListBucket"], [landing]),
        _allow("TakeLandedFiles", landed, [f"{landing}/{etl.landing_prefix}*"]),
        _allow("QuarantineFiles", ["s3:PutObject", "s3:PutObjectTagging"], [quarantine]),
        _allow("RunJobs", _JOB_RUNS, jobs),
        *(crawler if etl.crawler else []),
        _allow("TellOutcomes", ["sns:Publish"], [etl.topic_arn]),
    ]


def event_pattern(etl: EventDrivenEtl) -> dict[str, Any]:
    """The events of EventBridge that start the state machine: objects made below the landing prefix."""
    landed = {"object": {"key": [{"prefix": etl.landing_prefix}]}} if etl.landing_prefix else {}
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [etl.landing_bucket]}, **landed},
    }


def event_driven_etl_template(etl: EventDrivenEtl) -> dict[str, Any]:
    """The template; an event that cannot start the state machine within a day goes to the queue `LostEvents`."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Checks files that land, loads them, checks their quality, and tells the outcome",
        "Resources": {
            "StateMachine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"RoleArn": _arn_of("StateMachineRole"), "Definition": event_driven_etl(etl)},
            },
            "StateMachineRole": _role("states.amazonaws.com", _statements(etl)),
            "LandedFiles": _rule(etl),
            "LandedFilesRole": _role(
                "events.amazonaws.com", [_allow("Start", ["states:StartExecution"], [{"Ref": "StateMachine"}])]
            ),
            **_lost_events(),
        },
        "Outputs": {
            "StateMachineArn": {"Value": {"Ref": "StateMachine"}},
            "LostEventsUrl": {"Value": {"Ref": "LostEvents"}},
        },
    }


def _statements(etl: EventDrivenEtl) -> list[dict[str, Any]]:
    stated = policy_statements(etl, partition="${AWS::Partition}", region="${AWS::Region}", account="${AWS::AccountId}")
    return [{**one, "Resource": [_substituted(arn) for arn in one["Resource"]]} for one in stated]


def _substituted(arn: str) -> Any:
    return {"Fn::Sub": arn} if "${" in arn else arn


def _rule(etl: EventDrivenEtl) -> dict[str, Any]:
    target = {
        "Id": "StateMachine",
        "Arn": {"Ref": "StateMachine"},
        "RoleArn": _arn_of("LandedFilesRole"),
        "DeadLetterConfig": {"Arn": _arn_of("LostEvents")},
        "RetryPolicy": {"MaximumEventAgeInSeconds": _ONE_DAY, "MaximumRetryAttempts": 185},
    }
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {"EventPattern": event_pattern(etl), "State": "ENABLED", "Targets": [target]},
    }


def _lost_events() -> dict[str, Any]:
    may_send = {
        **_allow("LandedFiles", ["sqs:SendMessage"], [_arn_of("LostEvents")]),
        "Principal": {"Service": "events.amazonaws.com"},
        "Condition": {"ArnEquals": {"aws:SourceArn": _arn_of("LandedFiles")}},
    }
    return {
        "LostEvents": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"MessageRetentionPeriod": _FOURTEEN_DAYS, "SqsManagedSseEnabled": True},
        },
        "LostEventsPolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": "LostEvents"}], "PolicyDocument": _document([may_send])},
        },
    }


def _role(service: str, statements: list[dict[str, Any]]) -> dict[str, Any]:
    """A role that one service of this account may take: others' resources cannot make it act for them."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }
    policy = {"PolicyName": "Least", "PolicyDocument": _document(statements)}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": _document([trust]), "Policies": [policy]},
    }


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(name: str, actions: Any, resources: list[Any]) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": resources}


def _arn_of(resource: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [resource, "Arn"]}
