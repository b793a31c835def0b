"""States of the columns of a frame, asked of Spark: all columns and days at once, and once more where values are counted.

Columns that cannot be asked of are left out: those whose names differ in letter case alone, and those that the library keeps
for itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, FloatType, StructField, StructType

from lakehouse.columns import RESERVED, alike
from lakehouse.quality.measures import summand
from lakehouse.quality.probes import col
from lakehouse.quality.states import MOST_CATEGORIES, ColumnState, bounded
from lakehouse.quality.values import NUMBERS

DAY, ROWS = "day", "rows"
COLUMN, VALUE, TIMES = "column", "value", "times"

Categories = Mapping[tuple[date | None, str], Mapping[str, int]]
"""By day and column how often each value stands there."""


def observed(schema: StructType) -> tuple[StructField, ...]:
    """The columns that states are kept of."""
    left_out = RESERVED.union(alike(schema.names))
    return tuple(field for field in schema.fields if field.name not in left_out)


def observe(df: DataFrame, fields: Sequence[StructField], *, by: str | None = None) -> DataFrame:
    """A row for each day: the day, how many rows it has, and of each column what its state is made of.

    Args:
        df: the rows; none make no row.
        fields: the columns.
        by: the column that tells the days; None: all rows are of one, which is null.
    """
    asked = [_counted(field).alias(_place(number)) for number, field in enumerate(fields)]
    return df.groupBy(_day(by)).agg(F.count(F.lit(1)).alias(ROWS), *asked)


def count_categories(df: DataFrame, columns: Iterable[str], *, by: str | None = None) -> DataFrame:
    """A row for each day, column and value: how often the value stands there, as text; nulls are not counted.

    Of columns with more than `MOST_CATEGORIES` values on a day one value more than that is there.

    Args:
        df: the rows.
        columns: whose values are counted.
        by: the column that tells the days; None: all rows are of one, which is null.
    """
    values = [F.struct(F.lit(name).alias(COLUMN), col(name).cast("string").alias(VALUE)) for name in columns]
    told = df.select(_day(by), F.explode(F.array(*values)).alias("told")).select(DAY, "told.*")
    counts = told.where(F.col(VALUE).isNotNull()).groupBy(DAY, COLUMN, VALUE).agg(F.count(F.lit(1)).alias(TIMES))
    place = F.row_number().over(Window.partitionBy(DAY, COLUMN).orderBy(VALUE))
    return counts.withColumn("place", place).where(F.col("place") <= MOST_CATEGORIES + 1).drop("place")


def categories_of(counted: Iterable[Row]) -> Categories:
    """The collected rows of `count_categories`."""
    found: dict[tuple[date | None, str], dict[str, int]] = {}
    for row in counted:
        found.setdefault((row[DAY], row[COLUMN]), {})[row[VALUE]] = row[TIMES]
    return found


def states_of_day(
    row: Row, fields: Sequence[StructField], categorical: Iterable[str], categories: Categories
) -> dict[str | None, ColumnState]:
    """The states that a collected row of `observe` tells, by column; None is the rows themselves.

    Args:
        row: of a day.
        fields: the columns that were asked of.
        categorical: those whose values were counted.
        categories: their counts.
    """
    rows, day, listed = row[ROWS], row[DAY], set(categorical)
    states: dict[str | None, ColumnState] = {None: ColumnState(rows=rows, categories=None)}
    for number, field in enumerate(fields):
        counts = bounded(categories.get((day, field.name), {})) if field.name in listed else None
        states[field.name] = ColumnState(rows=rows, categories=counts, **row[_place(number)].asDict())
    return states


def _counted(field: StructField) -> Column:
    """What a state is made of, under the names that it has there; a column of no numbers has values only."""
    value, data_type = col(field.name), field.dataType
    asked = [F.count(value).alias("nonnulls")]
    if isinstance(data_type, NUMBERS):
        floating = isinstance(data_type, FloatType | DoubleType)
        # NaN is greater than any number.
        finite = F.when(F.abs(value) < F.lit(math.inf), value) if floating else value
        double = finite.cast("double")
        asked += [
            F.count(finite).alias("numbers"),
            F.coalesce(F.sum(summand(finite, data_type)).cast("double"), F.lit(0.0)).alias("total"),
            F.coalesce(F.regr_sxx(double, double), F.lit(0.0)).alias("m2"),
            F.min(double).alias("least"),
            F.max(double).alias("greatest"),
        ]
    return F.struct(*asked)


def _day(by: str | None) -> Column:
    return (F.lit(None).cast("date") if by is None else col(by)).alias(DAY)


def _place(number: int) -> str:
    return f"column_{number}"
