"""What became of a commit: made, in conflict, or unknown until somebody has looked.

A failed commit may have arrived all the same: the answer was lost, or a store tried twice and met its own first try. So
whoever fails looks for the commit's token in the table's history before anything else, and nothing is ever deleted: what a
failed commit left behind is no part of the table, and goes with the files that maintenance removes by age.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from lakehouse.errors import CommitConflictError, CommitUnknownError
from lakehouse.tables.commits import commit_failures
from lakehouse.tables.protocol import Snapshot

T = TypeVar("T")

ATTEMPTS = 5
LOOKS = (0.0, 1.0, 2.0, 4.0)
"""Seconds before each look for a commit whose answer was lost: a request may still be on its way when its sender gives up."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0


def commit_once(run: Callable[[], object], find: Callable[[], Snapshot | None], *, where: str) -> Snapshot | None:
    """Run one statement and say which snapshot it made where that had to be found out; None: it went as usual.

    Args:
        run: commits once, with a token.
        find: looks for the token in the history of the table.
        where: the table, for errors.

    Raises:
        CommitConflictError: another writer was faster, or the answer was lost and the commit did not arrive.
    """
    try:
        with commit_failures(where):
            run()
    except CommitConflictError:
        # A store that tries again after a lost answer meets its own commit and calls it somebody else's.
        made = find()
        if made is None:
            raise
        return made
    except CommitUnknownError as error:
        for pause in LOOKS:
            time.sleep(pause)
            made = find()
            if made is not None:
                return made
        msg = f"the answer to a commit to {where} was lost, and the commit is not in its history; retry"
        raise CommitConflictError(msg) from error
    return None


def retried(attempt: Callable[[int], T]) -> T:
    """Attempt again, each time after a longer pause, while other writers are faster; an attempt is told its number from 0.

    Pauses are random up to twice the one before, so that writers that met once do not meet again.

    Raises:
        CommitConflictError: they were faster every time.
    """
    for number in range(ATTEMPTS - 1):
        try:
            return attempt(number)
        except CommitConflictError:
            time.sleep(random.uniform(0, min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE)))  # noqa: S311 - no secret
    return attempt(ATTEMPTS - 1)
