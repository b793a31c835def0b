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
    canal,
    columns,
    debezium,
    debezium_avro,
    debezium_mongodb,
    debezium_unwrapped,
    delta_cdf,
    dms_s3,
    dms_stream,
    dms_transactions,
    goldengate,
    iceberg_changelog,
    maxwell,
    mongodb,
    snapshot,
    sqlserver_cdc,
    wal2json,
)
from lakehouse.cdc.feeds.assembly import Contract
from lakehouse.cdc.feeds.folders import route_by_folder
from lakehouse.columns import PART, Columns
from lakehouse.errors import ConfigError

SNAPSHOT = "snapshot"
"""The feed of full extracts, whose rows say what there is and not what changed."""
DMS_TRANSACTIONS = "dms-transactions"
"""The feed of DMS transaction files, which never have a header."""


@dataclass(frozen=True, slots=True)
class _Feed:
    options: type[Any]
    parse: Callable[[DataFrame, Contract, Any], ParsedChanges]
    route: Callable[[], Column]
    split: Callable[[DataFrame, Any], DataFrame] | None = None


_FEEDS = {
    "dms-s3": _Feed(dms_s3.Options, dms_s3.parse, route_by_folder),
    DMS_TRANSACTIONS: _Feed(dms_transactions.Options, dms_transactions.parse, dms_transactions.route),
    "dms-stream": _Feed(dms_stream.Options, dms_stream.parse, dms_stream.route),
    "debezium": _Feed(debezium.Options, debezium.parse, debezium.route),
    "debezium-avro": _Feed(debezium_avro.Options, debezium_avro.parse, debezium_avro.route),
    "debezium-mongodb": _Feed(debezium_mongodb.Options, debezium_mongodb.parse, debezium_mongodb.route),
    "debezium-unwrapped": _Feed(debezium_unwrapped.Options, debezium_unwrapped.parse, debezium_unwrapped.route),
    "wal2json": _Feed(wal2json.Options, wal2json.parse, wal2json.route, wal2json.split),
    "canal": _Feed(canal.Options, canal.parse, canal.route, canal.split),
    "maxwell": _Feed(maxwell.Options, maxwell.parse, maxwell.route),
    "mongodb": _Feed(mongodb.Options, mongodb.parse, mongodb.route),
    "goldengate": _Feed(goldengate.Options, goldengate.parse, goldengate.route),
    "sqlserver-cdc": _Feed(sqlserver_cdc.Options, sqlserver_cdc.parse, route_by_folder),
    "delta-cdf": _Feed(delta_cdf.Options, delta_cdf.parse, route_by_folder),
    "iceberg-changelog": _Feed(iceberg_changelog.Options, iceberg_changelog.parse, route_by_folder),
    "columns": _Feed(columns.Options, columns.parse, route_by_folder, columns.split),
    SNAPSHOT: _Feed(snapshot.Options, snapshot.parse, route_by_folder),
}
FEEDS = tuple(_FEEDS)
"""The feeds there are."""


def parse_changes(
    df: DataFrame, *, feed: str, schema: StructType, keys: Columns, table: str | None = None, **options: Any
) -> ParsedChanges:
    """Parse bronze rows of one feed into the change log.

    Every input row ends in exactly one of `changes` (one row; two for a key change: the delete of the old key and the
    upsert of the new one, at one sequence), `rejected` and `skipped`. Records that hold several changes are split first,
    see `split_changes`, unless they have been: then each change counts as a row. The order of rows is not kept, duplicates
    are not removed, an empty frame gives empty frames. Lazy: nothing runs until a frame is used.

    Deletes carry the keys, every other column null; a truncate carries nothing.

    Args:
        df: bronze rows: `_raw`, `_source_file`, `_row`, for CSV `_header`, with `table` also `_table` (see `route`; feeds
            that are split find it themselves); typed rows (Parquet, a change table) have columns of their own instead of
            `_raw`.
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
    rows = df if PART in df.columns else split_changes(df, feed=feed, **options)
    return _feed(feed).parse(rows, contract, check_options(feed, options))


def split_changes(df: DataFrame, *, feed: str, **options: Any) -> DataFrame:
    """Bronze rows with one change each, so that a record with changes of several tables can be read by each of them.

    A record that holds several changes becomes a row for each: `_raw` is a record of the one change, `_table` the change's own
    table, `_part` its place in the record, from 0; the other columns stay what they are. Every other row stays as it is,
    with a null `_part`. The order of rows is not kept. `df` itself comes back where every record of the feed is one change.

    Args:
        df: bronze rows: `_raw`, `_source_file`, `_row`.
        feed: one of `FEEDS`.
        options: the feed's own, as `parse_changes` takes them.

    Raises:
        ConfigError: unknown feed or option.
        MissingColumnsError: the frame lacks bronze columns.
    """
    split = _feed(feed).split
    return df if split is None else split(df, check_options(feed, options))


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


def routes_by_folder(feed: str) -> bool:
    """Whether the folders of a file say which table its rows belong to, and not the rows themselves.

    Raises:
        ConfigError: unknown feed.
    """
    return _feed(feed).route is route_by_folder


def _feed(name: str) -> _Feed:
    if name not in _FEEDS:
        msg = f"there is no feed {name!r}{_nearest(name, FEEDS)}"
        raise ConfigError(msg)
    return _FEEDS[name]


def _nearest(name: str, valid: Iterable[str]) -> str:
    names = list(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    return f"; did you mean {close[0]!r}? Valid: {', '.join(names)}"
