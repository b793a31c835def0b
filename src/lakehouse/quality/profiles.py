"""Profiles of a column: how many rows have which values, as plain data that can be kept and added up."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lakehouse.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberProfile:
    """The numbers of a column, counted in bins. Profiles with the same edges add up: that of all rows is the sum of the parts'.

    Attributes:
        edges: where bins meet, ascending. The first bin is all below the first edge, the last one all from the last edge on, and
            a value at an edge is in the bin that begins there; so there is one bin more than edges.
        counts: rows in each bin.
        nulls: rows without a number: null or NaN.

    Raises:
        ConfigError: edges do not ascend, the counts are not one for each bin, or one is negative; or profiles are added whose
            edges differ.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    nulls: int = 0

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, self.edges)) or any(low >= high for low, high in pairwise(self.edges)):
            msg = f"edges have to be numbers that ascend, not {self.edges}"
            raise ConfigError(msg)
        if len(self.counts) != len(self.edges) + 1:
            msg = f"{len(self.edges)} edges make {len(self.edges) + 1} bins, and there are {len(self.counts)} counts"
            raise ConfigError(msg)
        _require_counts((*self.counts, self.nulls))

    @property
    def values(self) -> int:
        """Rows with a number."""
        return sum(self.counts)

    @property
    def rows(self) -> int:
        """All rows."""
        return self.values + self.nulls

    def __add__(self, other: NumberProfile) -> NumberProfile:
        if self.edges != other.edges:
            msg = f"profiles with other edges do not add up: {self.edges} and {other.edges}"
            raise ConfigError(msg)
        counts = tuple(one + another for one, another in zip(self.counts, other.counts, strict=True))
        return NumberProfile(edges=self.edges, counts=counts, nulls=self.nulls + other.nulls)


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryProfile:
    """The values of a column, each counted. Profiles add up: that of all rows is the sum of the parts'.

    Attributes:
        counts: rows by value; a value that no row has may be there with 0, or not be there.
        nulls: rows without a value.

    Raises:
        ConfigError: a count is negative.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    nulls: int = 0

    def __post_init__(self) -> None:
        _require_counts((*self.counts.values(), self.nulls))

    @property
    def values(self) -> int:
        """Rows with a value."""
        return sum(self.counts.values())

    @property
    def rows(self) -> int:
        """All rows."""
        return self.values + self.nulls

    def __add__(self, other: CategoryProfile) -> CategoryProfile:
        counts = Counter(dict(self.counts))
        counts.update(other.counts)
        return CategoryProfile(counts=dict(counts), nulls=self.nulls + other.nulls)


Profile = NumberProfile | CategoryProfile


def count_numbers(values: Iterable[float | None], *, edges: Sequence[float]) -> NumberProfile:
    """The profile of some numbers.

    >>> count_numbers([0.5, 1.0, 7.0, None], edges=[1.0, 5.0])
    NumberProfile(edges=(1.0, 5.0), counts=(1, 1, 1), nulls=1)
    """
    given = list(values)
    there = [value for value in given if value is not None and not math.isnan(value)]
    counts = Counter(bisect_right(edges, value) for value in there)
    return NumberProfile(
        edges=tuple(edges),
        counts=tuple(counts[place] for place in range(len(edges) + 1)),
        nulls=len(given) - len(there),
    )


def count_categories(values: Iterable[str | None]) -> CategoryProfile:
    """The profile of some values.

    >>> count_categories(["open", "paid", "open", None])
    CategoryProfile(counts={'open': 2, 'paid': 1}, nulls=1)
    """
    given = list(values)
    there = [value for value in given if value is not None]
    return CategoryProfile(counts=dict(Counter(there)), nulls=len(given) - len(there))


def _require_counts(counts: Iterable[int]) -> None:
    if any(count < 0 for count in counts):
        msg = "a count of rows cannot be negative"
        raise ConfigError(msg)
