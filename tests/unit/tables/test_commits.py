"""Markers survive what happens to a table, and failures get the name the caller can act on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lakehouse.errors import CommitConflictError, CommitRefusedError, CommitUnknownError, ConfigError
from lakehouse.tables import commits
from lakehouse.tables.alignment import OUTSIDE
from lakehouse.tables.protocol import CommitMarker, Snapshot, from_note

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def snapshot(hours_ago: int, app: str | None = None, sequence: int = 0) -> Snapshot:
    """A commit some hours before noon."""
    marker = None if app is None else CommitMarker(app=app, sequence=sequence)
    return Snapshot(
        version=-hours_ago, committed_at=NOON - timedelta(hours=hours_ago), operation="append", marker=marker
    )


def test_a_marker_comes_back_from_what_a_commit_carries() -> None:
    """Properties carry the marker and a token; without a marker the token alone."""
    marker = CommitMarker(app="job.é", sequence=2**40)
    whole = CommitMarker(app="job.é", sequence=3, batch_id="b", config_hash="c", run_id="r")
    assert commits.to_marker(commits.to_properties(marker, "x")) == marker
    assert commits.to_marker(commits.to_properties(whole, "x")) == whole
    assert commits.to_properties(None, "x") == {"lakehouse.commit": "x"}
    assert commits.to_marker({"lakehouse.app": "half"}) is None


def test_markers_about_to_expire_are_noted() -> None:
    """Only the newest marker of an app counts, only when it is old, and an unchanged note is not written again."""
    history = [
        snapshot(1, "fresh", 9),
        snapshot(2),
        snapshot(30, "old", 5),
        snapshot(31, "fresh", 8),
        snapshot(32, "old", 4),
    ]
    before = NOON - timedelta(hours=24)
    notes = {"lakehouse.applied.old": "5", "lakehouse.expired.old": "5"}
    assert commits.notes_before_expiry(history, {}, before=before) == notes
    assert commits.notes_before_expiry(history, notes, before=before) == {}


def test_versions_to_keep_move_the_limit_back() -> None:
    """What is older than the limit may expire, unless a version that is kept is older still."""
    history = [snapshot(1), snapshot(20), snapshot(40)]
    day = timedelta(hours=24)
    assert commits.expiry(history, day, (), now=NOON) == NOON - day
    assert commits.expiry(history, day, {-1, -20}, now=NOON) == NOON - day
    assert commits.expiry(history, day, {-1, -40}, now=NOON) == NOON - timedelta(hours=40)
    assert commits.expiry(history, day, {-99}, now=NOON) == NOON - day


def test_a_note_of_a_later_empty_batch_is_not_lowered() -> None:
    """A batch without a commit was noted after the one whose commit expires."""
    notes = commits.notes_before_expiry([snapshot(30, "a", 5)], {"lakehouse.applied.a": "7"}, before=NOON)
    assert notes == {"lakehouse.expired.a": "5"}


def test_notes_keep_what_a_batch_was_made_of() -> None:
    """A marker goes into a note and comes back whole, and notes of its number alone are read as before."""
    whole = CommitMarker(app="a", sequence=5, batch_id="b", config_hash="c", run_id="r")
    history = [Snapshot(version=1, committed_at=NOON - timedelta(hours=30), operation="append", marker=whole)]
    note = commits.notes_before_expiry(history, {"lakehouse.applied.a": "5"}, before=NOON)["lakehouse.applied.a"]
    assert from_note("a", note) == whole
    assert from_note("a", "7") == CommitMarker(app="a", sequence=7)


def test_a_restore_takes_notes_back_to_what_has_expired() -> None:
    """Notes of undone batches go; those of expired commits, older than any version there is, stay."""
    properties = {
        "lakehouse.applied.a": "7", "lakehouse.expired.a": "5", "lakehouse.applied.b.c": "3", "owner": "x",
    }  # fmt: skip
    assert commits.notes_after_restore(properties) == {"lakehouse.applied.a": "5", "lakehouse.applied.b.c": None}
    assert commits.floor_notes(properties) == {"lakehouse.applied.a": "5", "lakehouse.expired.a": "5"}


def test_the_version_at_an_instant_is_the_last_one_committed_by_then() -> None:
    """An instant between two commits means the earlier one, one after all of them the newest."""
    instants = [(NOON, 1), (NOON + timedelta(hours=1), 2), (NOON + timedelta(hours=1), 3)]
    assert commits.version_at(instants, NOON + timedelta(minutes=59), where="t") == 1
    assert commits.version_at(instants, NOON + timedelta(hours=1), where="t") == 3
    assert commits.version_at(instants, NOON + timedelta(days=1), where="t") == 3
    with pytest.raises(ConfigError, match="as old as"):
        commits.version_at(instants, NOON - timedelta(seconds=1), where="t")
    with pytest.raises(ConfigError, match="zone"):
        commits.version_at(instants, NOON.replace(tzinfo=None), where="t")


class _Java:
    """A Java exception and its cause, as py4j shows them."""

    def __init__(self, name: str, cause: _Java | None = None) -> None:
        self._name, self._cause = name, cause

    def getClass(self) -> _Java:  # noqa: N802 - Java's name
        return self

    def getName(self) -> str:  # noqa: N802 - Java's name
        return self._name

    def getCause(self) -> _Java | None:  # noqa: N802 - Java's name
        return self._cause


class _EngineError(Exception):
    """What PySpark raises: the Java exception is inside."""

    def __init__(self, java: Any, text: str = "row value 42") -> None:
        super().__init__(text)
        self.java_exception = java


@pytest.mark.parametrize(
    ("java", "expected"),
    [
        (_Java("io.delta.exceptions.ConcurrentAppendException"), CommitConflictError),
        (_Java("org.apache.spark.SparkException", _Java("org.apache.iceberg.exceptions.ValidationException")), CommitConflictError),
        (_Java("org.apache.iceberg.exceptions.CommitFailedException"), CommitConflictError),
        (_Java("org.apache.iceberg.exceptions.CommitStateUnknownException", _Java("x.CommitFailedException")), CommitUnknownError),
        (_Java("java.nio.file.FileAlreadyExistsException"), CommitConflictError),
        (_Java("x.Aborted", _Java("org.apache.iceberg.exceptions.CommitStateUnknownException")), CommitUnknownError),
        (_Java("software.amazon.awssdk.core.exception.ApiCallTimeoutException"), CommitUnknownError),
        (_Java("org.apache.hadoop.fs.s3a.AWSClientIOException", _Java("java.net.SocketTimeoutException")), CommitUnknownError),
        (_Java("org.apache.iceberg.jdbc.UncheckedSQLException", _Java("java.sql.SQLException")), CommitUnknownError),
    ],
)  # fmt: skip
def test_failures_to_commit_are_told_apart(java: _Java, expected: type[Exception]) -> None:
    """The engines' exceptions become ours wherever in the chain they are, keep the original as cause, and lose row values."""
    failure = _EngineError(java)
    with pytest.raises(expected, match=r"lake\.people") as caught, commits.commit_failures("lake.people"):
        raise failure
    assert caught.value.__cause__ is failure
    assert "42" not in str(caught.value)


def test_a_clock_that_is_behind_is_a_refusal() -> None:
    """Iceberg's words for it become ours, with what to do."""
    failure = _EngineError(_Java("java.lang.IllegalArgumentException"), "[BUG] Expected sorted snapshot log entries.")
    with pytest.raises(CommitRefusedError, match="set the clock right"), commits.commit_failures("lake.people"):
        raise failure


def test_other_failures_pass_through() -> None:
    """What is not about committing is not called so, and a row outside a predicate is the caller's mistake."""
    with pytest.raises(_EngineError), commits.commit_failures("t"):
        raise _EngineError(_Java("java.lang.ArithmeticException"))
    with pytest.raises(_EngineError), commits.commit_failures("t"):
        raise _EngineError(_Java("java.io.FileNotFoundException"))
    with pytest.raises(_EngineError), commits.commit_failures("t"):
        raise _EngineError(
            _Java("org.apache.spark.SparkException", _Java("java.io.IOException")),
            "Job aborted due to stage failure: disk",
        )
    with pytest.raises(ConfigError, match="nothing was written"), commits.commit_failures("t"):
        raise _EngineError(_Java("org.apache.spark.SparkException"), f"task failed: {OUTSIDE}")
