"""The template is one that CloudFormation takes, and its role may do what the state machine does, and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cfnlint.api import lint
from moto.events.models import EventPattern

from lakehouse.ops.settings import EventDrivenEtl, GlueJob
from lakehouse.ops.stacks import event_driven_etl_template, event_pattern, policy_statements
from lakehouse.ops.state_machines import event_driven_etl

ETL = EventDrivenEtl(
    landing_bucket="lake",
    landing_prefix="landing/",
    job=GlueJob(name="load"),
    quality_job=GlueJob(name="check"),
    topic_arn="arn:aws:sns:us-east-1:123456789012:outcomes",
    quarantine_bucket="bad",
    quarantine_prefix="quarantine/",
    extensions=("csv",),
    crawler="landing",
)
ACTIONS = {
    "aws-sdk:s3:headObject": {"s3:GetObject", "s3:ListBucket"},
    "aws-sdk:s3:copyObject": {"s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:PutObjectTagging"},
    "aws-sdk:s3:putObject": {"s3:PutObject"},
    "aws-sdk:s3:deleteObject": {"s3:DeleteObject", "s3:GetObject"},
    "aws-sdk:glue:startCrawler": {"glue:StartCrawler"},
    "aws-sdk:glue:getCrawler": {"glue:GetCrawler"},
    "glue:startJobRun.sync": {"glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"},
    "sns:publish": {"sns:Publish"},
}
"""What each call needs, from the service authorization reference and the guide of Step Functions."""


def faults(template: dict[str, Any]) -> list[str]:
    """What cfn-lint finds, by rule."""
    return [str(match.rule.id) for match in lint(json.dumps(template))]


def test_cfn_lint_finds_nothing_but_faults() -> None:
    """The template is in order; a property that does not exist and a call without its resource are found."""
    assert faults(event_driven_etl_template(ETL)) == []
    property_unknown, no_resource = event_driven_etl_template(ETL), event_driven_etl_template(ETL)
    property_unknown["Resources"]["LostEvents"]["Properties"]["Retention"] = 1
    assert faults(property_unknown) == ["E3002"]
    del no_resource["Resources"]["StateMachine"]["Properties"]["Definition"]["States"]["CheckQuality"]["Resource"]
    assert faults(no_resource) == ["E3601"]


@pytest.mark.parametrize("crawler", ["landing", None])
def test_the_role_may_do_what_is_done_and_no_more(crawler: str | None) -> None:
    """Its actions are those of the calls in the definition, with no wildcard."""
    etl = EventDrivenEtl(**{name: getattr(ETL, name) for name in ETL.__slots__} | {"crawler": crawler})
    states = event_driven_etl(etl)["States"].values()
    calls = {state["Resource"].removeprefix("arn:aws:states:::") for state in states if state["Type"] == "Task"}
    needed = set().union(*(ACTIONS[call] for call in calls))
    stated = policy_statements(etl, partition="aws", region="eu-west-1", account="123456789012")
    assert {action for one in stated for action in one["Action"]} == needed


def test_the_role_reaches_the_named_resources_alone() -> None:
    """Landed files can be read and deleted, quarantined ones only written; jobs, crawler and topic are those named."""
    stated = policy_statements(ETL, partition="aws-cn", region="cn-north-1", account="123456789012")
    assert {one["Sid"]: one["Resource"] for one in stated} == {
        "TellMissingFromForbidden": ["arn:aws-cn:s3:::lake"],
        "TakeLandedFiles": ["arn:aws-cn:s3:::lake/landing/*"],
        "QuarantineFiles": ["arn:aws-cn:s3:::bad/quarantine/*"],
        "RunJobs": [
            "arn:aws-cn:glue:cn-north-1:123456789012:job/check",
            "arn:aws-cn:glue:cn-north-1:123456789012:job/load",
        ],
        "Crawl": ["arn:aws-cn:glue:cn-north-1:123456789012:crawler/landing"],
        "TellOutcomes": ["arn:aws:sns:us-east-1:123456789012:outcomes"],
    }
    assert {one["Effect"] for one in stated} == {"Allow"}


def test_the_template_leaves_account_and_region_to_cloudformation() -> None:
    """Statements that need them are substituted; those that do not are plain."""
    role = event_driven_etl_template(ETL)["Resources"]["StateMachineRole"]["Properties"]
    [policy] = role["Policies"]
    resources = {one["Sid"]: one["Resource"] for one in policy["PolicyDocument"]["Statement"]}
    crawler = "arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:crawler/landing"
    assert resources["Crawl"] == [{"Fn::Sub": crawler}]
    assert resources["TellOutcomes"] == ["arn:aws:sns:us-east-1:123456789012:outcomes"]


def test_lost_events_are_kept() -> None:
    """The rule hands what it cannot deliver to the queue, which takes it from the rule alone."""
    resources = event_driven_etl_template(ETL)["Resources"]
    [target] = resources["LandedFiles"]["Properties"]["Targets"]
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["LostEvents", "Arn"]}}
    [statement] = resources["LostEventsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["LandedFiles", "Arn"]}}}


@pytest.mark.parametrize(
    ("changes", "matches"),
    [
        ({}, True),
        ({"key": "landing/a b+ü.csv"}, True),
        ({"key": "quarantine/x/landing/a.csv"}, False),
        ({"key": "landing.csv"}, False),
        ({"bucket": "bad"}, False),
        ({"type": "Object Deleted"}, False),
        ({"source": "mine"}, False),
    ],
)
def test_the_rule_takes_landed_files_alone(changes: dict[str, str], matches: bool) -> None:  # noqa: FBT001 - a golden answer
    """By source, kind, bucket and prefix."""
    of = {"source": "aws.s3", "type": "Object Created", "bucket": "lake", "key": "landing/a.csv"} | changes
    event: Any = {
        "source": of["source"],
        "detail-type": of["type"],
        "detail": {"bucket": {"name": of["bucket"]}, "object": {"key": of["key"], "size": 1}},
    }
    assert EventPattern.load(json.dumps(event_pattern(ETL))).matches_event(event) is matches
