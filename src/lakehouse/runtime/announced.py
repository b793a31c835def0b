"""Files that events of S3 tell of: looked at, loaded by the job, set aside where they are invalid; people are told each outcome.

Events are delivered at least once and in no order, and a run may be killed anywhere and started again. What loads a file once is
the manifest of its input, as for files that are found by listing; everything else here may be done twice and comes to the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from lakehouse.aws.clients import open_client
from lakehouse.aws.landed_objects import Found, look_at, set_aside, tell
from lakehouse.aws.object_events import ObjectEvent, newest, parse_object_events
from lakehouse.bronze.manifest import LoadedFile
from lakehouse.config.models import Arrivals
from lakehouse.errors import ConfigError
from lakehouse.runtime.landing import is_hidden
from lakehouse.runtime.planning import Job
from lakehouse.runtime.reporting import Summary
from lakehouse.runtime.runner import run_job

Outcome = Literal["processed", "invalid", "gone", "failed"]
PURPOSE = "a file that an event tells of"
_UNESCAPED = "/!$&'()*+,;=:@-._~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why a file is invalid: in a word, and in a sentence."""

    code: str
    detail: str


def read_events(*, source_path: str | None, event: str | None) -> tuple[ObjectEvent, ...]:
    """The events that a run is told of by its arguments.

    Args:
        source_path: one object, `s3://bucket/key`, its key as it is.
        event: JSON text, as S3, SNS, SQS or EventBridge deliver it, or the path of a file of it.

    Raises:
        ConfigError: an argument is no such thing.
    """
    events: list[ObjectEvent] = []
    if source_path is not None:
        bucket, _, key = source_path.removeprefix("s3://").partition("/")
        if not source_path.startswith("s3://") or not bucket or not key:
            msg = f"--source_path {source_path!r} is no object; write s3://bucket/key"
            raise ConfigError(msg)
        events.append(ObjectEvent(bucket=bucket, key=key, kind="created"))
    if event is not None:
        events += parse_object_events(_text(event))
    return tuple(events)


def run_announced(job: Job, events: Sequence[ObjectEvent]) -> Summary | None:
    """Run the job on the files that are still what the events told of, and say of each what became of it.

    Args:
        job: the job; it lists no folder.
        events: what was told, in any order.

    Returns:
        What the run did; None: no file was there to be loaded.

    Raises:
        ConfigError: a file lies below no input of the job.
        LakehouseError: as `run_job` does; the files are told as failed, and stay where they are.
    """
    arrivals = job.config.arrivals or Arrivals()
    desk = _Desk(
        job=job,
        arrivals=arrivals,
        s3=open_client("s3", purpose=PURPOSE),
        sns=None if arrivals.topic is None else open_client("sns", purpose=PURPOSE),
    )
    told = [event for event in newest(events) if not desk.is_passed_over(event)]
    valid = {desk.address(event): event for event in told if desk.admits(event)}
    if not valid:
        return None
    try:
        summary = run_job(replace(job, announced=frozenset(valid)))
    except Exception as error:
        for event in valid.values():
            desk.tell(event, "failed", {"error": type(error).__name__})
        raise
    made = {entry.landed.file: entry for entry in summary.announced}
    for address, event in valid.items():
        desk.close(event, made.get(address))
    return summary


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """Where each file is looked at, set aside and told of; `sns` is None where nobody is told."""

    job: Job
    arrivals: Arrivals
    s3: Any
    sns: Any

    def address(self, event: ObjectEvent) -> str:
        """The file as the input that it belongs to would list it."""
        scheme, _ = self._place(event)
        return f"{scheme}://{event.bucket}/{quote(event.key, safe=_UNESCAPED)}"

    def is_passed_over(self, event: ObjectEvent) -> bool:
        """Whether an object is no file, or one that no listing would show."""
        _, below = self._place(event)
        return below.endswith("/") or not below or is_hidden(below)

    def _place(self, event: ObjectEvent) -> tuple[str, str]:
        """The scheme of the input that an object belongs to, and the path below its folder."""
        for source in self.job.config.inputs.values():
            scheme, _, place = source.path.partition("://")
            bucket, _, prefix = place.partition("/")
            folder = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
            if scheme in {"s3", "s3a", "s3n"} and bucket == event.bucket and event.key.startswith(folder):
                return scheme, event.key.removeprefix(folder)
        msg = f"{event.uri} lies below no input of job {self.job.config.job}; mend the rule that sends its events here"
        raise ConfigError(msg)

    def admits(self, event: ObjectEvent) -> bool:
        """Whether a file may be loaded. One that may not is set aside, and one that is another by now has an event of its own."""
        found = Found(state="gone") if event.kind == "removed" else look_at(self.s3, event)
        if found.state != "there":
            self.tell(event, "gone", {"state": found.state})
            return False
        rejection = self._rejection(event, found.size)
        if rejection is not None:
            self._reject(event, rejection)
        return rejection is None

    def close(self, event: ObjectEvent, entry: LoadedFile | None) -> None:
        """Say what became of a file that the run was told of."""
        if entry is None:
            self.tell(event, "gone", {"state": "gone"})
        elif entry.reason is not None:
            self._reject(
                event, Rejection(code=entry.reason, detail="its content was refused; the quarantine table says why")
            )
        else:
            self.tell(
                event, "processed", {"records": entry.records, "run": entry.run_id, "repeats": entry.duplicate_of}
            )

    def tell(self, event: ObjectEvent, outcome: Outcome, details: Mapping[str, Any]) -> None:
        """Report an outcome, and publish it where a topic is configured."""
        self.job.report.step(outcome, f"{event.uri}: {outcome}", file=event.uri, **details)
        if self.arrivals.topic is not None:
            message = {"file": event.uri, "job": self.job.config.job, **details}
            tell(
                self.sns,
                self.arrivals.topic,
                subject=f"A file was {outcome}",
                message=message,
                outcome=outcome,
            )

    def _rejection(self, event: ObjectEvent, size: int | None) -> Rejection | None:
        extensions = self.arrivals.extensions
        if extensions and not event.key.lower().endswith(tuple(f".{one}" for one in extensions)):
            return Rejection(code="wrong_extension", detail=f"the file is none of {', '.join(extensions)}")
        if size == 0:
            return Rejection(code="empty_file", detail="the file has no bytes")
        if size is not None and size > self.arrivals.max_bytes:
            return Rejection(code="too_large", detail=f"the file has more than {self.arrivals.max_bytes} bytes")
        return None

    def _reject(self, event: ObjectEvent, rejection: Rejection) -> None:
        place = None
        if self.arrivals.quarantine is not None:
            bucket, _, prefix = self.arrivals.quarantine.removeprefix("s3://").partition("/")
            place = set_aside(
                self.s3,
                event,
                bucket=bucket,
                prefix=prefix.rstrip("/"),
                code=rejection.code,
                detail=rejection.detail,
                at=self.job.run.started_at,
                run_id=self.job.run.run_id,
            )
        self.tell(event, "invalid", {"reason": rejection.code, "detail": rejection.detail, "quarantine": place})


def _text(event: str) -> str:
    if event.lstrip()[:1] in {"{", "["}:
        return event
    try:
        return Path(event).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"--event {event!r} is neither JSON nor a file that can be read: {error}"
        raise ConfigError(msg) from error
