"""What the checking process is asked about a file, and what it answers. Plain data that travels as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

READY = "ready\n"
"""What the process says first."""

# Why a file is refused.
GONE = "gone"
NOT_A_FILE = "not_a_file"
OUTSIDE = "outside"
STILL_BEING_WRITTEN = "still_being_written"
CHANGED = "changed"
EMPTY = "empty"
TRUNCATED = "truncated"
CORRUPT = "corrupt"
UNREADABLE = "unreadable"
UNSUPPORTED = "unsupported"
ENCODING = "encoding"
UNTERMINATED_QUOTE = "unterminated_quote"
STRAY_QUOTE = "stray_quote"
BAD_HEADER = "bad_header"
MISSING_COLUMNS = "missing_columns"
OTHER_TYPES = "other_types"
OVER_LIMIT = "over_limit"
CRASHED = "crashed"

AGAIN = "it is taken up again when it has changed"
"""What is said of files that are perhaps not finished; true of every refused file."""


class Refused(Exception):  # noqa: N818 - the answer to a question, no fault of the program
    """Raised when a file is not to be read: a reason of the list above, and what is wrong where. Never carries a value."""

    def __init__(self, reason: str, detail: str) -> None:
        """Say why, and where it can be seen."""
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the files of an input have to keep to.

    Attributes:
        kind: `csv`, `json`, `document`, `parquet`, `orc`, `avro`, or `any`: then the content is not looked at.
        header: whether the first record of a CSV file names its columns.
        delimiter: between the fields of CSV, one character.
        encoding: of text, as Python names it.
        record_bytes: the longest record of text; a document is one.
        nesting: how deep arrays and objects may lie in each other.
        columns: the most columns, or fields of one record.
        decompressed_bytes: the most bytes that a compressed file may become.
        file_seconds: the longest a check may take, for each GiB that the file has begun.
    """

    kind: str = "any"
    header: bool = True
    delimiter: str = ","
    encoding: str = "utf-8"
    record_bytes: int = 64 * MIB
    nesting: int = 100
    columns: int = 10_000
    decompressed_bytes: int = 16 * GIB
    file_seconds: int = 60

    def seconds(self, size: int) -> int:
        """How long the check of a file of so many bytes may take."""
        return self.file_seconds * max(1, -(-size // GIB))

    def beyond(self, *, limit: str, what: str) -> Refused:
        """The refusal of a file that goes beyond a limit, which it names.

        >>> print(Rules(columns=10).beyond(limit="columns", what="line 1 has 11"))
        over_limit: limits.columns is 10: line 1 has 11
        """
        return Refused(OVER_LIMIT, f"limits.{limit} is {getattr(self, limit)}: {what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One file to look at.

    Attributes:
        path: where it is on this machine.
        name: what it is called where it landed; the ending says how it is compressed.
        size: its bytes when the folder was listed.
        root: the folder that it must not lead out of; None for a copy.
        columns: those that it has to have.
        rules: what it has to keep to.
    """

    path: str
    name: str
    size: int
    root: str | None = None
    columns: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)

    def to_json(self) -> str:
        """One line of text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Order:
        """What `to_json` wrote."""
        tree = json.loads(text)
        return cls(**tree | {"columns": tuple(tree["columns"]), "rules": Rules(**tree["rules"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check found.

    Attributes:
        hash: SHA-256 of the bytes as they lie there; None when they could not be read.
        records: how many there are, a header not counted; None when nobody counted.
        reason: why the file is refused; None when it is not.
        detail: what is wrong, and where.
    """

    hash: str | None = None
    records: int | None = None
    reason: str | None = None
    detail: str | None = None

    def to_json(self) -> str:
        """One line of text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """What `to_json` wrote."""
        return cls(**json.loads(text))
