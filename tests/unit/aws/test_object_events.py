"""Events of S3 are read in every wrapping they are delivered in, once each, and the last one of an object counts."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.aws.object_events import ObjectEvent, newest, parse_object_events
from lakehouse.errors import ConfigError

# As the documentation of EventBridge events and of notifications shows them, shortened by what nobody reads.
EVENT_BRIDGE: dict[str, Any] = {
    "version": "0",
    "id": "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "account": "111122223333",
    "time": "2021-11-12T00:00:00Z",
    "region": "ca-central-1",
    "resources": ["arn:aws:s3:::amzn-s3-demo-bucket1"],
    "detail": {
        "version": "0",
        "bucket": {"name": "amzn-s3-demo-bucket1"},
        "object": {
            "key": "example key+%2B.csv",
            "size": 5,
            "etag": "b57f9512698f4b09e608f4f2a65852e5",  # pragma: allowlist secret - an ETag
            "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
            "sequencer": "00617F08299329D189",  # pragma: allowlist secret - an order
        },
        "request-id": "N4N7GDK58NMKJ12R",
        "requester": "123456789012",
        "reason": "PutObject",
    },
}
NOTIFICATION: dict[str, Any] = {
    "eventVersion": "2.2",
    "eventSource": "aws:s3",
    "awsRegion": "us-west-2",
    "eventTime": "1970-01-01T00:00:00.000Z",
    "eventName": "ObjectCreated:Put",
    "s3": {
        "s3SchemaVersion": "1.0",
        "configurationId": "testConfigRule",
        "bucket": {"name": "amzn-s3-demo-bucket", "arn": "arn:aws:s3:::amzn-s3-demo-bucket"},
        "object": {
            "key": "red+flower%2Bo%CC%88.jpg",
            "size": 1024,
            "eTag": "d41d8cd98f00b204e9800998ecf8427e",  # pragma: allowlist secret - an ETag
            "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
            "sequencer": "0055AED6DCD90281E5",  # pragma: allowlist secret - an order
        },
    },
}
SEEN = ObjectEvent(
    bucket="amzn-s3-demo-bucket",
    key="red flower+o\u0308.jpg",
    kind="created",
    size=1024,
    etag="d41d8cd98f00b204e9800998ecf8427e",  # pragma: allowlist secret - an ETag
    version="096fKKXTRTtl3on89fVO.nfljtsv6qko",
    sequencer="0055AED6DCD90281E5",  # pragma: allowlist secret - an order
)
RECORDS = {"Records": [NOTIFICATION]}
IN_SNS = {"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": json.dumps(RECORDS)}
WRAPPED: dict[str, Any] = {
    "a notification": RECORDS,
    "a list of them": [RECORDS],
    "the body that SNS puts into SQS": IN_SNS,
    "SQS to Lambda": {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(RECORDS)}]},
    "SNS to Lambda": {"Records": [{"EventSource": "aws:sns", "Sns": IN_SNS}]},
    "SNS by SQS to Lambda": {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(IN_SNS)}]},
    "what receiving from SQS answers": {"Messages": [{"MessageId": "1", "Body": json.dumps(RECORDS)}]},
}


def created(sequencer: str | None, *, etag: str = "e", key: str = "k") -> ObjectEvent:
    """An object was written."""
    return ObjectEvent(bucket="b", key=key, kind="created", etag=etag, sequencer=sequencer)


def test_a_key_from_event_bridge_is_taken_as_it_is() -> None:
    """EventBridge does not encode keys, so a plus sign and a percent sign stand for themselves."""
    (event,) = parse_object_events(json.dumps(EVENT_BRIDGE))
    assert event == ObjectEvent(
        bucket="amzn-s3-demo-bucket1",
        key="example key+%2B.csv",
        kind="created",
        size=5,
        etag="b57f9512698f4b09e608f4f2a65852e5",  # pragma: allowlist secret - an ETag
        version="IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        sequencer="00617F08299329D189",  # pragma: allowlist secret - an order
    )
    assert event.uri == "s3://amzn-s3-demo-bucket1/example key+%2B.csv"


@pytest.mark.parametrize("form", WRAPPED)
def test_a_notification_is_found_in_every_wrapping(form: str) -> None:
    """Its key is decoded: a plus sign is a blank, the rest is percent-encoded UTF-8."""
    assert parse_object_events(json.dumps(WRAPPED[form])) == (SEEN,)


@given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_key_is_read_as_it_was_written(key: str) -> None:
    """Whatever letters a key has, both forms tell the same key."""
    told = {"bucket": {"name": "b"}, "object": {"key": quote_plus(key)}}
    bridged = {**EVENT_BRIDGE, "detail": {"bucket": {"name": "b"}, "object": {"key": key}}}
    both = [{"Records": [{"eventName": "ObjectCreated:Copy", "s3": told}]}, bridged]
    assert {event.key for event in parse_object_events(json.dumps(both))} == {key}


def test_what_happened_is_told_apart() -> None:
    """Deletes in any form remove, tags and restores are neither."""
    names = ["ObjectRemoved:DeleteMarkerCreated", "LifecycleExpiration:Delete", "s3:ObjectRemoved:Delete"]
    others = ["ObjectTagging:Put", "ObjectRestore:Post"]
    records = {"Records": [{**NOTIFICATION, "eventName": name} for name in [*names, *others]]}
    bridged = [{**EVENT_BRIDGE, "detail-type": name} for name in ("Object Deleted", "Object Tags Added")]
    kinds = [event.kind for event in parse_object_events(json.dumps([records, *bridged]))]
    assert kinds == ["removed", "removed", "removed", "other", "other", "removed", "other"]


def test_the_test_message_holds_no_event() -> None:
    """S3 sends one when notifications are set up, also through SNS and SQS."""
    test = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}
    assert parse_object_events(json.dumps([test, {"Body": json.dumps({"Message": json.dumps(test)})}])) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        '"s3://b/k"',
        "{}",
        '{"Records": [{"eventName": "ObjectCreated:Put"}]}',
        '{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": 1}}}]}',
        '{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "%FF"}}}]}',
        '{"Message": "no JSON"}',
        '{"source": "aws.ec2", "detail-type": "x", "detail": {}}',
        "[" * 10 + "]" * 10,
        "[" * 100_000,
    ],
)
def test_what_is_no_event_is_refused(text: str) -> None:
    """One clear error, whatever was given instead, and none of it is repeated."""
    with pytest.raises(ConfigError, match="as an event of S3"):
        parse_object_events(text)


def test_the_last_event_of_an_object_counts() -> None:
    """Whatever order they arrive in, and however often; a removed object stays removed."""
    first, second = created("0055AED6DCD90281E5", etag="1"), created("0055AED6DCD90281E6", etag="2")
    gone = ObjectEvent(bucket="b", key="k", kind="removed", sequencer="0055AED6DCD90281E7")
    assert newest([second, first, second]) == (second,)
    assert newest([gone, second, first]) == (gone,)
    assert newest([]) == ()


def test_sequencers_of_other_lengths_are_filled_up_on_the_right() -> None:
    """A shorter one is compared as if zeros followed, in any letter case."""
    short, long = created("0a", etag="1"), created("0A01", etag="2")
    assert newest([long, short]) == (long,)
    assert newest([created("0B", etag="3"), long]) == (created("0B", etag="3"),)


def test_without_sequencers_the_later_delivery_counts() -> None:
    """It is all there is; whoever has a sequencer comes after those that have none."""
    assert newest([created(None, etag="1"), created(None, etag="2")]) == (created(None, etag="2"),)
    assert newest([created("00", etag="1"), created(None, etag="2")]) == (created("00", etag="1"),)


def test_objects_are_told_apart_by_bucket_and_key() -> None:
    """Each has its own last event, in the order in which they first appear; what changes no object is left out."""
    tagged = ObjectEvent(bucket="b", key="k", kind="other", sequencer="FF")
    other = ObjectEvent(bucket="c", key="k", kind="created")
    assert newest([created("01", key="z"), tagged, other, created("01")]) == (
        created("01", key="z"),
        other,
        created("01"),
    )
