"""The command `lakehouse check-history`: which rules the rows of a history table break, and for which keys."""

from __future__ import annotations

import argparse
import sys

from pyspark.sql import DataFrame

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.history_checks import HistoryColumns, check_history, versions_only
from lakehouse.errors import ConfigError
from lakehouse.runtime.job import DONE, FAILED
from lakehouse.runtime.places import Places
from lakehouse.runtime.session import open_session
from lakehouse.tables import Table, open_table
from lakehouse.tables.memory import recall
from lakehouse.tables.targets import recorded_spec

_SHOWN = 20
"""Broken rules that are printed; the whole report is a frame, see `lakehouse.cdc.history_checks`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("table", metavar="TABLE", help="its name, as in silver.customers_history")
    parser.add_argument("--format", choices=["delta", "iceberg"], default="iceberg")
    parser.add_argument("--warehouse", default="warehouse", help="folder or URI; Delta tables lie below it")
    parser.add_argument("--catalog", default="lake", help="the Iceberg catalog")
    parser.add_argument("--keys", type=_names, help="key columns, with commas; a table of this library knows its own")
    parser.add_argument("--track", type=_names, help="columns whose change opens a version; default all")
    parser.add_argument("--start", help="column where a version begins (another tool's table)")
    parser.add_argument("--end", help="column where a version ends (another tool's table)")
    parser.add_argument("--open-end", help="SQL of the end that means open, beside null: \"date '9999-12-31'\"")
    parser.add_argument("--current", help="column that flags the open version (another tool's table)")


def show(arguments: argparse.Namespace) -> int:
    """Print the report and return the exit code: 1 when a rule is broken.

    Raises:
        ConfigError: there is no such table, or its keys are not known.
    """
    columns = _columns(arguments)
    places = Places(warehouse=arguments.warehouse, catalog=arguments.catalog, delta="path")
    spark = open_session(app_name="lakehouse check-history", warehouse=arguments.warehouse, catalog=arguments.catalog)
    table = open_table(spark, places.ref(arguments.table, arguments.format))
    if not table.exists():
        msg = f"there is no {arguments.format} table {table.ref.identifier}; see --format, --warehouse and --catalog"
        raise ConfigError(msg)
    # Counted and then shown: found once.
    horizon = recall(table).horizon_literal if columns is None else None
    found = check_history(table.read(), _spec(arguments, table), columns, horizon=horizon)
    report = found.localCheckpoint(eager=False)
    counts = {row["rule"]: row["count"] for row in report.groupBy("rule").count().collect()}
    listed = ", ".join(f"{number:,} {rule}" for rule, number in sorted(counts.items()))
    if listed:
        _print(report)
        listed += f"; {min(_SHOWN, sum(counts.values()))} shown"
    sys.stdout.write(f"{table.ref.identifier}: {listed or 'nothing is wrong'}\n")
    return FAILED if listed else DONE


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _columns(arguments: argparse.Namespace) -> HistoryColumns | None:
    """The columns of another tool's table; None for ours."""
    if arguments.start is None and arguments.end is None:
        return None
    if arguments.start is None or arguments.end is None:
        msg = "--start and --end go together; a table of this library needs neither"
        raise ConfigError(msg)
    return versions_only(
        start=arguments.start, end=arguments.end, current=arguments.current, open_end=arguments.open_end
    )


def _spec(arguments: argparse.Namespace, table: Table) -> ChangeSpec:
    if arguments.keys:
        return ChangeSpec(keys=arguments.keys, track=arguments.track)
    spec = recorded_spec(table)
    if spec is None:
        msg = f"{table.ref.identifier} does not say what its keys are; name them with --keys"
        raise ConfigError(msg)
    return spec


def _print(report: DataFrame) -> None:
    from rich.console import Console  # noqa: PLC0415  only people need it
    from rich.table import Table as Grid  # noqa: PLC0415

    grid = Grid("rule", "key", "rows")
    for row in report.orderBy("rule", "key").limit(_SHOWN).collect():
        key = ", ".join(f"{name}={value}" for name, value in row["key"].asDict().items())
        grid.add_row(row["rule"], key, ", ".join(str(sequence) for sequence in row["sequences"]))
    Console().print(grid)
