"""Everything this library raises on purpose, by what the caller can do about it.

LakehouseError
├── ConfigError              mend the configuration; names file, key and remedy
│   └── RulesetError         mend the ruleset; names line and column, and what was expected there
├── MissingColumnsError      the frame lacks columns (also a ValueError)
├── IncompatibleSchemaError  the table or the files do not fit the contract
├── InvalidChangesError      the change log breaks its contract; nothing was written
├── PreflightError           the Spark session cannot do what the job needs; prints the settings to add
├── InputGoneError           a planned input file is no longer there, or has changed
├── ConservationError        records were lost or came twice on the way; nothing was made of them
├── QualityError             the data fail the rules of the job; no target was written
├── RegistryError            the schema registry does not answer, or not as it should: run again later
├── PlanMismatchError        a table holds another batch under the number that is to be merged
└── CommitError
    ├── CommitConflictError  another writer was faster: read again and retry
    ├── CommitUnknownError   the answer was lost: look for the marker before anything else
    ├── CommitRefusedError   the table takes no such commit: mend what it says
    └── LeaseError           the right to write was not to be had, or was lost

Messages never carry row values: rows may be personal data and messages end up in logs.
"""

from __future__ import annotations

from collections.abc import Sequence


class LakehouseError(Exception):
    """Root of the tree; catch it to catch everything this library raises on purpose."""


class ConfigError(LakehouseError):
    """Raised when a configuration, an argument or an option is wrong."""


class RulesetError(ConfigError):
    """Raised when a text is no ruleset in DQDL.

    Attributes:
        line: where, from 1.
        column: the character of the line, from 1.
    """

    def __init__(self, message: str, *, line: int, column: int) -> None:
        """Say what is wrong at a place of the text."""
        self.line = line
        self.column = column
        super().__init__(message)


class MissingColumnsError(LakehouseError, ValueError):
    """Raised when a frame lacks columns that a function needs."""

    def __init__(self, missing: Sequence[str], available: Sequence[str], *, where: str) -> None:
        """Name what is `missing`, what is `available`, and `where` it was looked for."""
        self.missing = tuple(missing)
        self.available = tuple(available)
        super().__init__(f"{where} lacks {', '.join(self.missing)}; it has {', '.join(self.available)}")


class IncompatibleSchemaError(LakehouseError):
    """Raised when a table or a file does not fit the schema that was asked for."""


class InvalidChangesError(LakehouseError):
    """Raised, before anything is written, when a change log breaks its contract."""


class PreflightError(LakehouseError):
    """Raised when the Spark session cannot do what a job needs, with the settings to add."""


class InputGoneError(LakehouseError):
    """Raised when a file that an unfinished run had planned to load is no longer there, or has changed."""


class ConservationError(LakehouseError):
    """Raised, before anything is made of them, when records of a file were lost or came twice while they were loaded."""


class QualityError(LakehouseError):
    """Raised, before any target is written, when changes fail a ruleset that the configuration lets nothing pass."""


class RegistryError(LakehouseError):
    """Raised when a schema registry does not answer, or lacks what it was asked for; asking again does no harm."""


class PlanMismatchError(LakehouseError):
    """Raised when what was planned or committed is not what the job is about to do; nothing was written."""


class CommitError(LakehouseError):
    """Root of what can go wrong while a table is written."""


class CommitConflictError(CommitError):
    """Raised when another writer committed first; read again and retry."""


class CommitUnknownError(CommitError):
    """Raised when it is unknown whether a commit arrived; look for its marker first."""


class CommitRefusedError(CommitError):
    """Raised when a table takes no commit of this writer, and why; nothing was written."""


class LeaseError(CommitError):
    """Raised when the lease on a table was not to be had in time, or was lost to another writer."""
