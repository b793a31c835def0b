"""Merged states are the state of everything, however it was cut up and put together."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.quality.states import MOST_CATEGORIES, ColumnState, merge_states, state_of

NUMBERS = st.one_of(
    st.none(),
    st.integers(-(10**6), 10**6),
    st.floats(-1e6, 1e6),
    st.sampled_from([1e9 + 1, 1e9, math.nan, math.inf]),
)
PARTS = st.lists(st.lists(NUMBERS, max_size=8), min_size=1, max_size=8)


@st.composite
def merged(draw: st.DrawFn, parts: list[ColumnState]) -> ColumnState:
    """The parts put together, some at a time, in any order."""
    left = list(draw(st.permutations(parts)))
    while len(left) > 1:
        some = draw(st.integers(2, len(left)))
        left = [*left[some:], merge_states(left[:some])]
    return left[0]


def spread(numbers: list[float]) -> Fraction:
    """The sum of the squared distances from the mean, without rounding."""
    exact = [Fraction(one) for one in numbers]
    mean = sum(exact, start=Fraction(0)) / len(exact) if exact else Fraction(0)
    return sum(((one - mean) ** 2 for one in exact), start=Fraction(0))


@given(st.data(), PARTS)
def test_numbers_merge_in_any_order_and_grouping(data: st.DataObject, parts: list[list[float | None]]) -> None:
    """Counts and ends are exact, sums and deviations those of exact arithmetic, up to rounding."""
    found = data.draw(merged([state_of(part) for part in parts]))
    values = [one for part in parts for one in part]
    there = [one for one in values if one is not None]
    numbers = [float(one) for one in there if math.isfinite(one)]
    assert (found.rows, found.nonnulls, found.numbers) == (len(values), len(there), len(numbers))
    assert (found.least, found.greatest) == (min(numbers, default=None), max(numbers, default=None))
    largest = max(map(abs, numbers), default=0.0)
    assert math.isclose(found.total, sum(map(Fraction, numbers)), rel_tol=1e-12, abs_tol=1e-12 * largest)
    # A mean is known to its last digit, which counts for much where the numbers are large and close to each other.
    assert math.isclose(found.m2, spread(numbers), rel_tol=1e-9, abs_tol=1e-24 * largest**2 * len(numbers) + 1e-12)


@given(st.data(), st.lists(st.lists(st.integers(-(2**40), 2**40), max_size=8), min_size=1, max_size=8))
def test_sums_of_whole_numbers_are_exact(data: st.DataObject, parts: list[list[int]]) -> None:
    """As long as a double holds them."""
    found = data.draw(merged([state_of(part) for part in parts]))
    assert found.total == sum(map(sum, parts))


@given(st.data(), st.lists(st.lists(st.integers(0, MOST_CATEGORIES + 20), max_size=60), min_size=1, max_size=5))
def test_categories_merge_or_are_too_many(data: st.DataObject, parts: list[list[int]]) -> None:
    """The counts of all values, or nothing where there are more values than are kept, whatever came first."""
    found = data.draw(merged([state_of(part, categorical=True) for part in parts]))
    expected = Counter(str(one) for part in parts for one in part)
    assert found.categories == (dict(expected) if len(expected) <= MOST_CATEGORIES else None)


@given(st.lists(NUMBERS, max_size=8), st.booleans())
def test_no_rows_change_nothing(values: list[float | None], categorical: bool) -> None:  # noqa: FBT001 - a case
    """The state of no rows is neutral, and merging one state is that state."""
    state = state_of(values, categorical=categorical)
    assert merge_states([]) == ColumnState()
    assert (
        merge_states([state]) == merge_states([ColumnState(), state]) == merge_states([state, ColumnState()]) == state
    )


@given(st.data(), st.lists(st.floats(-1e15, 1e15), max_size=12))
def test_the_order_of_one_merge_makes_no_difference_at_all(data: st.DataObject, numbers: list[float]) -> None:
    """Not in the last digit of any number."""
    parts = [state_of([one]) for one in numbers]
    assert merge_states(data.draw(st.permutations(parts))) == merge_states(parts)
