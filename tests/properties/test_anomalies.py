"""Whatever the numbers are, strategies behave: on constant series, under shifts and scales, and with little history."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.quality.anomalies import (
    AbsoluteChange,
    BatchNormal,
    Bounds,
    OnlineNormal,
    RelativeRateOfChange,
    RollingZScore,
    SeasonalBaseline,
    Strategy,
    detect,
)

LEARNING: list[Strategy] = [
    RollingZScore(window=12, min_history=3),
    SeasonalBaseline(period=3, seasons=5, min_history=2),
    BatchNormal(),
    BatchNormal(lower_deviation_factor=1.0, upper_deviation_factor=2.0, include_interval=True),
    OnlineNormal(),
    OnlineNormal(lower_deviation_factor=1.0, upper_deviation_factor=None, ignore_anomalies=False),
]
"""Strategies that learn mean and deviation."""

CHANGES: list[Strategy] = [
    AbsoluteChange(max_rate_decrease=-1.0, max_rate_increase=2.0),
    AbsoluteChange(max_rate_decrease=-1.0, order=3),
    RelativeRateOfChange(max_rate_decrease=0.9, max_rate_increase=1.1),
]

WHOLE = st.integers(-1000, 1000).map(float)
SERIES = st.lists(st.one_of(WHOLE, st.none()), max_size=40)
learning = pytest.mark.parametrize("strategy", LEARNING, ids=repr)


def same(found: object, expected: object, *, stretch: float, shift: float) -> bool:
    """Whether bounds are others that were scaled and shifted; without bounds: whether there are none."""
    if not isinstance(found, Bounds) or not isinstance(expected, Bounds):
        return found == expected
    ends = ((found.lower, expected.lower), (found.upper, expected.upper))
    return all(one == pytest.approx(other * stretch + shift, rel=1e-6, abs=1e-6) for one, other in ends)


@pytest.mark.parametrize("strategy", [*LEARNING, *CHANGES], ids=repr)
@given(value=st.floats(-1e100, 1e100), count=st.integers(0, 60))
def test_a_constant_series_is_never_anomalous(strategy: Strategy, value: float, count: int) -> None:
    """Whatever the value is and however often it came, the same once more is no anomaly."""
    assert detect([value] * count, value, strategy).verdict != "Anomaly"


@learning
@given(value=WHOLE, step=st.sampled_from([-1.0, 1.0]), count=st.integers(45, 60))
def test_what_leaves_a_constant_series_is_anomalous(strategy: Strategy, value: float, step: float, count: int) -> None:
    """A step of 1 is, on any side that has a bound."""
    assert (detect([value] * count, value + step, strategy).verdict == "Anomaly") == (
        step < 0 or "upper_deviation_factor=None" not in repr(strategy)
    )


@learning
@given(series=SERIES, shift=WHOLE)
def test_bounds_move_with_the_series(strategy: Strategy, series: list[float | None], shift: float) -> None:
    """A number that is added to every value is added to the bounds."""
    moved = [None if value is None else value + shift for value in series]
    assert same(strategy.expect(moved), strategy.expect(series), stretch=1.0, shift=shift)


@pytest.mark.parametrize("strategy", [*LEARNING, CHANGES[2]], ids=repr)
@given(series=SERIES, stretch=st.sampled_from([0.25, 3.0, 1024.0]))
def test_bounds_grow_with_the_series(strategy: Strategy, series: list[float | None], stretch: float) -> None:
    """Another unit of the values is that of the bounds."""
    grown = [None if value is None else value * stretch for value in series]
    assert same(strategy.expect(grown), strategy.expect(series), stretch=stretch, shift=0.0)


@pytest.mark.parametrize("strategy", [*LEARNING, *CHANGES], ids=repr)
@given(newest=st.floats())
def test_without_history_nothing_is_said(strategy: Strategy, newest: float) -> None:
    """Neither normal nor an anomaly, whatever the value is; values that are none are no history."""
    for earlier in ([], [None, math.nan, math.inf]):
        found = detect(earlier, newest, strategy)
        assert (found.verdict, found.bounds) == ("Unknown", None)
        assert found.reason.startswith("not enough history")


@pytest.mark.parametrize("strategy", [one for one in LEARNING if not isinstance(one, SeasonalBaseline)], ids=repr)
@given(series=SERIES)
def test_missing_values_do_not_count(strategy: Strategy, series: list[float | None]) -> None:
    """Where places do not matter."""
    assert strategy.expect(series) == strategy.expect([value for value in series if value is not None])


def recurrence(values: Sequence[float], factor: float, *, ignore_anomalies: bool) -> tuple[bool, float]:
    """Whether the last value is an anomaly as Deequ's recurrence has it, and how far the value is from the limit."""
    mean = squares = distance = 0.0
    anomalous = False
    for place, value in enumerate(values):
        next_mean = mean + (value - mean) / (place + 1)
        next_squares = squares + (value - mean) * (value - next_mean)
        distance = abs(value - next_mean) - factor * math.sqrt(next_squares / (place + 1))
        anomalous = distance > 0 and place >= len(values) * 0.1
        last = place == len(values) - 1
        if not (anomalous and ignore_anomalies) and not last:
            mean, squares = next_mean, next_squares
    return anomalous, distance


@given(series=st.lists(WHOLE, min_size=8, max_size=40), ignored=st.booleans())
def test_online_normal_is_the_recurrence(series: list[float], ignored: bool) -> None:  # noqa: FBT001 - drawn by name
    """Bounds of the value say what mean and deviation with the value say, unless it is at the limit itself."""
    strategy = OnlineNormal(lower_deviation_factor=2.3, upper_deviation_factor=2.3, ignore_anomalies=ignored)
    expected, distance = recurrence(series, 2.3, ignore_anomalies=ignored)
    if abs(distance) > 1e-6:
        assert (detect(series[:-1], series[-1], strategy).verdict == "Anomaly") == expected


@given(series=st.lists(WHOLE, min_size=8, max_size=40))
def test_batch_normal_with_the_value_is_the_definition(series: list[float]) -> None:
    """Bounds of the value say what mean and deviation of all values say, unless it is at the limit itself."""
    mean = math.fsum(series) / len(series)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in series) / (len(series) - 1))
    strategy = BatchNormal(lower_deviation_factor=2.3, upper_deviation_factor=2.3, include_interval=True)
    distance = abs(series[-1] - mean) - 2.3 * deviation
    if abs(distance) > 1e-6:
        assert (detect(series[:-1], series[-1], strategy).verdict == "Anomaly") == (distance > 0)
