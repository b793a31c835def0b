"""Anomalies: whether the newest value of a metric is where its earlier values say, with bounds and a reason in plain words.

>>> rows = [1010.0, 990.0, 1003.0, None, 998.0, 1001.0, 995.0, 1003.0]
>>> found = detect(rows, 400.0, RollingZScore())
>>> found.verdict, found.reason
('Anomaly', '400 is below 980.713: the mean 1000 of the last 7 values, less and plus 3 standard deviations of 6.4291')
>>> detect(rows, 1012.0, RollingZScore()).verdict
'Normal'
>>> detect(rows[:3], 400.0, RollingZScore()).reason
'not enough history: 7 earlier values are needed, there are 3'
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from lakehouse.quality.baselines import BatchNormal, OnlineNormal, RollingZScore, SeasonalBaseline
from lakehouse.quality.bounds import Bounds, Series, Shortage, Strategy, shown
from lakehouse.quality.changes import AbsoluteChange, RelativeRateOfChange, SimpleThreshold
from lakehouse.quality.judging import plainly

__all__ = [
    "STRATEGIES", "AbsoluteChange", "BatchNormal", "Bounds", "Detection", "OnlineNormal", "RelativeRateOfChange",
    "RollingZScore", "SeasonalBaseline", "Series", "Shortage", "SimpleThreshold", "Strategy", "detect",
]  # fmt: skip

STRATEGIES: Mapping[str, Callable[..., Strategy]] = {
    "AbsoluteChange": AbsoluteChange,
    "BatchNormal": BatchNormal,
    "OnlineNormal": OnlineNormal,
    "RateOfChange": AbsoluteChange,
    "RelativeRateOfChange": RelativeRateOfChange,
    "RollingZScore": RollingZScore,
    "SeasonalBaseline": SeasonalBaseline,
    "SimpleThreshold": SimpleThreshold,
}
"""By name; `RateOfChange` is Deequ's older name of AbsoluteChange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What a strategy says of a value.

    Attributes:
        verdict: Normal: as expected. Anomaly: it is not. Unknown: there is no value, or not enough history.
        value: what was judged.
        bounds: where it was expected; None: nobody knows.
        reason: the verdict in words.
    """

    verdict: Literal["Normal", "Anomaly", "Unknown"]
    value: float | None
    bounds: Bounds | None
    reason: str


def detect(earlier: Series, newest: float | None, strategy: Strategy) -> Detection:
    """Say whether the newest value of a metric is an anomaly.

    Values that are missing, infinite or NaN do not count among the earlier ones. A newest value that is NaN is an anomaly where
    bounds are known; an infinite one is, where there is a bound on its side.

    Args:
        earlier: one value for each earlier run, the oldest first.
        newest: the value to judge; None: there is none.
        strategy: what to expect.
    """
    expected = strategy.expect(earlier)
    if isinstance(expected, Shortage):
        reason = f"not enough history: {expected.needed} {expected.of} are needed, there are {expected.found}"
        return Detection(verdict="Unknown", value=newest, bounds=None, reason=reason)
    if newest is None:
        return Detection(verdict="Unknown", value=None, bounds=expected, reason="there is no value to judge")
    verdict: Literal["Normal", "Anomaly"] = "Normal" if expected.holds(newest) else "Anomaly"
    return Detection(verdict=verdict, value=newest, bounds=expected, reason=_reason(newest, expected))


def _reason(value: float, bounds: Bounds) -> str:
    lower, upper, told = shown(bounds.lower), shown(bounds.upper), plainly(float(value))
    if math.isnan(value):
        said = "the value is no number"
    elif value < bounds.lower:
        said = f"{told} is below {lower}"
    elif value > bounds.upper:
        said = f"{told} is above {upper}"
    elif math.isinf(bounds.lower):
        said = f"{told} is not above {upper}"
    elif math.isinf(bounds.upper):
        said = f"{told} is not below {lower}"
    else:
        said = f"{told} is from {lower} to {upper}"
    return f"{said}: {bounds.basis}"
