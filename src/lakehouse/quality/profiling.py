"""What is asked of a table before rules are proposed for it: two rows of aggregates, and the profiles that they make.

The first row counts; the second, where the first says that it may be so, tells which columns repeat no value, which texts a
column of few has, and of which type texts are. Columns that rules cannot be asked of are left out: nested ones, those whose names are blank or differ in
letter case alone, and those that the library keeps for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column, Row
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BinaryType,
    BooleanType,
    DoubleType,
    FloatType,
    StringType,
    StructField,
    StructType,
)

from lakehouse.columns import RESERVED, alike
from lakehouse.quality.probes import col
from lakehouse.quality.shares import fits
from lakehouse.quality.suggestions import LONGEST_VALUE, MOST_VALUES, ColumnProfile
from lakehouse.quality.values import NUMBERS, TIMES, WHOLE

ROWS = "rows"
TYPES = ("INTEGER", "LONG", "DOUBLE", "DATE", "TIMESTAMP")
"""What the texts of a column may be, the narrowest first, as ColumnDataType calls it."""

BEGINS_AS_A_NUMBER = r"\A\s*[-+.]?[0-9]"
"""Whether a text is of one of these types is dear to find out: this is asked before."""

FLOATING = (FloatType, DoubleType)
KEYS = (*WHOLE, StringType)
"""Types of columns that may be keys; a measure or an instant that stands once does so by chance."""

NEARLY = 0.5
"""From this share of distinct values on, which are estimated, they are counted."""


def profiled(schema: StructType) -> tuple[StructField, ...]:
    """The columns that rules are proposed for."""
    flat = (*NUMBERS, *TIMES, StringType, BooleanType, BinaryType)
    left_out = RESERVED.union(alike(schema.names))
    return tuple(
        field
        for field in schema.fields
        if isinstance(field.dataType, flat) and field.name not in left_out and field.name.strip()
    )


def first_questions(fields: Sequence[StructField]) -> list[Column]:
    """Aggregates: the number of rows, and of each column what is counted."""
    return [F.count(F.lit(1)).alias(ROWS), *(_counted(field).alias(_place(n)) for n, field in enumerate(fields))]


def second_questions(fields: Sequence[StructField], first: Row) -> list[Column]:
    """Aggregates that the answers to the first ones call for; none: there is no more to ask."""
    asked = []
    for number, field in enumerate(fields):
        counted, value = first[_place(number)].asDict(), col(field.name)
        about, longest = counted.get("about", 0), counted.get("longest")
        if counted["values"] > 1 and about >= NEARLY * counted["values"]:
            asked.append(F.count_distinct(value).alias(f"distinct_{number}"))
        if counted["values"] and counted.get("as_numbers") == counted["values"]:
            asked += [F.count_if(fits(field.name, field.dataType, name)).alias(f"{name}_{number}") for name in TYPES]
        if longest is not None and longest <= LONGEST_VALUE and about <= 2 * MOST_VALUES:
            asked.append(F.collect_set(value).alias(f"listed_{number}"))
    return asked


def profiles(fields: Sequence[StructField], first: Row, second: Row | None) -> list[ColumnProfile]:
    """The profiles that the answers make; no second row: nothing was asked."""
    more = second.asDict() if second is not None else {}
    return [_profile(number, field, first[_place(number)].asDict(), more) for number, field in enumerate(fields)]


def _profile(number: int, field: StructField, counted: dict[str, Any], more: dict[str, Any]) -> ColumnProfile:
    values = counted["values"]
    listed = sorted(more.get(f"listed_{number}", ()))
    return ColumnProfile(
        name=field.name,
        values=values,
        unique=more.get(f"distinct_{number}") == values,
        least=counted.get("least"),
        not_numbers=counted.get("not_numbers", 0),
        shortest=counted.get("shortest"),
        longest=counted.get("longest"),
        listed=tuple(listed),
        fits=next((name for name in TYPES if values and more.get(f"{name}_{number}") == values), None),
    )


def _counted(field: StructField) -> Column:
    value, data_type = col(field.name), field.dataType
    asked = [F.count(value).alias("values")]
    if isinstance(data_type, KEYS):
        asked.append(F.approx_count_distinct(value).alias("about"))
    if isinstance(data_type, NUMBERS):
        nan = F.isnan(value) if isinstance(data_type, FLOATING) else F.lit(False)
        asked += [F.min(F.when(~nan, value)).alias("least"), F.count_if(nan).alias("not_numbers")]
    if isinstance(data_type, StringType):
        asked += [F.min(F.length(value)).alias("shortest"), F.max(F.length(value)).alias("longest")]
        asked.append(F.count_if(value.rlike(BEGINS_AS_A_NUMBER)).alias("as_numbers"))
    return F.struct(*asked)


def _place(number: int) -> str:
    return f"column_{number}"
