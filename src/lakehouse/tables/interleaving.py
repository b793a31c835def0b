"""Other writers' commits between what a merge read and what it wrote upon.

The formats compare a MERGE with the version at which its statement began. A merge of ours begins earlier: it reads, folds
what it read with its batch, and hands the outcome to the statement. A commit in between is a conflict to nobody but us.

Such a merge is taken back and done again. Doing it on top would not do: where the other writer's newer event was
overwritten, no fold could find it any more. Once it is taken back the table is the other writer's, and since a fold
is a function of the set of events, folding the batch into that is as right as if it had come first.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import dropwhile, islice, takewhile
from typing import NoReturn

from lakehouse.errors import CommitConflictError, CommitError
from lakehouse.tables.protocol import Snapshot, Table

ROWS_STAY = frozenset(
    {
        "ADD COLUMNS", "CHANGE COLUMN", "CHANGE COLUMNS", "CLUSTER BY", "COMPUTE STATS", "CREATE TABLE", "OPTIMIZE", "REORG",
        "SET TBLPROPERTIES", "UNSET TBLPROPERTIES", "UPGRADE PROTOCOL", "VACUUM END", "VACUUM START", "replace",
    }
)  # fmt: skip
"""Operations that change no row, as the formats name them; one that nobody knows counts as one that does."""


def require_read(table: Table, made: Snapshot | None, read: int | None) -> None:
    """Take back what was `made` when rows changed between the version that was `read` and the one it was made upon.

    None was made where there was nothing to commit; that may be so for the version that was read alone, too. Until it is
    taken back, readers see rows that were computed from an older version. Who cannot have that lets the writers of a
    table come one after the other.

    Raises:
        CommitConflictError: it was taken back; read again and retry.
        CommitError: a third writer came upon it, so that it could not be.
    """
    if moved(table, made, read):
        start_again(table, made)


def moved(table: Table, made: Snapshot | None, read: int | None) -> bool:
    """Whether others changed rows between the version that was `read` and what was `made`; None: and now."""
    # Without a token nothing was committed: what the statement met left it nothing to do.
    mine = made if made is not None and made.token is not None else None
    if read == (mine.parent if mine else table.version()):
        return False
    newest_first: Iterable[Snapshot] = table.snapshots()
    if mine:
        newest_first = islice(dropwhile(lambda snapshot: snapshot.version != mine.version, newest_first), 1, None)
    between = takewhile(lambda snapshot: snapshot.version != read, newest_first)
    return not all(snapshot.operation in ROWS_STAY for snapshot in between)


def start_again(table: Table, made: Snapshot | None) -> NoReturn:
    """Take back what was `made` of rows that are other ones by now.

    Raises:
        CommitConflictError: it was taken back; read again and retry.
        CommitError: a third writer came upon it, so that it could not be.
    """
    where = table.ref.identifier
    if made is not None and made.token is not None and not table.take_back(made):
        msg = (
            f"{where}: version {made.version} was merged from rows that another writer had changed meanwhile, and a third "
            f"commit came upon it. Restore version {made.parent} and run the jobs that write to the table again: each finds "
            "that its batch is gone, and merges it."
        )
        raise CommitError(msg)
    msg = f"another writer committed to {where} between reading and merging; read it again and retry"
    raise CommitConflictError(msg)
