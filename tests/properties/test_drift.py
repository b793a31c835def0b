"""Whatever the values are: profiles of parts add up to that of the whole, and the distances are distances."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.quality.drift import Thresholds, compare, kolmogorov_smirnov, population_stability_index
from lakehouse.quality.profiles import CategoryProfile, NumberProfile, count_categories, count_numbers

EDGES = [-3.0, 0.0, 0.5, 4.0]
NUMBERS = st.lists(st.one_of(st.floats(-5, 5), st.none(), st.sampled_from([*EDGES, math.nan, math.inf])), max_size=30)
TEXTS = st.lists(st.sampled_from(["a", "b", "c", "", "名", None]), max_size=30)
COUNTS = st.lists(st.integers(0, 50), min_size=5, max_size=5)


def profile(counts: list[int]) -> NumberProfile:
    """A profile of five bins."""
    return NumberProfile(edges=tuple(EDGES), counts=tuple(counts), nulls=counts[0] // 2)


@given(first=NUMBERS, second=NUMBERS)
def test_numbers_add_up(first: list[float | None], second: list[float | None]) -> None:
    """Every row is counted once, wherever the rows are divided."""
    one, other, both = (count_numbers(values, edges=EDGES) for values in (first, second, [*first, *second]))
    assert one + other == other + one == both
    assert both.rows == len(first) + len(second)


@given(first=TEXTS, second=TEXTS)
def test_categories_add_up(first: list[str | None], second: list[str | None]) -> None:
    """Every row is counted once, wherever the rows are divided."""
    one, other, both = (count_categories(values) for values in (first, second, [*first, *second]))
    assert one + other == other + one == both
    assert both.rows == len(first) + len(second)


@given(one=COUNTS, other=COUNTS)
def test_distances_are_distances(one: list[int], other: list[int]) -> None:
    """The same both ways, never negative, 0 from a profile to itself, and the second one at most 1."""
    before, after = profile(one), profile(other)
    for distance in (population_stability_index, kolmogorov_smirnov):
        there, back = distance(before, after), distance(after, before)
        assert there == (None if back is None else pytest.approx(back))
        assert there is None or 0 <= there <= (math.inf if distance is population_stability_index else 1)
        assert distance(before, before) in {None, 0}


@given(one=COUNTS, other=COUNTS, times=st.integers(1, 1000))
def test_shares_count_and_not_rows(one: list[int], other: list[int], times: int) -> None:
    """As many rows of each kind more change nothing."""
    before, after = profile(one), profile(other)
    more = replace(after, counts=tuple(count * times for count in after.counts), nulls=after.nulls * times)
    for distance in (population_stability_index, kolmogorov_smirnov):
        expected = distance(before, after)
        assert distance(before, more) == (None if expected is None else pytest.approx(expected))


@given(first=NUMBERS, second=NUMBERS)
def test_bins_never_tell_more_than_the_values(first: list[float | None], second: list[float | None]) -> None:
    """The distance of profiles is at most that of the values themselves, and it is theirs with an edge at each of them."""
    one, other = ([value for value in some if value is not None and math.isfinite(value)] for some in (first, second))
    if not one or not other:
        return
    exact = max(
        abs(sum(value <= at for value in one) / len(one) - sum(value <= at for value in other) / len(other))
        for at in [*one, *other]
    )
    found = kolmogorov_smirnov(count_numbers(one, edges=EDGES), count_numbers(other, edges=EDGES))
    assert found is not None
    assert found <= exact + 1e-12
    fine = sorted({*one, *other})
    every = kolmogorov_smirnov(count_numbers(one, edges=fine), count_numbers(other, edges=fine))
    assert every == pytest.approx(exact)


@given(first=TEXTS, second=TEXTS)
def test_names_of_categories_do_not_matter(first: list[str | None], second: list[str | None]) -> None:
    """Other names for the same rows give the same drift, but for the names."""
    before, after = count_categories(first), count_categories(second)
    others = [
        CategoryProfile(counts={f"<{name}>": count for name, count in one.counts.items()}, nulls=one.nulls)
        for one in (before, after)
    ]
    found, renamed = compare(before, after, Thresholds(rows=1)), compare(others[0], others[1], Thresholds(rows=1))
    assert (found.verdict, found.psi, found.reason) == (renamed.verdict, renamed.psi, renamed.reason)
    assert {f"<{name}>" for name in found.new} == set(renamed.new)
    assert set(found.new) == {name for name in second if name is not None} - set(first)
    assert set(found.vanished) == {name for name in first if name is not None} - set(second)
