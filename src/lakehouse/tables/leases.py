"""Who may commit to a table whose store does not tell two writers apart: one process at a time.

A lease has a fencing number that rises with each holder and stands in the commits made under it. Expiry is never a matter of
two machines' clocks: a lease may be taken over when its record has not changed for its whole duration by the clock of the one
who waits.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from lakehouse.errors import CommitUnknownError, LeaseError


class Lease(Protocol):
    """The right to commit to one table. `seconds` is how long it lasts without being renewed; None: as long as the process."""

    seconds: float | None

    def acquire(self) -> int:
        """Wait for the lease, and return the fencing number of this holder."""
        ...

    def renew(self) -> None:
        """Hold on to it; a `LeaseError` when somebody else has it."""
        ...

    def release(self) -> None:
        """Give it back; nothing when it was lost."""
        ...


class Slot(Protocol):
    """A text in a store that swaps it only for somebody who has seen the newest one."""

    def read(self) -> tuple[str, str] | None:
        """The text and its tag, or None: there is none yet."""
        ...

    def write(self, text: str, tag: str | None) -> str | None:
        """Swap the text that has this tag (None: that is not there yet) and return the new tag, or None: it has another one."""
        ...


Leases = Callable[[str], Lease]
"""Makes the lease of a table from the folder it lies in."""


def _this_process() -> str:
    return f"{socket.gethostname()}/{os.getpid()}/{uuid4().hex[:8]}"


@dataclass(slots=True, kw_only=True)
class StoredLease:
    """A lease whose record is in a store with conditional writes."""

    slot: Slot
    where: str
    seconds: float | None = 30.0
    patience: float = 600.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    holder: str = field(default_factory=_this_process)
    _fence: int = 0
    _beat: int = 0
    _tag: str | None = None

    def acquire(self) -> int:
        """Wait until the lease is free, or its holder has been silent for as long as it lasts.

        Raises:
            LeaseError: somebody else held it for longer than patience lasts.
        """
        begun = since = self.clock()
        seen: str | None = None
        while True:
            record, tag = self._read()
            if tag != seen:
                seen, since = tag, self.clock()
            if record["holder"] is None or self.clock() - since > record["seconds"]:
                self._fence, self._beat = record["fence"] + 1, 0
                if self._write(self.holder, tag):
                    return self._fence
            if self.clock() - begun > self.patience:
                msg = (
                    f"the lease on {self.where} was held by {record['holder']} for {self.patience:g} seconds; "
                    "see whether that writer is still at work, and run again"
                )
                raise LeaseError(msg)
            self.sleep(min(1.0, record["seconds"] / 10))

    def renew(self) -> None:
        """Tell the others that the holder is alive.

        Raises:
            LeaseError: somebody else took it over.
        """
        self._beat += 1
        if not self._write(self.holder, self._tag):
            msg = f"the lease on {self.where} was taken over by another writer; nothing more is committed under it"
            raise LeaseError(msg)

    def release(self) -> None:
        """Give it back; the number stays, so that the next one is higher."""
        self._write(None, self._tag)

    def _read(self) -> tuple[dict[str, Any], str | None]:
        found = self.slot.read()
        if found is None:
            return {"holder": None, "fence": 0, "seconds": self.seconds}, None
        return json.loads(found[0]), found[1]

    def _write(self, holder: str | None, tag: str | None) -> bool:
        record = {"holder": holder, "fence": self._fence, "beat": self._beat, "seconds": self.seconds}
        text = json.dumps(record, sort_keys=True)
        made = self.slot.write(text, tag)
        if made is None and (found := self.slot.read()) is not None and found[0] == text and holder is not None:
            made = found[1]  # written by a first try whose answer was lost
        self._tag = made or self._tag
        return made is not None


@dataclass(slots=True)
class _Hold:
    """The lease of this process on one table, shared by its threads: between these the format's own log arbitrates."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    lease: Lease | None = None
    fence: int = 0
    users: int = 0
    lost: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


_HOLDS: dict[str, _Hold] = {}
_HOLDS_LOCK = threading.Lock()


@contextmanager
def held(folder: str, leases: Leases) -> Iterator[int]:
    """Hold the lease on a table for one statement, renewed right before it and while it runs; yields the fencing number.

    Raises:
        LeaseError: the lease was not to be had, or was lost before the statement began.
        CommitUnknownError: it was lost while the statement ran: look for the commit.
    """
    with _HOLDS_LOCK:
        hold = _HOLDS.setdefault(folder, _Hold())
    with hold.lock:
        if hold.lease is None:
            _take(hold, leases(folder))
        else:
            hold.lease.renew()
        hold.users += 1
    try:
        yield hold.fence
        if hold.lost.is_set():
            msg = f"the lease on {folder} was lost while a statement ran; look for its commit before anything else"
            raise CommitUnknownError(msg)
    finally:
        with hold.lock:
            hold.users -= 1
            if not hold.users and hold.lease is not None:
                hold.done.set()
                lease, hold.lease = hold.lease, None
                with suppress(Exception):  # whoever waits takes it over in time
                    lease.release()


def _take(hold: _Hold, lease: Lease) -> None:
    hold.fence = lease.acquire()
    hold.lease, hold.lost, hold.done = lease, threading.Event(), threading.Event()
    if lease.seconds is not None:
        threading.Thread(target=_keep, args=(hold.lock, lease, hold.lost, hold.done), daemon=True).start()


def _keep(lock: threading.Lock, lease: Lease, lost: threading.Event, done: threading.Event) -> None:
    """Renew a lease until it is given back; say so when it was lost."""
    while not done.wait((lease.seconds or 0) / 3):
        with lock:
            if done.is_set():
                return
            try:
                lease.renew()
            except Exception:  # noqa: BLE001 - a store that cannot be reached may have given the lease to somebody else
                lost.set()
                return
