"""Strategies with limits that are set: on the value itself, or on how far it may be from the values before.

Those of Deequ, under its names and with its meaning: see `com.amazon.deequ.anomalydetection`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lakehouse.errors import ConfigError
from lakehouse.quality.bounds import Bounds, Series, Shortage, numbers, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleThreshold:
    """The value itself is within limits; needs no history.

    Attributes:
        upper_bound: the most that is expected.
        lower_bound: the least that is expected.

    Raises:
        ConfigError: the least is more than the most, or one is no number.
    """

    upper_bound: float
    lower_bound: float = -math.inf

    def __post_init__(self) -> None:
        _require_order(self.lower_bound, self.upper_bound, "lower_bound", "upper_bound")

    def expect(self, earlier: Series) -> Bounds:  # noqa: ARG002 - every strategy is asked alike
        """The limits, whatever was before."""
        return Bounds(lower=self.lower_bound, upper=self.upper_bound, basis="the limits that are set")


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsoluteChange:
    """The difference to the value before is within limits; Deequ calls it RateOfChange too.

    Attributes:
        max_rate_decrease: the least difference, so usually a number below 0; None: it may fall by any amount.
        max_rate_increase: the greatest difference; None: it may rise by any amount.
        order: 1 is the difference of two values, 2 the difference of two such differences, and so on; 0 the value itself.

    Raises:
        ConfigError: there is no limit, the limits are the wrong way round, or the order is negative.
    """

    max_rate_decrease: float | None = None
    max_rate_increase: float | None = None
    order: int = 1

    def __post_init__(self) -> None:
        _require_rates(self.max_rate_decrease, self.max_rate_increase, self.order, least=0)

    def expect(self, earlier: Series) -> Bounds | Shortage:
        """The limits, from the last values on."""
        values = numbers(earlier)
        if len(values) < self.order:
            return Shortage(needed=self.order, found=len(values))
        rest = values[len(values) - self.order :]
        # The difference of order k is a sum with binomial weights: the newest value counts once, the one before -k times.
        base = -sum(
            ((-1) ** back * math.comb(self.order, back) * rest[-back] for back in range(1, self.order + 1)), 0.0
        )
        least, most = _limits(self.max_rate_decrease, self.max_rate_increase)
        kind = "a change" if self.order == 1 else f"a change of order {self.order}"
        told = f"{kind} {_range(least, most)} from {shown(base)}"
        return Bounds(lower=base + least, upper=base + most, basis=told)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeRateOfChange:
    """The value divided by one before is within limits.

    From 0 on every change is beyond any limit, since its rate is infinite; with an earlier value below 0, the rate of a value
    below 0 is positive.

    Attributes:
        max_rate_decrease: the least rate, 0.9 for a fall of a tenth at most; None: it may fall by any amount.
        max_rate_increase: the greatest rate, 1.1 for a rise of a tenth at most; None: it may rise by any amount.
        order: how many values back the divisor is.

    Raises:
        ConfigError: there is no limit, the limits are the wrong way round, or the order is below 1.
    """

    max_rate_decrease: float | None = None
    max_rate_increase: float | None = None
    order: int = 1

    def __post_init__(self) -> None:
        _require_rates(self.max_rate_decrease, self.max_rate_increase, self.order, least=1)

    def expect(self, earlier: Series) -> Bounds | Shortage:
        """The limits, times the divisor."""
        values = numbers(earlier)
        if len(values) < self.order:
            return Shortage(needed=self.order, found=len(values))
        base = values[-self.order]
        least, most = _limits(self.max_rate_decrease, self.max_rate_increase)
        ends = [_times(least, base, -1), _times(most, base, 1)]
        return Bounds(lower=min(ends), upper=max(ends), basis=f"a rate {_range(least, most)} of {shown(base)}")


def _limits(decrease: float | None, increase: float | None) -> tuple[float, float]:
    return -math.inf if decrease is None else decrease, math.inf if increase is None else increase


def _times(limit: float, base: float, side: int) -> float:
    """A limit of a rate as one of the value; no limit stays none, also of 0."""
    if math.isinf(limit):
        return math.copysign(math.inf, side * (base or 1.0))
    return limit * base


def _range(least: float, most: float) -> str:
    if math.isinf(least):
        return f"of {shown(most)} at most"
    return f"of {shown(least)} at least" if math.isinf(most) else f"of {shown(least)} to {shown(most)}"


def _require_rates(decrease: float | None, increase: float | None, order: int, *, least: int) -> None:
    if decrease is None and increase is None:
        msg = "max_rate_decrease, max_rate_increase or both are needed: without a limit nothing is an anomaly"
        raise ConfigError(msg)
    _require_order(*_limits(decrease, increase), "max_rate_decrease", "max_rate_increase")
    if order < least:
        msg = f"order has to be {least} or more, not {order}"
        raise ConfigError(msg)


def _require_order(lower: float, upper: float, low: str, high: str) -> None:
    if not lower <= upper:
        msg = f"{low} must not be more than {high}, and they are {lower} and {upper}"
        raise ConfigError(msg)
