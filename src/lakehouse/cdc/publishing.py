"""How a history table is shown to those who query it: its versions or its current rows, as the columns of a view.

Everything is SQL text, because a view in a catalog is text; a frame is made of the same text. Pure.

A history table keeps rows that no query should see (absorbed events and deletes, see `lakehouse.cdc.history`), an open end that
is null, and no key of one column. Tools that join a fact to a dimension want three other things: versions alone, an end that
is always there, and one column that names a version. The two options give the last two.

The surrogate key is a hash of the keys and `_valid_from`, so it is the same in every table, format and run, and no counter has
to be kept. `hash64` is a number: among n versions two share one with a chance of about n² / 3.7e19, that is 1 in 37 million for
a million versions, 1 in 3,700 for a hundred million, 1 in 37 for a billion. `sha256` is a text of 64 letters that never meet in
practice. A late event can move the start of a version, which then is another version with another key; and `hash64` changes
when the type of a key is widened (int to bigint), which `sha256` does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pyspark.sql import DataFrame
from pyspark.sql.types import (
    DataType,
    DateType,
    DoubleType,
    FloatType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from lakehouse.cdc.events import payload_of
from lakehouse.cdc.history import IS_VERSION, SHOWN
from lakehouse.columns import (
    EFFECTIVE_TO,
    IS_CURRENT,
    SEQUENCE,
    VALID_FROM,
    VALID_TO,
    Columns,
    as_tuple,
    quoted,
    require,
)
from lakehouse.errors import ConfigError

Rows = Literal["versions", "current"]

_FAR: dict[type[DataType], str] = {
    DateType: "DATE '9999-12-31'",
    TimestampType: "TIMESTAMP '9999-12-31 00:00:00Z'",  # with its zone: the session may have another
    TimestampNTZType: "TIMESTAMP_NTZ '9999-12-31 00:00:00'",
}
# As text, whatever the session says of zones; JSON would cut a timestamp to milliseconds.
_EXACT = (
    "map('timeZone', 'UTC', 'timestampFormat', 'yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSSXXX', "
    "'timestampNTZFormat', 'yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSS')"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What a view shows beside the payload.

    Attributes:
        open_end: what stands in `_valid_to` and `_effective_to` of the open version: None: null; `far`: the end of 9999, where
            the sequence is a date or a timestamp; else an SQL literal of the sequence's type, such as `9223372036854775807`.
            `_effective_to`, a timestamp, is then the end of 9999.
        surrogate_key: the name of a column that names each version; None: there is none.
        surrogate: what it holds.
    """

    open_end: str | None = None
    surrogate_key: str | None = None
    surrogate: Literal["hash64", "sha256"] = "hash64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The text of a view: the expressions after SELECT, with their names, and the one after WHERE."""

    columns: tuple[str, ...]
    where: str


def select_rows(
    schema: StructType, *, keys: Columns, rows: Rows = "versions", publication: Publication | None = None
) -> Selection:
    """The text of a view over a history table of this schema.

    It shows the surrogate key, the payload, `_valid_from`, `_valid_to`, `_effective_from`, `_effective_to`, `_is_current` and
    `_sequence`, in this order.

    Args:
        schema: the columns of the history table.
        keys: its keys.
        rows: every version, or the open ones.
        publication: the options.

    Raises:
        MissingColumnsError: the table is no history table with these keys.
        ConfigError: `far` is no value of the sequence's type, or the surrogate key has the name of a column.
    """
    options = publication or Publication()
    names = as_tuple(keys)
    require([*names, *SHOWN], schema.names, where="the history table")
    payload = payload_of(schema).names
    if options.surrogate_key in (*payload, *SHOWN):
        msg = f"surrogate_key {options.surrogate_key!r} is a column of the table already; choose another name"
        raise ConfigError(msg)
    shown = {name: quoted(name) for name in (*payload, *SHOWN)}
    if options.open_end is not None:
        shown[VALID_TO] = f"if({IS_CURRENT}, {_open_end(options.open_end, schema[SEQUENCE].dataType)}, {VALID_TO})"
        shown[EFFECTIVE_TO] = f"if({IS_CURRENT}, {_FAR[TimestampType]}, {EFFECTIVE_TO})"
    if options.surrogate_key is not None:
        shown = {
            options.surrogate_key: _surrogate([schema[name] for name in (*names, VALID_FROM)], options.surrogate),
            **shown,
        }
    where = IS_CURRENT if rows == "current" else IS_VERSION
    return Selection(columns=tuple(f"{text} AS {quoted(name)}" for name, text in shown.items()), where=where)


def publish(
    history: DataFrame, *, keys: Columns, rows: Rows = "versions", publication: Publication | None = None
) -> DataFrame:
    """A history table as a view shows it; arguments and errors are those of `select_rows`."""
    selection = select_rows(history.schema, keys=keys, rows=rows, publication=publication)
    return history.where(selection.where).selectExpr(*selection.columns)


def _open_end(asked: str, sequence: DataType) -> str:
    if asked != "far":
        return f"CAST({asked} AS {sequence.simpleString()})"
    if type(sequence) not in _FAR:
        msg = f"open_end 'far' needs dates or timestamps, the sequence is {sequence.simpleString()}; give a value of it"
        raise ConfigError(msg)
    return _FAR[type(sequence)]


def _surrogate(fields: Sequence[StructField], kind: Literal["hash64", "sha256"]) -> str:
    if kind == "hash64":
        return f"xxhash64({', '.join(quoted(field.name) for field in fields)})"
    numbered = ", ".join(f"'{i}', {_one_zero(field)}" for i, field in enumerate(fields))
    return f"sha2(to_json(named_struct({numbered}), {_EXACT}), 256)"


def _one_zero(field: StructField) -> str:
    """The column with 0.0 for -0.0, which is the same key and another text."""
    name = quoted(field.name)
    return f"if({name} = 0, abs({name}), {name})" if isinstance(field.dataType, FloatType | DoubleType) else name
