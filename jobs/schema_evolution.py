"""Keep tables of events whose fields change: a contract that may not follow the ones before it stops the run.

A contract is registered, as a record of Avro, before a file is loaded; then the tables get the columns that they lack, and what
was written before shows them as null. Run it again at any time: it takes only what is new.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from pyspark.sql import DataFrame

from lakehouse.config.base import Model
from lakehouse.runtime.job import main


class Params(Model):
    """This job has nothing to be told beside its inputs and outputs."""


def recipe(inputs: Mapping[str, DataFrame], params: Params) -> dict[str, DataFrame]:
    """Every change log as it is."""
    del params
    return dict(inputs)


if __name__ == "__main__":
    sys.exit(main(recipe, Params))
