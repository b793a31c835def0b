"""What Spark finds of the columns of a frame is what plain Python finds of the same values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.quality.observing import (
    DAY,
    categories_of,
    count_categories,
    observe,
    observed,
    states_of_day,
)
from lakehouse.quality.states import MOST_CATEGORIES, ColumnState, merge_states, state_of

DAYS = [date(2026, 3, day) for day in range(1, 9)]
KINDS: Mapping[str, tuple[str, list[Any]]] = {
    "a.b `c`": ("int", [0, 1, -7, 2**31 - 1]),
    "grand": ("bigint", [2**63 - 1, -(2**63), 2**53 + 1, 3]),
    "exact": ("decimal(12,2)", [Decimal("0.10"), Decimal("-3.33"), Decimal("9999999999.99")]),
    "long decimal": ("decimal(38,10)", [Decimal("1.5"), Decimal("99999999999999999999999999.5")]),
    "real": ("double", [1.5, -0.0, 1e9 + 1, 1e9, math.nan, math.inf, -math.inf]),
    "half": ("float", [0.5, math.nan, -math.inf]),
    "flag": ("boolean", [True, False]),
    "name": ("string", ["", "ß", "x"]),
    "code": ("string", [f"code {number}" for number in range(3 * MOST_CATEGORIES)]),
    "list": ("array<string>", [["x"], []]),
}
CATEGORICAL = ("name", "code", "nobody's")
Known = dict[date | None, dict[str | None, ColumnState]]


def found(df: DataFrame, by: str | None) -> Known:
    """The states of each day, as the runner asks for them."""
    fields = observed(df.schema)
    categories = categories_of(count_categories(df, CATEGORICAL, by=by).collect())
    rows = observe(df, fields, by=by).collect()
    return {row[DAY]: states_of_day(row, fields, CATEGORICAL, categories) for row in rows}


def same(left: ColumnState, right: ColumnState) -> bool:
    """Whether they are the same, sums up to rounding."""
    one, other = asdict(left), asdict(right)
    close = all(math.isclose(one[name], other[name], rel_tol=1e-9, abs_tol=1e-9) for name in ("total", "m2"))
    return close and {**one, "total": 0, "m2": 0} == {**other, "total": 0, "m2": 0}


@pytest.fixture(scope="module")
def values() -> list[tuple[Any, ...]]:
    """Rows with a day or none, and values of all kinds, many of them null; a day has few codes, all days have too many."""
    chance = Random(7)  # noqa: S311 - cases that can be repeated
    return [
        (chance.choice([*DAYS, None]), *(chance.choice([None, chance.choice(of)]) for _, of in KINDS.values()), None, "1")
        for _ in range(900)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def frame(spark: SparkSession, values: list[tuple[Any, ...]]) -> DataFrame:
    """The rows, with a column that has no value and one of the library's own."""
    columns = [f"`{name.replace('`', '``')}` {kind}" for name, (kind, _) in KINDS.items()]
    schema = ", ".join(["on_day date", *columns, "`nobody's` string", "_op string"])
    return spark.createDataFrame(values, schema).repartition(3).localCheckpoint()


def test_each_day_is_what_its_values_are(frame: DataFrame, values: list[tuple[Any, ...]]) -> None:
    """Of every column of every day, those without a day together; a column of the library's own is left out."""
    known = found(frame, "on_day")
    assert set(known) == {*DAYS, None}
    for day, states in known.items():
        rows = [row for row in values if row[0] == day]
        columns = dict(zip(["on_day", *KINDS, "nobody's"], zip(*rows, strict=True), strict=False))
        assert set(states) == {None, *columns}
        assert states[None] == ColumnState(rows=len(rows), categories=None)
        for name, column in columns.items():
            expected = state_of(column, categorical=name in CATEGORICAL)
            assert same(states[name], expected), (day, name, states[name], expected)


def test_the_days_together_are_all_rows(frame: DataFrame) -> None:
    """Merged they are what one reading of everything finds; of too many values nothing is kept on either way."""
    days = found(frame, "on_day").values()
    (whole,) = found(frame, None).values()
    for name, state in whole.items():
        assert same(merge_states(one[name] for one in days), state), name
    assert whole["code"].categories is None
    assert whole["name"].categories is not None
    assert any(one["code"].categories for one in days)
    assert found(frame.limit(0), None) == {}


def test_names_that_spark_takes_for_one_are_left_out(spark: SparkSession) -> None:
    """They cannot be asked of; the rows and other columns can."""
    df = spark.range(2).selectExpr("id AS a", "id AS A", "id AS b")
    fields = observed(df.schema)
    (row,) = observe(df, fields).collect()
    assert states_of_day(row, fields, (), {}) == {
        None: ColumnState(rows=2, categories=None),
        "b": ColumnState(rows=2, nonnulls=2, numbers=2, total=1, m2=0.5, least=0, greatest=1, categories=None),
    }


def test_all_columns_and_days_are_one_reading(frame: DataFrame) -> None:
    """The plan reads the frame once, exchanges once, and sorts nothing."""
    plan = observe(frame, observed(frame.schema), by="on_day")._jdf.queryExecution().sparkPlan().toString()  # noqa: SLF001 - what Spark will do
    assert [plan.count(node) for node in ("HashAggregate", "Scan ExistingRDD", "Sort", "Join")] == [2, 1, 0, 0]
