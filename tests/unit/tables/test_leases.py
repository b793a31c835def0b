"""One writer at a time, numbers that rise, and no clock but one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.errors import CommitUnknownError, ConfigError, LeaseError
from lakehouse.tables import leases
from lakehouse.tables.arbitration import leases_for
from lakehouse.tables.leases import Lease, StoredLease, held
from lakehouse.tables.local_lease import LocalLease


class Memory:
    """A slot, and a clock that only waiting moves."""

    def __init__(self) -> None:
        """Nothing is in it."""
        self.found: tuple[str, str] | None = None
        self.now = 0.0
        self.lost_answers = 0

    def read(self) -> tuple[str, str] | None:
        """What is there."""
        return self.found

    def write(self, text: str, tag: str | None) -> str | None:
        """Swap what was seen; the answer may be lost."""
        if tag != (self.found[1] if self.found else None):
            return None
        self.found = (text, str(int(tag or 0) + 1))
        if self.lost_answers:
            self.lost_answers -= 1
            return None
        return self.found[1]

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def lease(self, holder: str, patience: float = 600) -> StoredLease:
        """A lease of ten seconds."""
        return StoredLease(
            slot=self, where="t", seconds=10, patience=patience, clock=lambda: self.now, sleep=self.sleep, holder=holder
        )


def test_numbers_rise_with_every_holder() -> None:
    """Whoever comes next has a higher number, at once when the lease was given back."""
    store = Memory()
    for number in (1, 2, 3):
        lease = store.lease(f"writer {number}")
        assert lease.acquire() == number
        lease.renew()
        lease.release()
    assert store.now == 0


def test_a_holder_who_is_heard_of_keeps_the_lease() -> None:
    """As long as it is renewed nobody else gets it, however long it takes, and whoever waits is told who has it."""
    store = Memory()
    first, second = store.lease("first"), store.lease("second", patience=60)
    first.acquire()
    alive, rest = first.renew, store.sleep

    def rest_and_renew(seconds: float) -> None:
        rest(seconds)
        alive()

    second.sleep = rest_and_renew
    with pytest.raises(LeaseError, match="held by first for 60 seconds"):
        second.acquire()


def test_a_silent_holder_loses_the_lease_and_is_told() -> None:
    """After as long as the lease lasts, by the clock of who waits, it goes to the next one; who wakes up cannot renew it."""
    store = Memory()
    zombie, second = store.lease("zombie"), store.lease("second")
    assert zombie.acquire() == 1
    assert second.acquire() == 2
    assert store.now > 10
    with pytest.raises(LeaseError, match="taken over"):
        zombie.renew()
    zombie.release()
    second.renew()


def test_a_lost_answer_is_no_lost_lease() -> None:
    """What was written by a try whose answer never came counts as written."""
    store = Memory()
    lease = store.lease("writer")
    store.lost_answers = 1
    assert lease.acquire() == 1
    store.lost_answers = 1
    lease.renew()
    lease.renew()


def test_a_local_lock_keeps_others_out_until_it_is_freed(tmp_path: Path) -> None:
    """The second waits in vain, then gets the next number; the lock lies beside the table, not in it."""
    folder = tmp_path / "not there yet" / "table"
    first, second = LocalLease(folder=folder), LocalLease(folder=folder, patience=0)
    assert first.acquire() == 1
    with pytest.raises(LeaseError, match="another process"):
        second.acquire()
    first.renew()
    first.release()
    assert second.acquire() == 2
    second.release()
    assert [path.name for path in folder.parent.iterdir()] == [".table.lock"]


def test_a_lock_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """Where the folder beside the table is no folder, the error names the lock file and the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(LeaseError, match=r"\.table\.lock cannot be written"):
        LocalLease(folder=tmp_path / "file" / "table").acquire()


def test_threads_of_a_process_share_its_lease(tmp_path: Path) -> None:
    """A statement within a statement is not in its own way; the lease is free once the last one ends, also by a failure."""
    folder = str(tmp_path / "t")

    def make(_: str) -> Lease:
        return LocalLease(folder=Path(folder), patience=0)

    with held(folder, make) as outer, held(folder, make) as inner:
        assert (outer, inner) == (1, 1)
    with pytest.raises(ZeroDivisionError), held(folder, make):
        raise ZeroDivisionError
    with held(folder, make) as later:
        assert later == 3


def test_a_lease_lost_while_a_statement_ran_leaves_its_commit_unknown() -> None:
    """The statement may have committed before or after another writer came: somebody has to look."""
    store = Memory()
    folder = "s3://bucket/unknown"
    with pytest.raises(CommitUnknownError, match="look for its commit"), held(folder, lambda _: store.lease("w")):
        leases._HOLDS[folder].lost.set()  # noqa: SLF001 - what the thread that renews it does


def test_a_lease_lost_before_a_statement_stops_it() -> None:
    """Who was paused between two statements, and lost the lease meanwhile, does not begin the second."""
    store = Memory()
    folder = "s3://bucket/zombie"
    began = []
    with held(folder, lambda _: store.lease("zombie")):
        store.lease("second").acquire()
        with pytest.raises(LeaseError, match="taken over"), held(folder, lambda _: store.lease("zombie")):
            began.append("second statement")
    assert began == []


def test_only_stores_that_do_not_arbitrate_need_a_lease() -> None:
    """Local folders have a lock of their own, S3 needs a lease or the DynamoDB log store, others arbitrate."""
    ours = lambda _: LocalLease(folder=Path("x"))  # noqa: E731 - told apart by identity
    dynamo = "io.delta.storage.S3DynamoDBLogStore"
    assert leases_for("s3a://b/t", ours, log_store="") is ours
    assert leases_for("file:/w/t", ours, log_store="") is ours
    assert leases_for("s3://b/t", None, log_store=dynamo) is None
    assert leases_for("abfss://c@a/t", None, log_store="") is None
    local = leases_for("file:/w/a%20b", None, log_store="")
    assert local is not None
    assert local("file:/w/a%20b") == LocalLease(folder=Path("/w/a b"))
    with pytest.raises(ConfigError, match="lease:"):
        leases_for("s3://b/t", None, log_store="")
