"""What S3 tells of its objects, however it comes: by EventBridge or classic notification, alone or wrapped by SNS and SQS.

Events are delivered at least once and in no order. `newest` makes of them what holds now.
Forms: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn
from urllib.parse import unquote_plus

from lakehouse.errors import ConfigError

Kind = Literal["created", "removed", "other"]
_MOST_WRAPPINGS = 8
"""SNS in SQS in a Lambda event is four; more is nobody's delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEvent:
    """One thing that happened to one object.

    Attributes:
        bucket: the bucket's name.
        key: the object's key, decoded.
        kind: `created`, `removed` (the object, or one version of it), or `other` (tags, restores, storage classes).
        size: bytes, None where the event does not say.
        etag: the object's ETag without quotes.
        version: its version id; None in a bucket without versions.
        sequencer: orders the events of one key; see `newest`.
    """

    bucket: str
    key: str
    kind: Kind
    size: int | None = None
    etag: str | None = None
    version: str | None = None
    sequencer: str | None = None

    @property
    def uri(self) -> str:
        """The object as `s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"


def parse_object_events(text: str) -> tuple[ObjectEvent, ...]:
    """Read a message, a list of messages, or what wraps them: the events in it, as they come.

    The test message that S3 sends when notifications are set up holds none.

    >>> parse_object_events('{"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": "in"},'
    ...     ' "object": {"key": "a b.csv", "size": 3, "etag": "9", "sequencer": "0A"}}}')[0].uri
    's3://in/a b.csv'

    Raises:
        ConfigError: the text is no JSON, or holds something that is no event of S3.
    """
    return tuple(_events(_json(text), depth=0))


def newest(events: Iterable[ObjectEvent]) -> tuple[ObjectEvent, ...]:
    """Of each object what happened to it last, in the order in which the objects first appear; `other` events say nothing.

    Deliveries of one event twice, and late ones, make no difference. Sequencers order the events of a key: hexadecimal numbers,
    the shorter one filled up with zeros on the right. Events without one are in the order in which they came, before the others.
    What holds may have changed since: whoever reads an object looks whether it is there, and by which ETag.
    """
    last: dict[tuple[str, str], ObjectEvent] = {}
    for event in events:
        place = (event.bucket, event.key)
        if event.kind != "other" and (place not in last or not _is_before(event, last[place])):
            last[place] = event
    return tuple(last.values())


def _is_before(event: ObjectEvent, other: ObjectEvent) -> bool:
    width = max(len(event.sequencer or ""), len(other.sequencer or ""))
    first, second = ((one.sequencer or "").upper().ljust(width, "0") for one in (event, other))
    return (event.sequencer is not None, first) < (other.sequencer is not None, second)


def _events(message: object, *, depth: int) -> Iterator[ObjectEvent]:
    if depth > _MOST_WRAPPINGS:
        _refuse(f"something wrapped more than {_MOST_WRAPPINGS} times")
    if isinstance(message, Sequence) and not isinstance(message, str):
        for one in message:
            yield from _events(one, depth=depth + 1)
    elif isinstance(message, Mapping):
        yield from _of_object(message, depth=depth)
    else:
        _refuse("a value alone")


def _of_object(message: Mapping[str, Any], *, depth: int) -> Iterator[ObjectEvent]:
    """One JSON object, by what it holds."""
    match message:
        case {"Event": "s3:TestEvent"}:
            return
        case {"source": "aws.s3", "detail-type": str(happened), "detail": Mapping() as detail}:
            yield _event_bridge(happened, detail)
        case {"eventName": str(happened), "s3": Mapping() as told}:
            yield _notification(happened, told)
        case {"Records": list(inner)} | {"Messages": list(inner)}:
            yield from _events(inner, depth=depth + 1)
        case {"Sns": Mapping() as inner}:
            yield from _events(inner, depth=depth + 1)
        case {"body": str(text)} | {"Body": str(text)} | {"Message": str(text)}:
            yield from _events(_json(text), depth=depth + 1)
        case _:
            _refuse(f"an object with {', '.join(sorted(map(str, message))[:9]) or 'nothing in it'}")


def _event_bridge(happened: str, detail: Mapping[str, Any]) -> ObjectEvent:
    kinds: dict[str, Kind] = {"Object Created": "created", "Object Deleted": "removed"}
    return _event(kinds.get(happened, "other"), detail, decode=False)


def _notification(happened: str, told: Mapping[str, Any]) -> ObjectEvent:
    group = happened.removeprefix("s3:").partition(":")[0]
    kinds: dict[str, Kind] = {"ObjectCreated": "created", "ObjectRemoved": "removed", "LifecycleExpiration": "removed"}
    return _event(kinds.get(group, "other"), told, decode=True)


def _event(kind: Kind, told: Mapping[str, Any], *, decode: bool) -> ObjectEvent:
    match told:
        case {"bucket": {"name": str(bucket)}, "object": {"key": str(key)}}:
            described: Mapping[str, Any] = told["object"]
        case _:
            _refuse("an event without bucket and key")
    etag = _text(described, "eTag", "etag")
    return ObjectEvent(
        bucket=bucket,
        key=_decoded(key) if decode else key,
        kind=kind,
        size=_size(described.get("size")),
        etag=etag and etag.strip('"'),
        version=_text(described, "versionId", "version-id"),
        sequencer=_text(described, "sequencer"),
    )


def _decoded(key: str) -> str:
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError:
        _refuse("a key that is not encoded as UTF-8")


def _text(told: Mapping[str, Any], *names: str) -> str | None:
    """The first of the names that holds a text."""
    return next((value for name in names if isinstance(value := told.get(name), str) and value), None)


def _size(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _json(text: str) -> object:
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        _refuse("text that is no JSON")
    return parsed


def _refuse(what: str) -> NoReturn:
    msg = f"{what} was given as an event of S3; give one from EventBridge or a notification, as it was delivered"
    raise ConfigError(msg)
