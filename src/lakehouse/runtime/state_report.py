"""The command `lakehouse states`: the metrics of a source table over some days, from what a gate kept of each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from datetime import date

from lakehouse.config.loading import load_config
from lakehouse.config.models import JobConfig
from lakehouse.errors import ConfigError
from lakehouse.quality.probes import near
from lakehouse.quality.states import ColumnState, state_metrics
from lakehouse.runtime.job import DONE
from lakehouse.runtime.places import Places
from lakehouse.runtime.planning import gate_of
from lakehouse.runtime.session import open_session
from lakehouse.runtime.state_history import roll_up_days
from lakehouse.runtime.text_columns import in_columns
from lakehouse.tables import open_table

SHOWN = ("Completeness", "DistinctValuesCount", "Sum", "Mean", "StandardDeviation", "Minimum", "Maximum")
DIGITS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("config", help="as for run")
    parser.add_argument("table", metavar="TABLE", help="a source table, schema.table")
    parser.add_argument("--from", dest="first", type=day, required=True, metavar="DAY", help="the first, as 2026-10-05")
    parser.add_argument("--to", dest="last", type=day, required=True, metavar="DAY", help="the last; it counts as well")
    parser.add_argument("--set", action="append", default=[], metavar="key.sub=value")


def day(text: str) -> date:
    """The day that a text names; the name of this function stands in the error of the command."""
    return date.fromisoformat(text)


def show(arguments: argparse.Namespace) -> int:
    """Print a line for each column and return the exit code.

    Raises:
        ConfigError: no gate keeps states of the table, or there are none of these days.
    """
    config = load_config(arguments.config, settings=arguments.set)
    source, first, last = arguments.table, arguments.first, arguments.last
    name = _kept(config, source)
    places = Places.of(config)
    spark = open_session(app_name="lakehouse states", warehouse=config.warehouse, catalog=config.catalog)
    table = open_table(spark, places.ref(name, config.format))
    found = roll_up_days(table.read(), source, first, last, job=config.job) if table.exists() else {}
    if not found:
        msg = f"{name} has no states of {source} from {first} to {last}; a run keeps those of the rows that it judges"
        raise ConfigError(msg)
    sys.stdout.write(f"{source} from {first} to {last}: {found[None].rows:,} rows\n{_lines(found)}\n")
    return DONE


def _kept(config: JobConfig, source: str) -> str:
    """The table that keeps the states of a source table.

    Raises:
        ConfigError: there is none.
    """
    gates = {table: gate_of(config, table) for one in config.inputs.values() for table in one.tables}
    kept = {table: gate.states for table, gate in gates.items() if gate is not None and gate.states is not None}
    if source not in kept:
        there = f"it keeps those of: {', '.join(kept)}" if kept else "name a table for them: `states` of a gate"
        msg = f"{config.job} keeps no states of {source}{near(source, kept) or '; ' + there}"
        raise ConfigError(msg)
    return kept[source]


def _lines(states: Mapping[str | None, ColumnState]) -> str:
    lines = [["column", *SHOWN]]
    for column, state in states.items():
        if column is not None:
            metrics = state_metrics(state, column)
            values = [metrics.get(f"Column.{column}.{name}") for name in SHOWN]
            lines.append([column, *("-" if value is None else f"{value:.{DIGITS}g}" for value in values)])
    return in_columns(lines)
