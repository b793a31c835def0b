"""The command `lakehouse quarantine`: the records that wait there, as lines that can be mended and replayed."""

from __future__ import annotations

import argparse
import json
import sys

from pyspark.sql import functions as F

from lakehouse.columns import FILE, REASON, ROW, TABLE
from lakehouse.config.loading import load_config
from lakehouse.errors import ConfigError
from lakehouse.runtime.job import DONE
from lakehouse.runtime.places import Places
from lakehouse.runtime.replay import open_rows
from lakehouse.runtime.session import open_session
from lakehouse.tables import open_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("config", help="as for run")
    parser.add_argument("--set", action="append", default=[], metavar="key.sub=value")
    parser.add_argument("--table", help="of one source table, schema.table")
    parser.add_argument("--reason", help="that were set aside for one reason, such as fails_rules")


def show(arguments: argparse.Namespace) -> int:
    """Print a line of JSON for each record and return the exit code.

    Raises:
        ConfigError: no run has set anything aside yet.
    """
    config = load_config(arguments.config, settings=arguments.set)
    places = Places.of(config)
    spark = open_session(app_name="lakehouse quarantine", warehouse=config.warehouse, catalog=config.catalog)
    table = open_table(spark, places.ref(config.quarantine, config.format))
    if not table.exists():
        msg = f"there is no table {config.quarantine} yet: no run has set anything aside"
        raise ConfigError(msg)
    rows = open_rows(table.read())
    for column, wanted in ((TABLE, arguments.table), (REASON, arguments.reason)):
        if wanted is not None:
            rows = rows.where(F.col(column) == wanted)
    for row in rows.orderBy(FILE, ROW).toLocalIterator():
        sys.stdout.write(json.dumps(row.asDict(), ensure_ascii=False) + "\n")
    return DONE
