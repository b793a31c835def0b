"""What `event_driven_etl` is made of: the names of what exists on AWS, limits, and how long to try."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from lakehouse.errors import ConfigError

_PREFIX = re.compile(r"([A-Za-z0-9!_.()=-]+/)*")
_EXTENSION = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*")
_ARGUMENT = re.compile(r"--[A-Za-z][\w-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Tries again up to `max_attempts` times; pauses grow by `backoff_rate` up to a limit, each drawn at random below that.

    Raises:
        ConfigError: Step Functions knows no such policy.
    """

    interval_seconds: int = 2
    backoff_rate: float = 2.0
    max_attempts: int = 6
    max_delay_seconds: int = 60

    def __post_init__(self) -> None:
        """Hold the numbers to the limits of Amazon States Language."""
        if not (
            0 < self.interval_seconds < self.max_delay_seconds and self.backoff_rate >= 1 and self.max_attempts > 0
        ):
            msg = f"{self}: 0 < interval_seconds < max_delay_seconds, backoff_rate >= 1 and max_attempts > 0 must hold"
            raise ConfigError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlueJob:
    """A Glue job that is started with `--source_path` and `arguments`, and stopped after `timeout`.

    Raises:
        ConfigError: an argument is not spelled `--name`, or is `--source_path`; or there is no time.
    """

    name: str
    timeout: timedelta = timedelta(hours=2)
    arguments: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse arguments that Glue would not take, and the one that is set for every file."""
        if self.timeout < timedelta(seconds=1):
            msg = f"Glue job {self.name}: timeout: {self.timeout} is less than a second"
            raise ConfigError(msg)
        wrong = sorted(one for one in self.arguments if not _ARGUMENT.fullmatch(one) or one == "--source_path")
        if wrong:
            msg = f"Glue job {self.name}: {', '.join(wrong)} cannot be set; write --name, and leave --source_path to the file"
            raise ConfigError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDrivenEtl:
    """The names and limits that `event_driven_etl` needs.

    Attributes:
        landing_bucket: where files arrive; it must send its events to EventBridge.
        landing_prefix: only keys that start with it are looked at; empty, or ends with `/`.
        job: loads a file; it registers the tables it writes.
        quality_job: checks what was loaded, and fails when that is not good enough.
        topic_arn: the SNS topic that is told every outcome, with the message attribute `outcome` to filter by.
        quarantine_bucket: where invalid files go, each with a `.reason.json` beside it.
        quarantine_prefix: ends with `/`; not below the landing prefix, or quarantined files would be events again.
        extensions: those of valid files in lower case, without the dot: `csv`, `json.gz`; upper case is valid too.
        max_bytes: larger files are invalid; S3 copies 5 GiB at most, so larger ones than that stay and are told as failed.
        crawler: the Glue crawler that is run before the job, if any.
        crawler_poll_seconds: how often it is asked whether it is done.
        throttled: how calls are tried again when AWS is slow or out of order.
        busy: how a job or crawler that runs already is waited for.

    Raises:
        ConfigError: names what would not work, and why.
    """

    landing_bucket: str
    landing_prefix: str = ""
    job: GlueJob
    quality_job: GlueJob
    topic_arn: str
    quarantine_bucket: str
    quarantine_prefix: str
    extensions: Sequence[str]
    max_bytes: int = 5 * 1024**3
    crawler: str | None = None
    crawler_poll_seconds: int = 30
    throttled: RetryPolicy = field(default_factory=RetryPolicy)
    busy: RetryPolicy = field(
        default_factory=lambda: RetryPolicy(
            interval_seconds=30, backoff_rate=1.5, max_attempts=20, max_delay_seconds=600
        )
    )

    def __post_init__(self) -> None:
        """Refuse what would loop, match nothing, or not be valid in the definition."""
        if faults := [*self._places(), *self._limits()]:
            raise ConfigError("; ".join(faults))

    def _places(self) -> Iterator[str]:
        for name, prefix in (("landing_prefix", self.landing_prefix), ("quarantine_prefix", self.quarantine_prefix)):
            if not _PREFIX.fullmatch(prefix):
                yield f"{name}: {prefix!r} must be folders of letters, digits and !_.()=-, each followed by /"
        if not self.quarantine_prefix:
            yield "quarantine_prefix: must not be empty"
        below = self.quarantine_prefix.startswith(self.landing_prefix)
        if self.quarantine_bucket == self.landing_bucket and below:
            yield f"quarantine_prefix: {self.quarantine_prefix} is below landing_prefix, so each quarantined file is a new event"

    def _limits(self) -> Iterator[str]:
        wrong = [one for one in self.extensions if not _EXTENSION.fullmatch(one)]
        if wrong or not self.extensions:
            yield f"extensions: {', '.join(wrong) or 'there is none'}; write them in lower case without the dot: csv, json.gz"
        if self.max_bytes < 1:
            yield f"max_bytes: {self.max_bytes} must be 1 or more"
        if self.crawler_poll_seconds < 0:
            yield f"crawler_poll_seconds: {self.crawler_poll_seconds} must be 0 or more"
