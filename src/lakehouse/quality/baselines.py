"""Strategies that learn from earlier values what is usual: the mean, and how far values are from it.

`BatchNormal` and `OnlineNormal` are those of Deequ, with its meaning: see `com.amazon.deequ.anomalydetection`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.errors import ConfigError
from lakehouse.quality.bounds import Bounds, Series, Shortage, numbers, shown

FEWEST = 2
"""How many values have a standard deviation."""

MOST_DEVIATIONS = 1000.0
"""Beyond this a number of deviations is no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingZScore:
    """The value is near the mean of the newest earlier values, in standard deviations (of a sample).

    When all of them are the same, any other value is an anomaly.

    Attributes:
        window: how many of the newest earlier values count.
        threshold: how many standard deviations the value may be away from their mean.
        min_history: how many of them have to be there.

    Raises:
        ConfigError: the threshold is none, or the numbers of values do not fit.
    """

    window: int = 30
    threshold: float = 3.0
    min_history: int = 7

    def __post_init__(self) -> None:
        _require_factors({"threshold": self.threshold})
        _require_counts(self.min_history, self.window, "window")

    def expect(self, earlier: Series) -> Bounds | Shortage:
        """The mean of the window, less and plus the deviations."""
        values = numbers(earlier)[-self.window :]
        if len(values) < self.min_history:
            return Shortage(needed=self.min_history, found=len(values))
        return _around(values, self.threshold, self.threshold, of=f"the last {len(values)} values")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonalBaseline:
    """The value is near the mean of those of earlier seasons at the same place, in standard deviations (of a sample).

    Places are counted in the series, so a run that did not take place has to be in it, as None: then, with one run a day and a
    period of 7, Mondays are compared with Mondays.

    Attributes:
        period: how many values a season has.
        seasons: how many of the newest earlier seasons count.
        threshold: how many standard deviations the value may be away from their mean.
        min_history: how many of these values have to be there.

    Raises:
        ConfigError: the period or the threshold is none, or the numbers of values do not fit.
    """

    period: int = 7
    seasons: int = 8
    threshold: float = 3.0
    min_history: int = 4

    def __post_init__(self) -> None:
        _require_factors({"threshold": self.threshold})
        _require_counts(self.min_history, self.seasons, "seasons")
        if self.period < 1:
            msg = f"period has to be 1 or more, not {self.period}: 7 for weeks of daily runs"
            raise ConfigError(msg)

    def expect(self, earlier: Series) -> Bounds | Shortage:
        """The mean of the same place in earlier seasons, less and plus the deviations."""
        first = len(earlier) - self.period
        places = [place for place in range(first, first - self.seasons * self.period, -self.period) if place >= 0]
        values = numbers([earlier[place] for place in places])
        same = f"values at the same place of periods of {self.period}"
        if len(values) < self.min_history:
            return Shortage(needed=self.min_history, found=len(values), of=f"earlier {same}")
        return _around(values, self.threshold, self.threshold, of=f"{len(values)} {same}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNormal:
    """The value is near the mean of all others, in standard deviations (of a sample). When all are the same, it has to be that.

    Attributes:
        lower_deviation_factor: how many standard deviations the value may be below the mean; None: any number.
        upper_deviation_factor: how many it may be above the mean; None: any number.
        include_interval: whether the value itself counts for mean and deviation, too. Then one that is f deviations away needs
            n other values with n * n > f * f * (n + 1): 10 for 3 deviations.

    Raises:
        ConfigError: there is no factor, or one is none.
    """

    lower_deviation_factor: float | None = 3.0
    upper_deviation_factor: float | None = 3.0
    include_interval: bool = False

    def __post_init__(self) -> None:
        _require_factors(_factors(self.lower_deviation_factor, self.upper_deviation_factor))

    def expect(self, earlier: Series) -> Bounds | Shortage:
        """The mean, less and plus the deviations. Two earlier values are needed; Deequ takes one as if it never changed."""
        values = numbers(earlier)
        lower, upper = self.lower_deviation_factor, self.upper_deviation_factor
        needed = max(FEWEST, _least(_needed_with_itself, lower, upper)) if self.include_interval else FEWEST
        if len(values) < needed:
            return Shortage(needed=needed, found=len(values))
        if not self.include_interval:
            return _around(values, lower, upper, of=f"{len(values)} earlier values")
        count, mean = len(values), statistics.mean(values)
        squares = statistics.variance(values) * (count - 1)

        def farthest(factor: float) -> float:
            """How far from the mean of the others a value may be, for it to be within deviations that it adds to."""
            room = count * count - factor * factor * (count + 1)
            return factor * (count + 1) * math.sqrt(squares / count / room) if room > 0 else math.inf

        told = (
            f"the mean {shown(mean)} of {count} earlier values, {_sides(lower, upper)}, counted with the value itself"
        )
        return Bounds(lower=mean - _side(lower, farthest), upper=mean + _side(upper, farthest), basis=told)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineNormal:
    """The value is near the mean of the series up to it, itself included, in standard deviations (of the whole).

    The series is walked from its begin, and each value is judged by those before it. Since the value counts itself, one that is f
    deviations away needs more than f * f values before it. Deequ's check of the newest value judges no earlier one: that is
    `ignore_anomalies=False`.

    Attributes:
        lower_deviation_factor: how many standard deviations a value may be below the mean; None: any number.
        upper_deviation_factor: how many it may be above the mean; None: any number.
        ignore_start_percentage: the share of the series, from its begin, that is not judged; 0.1 is a tenth.
        ignore_anomalies: whether earlier anomalies are left out of mean and deviation. As in Deequ they keep their places, so
            that values after them weigh as little as if nothing had been left out.

    Raises:
        ConfigError: there is no factor, or one is none, or the share is not from 0 to less than 1.
    """

    lower_deviation_factor: float | None = 3.0
    upper_deviation_factor: float | None = 3.0
    ignore_start_percentage: float = 0.1
    ignore_anomalies: bool = True

    def __post_init__(self) -> None:
        _require_factors(_factors(self.lower_deviation_factor, self.upper_deviation_factor))
        if not 0 <= self.ignore_start_percentage < 1:
            msg = f"ignore_start_percentage is a share from 0 to less than 1, not {self.ignore_start_percentage}"
            raise ConfigError(msg)

    def expect(self, earlier: Series) -> Bounds | Shortage:
        """The mean, less and plus the deviations, of all values that were no anomalies."""
        values = numbers(earlier)
        start = math.ceil(self.ignore_start_percentage / (1 - self.ignore_start_percentage))
        needed = max(start, _least(_needed_online, self.lower_deviation_factor, self.upper_deviation_factor))
        if len(values) < needed:
            return Shortage(needed=needed, found=len(values))
        first_judged = (len(values) + 1) * self.ignore_start_percentage
        mean = squares = 0.0
        for place, value in enumerate(values):
            judged = self.ignore_anomalies and place >= first_judged
            if not judged or self._bounds(mean, squares, place).holds(value):
                distance = value - mean
                mean += distance / (place + 1)
                squares += distance * (value - mean)
        return self._bounds(mean, squares, len(values))

    def _bounds(self, mean: float, squares: float, place: int) -> Bounds:
        """Bounds of the value at a place, of the mean of those before it and of their squared distances."""

        def farthest(factor: float) -> float:
            """How far from the mean of those before it a value may be, for it to be within deviations that it adds to."""
            room = place - factor * factor
            return factor * math.sqrt(squares * (place + 1) / place / room) if room > 0 else math.inf

        lower, upper = self.lower_deviation_factor, self.upper_deviation_factor
        told = f"the running mean {shown(mean)} after {place} values, {_sides(lower, upper)}"
        return Bounds(lower=mean - _side(lower, farthest), upper=mean + _side(upper, farthest), basis=told)


def _around(values: Sequence[float], lower: float | None, upper: float | None, *, of: str) -> Bounds:
    """So many deviations around the mean. Both are worked out exactly, so those of equal values are that value and 0."""
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    return Bounds(
        lower=-math.inf if lower is None else mean - lower * deviation,
        upper=math.inf if upper is None else mean + upper * deviation,
        basis=f"the mean {shown(mean)} of {of}, {_sides(lower, upper)} of {shown(deviation)}",
    )


def _sides(lower: float | None, upper: float | None) -> str:
    if lower == upper and lower is not None:
        return f"less and plus {shown(lower)} standard deviations"
    sides = [f"{word} {shown(factor)}" for word, factor in (("less", lower), ("plus", upper)) if factor is not None]
    return f"{' and '.join(sides)} standard deviations"


def _side(factor: float | None, farthest: Callable[[float], float]) -> float:
    return math.inf if factor is None else farthest(factor)


def _least(needed: Callable[[float], int], *factors: float | None) -> int:
    return min(needed(factor) for factor in factors if factor is not None)


def _needed_online(factor: float) -> int:
    return math.floor(factor * factor) + 1


def _needed_with_itself(factor: float) -> int:
    square = factor * factor
    return math.floor((square + math.sqrt(square * square + 4 * square)) / 2) + 1


def _factors(lower: float | None, upper: float | None) -> Mapping[str, float]:
    given = {"lower_deviation_factor": lower, "upper_deviation_factor": upper}
    return {name: factor for name, factor in given.items() if factor is not None}


def _require_factors(factors: Mapping[str, float]) -> None:
    if not factors:
        msg = "lower_deviation_factor, upper_deviation_factor or both are needed: without one nothing is an anomaly"
        raise ConfigError(msg)
    for name, factor in factors.items():
        if not 0 <= factor <= MOST_DEVIATIONS:
            msg = f"{name} is a number of standard deviations from 0 to {shown(MOST_DEVIATIONS)}, not {factor}"
            raise ConfigError(msg)


def _require_counts(min_history: int, most: int, name: str) -> None:
    if not FEWEST <= min_history <= most:
        msg = f"min_history has to be from {FEWEST} to {name}, {most}, not {min_history}: less has no deviation"
        raise ConfigError(msg)
