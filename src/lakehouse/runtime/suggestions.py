"""The command `lakehouse suggest-rules`: a ruleset that a table keeps as it is, to begin with."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame

from lakehouse.config.models import JobConfig
from lakehouse.errors import ConfigError
from lakehouse.quality.profiling import ROWS, first_questions, profiled, profiles, second_questions
from lakehouse.quality.rulesets import Ruleset, format_ruleset
from lakehouse.quality.suggestions import suggest_ruleset
from lakehouse.runtime.places import Places
from lakehouse.runtime.session import open_session
from lakehouse.tables import open_table
from lakehouse.tables.jvm import keep_text

NOTHING = "# The table has no rows, so that there is nothing to propose."
HEADING = "# What {rows:,} rows keep. Leave out what is so by chance."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("config", help="a YAML file, or the name of a shipped configuration")
    parser.add_argument("table", metavar="TABLE", help="one of its tables, as `lakehouse tables` lists them")
    parser.add_argument("--set", action="append", default=[], metavar="key.sub=value", help="replace a setting")


def propose(config: JobConfig, name: str, listed: Sequence[tuple[str, Any, str]]) -> str:
    """The text of a ruleset for a table of a configuration.

    Args:
        config: the configuration.
        name: the table.
        listed: name, format and kind of all its tables.

    Raises:
        ConfigError: it has no such table, or the table is not there yet.
    """
    formats = {table: table_format for table, table_format, _ in listed}
    if name not in formats:
        near = difflib.get_close_matches(name, formats, n=1)
        said = f"did you mean {near[0]}?" if near else f"there are: {', '.join(formats)}"
        msg = f"{config.job} keeps no table {name}; {said}"
        raise ConfigError(msg)
    places = Places.of(config)
    spark = open_session(app_name="lakehouse suggest-rules", warehouse=config.warehouse, catalog=config.catalog)
    table = open_table(spark, places.ref(name, formats[name]))
    if not table.exists():
        msg = f"{name} is not there yet; the first run makes it"
        raise ConfigError(msg)
    rows, ruleset = suggest_rules(table.read())
    return f"{HEADING.format(rows=rows)}\n{format_ruleset(ruleset)}" if ruleset.rules else f"{NOTHING}\n"


def suggest_rules(df: DataFrame) -> tuple[int, Ruleset]:
    """How many rows a frame has, and rules that it passes; it is read twice, and has to stay as it is meanwhile.

    >>> rows, ruleset = suggest_rules(spark.createDataFrame([(1, "open"), (2, None)], "id int, state string"))
    >>> print(format_ruleset(ruleset), end="")
    Rules = [
        RowCount > 0,
        IsPrimaryKey "id",
        ColumnValues "id" >= 0,
        ColumnLength "state" = 4 where "`state` IS NOT NULL"
    ]
    """
    keep_text(df.sparkSession)  # names of columns stand in SQL
    fields = profiled(df.schema)
    first = df.agg(*first_questions(fields)).collect()[0]
    asked = second_questions(fields, first)
    second = df.agg(*asked).collect()[0] if asked else None
    return first[ROWS], suggest_ruleset(first[ROWS], profiles(fields, first, second))
