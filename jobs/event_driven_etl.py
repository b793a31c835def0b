"""Load a file when S3 tells that it has landed: check it, load it once, and tell people what became of it.

Started with the events themselves (`--event`), or by a state machine with one file (`--source_path`). A file that is invalid
is set aside with its reason beside it. Without either it loads whatever has landed, which finds files whose events were lost.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from pyspark.sql import DataFrame

from lakehouse.config.base import Model
from lakehouse.runtime.job import main


class Params(Model):
    """This job has nothing to be told beside its inputs, outputs and arrivals."""


def recipe(inputs: Mapping[str, DataFrame], params: Params) -> dict[str, DataFrame]:
    """Every change log as it is."""
    del params
    return dict(inputs)


if __name__ == "__main__":
    sys.exit(main(recipe, Params))
