"""Some of the rows that fail the rules of a ruleset, for a report: few of each rule, and no values unless they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, DataType

from lakehouse.columns import FILE, ORIGIN, RESERVED, ROW, quoted
from lakehouse.quality.outcomes import Outcome
from lakehouse.quality.row_results import FAIL, PASS, RESULT, SKIP
from lakehouse.reports.findings import FailingRows

PLACE = (FILE, ROW)
"""The columns that say where a row came from: the name of its file, and which row of it. They are no values of rows."""

MOST = 5
"""Rows of one rule that are listed."""

_OURS = {PASS, FAIL, SKIP, RESULT, *RESERVED}


def find_failing_rows(
    rows: DataFrame, outcomes: Sequence[Outcome], *, reveal: bool = False, most: int = MOST
) -> tuple[FailingRows, ...]:
    """Find the first rows that fail each rule, by where they came from, and count all; the rules stay in their order.

    Two queries, which read the frame once each: keep it, if it is dear. None, when no rule failed.

    Args:
        rows: `Evaluation.rows`, with or without the reserved columns of a change log.
        outcomes: `Evaluation.outcomes`. Rows that fail a rule which passed, as below a threshold, are not listed.
        reveal: whether values are collected. If not, only whether they are null leaves Spark.
        most: rows of one rule.
    """
    rules = list(dict.fromkeys(one.rule for one in outcomes if one.verdict == "Failed"))
    if not rules:
        return ()
    fields = [field for field in rows.schema.fields if field.name not in _OURS]
    cells = [_cell(field.name, field.dataType, reveal=reveal) for field in fields]
    origin = F.col(ORIGIN) if ORIGIN in rows.columns else F.lit(None)
    if ORIGIN in rows.columns:
        file, row = F.col(f"{ORIGIN}.file"), F.col(f"{ORIGIN}.row").cast("string")
        cells = [F.substring_index(file, "/", -1), row, *cells]
    failing = rows.select(
        F.explode(FAIL).alias("rule"), F.array(*cells).cast("array<string>").alias("cells"), origin.alias("origin")
    ).where(F.col("rule").isin(rules))
    totals = {one["rule"]: one["count"] for one in failing.groupBy("rule").count().collect()}
    placed = failing.withColumn("place", F.row_number().over(Window.partitionBy("rule").orderBy("origin", "cells")))
    first = placed.where(F.col("place") <= most).orderBy("place").select("rule", "cells").collect()
    columns = (*(PLACE if ORIGIN in rows.columns else ()), *(field.name for field in fields))
    return tuple(
        FailingRows(
            rule=rule,
            columns=columns,
            rows=tuple(tuple(one["cells"]) for one in first if one["rule"] == rule),
            total=totals[rule],
        )
        for rule in rules
        if rule in totals
    )


def _cell(name: str, data_type: DataType, *, reveal: bool) -> Column:
    """A value as text, or an empty text in its place; null stays null."""
    value = F.col(quoted(name))
    if not reveal:
        return F.when(value.isNotNull(), F.lit(""))
    return F.hex(value) if isinstance(data_type, BinaryType) else value.cast("string")
