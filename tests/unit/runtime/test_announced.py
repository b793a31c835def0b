"""The events that a run is told of by its arguments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lakehouse.aws.object_events import ObjectEvent
from lakehouse.errors import ConfigError
from lakehouse.runtime.announced import read_events

EVENT = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "in"}, "object": {"key": "a b.csv", "size": 3, "etag": "9", "sequencer": "0A"}},
}
MADE = ObjectEvent(bucket="in", key="a b.csv", kind="created", size=3, etag="9", sequencer="0A")


def test_a_path_is_one_object() -> None:
    """Its key is taken as it is: the state machine has decoded it."""
    (event,) = read_events(source_path="s3://in/a b+c%20.csv", event=None)
    assert event == ObjectEvent(bucket="in", key="a b+c%20.csv", kind="created")


def test_events_come_as_text_or_as_a_file(tmp_path: Path) -> None:
    """Both are what S3 sent; nothing told is nothing."""
    path = tmp_path / "event.json"
    path.write_text(json.dumps([EVENT]), encoding="utf-8")
    assert read_events(source_path=None, event=json.dumps(EVENT)) == (MADE,)
    assert read_events(source_path=None, event=str(path)) == (MADE,)
    assert read_events(source_path=None, event=None) == ()


@pytest.mark.parametrize("path", ["a.csv", "s3://", "s3://in", "s3://in/", "s3a://in/a.csv"])
def test_what_is_no_object_is_refused(path: str) -> None:
    """The error says how to write one."""
    with pytest.raises(ConfigError, match="write s3://bucket/key"):
        read_events(source_path=path, event=None)


def test_what_is_no_event_is_refused(tmp_path: Path) -> None:
    """A file that is not there, and text that is none."""
    with pytest.raises(ConfigError, match="neither JSON nor a file"):
        read_events(source_path=None, event=str(tmp_path / "none.json"))
    with pytest.raises(ConfigError, match="an event of S3"):
        read_events(source_path=None, event="{}")
