"""What probes ask, as frames of few rows: many answers to one reading of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.quality.groupings import any_value
from lakehouse.quality.probes import Groups, col, count, predicate

PLACE, ANSWERS = "place", "answers"


def count_groups(df: DataFrame, asked: Sequence[Sequence[Groups]]) -> DataFrame:
    """A row for each set of columns: its place, and the answers to all that is asked of it.

    Args:
        df: the frame, which is read once for each set.
        asked: for each set of columns what is asked, each with its `where`.
    """
    return reduce(DataFrame.union, (_counted(df, place, groups) for place, groups in enumerate(asked)))


def _counted(df: DataFrame, place: int, asked: Sequence[Groups]) -> DataFrame:
    names = asked[0].columns
    keys = [col(name).alias(f"key_{number}") for number, name in enumerate(names)]
    times = [count(predicate(one.where)).alias(f"times_{number}") for number, one in enumerate(asked)]
    groups = df.where(any_value(names)).groupBy(*keys).agg(*times)
    answers = [
        F.struct(
            F.coalesce(F.sum(n), F.lit(0)).alias("rows"),
            F.count_if(n > 0).alias("distinct"),
            F.count_if(n == 1).alias("unique"),
            F.coalesce(F.sum(n * F.log(n)), F.lit(0.0)).alias("spread"),
        )
        for n in (F.col(f"times_{number}") for number in range(len(asked)))
    ]
    return groups.agg(F.array(*answers).alias(ANSWERS)).select(F.lit(place).alias(PLACE), ANSWERS)
