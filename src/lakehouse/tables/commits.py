"""What Delta and Iceberg commits have in common: markers, failures, and the source of one statement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import uuid4

from pyspark.sql import DataFrame

from lakehouse.errors import (
    CommitConflictError,
    CommitRefusedError,
    CommitUnknownError,
    ConfigError,
    LakehouseError,
)
from lakehouse.tables.alignment import OUTSIDE
from lakehouse.tables.jvm import java_causes
from lakehouse.tables.protocol import CommitMarker, Snapshot, applied_property, from_note, to_note

APP = "lakehouse.app"
SEQUENCE = "lakehouse.sequence"
BATCH_ID = "lakehouse.batch-id"
CONFIG_HASH = "lakehouse.config"
RUN = "lakehouse.run"
FENCE = "lakehouse.fence"
NEWEST = "lakehouse.newest"
TOKEN = "lakehouse.commit"  # noqa: S105 - names a commit, opens nothing
_EXPIRED = "lakehouse.expired."
_APPLIED = applied_property("")

_CONFLICTS = frozenset(
    {
        "CommitFailedException", "ConcurrentAppendException", "ConcurrentDeleteDeleteException", "ConcurrentDeleteReadException",
        "ConcurrentTransactionException", "ConcurrentWriteException", "DeltaConcurrentModificationException",
        "FileAlreadyExistsException", "MetadataChangedException", "ProtocolChangedException", "ValidationException",
    }
)  # fmt: skip
# What says nothing of whether the commit arrived: the connection, the service or the disk failed while it was written. Only
# exact names: that a file is missing or forbidden, for instance, is an answer.
_UNKNOWN = frozenset(
    {
        "AWSClientIOException", "AWSNoResponseException", "AWSServiceIOException", "AWSServiceThrottledException",
        "AWSStatus500Exception", "AbortedException", "ApiCallAttemptTimeoutException", "ApiCallTimeoutException",
        "CommitStateUnknownException", "ConnectException", "ConnectTimeoutException", "IOException", "InterruptedIOException",
        "NoHttpResponseException", "RetryableException", "RuntimeIOException", "SQLTimeoutException", "SdkClientException",
        "ServiceFailureException", "ServiceUnavailableException", "SocketException", "SocketTimeoutException",
        "UncheckedIOException", "UncheckedSQLException",
    }
)  # fmt: skip
_IN_A_TASK = "Job aborted due to stage failure"
"""Failures of tasks come before the commit, whatever their causes are."""
_BEHIND = "Expected sorted snapshot log entries"
"""What Iceberg says when a commit would be more than a minute older than the one before it."""


def new_token() -> str:
    """A name for one commit, so that it is found again among the commits of others."""
    return uuid4().hex


def to_properties(
    marker: CommitMarker | None, token: str, fence: int | None = None, *, newest: str | None = None
) -> dict[str, str]:
    """What a commit carries: its token; if there are any the number of its lease and its marker; how far the table has come."""
    carried = {TOKEN: token, FENCE: None if fence is None else str(fence), NEWEST: newest}
    if marker is not None:
        carried |= {
            APP: marker.app, SEQUENCE: str(marker.sequence),
            BATCH_ID: marker.batch_id, CONFIG_HASH: marker.config_hash, RUN: marker.run_id,
        }  # fmt: skip
    return {key: value for key, value in carried.items() if value is not None}


def to_marker(properties: Mapping[str, str]) -> CommitMarker | None:
    """The marker that a commit carries, or None.

    >>> to_marker({"lakehouse.app": "orders", "lakehouse.sequence": "7", "lakehouse.batch-id": "9f2c"}).batch_id
    '9f2c'
    """
    app, sequence = properties.get(APP), properties.get(SEQUENCE)
    if app is None or sequence is None:
        return None
    return CommitMarker(
        app=app,
        sequence=int(sequence),
        batch_id=properties.get(BATCH_ID),
        config_hash=properties.get(CONFIG_HASH),
        run_id=properties.get(RUN),
    )


def expiry(snapshots: Iterable[Snapshot], older_than: timedelta, keep: Collection[int], *, now: datetime) -> datetime:
    """What may expire is older than this: than the limit, and than each of the versions to keep."""
    kept = [snapshot.committed_at for snapshot in snapshots if snapshot.version in keep]
    return min([now - older_than, *kept])


def notes_before_expiry(
    snapshots: Iterable[Snapshot], properties: Mapping[str, str], *, before: datetime
) -> dict[str, str]:
    """Properties that keep the newest marker of each app when its commit is older than `before` and may be forgotten.

    `lakehouse.applied.<app>` is what `last_sequence` looks at; `lakehouse.expired.<app>` remembers that the commit itself
    is older than anything the table can be restored to, so a restore leaves it. Only what differs is returned.
    """
    newest: dict[str, Snapshot] = {}
    for snapshot in snapshots:
        if snapshot.marker is not None:
            newest.setdefault(snapshot.marker.app, snapshot)
    notes = {}
    for app, snapshot in newest.items():
        if snapshot.marker is None or snapshot.committed_at >= before:
            continue
        note = properties.get(applied_property(app))
        if note is None or from_note(app, note).sequence <= snapshot.marker.sequence:
            notes[applied_property(app)] = to_note(snapshot.marker)
        notes[_EXPIRED + app] = to_note(snapshot.marker)
    return {key: value for key, value in notes.items() if properties.get(key) != value}


def notes_after_restore(properties: Mapping[str, str]) -> dict[str, str | None]:
    """What the notes of applied batches become once the table is taken back: the expired ones stay, others go (None)."""
    return {
        key: properties.get(_EXPIRED + key.removeprefix(_APPLIED)) for key in properties if key.startswith(_APPLIED)
    }


def floor_notes(properties: Mapping[str, str]) -> dict[str, str]:
    """The notes of batches whose commits have expired."""
    floors = {key.removeprefix(_EXPIRED): value for key, value in properties.items() if key.startswith(_EXPIRED)}
    return {
        **{_EXPIRED + app: value for app, value in floors.items()},
        **{applied_property(app): value for app, value in floors.items()},
    }


def version_at(instants: Iterable[tuple[datetime, int]], when: datetime, *, where: str) -> int:
    """The version that was current at an instant.

    Args:
        instants: when each version became current, and its number, oldest first.
        when: a zone-aware instant; one after the newest commit means the newest.
        where: the table, for the error.

    Raises:
        ConfigError: the instant has no zone, or is before the first commit that is still known.
    """
    if when.tzinfo is None:
        msg = f"{where} is read at an instant without a zone; give it one, for instance datetime(..., tzinfo=UTC)"
        raise ConfigError(msg)
    known = [version for instant, version in instants if instant <= when]
    if not known:
        msg = f"{where} has no version as old as {when.isoformat()}; look at its snapshots for the oldest one"
        raise ConfigError(msg)
    return known[-1]


@contextmanager
def source_view(df: DataFrame) -> Iterator[str]:
    """Name a frame for one SQL statement, and take the name away again."""
    name = f"lakehouse_source_{uuid4().hex}"
    df.createTempView(name)
    try:
        yield name
    finally:
        df.sparkSession.catalog.dropTempView(name)


@contextmanager
def commit_failures(where: str) -> Iterator[None]:
    """Turn the engines' failures to commit into ours: conflict, or unknown. Every other one is a refusal and passes through.

    Raises:
        ConfigError: a row does not fulfil the predicate it replaces (see `only_where`).
        CommitConflictError: another writer was faster.
        CommitRefusedError: the clock of this machine is behind the newest commit.
        CommitUnknownError: the answer of the catalog or the store was lost.
    """
    try:
        yield
    except LakehouseError:
        raise
    except Exception as error:
        if OUTSIDE in str(error):
            msg = f"{where}: {OUTSIDE}; nothing was written"
            raise ConfigError(msg) from error
        if _BEHIND in str(error):
            msg = (
                f"the newest commit of {where} is of a time that has not come yet by the clock of this machine, and Iceberg takes no "
                "older one; set the clock right, or wait until then; nothing was written"
            )
            raise CommitRefusedError(msg) from error
        names = {name.rpartition(".")[2].rpartition("$")[2] for name in java_causes(error)} | {type(error).__name__}
        if names & _CONFLICTS and "CommitStateUnknownException" not in names:
            msg = f"another writer committed to {where} first; read it again and retry"
            raise CommitConflictError(msg) from error
        if names & _UNKNOWN and _IN_A_TASK not in str(error):
            msg = f"it is unknown whether the commit to {where} arrived; look for its marker before anything else"
            raise CommitUnknownError(msg) from error
        raise
