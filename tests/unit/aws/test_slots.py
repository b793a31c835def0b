"""Texts on S3 and in DynamoDB are swapped only by somebody who has seen the newest one."""

from __future__ import annotations

import io
from typing import Any

import pytest

from lakehouse.aws.slots import DynamoSlot, S3Slot

ABSENT, REFUSED, UNMET = "NoSuchKey", "PreconditionFailed", "ConditionalCheckFailedException"


class AwsError(Exception):
    """An answer of AWS that is not a result, as boto3 raises it."""

    def __init__(self, code: str) -> None:
        """Only the code matters."""
        super().__init__(code)
        self.response = {"Error": {"Code": code}}


class S3:
    """As much of S3 as a slot uses."""

    def __init__(self) -> None:
        """No object is there."""
        self.objects: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.refuses: str | None = None

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - AWS's names
        """The object and its ETag."""
        if (Bucket, Key) not in self.objects:
            raise AwsError(ABSENT)
        body, tag = self.objects[Bucket, Key]
        return {"Body": io.BytesIO(body), "ETag": tag}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **condition: str) -> dict[str, Any]:  # noqa: N803 - AWS's names
        """Put on a condition."""
        if self.refuses:
            raise AwsError(self.refuses)
        there = self.objects.get((Bucket, Key))
        if condition == {"IfNoneMatch": "*"} and there:
            raise AwsError(REFUSED)
        if "IfMatch" in condition and (there is None or there[1] != condition["IfMatch"]):
            raise AwsError(REFUSED if there else ABSENT)
        self.objects[Bucket, Key] = (Body, f'"{len(Body)}-{Body.decode()}"')
        return {"ETag": self.objects[Bucket, Key][1]}


class DynamoDB:
    """As much of DynamoDB as a slot uses."""

    def __init__(self) -> None:
        """No item is there."""
        self.items: dict[str, dict[str, Any]] = {}

    def get_item(self, *, TableName: str, Key: dict[str, Any], ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803 - AWS's names
        """The item, read consistently."""
        assert (TableName, ConsistentRead) == ("leases", True)
        item = self.items.get(Key["lease"]["S"])
        return {"Item": item} if item else {}

    def put_item(self, *, TableName: str, Item: dict[str, Any], ConditionExpression: str, **names: Any) -> None:  # noqa: N803 - AWS's names
        """Put on a condition."""
        there = self.items.get(Item["lease"]["S"])
        if ConditionExpression == "attribute_not_exists(lease)":
            met = there is None
        else:
            assert (TableName, ConditionExpression) == ("leases", "#tag = :tag")
            assert names["ExpressionAttributeNames"] == {"#tag": "tag"}
            met = there is not None and there["tag"] == names["ExpressionAttributeValues"][":tag"]
        if not met:
            raise AwsError(UNMET)
        self.items[Item["lease"]["S"]] = Item


@pytest.mark.parametrize(
    "slot",
    [
        S3Slot(client=S3(), bucket="b", key="k"),
        DynamoSlot(client=DynamoDB(), table="leases", key="k"),
    ],
    ids=["s3", "dynamodb"],
)
def test_only_the_newest_tag_swaps(slot: S3Slot | DynamoSlot) -> None:
    """The first comes where nothing is, the next with its tag, and whoever has seen something older is refused."""
    assert slot.read() is None
    assert slot.write("too early", "1") is None
    first = slot.write("a", None)
    assert first is not None
    assert slot.read() == ("a", first)
    assert slot.write("b", None) is None
    second = slot.write("c", first)
    assert second not in {None, first}
    assert slot.write("d", first) is None
    assert slot.read() == ("c", second)


def test_other_answers_of_aws_pass_through() -> None:
    """Who may not write is told, rather than made to wait; two at once are a refusal like any other."""
    client = S3()
    slot = S3Slot(client=client, bucket="b", key="k")
    client.refuses = "ConditionalRequestConflict"
    assert slot.write("a", None) is None
    client.refuses = "AccessDenied"
    with pytest.raises(AwsError, match="AccessDenied"):
        slot.write("a", None)
