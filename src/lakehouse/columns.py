"""Reserved column names, quoting, and the one normaliser of `Columns`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from lakehouse.errors import MissingColumnsError

Columns = str | Sequence[str]
"""One column name, or several. A lone string is one name, never its letters."""

# The change log (what every feed parser yields).
OP = "_op"
SEQUENCE = "_sequence"
PROVIDED = "_provided"
ORIGIN = "_origin"
EVENT_TIME = "_event_time"
CHANGE_COLUMNS = (OP, SEQUENCE, PROVIDED, ORIGIN, EVENT_TIME)

# The history table (SCD 2), beside OP, SEQUENCE, PROVIDED and EVENT_TIME.
VALID_FROM = "_valid_from"
VALID_TO = "_valid_to"
EFFECTIVE_FROM = "_effective_from"
EFFECTIVE_TO = "_effective_to"
IS_CURRENT = "_is_current"
IS_LATEST = "_is_latest"

# The current table (SCD 1), beside SEQUENCE: who wrote the columns that the last event left out.
AUTHORS = "_authors"
# Of any of them that is asked to: the day on which the batch of the row's last change was loaded.
PROCESSED_DATE = "_processed_date"
# With soft deletes also: whether the row is deleted, its last upsert, and the deletes that still matter.
IS_DELETED = "_is_deleted"
UPSERTED = "_upserted"
DELETES = "_deletes"

# Bronze: the record as it arrived, and where it came from.
RAW = "_raw"
HEADER = "_header"
TABLE = "_table"
FILE = "_source_file"  # Iceberg keeps `_file` for itself
ROW = "_row"
PART = "_part"  # the place of a change in a record that holds several
BATCH = "_batch"
LOADED_AT = "_loaded_at"
RUN_ID = "_run_id"

# Quarantine.
REASON = "_reason"
DETAIL = "_detail"
KIND = "_kind"
BAD_VALUE = "bad_value"
"""The reason of a row with a value that is none of its type, wherever it is found."""

# Beside the columns of a contract: what did not fit into them, as JSON. A table may keep it, so it is not reserved.
RESCUED = "_rescued"
# Beside what was looked up: whether the dimension had the key. A table may keep it too.
MATCHED = "_matched"

RESERVED = frozenset(
    {
        *CHANGE_COLUMNS, VALID_FROM, VALID_TO, EFFECTIVE_FROM, EFFECTIVE_TO, IS_CURRENT, IS_LATEST, AUTHORS,
        PROCESSED_DATE, IS_DELETED, UPSERTED, DELETES,
        RAW, HEADER, TABLE, FILE, ROW, PART, BATCH, LOADED_AT, RUN_ID, REASON, DETAIL, KIND,
    }
)  # fmt: skip
"""Names a source may not use; a source that does is refused with the name."""


def as_tuple(columns: Columns) -> tuple[str, ...]:
    """Normalise `Columns` to a tuple of names.

    >>> as_tuple("id"), as_tuple(["a", "b"])
    (('id',), ('a', 'b'))
    """
    return (columns,) if isinstance(columns, str) else tuple(columns)


def folded(name: str) -> str:
    """What names have in common that Spark, where letter case does not count, or a catalog may take for one.

    Java compares letter by letter, so that İ is i, or lowers whole words, so that İ is i with a dot above; others fold ß to ss.

    >>> folded("ID") == folded("İd") == folded("id"), folded("Straße")
    (True, 'strasse')
    """
    upper = (letter.upper() if len(letter.upper()) == 1 else letter for letter in name)
    return "".join(letter.lower()[0] for letter in upper).replace("i\u0307", "i").casefold()


def alike(names: Iterable[str]) -> list[str]:
    """The names that differ from another one of them in letter case alone, or not at all, in order.

    >>> alike(["id", "name", "Id"])
    ['Id', 'id']
    """
    listed = list(names)
    seen = Counter(map(folded, listed))
    return sorted(name for name in listed if seen[folded(name)] > 1)


def quoted(name: str) -> str:
    """Quote one column name for SQL text and for `F.col`, whatever is in it.

    >>> quoted("a.b"), quoted("tick`tick")
    ('`a.b`', '`tick``tick`')
    """
    return "`" + name.replace("`", "``") + "`"


def require(needed: Sequence[str], available: Sequence[str], *, where: str) -> None:
    """Fail when a name is missing.

    Raises:
        MissingColumnsError: names what is missing and what there is.
    """
    missing = [name for name in needed if name not in available]
    if missing:
        raise MissingColumnsError(missing, available, where=where)
