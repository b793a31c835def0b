"""The history of a Delta table is what it descends from."""

from __future__ import annotations

import pytest
from pyspark.sql import Row

from lakehouse.errors import CommitError
from lakehouse.tables.delta_history import descent, find_commit, to_snapshot
from lakehouse.tables.protocol import CommitMarker


def commit(version: int, operation: str = "WRITE", /, **parameters: str | None) -> Row:
    """One row of DESCRIBE HISTORY; versions are a second apart, from 1970 on."""
    return Row(
        version=version, millis=version * 1000, operation=operation, operationParameters=parameters,
        operationMetrics=None, userMetadata=None,
    )  # fmt: skip


def versions(*history: Row) -> list[int]:
    """The versions that are left."""
    return [row.version for row in descent(history)]


def test_without_a_restore_every_version_counts() -> None:
    """The newest version descends from all before it."""
    assert versions(commit(2), commit(1), commit(0)) == [2, 1, 0]


def test_a_restore_descends_from_what_it_restored() -> None:
    """Versions between a restore and its goal are undone, also when restores follow each other or are undone themselves."""
    first = commit(3, "RESTORE", version="1", timestamp=None)
    assert versions(commit(4), first, commit(2), commit(1), commit(0)) == [4, 3, 1, 0]
    second = commit(5, "RESTORE", version="2", timestamp=None)
    assert versions(second, commit(4), first, commit(2), commit(1), commit(0)) == [5, 2, 1, 0]
    onto_first = commit(5, "RESTORE", version="3", timestamp=None)
    assert versions(onto_first, commit(4), first, commit(2), commit(1), commit(0)) == [5, 3, 1, 0]


def test_a_restore_by_time_descends_from_the_newest_version_of_that_time() -> None:
    """Other tools restore by timestamp; the goal is found by the commit times."""
    by_time = commit(4, "RESTORE", version=None, timestamp="1970-01-01 00:00:01.500")
    assert versions(by_time, commit(3), commit(2), commit(1), commit(0)) == [4, 1, 0]


def test_metadata_of_others_are_no_marker() -> None:
    """Text, JSON of another shape and nothing at all are all fine, and carry no marker."""
    for foreign in ("hello", '["a"]', '{"lakehouse.app": "half"}', "", None):
        row = Row(**{**commit(1).asDict(), "userMetadata": foreign})
        assert to_snapshot(row).marker is None
    ours = Row(**{**commit(1).asDict(), "userMetadata": '{"lakehouse.app": "a", "lakehouse.sequence": "3"}'})
    assert to_snapshot(ours).marker == CommitMarker(app="a", sequence=3)


def test_a_commit_is_found_by_its_token_and_must_be_there_once() -> None:
    """None where it is not; twice, as a store may do after a lost answer, is an error that names both and the remedy."""
    mine = Row(**{**commit(3).asDict(), "userMetadata": '{"lakehouse.commit": "x"}'})
    again = Row(**{**commit(5).asDict(), "userMetadata": '{"lakehouse.commit": "x"}'})
    found = find_commit([commit(4), mine, commit(2)], "x", where="t")
    assert found is not None
    assert (found.version, found.parent) == (3, 2)
    assert find_commit([commit(4)], "x", where="t") is None
    with pytest.raises(CommitError, match=r"versions 5, 3.*Restore version 2"):
        find_commit([again, commit(4), mine], "x", where="t")
