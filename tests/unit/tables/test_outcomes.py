"""A commit that failed is looked for before it is called so, and tried again only where others were faster."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from lakehouse.errors import CommitConflictError, CommitUnknownError
from lakehouse.tables import outcomes
from lakehouse.tables.protocol import Snapshot

MADE = Snapshot(version=7, committed_at=datetime(2024, 5, 1, tzinfo=UTC), operation="MERGE", token="x")  # noqa: S106 - no secret


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr("lakehouse.tables.outcomes.time.sleep", waited.append)
    return waited


def failing(*failures: Exception | None) -> Callable[..., str]:
    """Something that fails in these ways, one after the other; None: it works."""
    left = list(failures)

    def run(*_: object) -> str:
        failure = left.pop(0)
        if failure is not None:
            raise failure
        return f"{len(left)} left"

    return run


def found(*answers: Snapshot | None) -> Callable[[], Snapshot | None]:
    """A look at the history, which answers so each time."""
    left = list(answers)
    return lambda: left.pop(0)


def test_a_commit_that_works_is_not_looked_for(pauses: list[float]) -> None:
    """Without a failure nobody reads the history."""
    assert outcomes.commit_once(failing(None), found(), where="t") is None
    assert pauses == []


def test_a_lost_answer_is_looked_for_until_the_commit_is_there(pauses: list[float]) -> None:
    """A commit that arrives after its sender gave up counts as made, with its snapshot."""
    lost = CommitUnknownError("lost")
    assert outcomes.commit_once(failing(lost), found(None, None, MADE), where="t") == MADE
    assert pauses == list(outcomes.LOOKS[:3])


def test_a_lost_answer_without_a_commit_is_a_conflict(pauses: list[float]) -> None:
    """What is not there after the last look may be tried again."""
    lost = CommitUnknownError("lost")
    with pytest.raises(CommitConflictError, match="not in its history") as caught:
        outcomes.commit_once(failing(lost), found(None, None, None, None), where="t")
    assert caught.value.__cause__ is lost
    assert len(pauses) == 4


def test_a_commit_in_conflict_with_itself_is_made(pauses: list[float]) -> None:
    """A store that tried twice and met its own commit reports a conflict; one with somebody else's stays one."""
    assert outcomes.commit_once(failing(CommitConflictError("first")), found(MADE), where="t") == MADE
    with pytest.raises(CommitConflictError, match="first"):
        outcomes.commit_once(failing(CommitConflictError("first")), found(None), where="t")
    assert pauses == []


def test_conflicts_are_tried_again_and_nothing_else(pauses: list[float]) -> None:
    """Each pause may be twice as long as the one before, the attempts are counted, and other failures pass at once."""
    conflict = CommitConflictError("faster")
    assert outcomes.retried(failing(conflict, conflict, None, None)) == "1 left"
    assert len(pauses) == 2
    assert pauses[0] <= 0.2
    assert pauses[1] <= 0.4
    with pytest.raises(CommitConflictError):
        outcomes.retried(failing(*[conflict] * outcomes.ATTEMPTS))
    with pytest.raises(ZeroDivisionError):
        outcomes.retried(failing(ZeroDivisionError()))
