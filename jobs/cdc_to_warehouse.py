"""Keep current and history tables of every table in a database schema, from its change feed.

The feed may be late, repeated or out of order; the tables come out as if it had been neither. Run it again at any time:
it takes only what is new.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from pyspark.sql import DataFrame

from lakehouse.config.base import Model
from lakehouse.runtime.job import main


class Params(Model):
    """What this job can be told beside its inputs and outputs."""

    leave_out: tuple[str, ...] = ()
    """Columns that must not reach the warehouse, whichever table they are in."""


def recipe(inputs: Mapping[str, DataFrame], params: Params) -> dict[str, DataFrame]:
    """One change log in, one change log out for each source table."""
    return {table: changes.drop(*params.leave_out) for table, changes in inputs.items()}


if __name__ == "__main__":
    sys.exit(main(recipe, Params))
