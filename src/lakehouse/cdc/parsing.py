"""The one entrance to the feed parsers: bronze rows to a change log, and bronze rows to their table."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql.types import StructType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.feeds import (
    columns,
    debezium,
    debezium_unwrapped,
    delta_cdf,
    dms_s3,
    dms_stream,
    iceberg_changelog,
    maxwell,
    sqlserver_cdc,
    wal2json,
)
from lakehouse.cdc.feeds.assembly import Contract
from lakehouse.cdc.feeds.records import route_by_folder
from lakehouse.columns import Columns
from lakehouse.errors import ConfigError


@dataclass(frozen=True, slots=True)
class _Feed:
    options: type[Any]
    parse: Callable[[DataFrame, Contract, Any], ParsedChanges]
    route: Callable[[], Column]


_FEEDS = {
    "dms-s3": _Feed(dms_s3.Options, dms_s3.parse, route_by_folder),
    "dms-stream": _Feed(dms_stream.Options, dms_stream.parse, dms_stream.route),
    "debezium": _Feed(debezium.Options, debezium.parse, debezium.route),
    "debezium-unwrapped": _Feed(debezium_unwrapped.Options, debezium_unwrapped.parse, debezium_unwrapped.route),
    "wal2json": _Feed(wal2json.Options, wal2json.parse, wal2json.route),
    "maxwell": _Feed(maxwell.Options, maxwell.parse, maxwell.route),
    "sqlserver-cdc": _Feed(sqlserver_cdc.Options, sqlserver_cdc.parse, route_by_folder),
    "delta-cdf": _Feed(delta_cdf.Options, delta_cdf.parse, route_by_folder),
    "iceberg-changelog": _Feed(iceberg_changelog.Options, iceberg_changelog.parse, route_by_folder),
    "columns": _Feed(columns.Options, columns.parse, route_by_folder),
}
FEEDS = tuple(_FEEDS)
"""The feeds there are."""


def parse_changes(
    df: DataFrame, *, feed: str, schema: StructType, keys: Columns, table: str | None = None, **options: Any
) -> ParsedChanges:
    """Parse bronze rows of one feed into the change log.

    Every input row ends in exactly one of `changes` (one row; two for a key change: the delete of the old key and the
    upsert of the new one, at one sequence), `rejected` and `skipped`. The order of rows is not kept, duplicates are
    not removed, an empty frame gives empty frames. Lazy: nothing runs until a frame is used.

    Deletes carry the keys, every other column null; a truncate carries nothing.

    Args:
        df: bronze rows: `_raw`, `_source_file`, `_row`, for CSV `_header`, with `table` also `_table`; typed rows (Parquet,
            a change table) have their own columns instead of `_raw`.
        feed: one of `FEEDS`.
        schema: the payload columns, keys included, with their types. Columns it leaves out are ignored.
        keys: the columns that identify a row.
        table: `schema.table`; rows of other tables are skipped as `other_table`, rows that name no table are rejected.
            None takes every row to be of one table.
        options: the feed's own, see its `Options`.

    Raises:
        ConfigError: unknown feed or option, a reserved name or an unsupported type in the schema.
        MissingColumnsError: the frame lacks bronze columns, or the schema a key.
    """
    contract = Contract(schema=schema, keys=keys, table=table)
    return _feed(feed).parse(df, contract, check_options(feed, options))


def check_feed(name: str) -> None:
    """Refuse a feed that there is not.

    Raises:
        ConfigError: names the nearest one.
    """
    _feed(name)


def check_options(feed: str, options: Mapping[str, Any]) -> Any:
    """The options of a feed as its parser takes them, so that a configuration can be checked before there is data.

    Raises:
        ConfigError: unknown feed or option, or a value the feed refuses.
    """
    chosen = _feed(feed)
    valid = [field.name for field in dataclasses.fields(chosen.options)]
    for name in options:
        if name not in valid:
            msg = f"feed {feed} has no option {name!r}{_nearest(name, valid)}"
            raise ConfigError(msg)
    needed = {
        f.name for f in dataclasses.fields(chosen.options) if f.default is f.default_factory is dataclasses.MISSING
    }
    if lacking := sorted(needed - options.keys()):
        msg = f"feed {feed} needs the option {', '.join(lacking)}"
        raise ConfigError(msg)
    return chosen.options(**options)


def route(feed: str) -> Column:
    """The table (`schema.table`) a bronze row belongs to, from `_source_file` or `_raw`; null when it belongs to none.

    It never fails: control records, heartbeats, transaction topics and malformed text give null.

    Raises:
        ConfigError: unknown feed.
    """
    return _feed(feed).route()


def _feed(name: str) -> _Feed:
    if name not in _FEEDS:
        msg = f"there is no feed {name!r}{_nearest(name, FEEDS)}"
        raise ConfigError(msg)
    return _FEEDS[name]


def _nearest(name: str, valid: Iterable[str]) -> str:
    names = list(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    return f"; did you mean {close[0]!r}? Valid: {', '.join(names)}"
