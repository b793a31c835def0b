"""Step Functions, S3, Glue, SNS and SQS in this process, and what they need to run the state machine as AWS does.

The emulator differs from AWS in five places that the machine passes by; each is mended here, and nothing else is changed.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import boto3
from jsonata import Jsonata
from moto import mock_aws
from moto.glue.exceptions import GlueClientError
from moto.glue.models import FakeCrawler, FakeJobRun, GlueBackend
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_glue as glue_task
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.jsonata import jsonata as jsonata_bridge

from lakehouse.ops.settings import EventDrivenEtl
from lakehouse.ops.state_machines import event_driven_etl

REGION = "us-east-1"
ACCOUNT = "123456789012"
CRAWLER = "landing"
PATIENCE = 30.0
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:outcomes"
_DESCRIBE = FakeCrawler.as_dict
SURROGATES = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})")


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How an execution ended, and what the topic was told."""

    status: str
    error: str | None
    cause: str | None
    messages: list[dict[str, Any]]
    states: list[str]


@dataclass(kw_only=True)
class Workbench:
    """A state machine with its bucket, jobs and topic; `run_states` and `start_errors` make runs of jobs end badly."""

    etl: EventDrivenEtl
    clients: Mapping[str, Any]
    machine: str
    queue: str
    run_states: dict[tuple[str, str], str] = field(default_factory=dict)
    start_errors: dict[str, list[str]] = field(default_factory=dict)

    def differing(self, **changes: Any) -> Workbench:
        """The same place with a state machine of other settings."""
        etl = replace(self.etl, **changes)
        return replace(self, etl=etl, machine=_create(self.clients["stepfunctions"], etl))

    def land(self, key: str, body: bytes = b"id\n1\n") -> Execution:
        """Put an object and run the state machine on its event."""
        self.clients["s3"].put_object(Bucket=self.etl.landing_bucket, Key=key, Body=body)
        return self.arrive(key)

    def arrive(self, key: str) -> Execution:
        """Run the state machine on the event of an object."""
        detail = {"bucket": {"name": self.etl.landing_bucket}, "object": {"key": key}}
        event = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
        step_functions = self.clients["stepfunctions"]
        started = step_functions.start_execution(
            stateMachineArn=self.machine, name=uuid4().hex, input=json.dumps(event)
        )["executionArn"]
        deadline = time.monotonic() + PATIENCE
        while (ended := step_functions.describe_execution(executionArn=started))["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"{key} is still on its way"
            time.sleep(0.02)
        history = step_functions.get_execution_history(executionArn=started, maxResults=1000)["events"]
        entered = [one["stateEnteredEventDetails"]["name"] for one in history if "stateEnteredEventDetails" in one]
        return Execution(
            status=ended["status"],
            error=ended.get("error"),
            cause=ended.get("cause"),
            messages=list(self._told()),
            states=entered,
        )

    def keys(self, prefix: str) -> list[str]:
        """The keys below a prefix."""
        listed = self.clients["s3"].list_objects_v2(Bucket=self.etl.landing_bucket, Prefix=prefix)
        return [one["Key"] for one in listed.get("Contents", [])]

    def read(self, key: str) -> bytes:
        """The bytes of an object."""
        return bytes(self.clients["s3"].get_object(Bucket=self.etl.landing_bucket, Key=key)["Body"].read())

    def source_paths(self, job: str) -> list[str]:
        """The `--source_path` of each run of a job."""
        runs = self.clients["glue"].get_job_runs(JobName=job)["JobRuns"]
        return [run["Arguments"]["--source_path"] for run in runs]

    def _told(self) -> Iterator[dict[str, Any]]:
        sqs = self.clients["sqs"]
        for message in sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            body = json.loads(message["Body"])
            told = json.loads(body["Message"])
            assert body["MessageAttributes"]["outcome"]["Value"] == told["outcome"]
            yield told


@contextmanager
def running_workbench(etl: EventDrivenEtl) -> Iterator[Workbench]:
    """The state machine on an emulator of its own."""
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        names = ("s3", "sns", "sqs", "glue", "stepfunctions")
        clients = {name: boto3.client(name, region_name=REGION) for name in names}
        clients["s3"].create_bucket(Bucket=etl.landing_bucket)
        for job in (etl.job, etl.quality_job):
            clients["glue"].create_job(Name=job.name, Role="jobs", Command={"Name": "glueetl"})
        clients["glue"].create_crawler(Name=CRAWLER, Role="crawler", Targets={"S3Targets": [{"Path": "s3://lake"}]})
        queue = clients["sqs"].create_queue(QueueName="outcomes")["QueueUrl"]
        topic = clients["sns"].create_topic(Name="outcomes")["TopicArn"]
        clients["sns"].subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:outcomes")
        bench = Workbench(etl=etl, clients=clients, machine=_create(clients["stepfunctions"], etl), queue=queue)
        with _as_aws_does(), _job_runs(bench):
            yield bench


def _create(step_functions: Any, etl: EventDrivenEtl) -> str:
    created = step_functions.create_state_machine(
        name=uuid4().hex, definition=json.dumps(event_driven_etl(etl)), roleArn=f"arn:aws:iam::{ACCOUNT}:role/etl"
    )
    return str(created["stateMachineArn"])


@contextmanager
def _as_aws_does() -> Iterator[None]:
    """Mend the emulator: `.sync` of Glue, crawls that end, JSONata, JSON as the body of an object, and sources of copies that are encoded."""
    call = StateTaskServiceAwsSdk._eval_service_task  # noqa: SLF001 - there is no other way in

    def call_with_json_body(self: Any, *, normalised_parameters: dict[str, Any], **others: Any) -> Any:
        body = normalised_parameters.get("Body")
        mended = (
            {**normalised_parameters, "Body": json.dumps(body).encode()}
            if isinstance(body, dict)
            else normalised_parameters
        )
        return call(self, normalised_parameters=mended, **others)

    patterns = {*glue_task._SUPPORTED_INTEGRATION_PATTERNS, ResourceCondition.WaitForTaskToken}  # noqa: SLF001 - as above
    with (
        patch.object(glue_task, "_SUPPORTED_INTEGRATION_PATTERNS", patterns),
        patch.object(FakeCrawler, "as_dict", _crawled),
        patch.object(jsonata_bridge, "_eval_jsonata", _evaluate),
        patch.object(StateTaskServiceAwsSdk, "_eval_service_task", call_with_json_body),
        # boto3 encodes the source of a copy; the SDK of Step Functions takes it as it is.
        patch("botocore.handlers._quote_source_header", lambda source: source),
    ):
        yield


def _evaluate(expression: str) -> Any:
    """Evaluate JSONata, whose input the emulator writes into the expression as ASCII."""
    pairs = SURROGATES.sub(lambda pair: json.loads(f'"{pair[0]}"'), expression)
    return Jsonata(pairs).evaluate(None)


@contextmanager
def _job_runs(bench: Workbench) -> Iterator[None]:
    """End the runs of jobs as the workbench says."""
    describe, start = FakeJobRun.as_dict, GlueBackend.start_job_run

    def described(self: FakeJobRun) -> dict[str, Any]:
        source = (self.arguments or {})["--source_path"]
        return {**describe(self), "JobRunState": bench.run_states.get((self.job_name, source), "SUCCEEDED")}

    def started(self: GlueBackend, name: str, arguments: dict[str, str], *others: Any) -> str:
        if errors := bench.start_errors.get(arguments["--source_path"]):
            raise GlueClientError(errors.pop(0), "come back later")
        return start(self, name, arguments, *others)

    with patch.object(FakeJobRun, "as_dict", described), patch.object(GlueBackend, "start_job_run", started):
        yield


def _crawled(self: FakeCrawler) -> dict[str, Any]:
    """Describe a crawler, whose crawl is a step further the next time."""
    described = _DESCRIBE(self)
    for crawl in self.crawls[-1:]:
        crawl.advance()
    return described
