"""Drift: how far the values of a column are distributed otherwise than before, between two profiles of it.

>>> from lakehouse.quality.profiles import CategoryProfile
>>> before = CategoryProfile(counts={"open": 500, "paid": 500})
>>> found = compare(before, CategoryProfile(counts={"open": 250, "paid": 740, "void": 10}))
>>> found.verdict, round(found.psi, 3), dict(found.new)
('Drifted', 0.313, {'void': 0.01})
>>> print(found.reason)
the population stability index is 0.312968, more than 0.2; the share of rows in 1 new category is 0.01, more than 0
>>> compare(before, before + before).verdict
'Stable'
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Literal

from lakehouse.errors import ConfigError
from lakehouse.quality.bounds import shown
from lakehouse.quality.profiles import CategoryProfile, NumberProfile, Profile

SMALLEST_SHARE = 0.0001
"""What a share counts as in the index at least, so that an empty bin has a logarithm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What is drift: more than one of these; None: that is not looked at.

    Attributes:
        psi: of the population stability index. Below 0.1 is taken for none and above 0.2 for much.
        ks: of the Kolmogorov-Smirnov distance.
        nulls: of the share of rows without a value: how far it rose or fell.
        new: of the share of rows that have a category which no row had before.
        vanished: of the share of rows that had a category before which no row has now.
        rows: how many rows both profiles need to be judged. With few, chance alone moves shares: the index of two samples of the
            same values is about (bins - 1) * (1 / rows before + 1 / rows after).
    """

    psi: float | None = 0.2
    ks: float | None = 0.1
    nulls: float | None = 0.1
    new: float | None = 0.0
    vanished: float | None = 0.05
    rows: int = 500


DEFAULTS = Thresholds()
Verdict = Literal["Stable", "Drifted", "Unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How two profiles differ.

    Attributes:
        verdict: Drifted: something is more than its threshold. Stable: nothing is. Unknown: there are not enough rows.
        psi: the population stability index; None: one has no rows.
        ks: the Kolmogorov-Smirnov distance; None: one has no numbers, or they are categories.
        nulls: the share of rows without a value, now less before; None: one has no rows.
        new: categories that no row had before, with their share of the rows now. They are values of rows.
        vanished: categories that no row has now, with their share of the rows before. They are values of rows.
        reason: the verdict in words, without values of rows.
    """

    verdict: Verdict
    psi: float | None
    ks: float | None
    nulls: float | None
    new: Mapping[str, float]
    vanished: Mapping[str, float]
    reason: str


def compare(before: Profile, after: Profile, thresholds: Thresholds = DEFAULTS) -> Drift:
    """Say whether a column has drifted.

    Args:
        before: the profile that is usual.
        after: the profile to judge; of the same kind, with the same edges.
        thresholds: what is too much.

    Raises:
        ConfigError: the profiles are not of one kind, or have other edges.
    """
    psi, ks, nulls = population_stability_index(before, after), None, None
    new: Mapping[str, int] = {}
    vanished: Mapping[str, int] = {}
    if before.rows and after.rows:
        nulls = float(Fraction(after.nulls, after.rows) - Fraction(before.nulls, before.rows))
    if isinstance(before, NumberProfile) and isinstance(after, NumberProfile):
        ks = kolmogorov_smirnov(before, after)
    if isinstance(before, CategoryProfile) and isinstance(after, CategoryProfile):
        new, vanished = _only_in(after, before), _only_in(before, after)
    measured = [
        ("the population stability index", psi, thresholds.psi),
        ("the Kolmogorov-Smirnov distance", ks, thresholds.ks),
        ("the change of the share of nulls", None if nulls is None else abs(nulls), thresholds.nulls),
        (f"the share of rows in {_counted('new', new)}", _share(new, after), thresholds.new),
        (f"the earlier share of {_counted('vanished', vanished)}", _share(vanished, before), thresholds.vanished),
    ]
    verdict, reason = _judged([(name, value, limit) for name, value, limit in measured if value is not None])
    if min(before.rows, after.rows) < thresholds.rows:
        verdict = "Unknown"
        reason = f"not enough rows: {thresholds.rows} are needed, there were {before.rows} and are {after.rows}"
    return Drift(
        verdict=verdict,
        psi=psi,
        ks=ks,
        nulls=nulls,
        new={name: count / after.rows for name, count in new.items()},
        vanished={name: count / before.rows for name, count in vanished.items()},
        reason=reason,
    )


def _judged(measured: Sequence[tuple[str, float, float | None]]) -> tuple[Verdict, str]:
    """The verdict on measures with their names and thresholds, and why."""
    over = [
        f"{name} is {shown(value)}, more than {shown(limit)}"
        for name, value, limit in measured
        if limit is not None and value > limit
    ]
    if over:
        return "Drifted", "; ".join(over)
    return "Stable", "; ".join(f"{name} is {shown(value)}" for name, value, limit in measured if limit is not None)


def population_stability_index(before: Profile, after: Profile) -> float | None:
    """The sum of (p - q) * ln(p / q) over the shares p and q of rows in each bin or category; rows without a value are one, too.

    0: the shares are the same; it does not matter which profile is which. None: one has no rows.

    Raises:
        ConfigError: the profiles are not of one kind, or have other edges.

    >>> half, quarter = (CategoryProfile(counts={"a": part, "b": 4 - part}) for part in (2, 1))
    >>> round(population_stability_index(half, quarter), 6)
    0.274653
    """
    pairs = list(_pairs(before, after))
    if not before.rows or not after.rows:
        return None
    shares = ((max(one / before.rows, SMALLEST_SHARE), max(other / after.rows, SMALLEST_SHARE)) for one, other in pairs)
    return math.fsum((one - other) * math.log(one / other) for one, other in shares)


def kolmogorov_smirnov(before: NumberProfile, after: NumberProfile) -> float | None:
    """The greatest difference of the shares of numbers below an edge: that of their distributions, as far as the bins tell.

    0: no share differs; 1: all numbers of one are below those of the other. Rows without a number do not count. None: one has no
    numbers.

    Raises:
        ConfigError: the profiles have other edges.

    >>> low, high = (NumberProfile(edges=(10.0, 20.0), counts=counts) for counts in ((6, 2, 2), (1, 4, 5)))
    >>> kolmogorov_smirnov(low, high)
    0.5
    """
    _require_edges(before, after)
    if not before.values or not after.values:
        return None
    below = zip(accumulate(before.counts), accumulate(after.counts), strict=True)
    return float(max(abs(Fraction(one, before.values) - Fraction(other, after.values)) for one, other in below))


def _pairs(before: Profile, after: Profile) -> Iterator[tuple[int, int]]:
    """How many rows of each profile are in each bin or category of both, and have no value."""
    if isinstance(before, NumberProfile) and isinstance(after, NumberProfile):
        _require_edges(before, after)
        yield from zip(before.counts, after.counts, strict=True)
    elif isinstance(before, CategoryProfile) and isinstance(after, CategoryProfile):
        for name in before.counts.keys() | after.counts.keys():
            yield before.counts.get(name, 0), after.counts.get(name, 0)
    else:
        msg = "a profile of numbers and one of categories cannot be compared: profile the column alike"
        raise ConfigError(msg)
    yield before.nulls, after.nulls


def _require_edges(before: NumberProfile, after: NumberProfile) -> None:
    if before.edges != after.edges:
        msg = f"profiles with other edges cannot be compared: {before.edges} and {after.edges}"
        raise ConfigError(msg)


def _only_in(one: CategoryProfile, other: CategoryProfile) -> dict[str, int]:
    """The categories of one profile that no row of the other has, with their rows, the most first."""
    found = {name: count for name, count in one.counts.items() if count and not other.counts.get(name)}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _share(categories: Mapping[str, int], profile: Profile) -> float | None:
    """The share of the rows that are in some categories; None: there are no categories, or no rows."""
    return sum(categories.values()) / profile.rows if categories and profile.rows else None


def _counted(kind: str, categories: Mapping[str, float]) -> str:
    return f"{len(categories)} {kind} {'category' if len(categories) == 1 else 'categories'}"
