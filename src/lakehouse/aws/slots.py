"""One small text on S3 or in DynamoDB, swapped only by somebody who has seen the newest one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from lakehouse.aws.clients import open_client
from lakehouse.aws.codes import NO_OBJECT, UNMET, error_code
from lakehouse.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Slot:
    """A text in an object, by conditional writes; its tag is the object's ETag."""

    client: Any
    bucket: str
    key: str

    def read(self) -> tuple[str, str] | None:
        """The text and its tag, or None: there is none yet."""
        try:
            found = self.client.get_object(Bucket=self.bucket, Key=self.key)
        except Exception as error:
            if error_code(error) in NO_OBJECT:
                return None
            raise
        return found["Body"].read().decode(), str(found["ETag"])

    def write(self, text: str, tag: str | None) -> str | None:
        """Swap the text that has this tag and return the new tag, or None: it has another one."""
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        try:
            made = self.client.put_object(Bucket=self.bucket, Key=self.key, Body=text.encode(), **condition)
        except Exception as error:
            if error_code(error) in UNMET | NO_OBJECT:
                return None
            raise
        return str(made["ETag"])


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoSlot:
    """A text in an item of a table whose key is the string `lease`, by conditional writes; its tag is a number that rises."""

    client: Any
    table: str
    key: str

    def read(self) -> tuple[str, str] | None:
        """The text and its tag, or None: there is none yet."""
        found = self.client.get_item(TableName=self.table, Key={"lease": {"S": self.key}}, ConsistentRead=True)
        item = found.get("Item")
        return None if item is None else (item["text"]["S"], item["tag"]["N"])

    def write(self, text: str, tag: str | None) -> str | None:
        """Swap the text that has this tag and return the new tag, or None: it has another one."""
        new = str(int(tag or 0) + 1)
        item = {"lease": {"S": self.key}, "text": {"S": text}, "tag": {"N": new}}
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(lease)"}
        if tag is not None:
            condition = {
                "ConditionExpression": "#tag = :tag",
                "ExpressionAttributeNames": {"#tag": "tag"},
                "ExpressionAttributeValues": {":tag": {"N": tag}},
            }
        try:
            self.client.put_item(TableName=self.table, Item=item, **condition)
        except Exception as error:
            if error_code(error) in UNMET:
                return None
            raise
        return new


def open_slots(place: str) -> Callable[[str], S3Slot | DynamoSlot]:
    """What makes the slot of a table's folder: `s3://bucket/folder`, or `dynamodb://table`.

    Raises:
        ConfigError: boto3 is missing, or the place is neither.
    """
    parts = urlsplit(place)
    if parts.scheme == "dynamodb":
        table = open_client("dynamodb", purpose="a lease on AWS")
        return lambda folder: DynamoSlot(client=table, table=parts.netloc, key=folder)
    if parts.scheme != "s3":
        msg = f"lease: {place!r} is neither s3://bucket/folder nor dynamodb://table"
        raise ConfigError(msg)
    client, prefix = open_client("s3", purpose="a lease on AWS"), parts.path.strip("/")
    return lambda folder: S3Slot(
        client=client, bucket=parts.netloc, key="/".join([*filter(None, [prefix]), f"{quote(folder, safe='')}.lease"])
    )
