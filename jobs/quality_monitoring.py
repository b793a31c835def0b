"""Watch the quality of daily exports: completeness, uniqueness, validity, consistency and timeliness, day by day.

Each day is held against a ruleset and against the days before it. Rows that fail are set aside with the rules they fail, the
rest is merged, and what was measured is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from pyspark.sql import DataFrame

from lakehouse.config.base import Model
from lakehouse.runtime.job import main


class Params(Model):
    """This job has nothing to be told beside its inputs, outputs and rules."""


def recipe(inputs: Mapping[str, DataFrame], params: Params) -> dict[str, DataFrame]:
    """Every change log as it is."""
    del params
    return dict(inputs)


if __name__ == "__main__":
    sys.exit(main(recipe, Params))
