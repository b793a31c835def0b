"""Named places where a run can be made to fail, to show that it then simply is run again.

`reach` does nothing unless a test installs a hook, in this process by `installed`, in a child process by the environment
variable `LAKEHOUSE_FAILPOINT`, as `name[:count]=action`: at the count-th time (1) that the point is reached, `raise` raises
`InjectedFaultError`, `kill` kills the process group as a lost machine would, and `pause` stops the process until it is sent
SIGCONT.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, cast, get_args

from lakehouse.errors import ConfigError

Hook = Callable[[str], None]
Action = Literal["raise", "kill", "pause"]

VARIABLE = "LAKEHOUSE_FAILPOINT"

POINTS: Mapping[str, str] = MappingProxyType(
    {
        "runner.targets_checked": "the targets were looked at, nothing is listed",
        "runner.listed": "the landing folder is listed",
        "runner.landed": "bronze holds every file of the run",
        "applying.parsed": "the changes of a source table are read from bronze and parsed, lazily",
        "applying.quarantined": "the rejected rows of a source table are kept",
        "applying.merged": "one target has its batch",
        "runner.closing": "every target has its batch, nothing is reported",
        "ingestion.before_plan": "the next batch is worked out, the manifest does not have it",
        "ingestion.after_plan": "the manifest has the next batch, bronze does not",
        "ingestion.created": "a bronze table was made, its first batch is not in it",
        "ingestion.before_append": "the records of a batch are about to be added to bronze",
        "ingestion.after_append": "bronze has the batch",
        "gold.before_merge": "the current tables have every batch, a gold table is about to follow",
        "quarantine.before_append": "rejected rows are about to be added",
        "quarantine.after_append": "the rejected rows are added",
        "quarantine.before_note": "the rows of no table are kept, bronze does not say so",
        "quarantine.after_note": "bronze says up to which batch the rows of no table are kept",
        "replay.landed": "mended records are in a file of the landing folder, quarantine does not say so",
        "targets.created": "a target or its tombstones were made, empty",
        "targets.evolved": "a target got new columns or wider types, no rows with them",
        "memory.before_note": "truncates are about to be noted in a target's properties",
        "memory.after_note": "truncates are noted, their rows not yet deleted",
        "merging.measured": "a batch was looked at, no target was read",
        "merging.before_note": "a batch changed nothing, and the target does not say so",
        "merging.after_note": "the target says that it has a batch that changed nothing",
        "current_merge.newer": "a batch is newer than all that a current table knows, whose rows are not read",
        "current_merge.folded": "a batch was folded, with the stored rows of a current table where it needs them",
        "current_merge.before_tombstones": "deletes are about to be remembered",
        "current_merge.after_tombstones": "deletes are remembered, their rows still there",
        "history_merge.folded": "the stored rows of a history table were read and folded with the batch",
        "delta.before_commit": "a statement on a Delta table is about to run",
        "delta.committed": "a Delta commit is made, and the answer to it not taken",
        "iceberg.before_commit": "a statement on an Iceberg table is about to run",
        "iceberg.committed": "an Iceberg commit is made, and the answer to it not taken",
    }
)
"""The names, each by the module that reaches it, and what is true there."""


class InjectedFaultError(Exception):
    """Raised at a failpoint by a hook: stands for whatever may go wrong there."""


@dataclass(slots=True)
class _Installed:
    """The hook of this process, if there is one."""

    hook: Hook | None = None


@dataclass(slots=True)
class FailOnce:
    """A hook that acts at one point, at the count-th time it is reached, and never again. Safe to reach from threads."""

    name: str
    count: int = 1
    action: Action = "raise"
    seen: int = field(default=0, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        """Refuse a point that is never reached, and an action nobody knows."""
        if self.name not in POINTS or self.action not in get_args(Action) or self.count < 1:
            msg = (
                f"{VARIABLE} is name[:count]=action; actions are {', '.join(get_args(Action))}, "
                f"names are {', '.join(sorted(POINTS))}; not {self.name}:{self.count}={self.action}"
            )
            raise ConfigError(msg)

    def __call__(self, name: str) -> None:
        """Count, and act when it is time."""
        if name != self.name:
            return
        with self.lock:
            self.seen += 1
            now = self.seen == self.count
        if now:
            act(self.action, name)


def reach(name: str) -> None:
    """Say that a declared point is reached; does nothing unless a hook is installed."""
    if _INSTALLED.hook is not None:
        _INSTALLED.hook(name)


@contextmanager
def installed(hook: Hook) -> Iterator[None]:
    """Call the hook with the name of every point that is reached in the block, by any thread."""
    before, _INSTALLED.hook = _INSTALLED.hook, hook
    try:
        yield
    finally:
        _INSTALLED.hook = before


def act(action: Action, name: str) -> None:
    """Fail as told.

    Raises:
        InjectedFaultError: the action is `raise`.
    """
    if action == "kill":
        os.killpg(os.getpgrp(), signal.SIGKILL)  # the JVM as well, which would otherwise finish what it is at
    elif action == "pause":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        raise InjectedFaultError(name)


def from_text(text: str) -> Hook | None:
    """The hook that the environment asks for, or None.

    >>> from_text("ingestion.after_plan:2=kill")
    FailOnce(name='ingestion.after_plan', count=2, action='kill')

    Raises:
        ConfigError: the text is not `name[:count]=action`, or names nothing known.
    """
    if not text:
        return None
    point, _, action = text.partition("=")
    name, _, count = point.partition(":")
    return FailOnce(name=name, count=int(count) if count.isdecimal() else int(not count), action=cast(Action, action))


_INSTALLED = _Installed(hook=from_text(os.environ.get(VARIABLE, "")))
