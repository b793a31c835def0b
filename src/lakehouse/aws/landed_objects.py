"""What is done with one object that an event told of: looked at, set aside with its reason, and told of to people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from lakehouse.aws.codes import NO_OBJECT, UNMET, error_code
from lakehouse.aws.object_events import ObjectEvent

_LONGEST_SUBJECT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is at the key of an event now.

    Attributes:
        state: `there`: the object that the event told of; `replaced`: another one, of which another event tells; `gone`: none.
        size: bytes of what is there.
        etag: its ETag without quotes.
    """

    state: Literal["there", "replaced", "gone"]
    size: int | None = None
    etag: str | None = None


def look_at(client: Any, event: ObjectEvent) -> Found:
    """See whether the object that an event told of is still the one at its key.

    Args:
        client: `boto3.client("s3")`.
        event: what was told; without an ETag any object will do.
    """
    try:
        answer = client.head_object(Bucket=event.bucket, Key=event.key)
    except Exception as error:
        if error_code(error) in NO_OBJECT:
            return Found(state="gone")
        raise
    etag = str(answer["ETag"]).strip('"')
    state: Literal["there", "replaced"] = "there" if event.etag in {None, etag} else "replaced"
    return Found(state=state, size=answer["ContentLength"], etag=etag)


def set_aside(
    client: Any, event: ObjectEvent, *, bucket: str, prefix: str, code: str, detail: str, at: datetime, run_id: str
) -> str | None:
    """Move an object below a prefix of quarantine, the reason in a file beside it; where it is then, as `s3://bucket/key`.

    It is copied, then the reason is written, then the original deleted: killed in between and done again, it comes to the same.
    The place depends on the content alone. Nothing is done, and None returned, when the object is gone or was replaced.

    Args:
        client: `boto3.client("s3")`.
        event: the object.
        bucket: of the quarantine.
        prefix: of the quarantine, without a slash at its end.
        code: the reason in a word.
        detail: the reason in a sentence; no values of rows.
        at: when it was rejected, zone-aware.
        run_id: by which run.
    """
    found = look_at(client, event)
    if found.state != "there":
        return None
    place, unchanged = f"{prefix}/{found.etag}/{event.key}", f'"{found.etag}"'
    reason = {
        "reason": {"code": code, "message": detail},
        "source": event.uri,
        "size": found.size,
        "etag": found.etag,
        "run": run_id,
        "rejected_at": at.isoformat(),
    }
    try:
        # Not `copy_object`, which ends at 5 GiB.
        client.copy(
            {"Bucket": event.bucket, "Key": event.key}, bucket, place, ExtraArgs={"CopySourceIfMatch": unchanged}
        )
        body = json.dumps(reason, ensure_ascii=False, indent=2).encode()
        client.put_object(Bucket=bucket, Key=f"{place}.reason.json", Body=body, ContentType="application/json")
        client.delete_object(Bucket=event.bucket, Key=event.key, IfMatch=unchanged)
    except Exception as error:
        if error_code(error) in NO_OBJECT | UNMET:
            return None
        raise
    return f"s3://{bucket}/{place}"


def tell(client: Any, topic: str, *, subject: str, message: Mapping[str, Any], outcome: str) -> None:
    """Publish a message to an SNS topic, with its outcome as an attribute that subscriptions can filter by.

    Args:
        client: `boto3.client("sns")`.
        topic: its ARN.
        subject: cut to the 100 letters of ASCII that SNS takes; others become `?`.
        message: sent as JSON.
        outcome: in a word.
    """
    plain = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in subject)
    client.publish(
        TopicArn=topic,
        Subject=plain[:_LONGEST_SUBJECT].strip() or outcome,
        Message=json.dumps({"outcome": outcome, **message}, ensure_ascii=False, default=str),
        MessageAttributes={"outcome": {"DataType": "String", "StringValue": outcome}},
    )
