"""Distances between profiles, worked out by hand, and what comes of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from lakehouse.errors import ConfigError
from lakehouse.quality.drift import Drift, Thresholds, compare, kolmogorov_smirnov, population_stability_index
from lakehouse.quality.profiles import (
    CategoryProfile,
    NumberProfile,
    Profile,
    count_categories,
    count_numbers,
)

EDGES = (10.0, 20.0)


def numbers(*counts: int, nulls: int = 0) -> NumberProfile:
    """A profile of three bins."""
    return NumberProfile(edges=EDGES, counts=counts, nulls=nulls)


def categories(nulls: int = 0, **counts: int) -> CategoryProfile:
    """A profile of some categories."""
    return CategoryProfile(counts=counts, nulls=nulls)


def test_numbers_are_counted_in_bins() -> None:
    """A value at an edge begins a bin, the infinite ones are in the outer bins, and NaN is no number."""
    found = count_numbers([-math.inf, 9.9, 10.0, 19.9, 20.0, math.inf, math.nan, None], edges=EDGES)
    assert found == numbers(2, 2, 2, nulls=2)
    assert (found.values, found.rows) == (6, 8)


def test_profiles_add_up() -> None:
    """Bin by bin, category by category, nulls to nulls."""
    assert numbers(1, 2, 3, nulls=4) + numbers(10, 0, 5, nulls=1) == numbers(11, 2, 8, nulls=5)
    assert categories(a=1, b=2, nulls=1) + categories(b=3, c=4) == categories(a=1, b=5, c=4, nulls=1)
    assert count_categories([]) + categories(a=1) == categories(a=1)
    assert CategoryProfile() == count_categories([])
    assert NumberProfile(edges=(), counts=(0,)) == count_numbers([], edges=[])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # (0.5 - 0.25) * ln 2 + (0.5 - 0.75) * ln(2 / 3)
        (categories(a=2, b=2), categories(a=1, b=3), 0.25 * math.log(2) + 0.25 * math.log(1.5)),
        (numbers(2, 2, 0), numbers(100, 300, 0), 0.25 * math.log(2) + 0.25 * math.log(1.5)),
        (categories(a=2, nulls=2), categories(a=1, nulls=3), 0.25 * math.log(2) + 0.25 * math.log(1.5)),
        # the categories change places: each share is 1 and counts as 0.0001 on the other side
        (categories(a=7), categories(b=9), 2 * 0.9999 * math.log(10_000)),
        (categories(a=7), categories(a=3, b=0), 0.0),
        (categories(), categories(a=1), None),
        (numbers(0, 0, 0), numbers(0, 0, 0), None),
    ],
)
def test_the_index_is_the_sum_over_shares(before: Profile, after: Profile, expected: float | None) -> None:
    """Whichever of the two comes first."""
    wanted = None if expected is None else pytest.approx(expected)
    assert population_stability_index(before, after) == wanted
    assert population_stability_index(after, before) == wanted


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (numbers(6, 2, 2), numbers(1, 4, 5), 0.5),
        (numbers(5, 5, 0, nulls=90), numbers(50, 0, 50), 0.5),
        (numbers(3, 0, 0), numbers(0, 0, 8), 1.0),
        (numbers(1, 1, 1), numbers(5, 5, 5), 0.0),
        (numbers(0, 0, 0, nulls=5), numbers(1, 0, 0), None),
    ],
)
def test_the_distance_is_the_greatest_below_an_edge(
    before: NumberProfile, after: NumberProfile, expected: float | None
) -> None:
    """Of the rows that have a number."""
    assert kolmogorov_smirnov(before, after) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        (
            numbers(500, 250, 250),
            numbers(350, 250, 400),
            ["the Kolmogorov-Smirnov distance is 0.15, more than 0.1"],
        ),
        (
            numbers(600, 200, 200),
            numbers(100, 400, 500),
            [
                # 0.5 * ln 6 + 0.2 * ln 2 + 0.3 * ln 2.5
                "the population stability index is 1.3094, more than 0.2",
                "the Kolmogorov-Smirnov distance is 0.5, more than 0.1",
            ],
        ),
        (
            categories(a=950, nulls=50),
            categories(a=840, nulls=160),
            ["the change of the share of nulls is 0.11, more than 0.1"],
        ),
        (
            categories(a=940, b=50, c=10),
            categories(a=999, d=1),
            [
                # 0.059 * ln(0.999 / 0.94) + 0.0499 * ln 500 + 0.0099 * ln 100 + 0.0009 * ln 10
                "the population stability index is 0.361364, more than 0.2",
                "the share of rows in 1 new category is 0.001, more than 0",
                "the earlier share of 2 vanished categories is 0.06, more than 0.05",
            ],
        ),
    ],
)
def test_what_is_too_much_is_drift(before: Profile, after: Profile, reasons: list[str]) -> None:
    """Each measure above its threshold is told, and no other."""
    found = compare(before, after)
    assert (found.verdict, found.reason.split("; ")) == ("Drifted", reasons)


def test_categories_are_told_apart_from_reasons() -> None:
    """Those that came and went are listed, the largest first and then by name; the reason holds no values of rows."""
    found = compare(categories(a=900, b=60, c=40), categories(a=900, secret=5, other=90, public=5))
    assert list(found.new.items()) == [("other", 0.09), ("public", 0.005), ("secret", 0.005)]
    assert list(found.vanished.items()) == [("b", 0.06), ("c", 0.04)]
    assert "3 new categories" in found.reason
    assert "secret" not in found.reason


def test_what_is_not_looked_at_is_no_drift() -> None:
    """A threshold of None switches its measure off; what stays within all others is stable, with the numbers told."""
    nothing = Thresholds(psi=None, ks=None, nulls=None, new=None, vanished=None, rows=0)
    assert compare(categories(a=1), categories(b=1), nothing).verdict == "Stable"
    found = compare(numbers(300, 300, 400), numbers(300, 300, 400))
    assert found == Drift(
        verdict="Stable", psi=0.0, ks=0.0, nulls=0.0, new={}, vanished={},
        reason="the population stability index is 0; the Kolmogorov-Smirnov distance is 0; the change of the share of nulls is 0",
    )  # fmt: skip


def test_a_threshold_itself_is_not_too_much() -> None:
    """Shares are compared as they are: 0.4 is 0.1 more than 0.3, and 3 tenths are no more than 0.3."""
    assert compare(categories(a=700, nulls=300), categories(a=600, nulls=400)).verdict == "Stable"
    assert compare(numbers(300, 700, 0), numbers(400, 600, 0)).verdict == "Stable"
    three = Thresholds(psi=None, vanished=0.3)
    assert compare(categories(a=700, b=100, c=100, d=100), categories(a=700), three).verdict == "Stable"


def test_few_rows_are_not_judged() -> None:
    """The measures are there, and no verdict."""
    found = compare(categories(a=1000), categories(b=499))
    assert (found.verdict, dict(found.new)) == ("Unknown", {"b": 1.0})
    assert found.reason == "not enough rows: 500 are needed, there were 1000 and are 499"
    assert compare(categories(a=500), categories(a=500)).verdict == "Stable"
    none = compare(categories(), categories())
    assert (none.verdict, none.psi, none.nulls) == ("Unknown", None, None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NumberProfile(edges=(1.0, 1.0), counts=(0, 0, 0)), "edges have to be numbers that ascend"),
        (lambda: NumberProfile(edges=(math.nan,), counts=(0, 0)), "edges have to be numbers that ascend"),
        (lambda: numbers(1, 2), "2 edges make 3 bins, and there are 2 counts"),
        (lambda: numbers(1, 2, -1), "a count of rows cannot be negative"),
        (lambda: categories(a=1, nulls=-1), "a count of rows cannot be negative"),
        (lambda: numbers(1, 2, 3) + NumberProfile(edges=(), counts=(1,)), "profiles with other edges do not add up"),
        (lambda: compare(numbers(1, 2, 3), NumberProfile(edges=(), counts=(1,))), "profiles with other edges cannot"),
        (lambda: compare(numbers(1, 2, 3), categories(a=1)), "a profile of numbers and one of categories cannot"),
    ],
)
def test_what_does_not_go_together_is_refused(make: Callable[[], object], message: str) -> None:
    """Counts that are none, and profiles of other bins."""
    with pytest.raises(ConfigError, match=message):
        make()
