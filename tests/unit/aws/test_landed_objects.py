"""Objects that events told of are looked at, set aside with their reason, and told of, on an emulated S3, SNS and SQS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lakehouse.aws.landed_objects import Found, look_at, set_aside, tell
from lakehouse.aws.object_events import ObjectEvent

LANDING, ASIDE, REGION = "landing", "aside", "us-east-1"
AT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = "in/a b+c%20ü'\"🙂.csv"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of an S3 with two buckets."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "emulated")
    with mock_aws():
        client = boto3.client("s3", region_name=REGION)
        for bucket in (LANDING, ASIDE):
            client.create_bucket(Bucket=bucket)
        yield client


def landed(s3: Any, body: bytes = b"id\n1\n", key: str = KEY) -> ObjectEvent:
    """Put an object, and the event that tells of it."""
    etag = s3.put_object(Bucket=LANDING, Key=key, Body=body)["ETag"].strip('"')
    return ObjectEvent(bucket=LANDING, key=key, kind="created", size=len(body), etag=etag)


def keys(s3: Any, bucket: str) -> list[str]:
    """What is in a bucket."""
    return [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def put_aside(s3: Any, event: ObjectEvent) -> str | None:
    """Set an object aside."""
    return set_aside(
        s3, event, bucket=ASIDE, prefix="bad", code="empty_file", detail="the file has no bytes", at=AT, run_id="r1"
    )


def test_an_object_is_there_replaced_or_gone(s3: Any) -> None:
    """What is at the key now is compared with what the event told of; an event without ETag takes any object."""
    event = landed(s3)
    assert look_at(s3, event) == Found(state="there", size=5, etag=event.etag)
    newer = landed(s3, b"other")
    assert look_at(s3, event) == Found(state="replaced", size=5, etag=newer.etag)
    assert look_at(s3, replace(event, etag=None)).state == "there"
    s3.delete_object(Bucket=LANDING, Key=KEY)
    assert look_at(s3, event) == Found(state="gone")


def test_a_missing_bucket_is_an_error(s3: Any) -> None:
    """It is no answer about the object: whoever asks has the wrong name."""
    event = landed(s3)
    with pytest.raises(Exception, match="NoSuchBucket"):
        set_aside(s3, event, bucket="nobodys", prefix="bad", code="c", detail="d", at=AT, run_id="r")
    assert keys(s3, LANDING) == [KEY]


def test_an_object_is_set_aside_with_its_reason(s3: Any) -> None:
    """It is moved bit for bit, whatever its key, and the reason lies beside it."""
    event = landed(s3)
    place = f"bad/{event.etag}/{KEY}"
    assert put_aside(s3, event) == f"s3://{ASIDE}/{place}"
    assert keys(s3, LANDING) == []
    assert keys(s3, ASIDE) == [place, f"{place}.reason.json"]
    assert s3.get_object(Bucket=ASIDE, Key=place)["Body"].read() == b"id\n1\n"
    assert json.loads(s3.get_object(Bucket=ASIDE, Key=f"{place}.reason.json")["Body"].read()) == {
        "reason": {"code": "empty_file", "message": "the file has no bytes"},
        "source": f"s3://{LANDING}/{KEY}",
        "size": 5,
        "etag": event.etag,
        "run": "r1",
        "rejected_at": "2024-01-02T03:04:05+00:00",
    }


def test_setting_aside_again_comes_to_the_same(s3: Any) -> None:
    """A run that was killed before it deleted the original is simply done again; one that was through finds nothing to do."""
    event = landed(s3)
    s3.put_object(Bucket=ASIDE, Key=f"bad/{event.etag}/{KEY}", Body=b"half")
    first = put_aside(s3, event)
    assert first is not None
    assert s3.get_object(Bucket=ASIDE, Key=f"bad/{event.etag}/{KEY}")["Body"].read() == b"id\n1\n"
    assert put_aside(s3, event) is None
    assert len(keys(s3, ASIDE)) == 2


def test_what_has_replaced_an_object_is_left_alone(s3: Any) -> None:
    """The reason is one of the older content: the newer one stays where it is, and another event tells of it."""
    event = landed(s3)
    landed(s3, b"mended")
    assert put_aside(s3, event) is None
    assert keys(s3, LANDING) == [KEY]
    assert keys(s3, ASIDE) == []


@pytest.mark.usefixtures("s3")
def test_people_are_told() -> None:
    """A subscriber gets the message as JSON with its outcome, and a subject that SNS takes, whatever was given."""
    sns, sqs = (boto3.client(name, region_name=REGION) for name in ("sns", "sqs"))
    topic = sns.create_topic(Name="files")["TopicArn"]
    queue = sqs.create_queue(QueueName="people")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    tell(sns, topic, subject="Ünread\nfile" + "e" * 200, message={"file": f"s3://b/{KEY}", "at": AT}, outcome="invalid")
    (received,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    told = json.loads(received["Body"])
    assert told["Subject"] == "?nread?file" + "e" * 89
    assert json.loads(told["Message"]) == {"outcome": "invalid", "file": f"s3://b/{KEY}", "at": str(AT)}
    assert told["MessageAttributes"]["outcome"]["Value"] == "invalid"
