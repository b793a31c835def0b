"""States of columns, by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lakehouse.errors import ConfigError
from lakehouse.quality.states import (
    MOST_CATEGORIES,
    STATES,
    ColumnState,
    StateRow,
    merge_states,
    roll_up,
    state_metrics,
    state_of,
    state_record,
    state_row,
)

MONDAY = datetime(2026, 3, 2, 6, tzinfo=UTC)


def known(day: int, values: list[object], *, again: int = 0, column: str | None = "amount") -> StateRow:
    """What the run of a day, or one hours later, knows of a column of that day."""
    at = MONDAY + timedelta(days=day, hours=again)
    return StateRow(
        run_id=f"{day}.{again}", at=at, table="orders", partition=f"day-{day}", column=column, state=state_of(values)
    )


def test_a_state_says_what_the_values_are_like() -> None:
    """Nulls, NaN, infinities and booleans are no numbers; all but nulls are values."""
    state = state_of([2.0, 4, None, math.nan, math.inf, True, "x"])
    assert state == ColumnState(
        rows=7, nonnulls=6, numbers=2, total=6.0, m2=2.0, least=2.0, greatest=4.0, categories=None
    )
    assert state_of(["b", "a", None, "b"], categorical=True).categories == {"a": 1, "b": 2}
    assert state_of([]) == ColumnState(categories=None)


def test_metrics_have_the_names_of_glue() -> None:
    """2, 4, 4, 4, 5, 5, 7, 9 have mean 5 and deviation 2; what has no value is left out."""
    state = state_of([2, 4, 4, 4, 5, 5, 7, 9, None, None], categorical=True)
    assert state_metrics(state, "amount") == {
        "Column.amount.Completeness": 0.8,
        "Column.amount.Sum": 40,
        "Column.amount.Mean": 5,
        "Column.amount.StandardDeviation": 2,
        "Column.amount.Minimum": 2,
        "Column.amount.Maximum": 9,
        "Column.amount.DistinctValuesCount": 5,
    }
    assert state_metrics(state, None) == {"Dataset.*.RowCount": 10}
    assert state_metrics(state_of(["x"]), "c") == {"Column.c.Completeness": 1}
    assert state_metrics(state_of([]), "c") == {}


def test_categories_are_forgotten_beyond_the_bound() -> None:
    """Nothing is kept of too many, and nothing comes of merging with that."""
    few, more = ([f"{first + place}" for place in range(MOST_CATEGORIES)] for first in (0, 1))
    left, right = (state_of(values, categorical=True) for values in (few, more))
    assert left.categories is not None
    assert len(left.categories) == MOST_CATEGORIES
    assert merge_states([left, left]).categories == dict.fromkeys(sorted(few), 2)
    assert merge_states([left, right]).categories is None
    assert merge_states([left, state_of(["a"])]).categories is None
    assert state_of([*few, *more], categorical=True).categories is None


def test_numbers_beyond_doubles_do_not_raise() -> None:
    """Their sum is infinite or no number, as in Spark."""
    large = state_of([1e308, 1e308])
    assert (large.total, large.least, large.greatest) == (math.inf, 1e308, 1e308)
    both = merge_states([large, state_of([-1e308, -1e308])])
    assert math.isnan(both.total)
    assert both.numbers == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": -1},
        {"rows": 1, "nonnulls": 2},
        {"rows": 2, "nonnulls": 1, "numbers": 2, "least": 0.0, "greatest": 0.0},
        {"rows": 1, "nonnulls": 1, "numbers": 1},
        {"rows": 1, "least": 0.0, "greatest": 0.0},
    ],
)
def test_states_of_no_rows_at_all_are_refused(wrong: dict[str, Any]) -> None:
    """Counts that contradict each other, and ends of nothing."""
    with pytest.raises(ConfigError, match="no column has"):
        ColumnState(**wrong)


def test_a_week_is_rolled_up_from_its_days() -> None:
    """Seven days are one state; a day that was loaded again counts as it was last, without columns it lost."""
    days = [known(day, [day, None]) for day in range(7)]
    again = [known(3, [10, 20], again=2), known(3, [10, 20], again=2)]
    old = known(3, [1], column="dropped")
    counts = [known(day, [None, None], column=None) for day in range(7)] + [
        known(3, [None, None], again=2, column=None)
    ]
    week = roll_up([*again, *days, old, *counts], "orders")
    assert set(week) == {"amount", None}
    assert week[None].rows == 14
    amount = week["amount"]
    assert (amount.rows, amount.nonnulls, amount.total, amount.greatest) == (14, 8, 0 + 1 + 2 + 30 + 4 + 5 + 6, 20)
    assert roll_up(days, "orders", partitions={"day-1", "day-2", "day-99"})["amount"].total == 3
    assert roll_up(days, "customers") == {}


@pytest.mark.parametrize("values", [["b", "a", "b", None], [1.5, None, -2.5], []])
@pytest.mark.parametrize("categorical", [True, False])
def test_states_come_back_from_their_table(values: list[object], categorical: bool) -> None:  # noqa: FBT001 - a case
    """Through Spark's own form of rows and back."""
    state = state_of(values, categorical=categorical)
    row = StateRow(run_id="r", at=MONDAY, table="t", partition="p", column="c", state=state)
    assert state_row(STATES.fromInternal(STATES.toInternal(state_record(row)))) == row


def test_an_instant_needs_a_zone() -> None:
    """Otherwise runs cannot be ordered."""
    with pytest.raises(ConfigError, match="has no time zone"):
        StateRow(run_id="r", at=datetime(2026, 1, 1), table="t", partition="p", column="c", state=ColumnState())  # noqa: DTZ001 - what is refused
