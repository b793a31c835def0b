"""Where the newest value of a series is expected, and the strategies that say so in their own ways."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lakehouse.quality.judging import plainly

Series = Sequence[float | None]
"""Values of one metric, one for each run, the oldest first; None: the run has none."""

DIGITS = 6
"""How many digits people are told of a number that was worked out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Where a value is expected.

    Attributes:
        lower: the least that is expected; minus infinity: there is no least.
        upper: the most that is expected; infinity: there is no most.
        basis: what they were made of, in words.
    """

    lower: float
    upper: float
    basis: str

    def holds(self, value: float) -> bool:
        """Whether a value is as expected, bounds included; NaN never is.

        >>> Bounds(lower=1.0, upper=3.0, basis="").holds(3.0)
        True
        """
        return self.lower <= value <= self.upper


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """Too few earlier values for bounds.

    Attributes:
        needed: how many values have to be there.
        found: how many there are.
        of: which values count.
    """

    needed: int
    found: int
    of: str = "earlier values"


class Strategy(Protocol):
    """A way to learn from earlier values where the next one is to be expected."""

    def expect(self, earlier: Series) -> Bounds | Shortage:
        """Bounds of the value that follows, made of the earlier ones; values that are no finite numbers are as missing."""


def numbers(series: Series) -> list[float]:
    """The values that are there and finite, in their order.

    >>> numbers([1.0, None, math.nan, 2.0])
    [1.0, 2.0]
    """
    return [value for value in series if value is not None and math.isfinite(value)]


def shown(number: float) -> str:
    """A number that was worked out, for people: six digits, or all of those before the point.

    >>> shown(2 / 3), shown(1234567.8), shown(100.0), shown(1e300), shown(-math.inf)
    ('0.666667', '1234568', '100', '1e+300', '-inf')
    """
    if not math.isfinite(number) or abs(number) >= 10**15:
        return f"{number:.{DIGITS}g}"
    places = DIGITS - 1 - math.floor(math.log10(abs(number))) if number else 0
    return plainly(round(float(number), max(0, places)))
