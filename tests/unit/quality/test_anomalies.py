"""Each strategy says what Deequ publishes of it, or what was worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from deequ_series import ONLINE, PEAKS, STEPS, SWINGS, noisy_swings

from lakehouse.errors import ConfigError
from lakehouse.quality.anomalies import (
    STRATEGIES,
    AbsoluteChange,
    BatchNormal,
    Bounds,
    OnlineNormal,
    RelativeRateOfChange,
    RollingZScore,
    SeasonalBaseline,
    SimpleThreshold,
    Strategy,
    detect,
)

ODD, EVEN, ALL = list(range(21, 32, 2)), list(range(20, 31, 2)), list(range(20, 32))


def anomalies(series: Sequence[float], strategy: Strategy) -> list[int]:
    """The places whose values are anomalies, each judged by those before it."""
    judged = [detect(series[:place], value, strategy) for place, value in enumerate(series)]
    return [place for place, found in enumerate(judged) if found.verdict == "Anomaly"]


def bounds(strategy: Strategy, earlier: Sequence[float | None]) -> Bounds:
    """The bounds of what follows."""
    found = strategy.expect(earlier)
    assert isinstance(found, Bounds)
    return found


@pytest.mark.parametrize(
    ("series", "strategy", "expected"),
    [
        (SWINGS, AbsoluteChange(max_rate_decrease=-2.0, max_rate_increase=2.0), ALL),
        (SWINGS, AbsoluteChange(max_rate_increase=1.0), EVEN),
        (SWINGS, AbsoluteChange(max_rate_decrease=-1.0), ODD),
        (STEPS, AbsoluteChange(max_rate_increase=8.0, order=2), [4, 5]),
        ([1.0, -1.0, 4.0, -7.0], AbsoluteChange(max_rate_decrease=-2.0, max_rate_increase=2.0), [2, 3]),
        ([1.0, -1.0, 4.0, -7.0], AbsoluteChange(max_rate_decrease=-2.0, max_rate_increase=2.0, order=0), [2, 3]),
        (PEAKS, RelativeRateOfChange(max_rate_decrease=0.5, max_rate_increase=2.0), ALL),
        (PEAKS, RelativeRateOfChange(max_rate_increase=1.0), EVEN),
        (PEAKS, RelativeRateOfChange(max_rate_decrease=0.5), ODD),
        (STEPS, RelativeRateOfChange(max_rate_increase=8.0, order=2), [2, 5]),
        ([-1.0, 2.0, 3.0, 0.5], SimpleThreshold(upper_bound=1.0), [1, 2]),
        ([-1.0, 2.0, 3.0, 0.5], SimpleThreshold(upper_bound=1.0, lower_bound=-0.5), [0, 1, 2]),
    ],
)
def test_limits_find_what_deequ_finds(series: list[float], strategy: Strategy, expected: list[int]) -> None:
    """At the same places, as its tests list them."""
    assert anomalies(series, strategy) == expected


@pytest.mark.parametrize(
    ("order", "change"), [(1, [1.0, 2.0, -3.0, 1.0, 6.0]), (2, [1.0, -5.0, 4.0, 5.0]), (3, [-6.0, 9.0, 1.0])]
)
def test_changes_of_any_order_are_differences(order: int, change: list[float]) -> None:
    """A limit on both sides holds for the difference of that order alone; the first two orders are Deequ's, the third by hand."""
    series = [1.0, 2.0, 4.0, 1.0, 2.0, 8.0]
    for place, difference in enumerate(change, start=order):
        exact = AbsoluteChange(max_rate_decrease=difference, max_rate_increase=difference, order=order)
        found = bounds(exact, series[:place])
        assert (found.lower, found.upper) == (series[place], series[place])


def test_a_rate_below_0_turns_its_limits() -> None:
    """Twice -4 is -8, the least, and half of it the most; what has no limit has none on the other side then; from 0 none may move."""
    both = RelativeRateOfChange(max_rate_decrease=0.5, max_rate_increase=2.0)
    rise = RelativeRateOfChange(max_rate_increase=2.0)
    assert [(one.lower, one.upper) for one in (bounds(both, [-4.0]), bounds(rise, [-4.0]))] == [
        (-8, -2),
        (-8, math.inf),
    ]
    assert [(one.lower, one.upper) for one in (bounds(both, [0.0]), bounds(rise, [0.0]))] == [(0, 0), (-math.inf, 0)]


def test_batch_normal_has_the_bounds_of_deequ() -> None:
    """Of the noise before the swings begin, and of all noise around them."""
    series = noisy_swings(50)
    one = BatchNormal(lower_deviation_factor=1.0, upper_deviation_factor=1.0)
    found = bounds(one, series[:25])
    assert (found.lower, found.upper) == pytest.approx((-9.280850004177061, 10.639954755150061), rel=1e-12)
    assert all(not found.holds(value) for value in series[25:31])
    assert all(found.holds(value) for value in series[31:])
    around = [*series[:20], *series[31:]]
    rise = bounds(BatchNormal(lower_deviation_factor=None, upper_deviation_factor=1.0), around)
    assert (rise.lower, rise.upper) == pytest.approx((-math.inf, 0.7781496015857838), rel=1e-12)
    fall = bounds(BatchNormal(lower_deviation_factor=1.0, upper_deviation_factor=None), [*series[:10], *series[30:]])
    assert (fall.lower, fall.upper) == pytest.approx((-5.063730045618394, math.inf), rel=1e-12)


def test_batch_normal_with_the_value_itself() -> None:
    """Of 3 others with mean 2 and squares 2, one deviation with it: d * 3/4 <= sqrt((2 + d * d * 3/4) / 3), so d * d <= 32/15."""
    with_itself = BatchNormal(lower_deviation_factor=1.0, upper_deviation_factor=1.0, include_interval=True)
    found = bounds(with_itself, [1.0, 2.0, 3.0])
    assert (found.lower, found.upper) == pytest.approx((2 - math.sqrt(32 / 15), 2 + math.sqrt(32 / 15)))
    uneven = BatchNormal(lower_deviation_factor=1.0, upper_deviation_factor=1.5, include_interval=True)
    assert bounds(uneven, [1.0, 2.0, 3.0]).upper == math.inf  # 3 * 3 is 1.5 * 1.5 * 4: nothing is that far away
    far = BatchNormal(include_interval=True)
    assert detect([0.0] * 9, 1e9, far).reason == "not enough history: 10 earlier values are needed, there are 9"
    assert detect([0.0] * 10, 1e9, far).verdict == "Anomaly"


def test_online_normal_has_the_means_and_deviations_of_deequ() -> None:
    """Every swing is an anomaly; the mean is the middle of Deequ's bounds, and the deviation with the value is its share."""
    series, factor = noisy_swings(51), 3.5
    strategy = OnlineNormal(lower_deviation_factor=factor, upper_deviation_factor=factor, ignore_start_percentage=0.2)
    assert anomalies(series, strategy) == list(ONLINE)
    for place, (low, high) in ONLINE.items():
        found = bounds(strategy, series[:place])
        mean, half = (found.lower + found.upper) / 2, (found.upper - found.lower) / 2
        assert mean == pytest.approx((low + high) / 2, rel=1e-9)
        squares = (half / factor) ** 2 * place * (place - factor**2) / (place + 1)
        with_value = (squares + (series[place] - mean) ** 2 * place / (place + 1)) / (place + 1)
        assert factor * math.sqrt(with_value) == pytest.approx((high - low) / 2, rel=1e-9)


def test_online_normal_leaves_anomalies_out() -> None:
    """As in Deequ's example, a single 2 among ones changes neither mean nor deviation; kept, it does."""
    series = [1.0, 1.0, 1.0, 2.0, 1.0, 1.0]
    strategy = OnlineNormal(lower_deviation_factor=1.5, upper_deviation_factor=1.5, ignore_start_percentage=0.2)
    without, with_it = (bounds(replace(strategy, ignore_anomalies=one), series) for one in (True, False))
    assert (without.lower, without.upper) == (1, 1)
    assert (with_it.lower + with_it.upper) / 2 == pytest.approx(7 / 6)
    # squares 5/6 and 6 values: 1.5 * sqrt(5/6 * 7 / 6 / (6 - 2.25))
    assert with_it.upper - 7 / 6 == pytest.approx(1.5 * math.sqrt(5 / 6 * 7 / 6 / 3.75))


def test_online_normal_needs_room_for_the_value_itself() -> None:
    """More than the square of the factor, and more than what is not judged: 3 of 4 values are when 3/4 of them are."""
    strategy = OnlineNormal()
    assert detect([5.0] * 9, 6.0, strategy).reason == "not enough history: 10 earlier values are needed, there are 9"
    assert detect([5.0] * 10, 6.0, strategy).verdict == "Anomaly"
    late = OnlineNormal(lower_deviation_factor=0.5, upper_deviation_factor=0.5, ignore_start_percentage=0.75)
    assert detect([5.0] * 2, 6.0, late).reason == "not enough history: 3 earlier values are needed, there are 2"
    assert detect([5.0] * 3, 6.0, late).verdict == "Anomaly"


def test_online_normal_does_not_judge_its_start() -> None:
    """Of 10 values half are the first five, so a 9 among ones at the fifth place counts and one at the sixth is left out."""
    strategy = OnlineNormal(lower_deviation_factor=1.0, upper_deviation_factor=1.0, ignore_start_percentage=0.5)
    counted = bounds(strategy, [1.0, 1.0, 1.0, 1.0, 9.0, 1.0, 1.0, 1.0, 1.0])
    assert (counted.lower + counted.upper) / 2 == pytest.approx(17 / 9)
    left_out = bounds(strategy, [1.0, 1.0, 1.0, 1.0, 1.0, 9.0, 1.0, 1.0, 1.0])
    assert (left_out.lower, left_out.upper) == (1, 1)
    whole = replace(strategy, ignore_start_percentage=0.0)
    assert bounds(whole, [1.0, 1.0, 9.0, 1.0]).upper == 1


def test_rolling_z_scores_are_of_the_window() -> None:
    """Of the last five values that are there: mean 10 and deviation 2."""
    earlier = [900.0, 8.0, None, 8.0, 10.0, math.nan, 12.0, math.inf, 12.0]
    found = bounds(RollingZScore(window=5, threshold=2.0, min_history=5), earlier)
    assert (found.lower, found.upper) == (6, 14)
    assert found.basis == "the mean 10 of the last 5 values, less and plus 2 standard deviations of 2"


def test_seasons_are_compared_place_by_place() -> None:
    """Every Sunday is quiet: a quiet Sunday is normal and a busy one is not; a day without a run keeps its place."""
    weeks: list[float | None] = []
    for quiet in (10.0, 12.0, 8.0, 10.0):
        weeks += [100.0, 101.0, 99.0, None, 100.0, 102.0, quiet]
    weeks += [100.0] * 6
    sundays = SeasonalBaseline(period=7, threshold=3.0)
    found = bounds(sundays, weeks)
    assert (found.lower, found.upper) == pytest.approx((10 - 3 * math.sqrt(8 / 3), 10 + 3 * math.sqrt(8 / 3)))
    assert [detect(weeks, value, sundays).verdict for value in (11.0, 100.0)] == ["Normal", "Anomaly"]
    assert detect(weeks, 100.0, RollingZScore()).verdict == "Normal"
    first = bounds(SeasonalBaseline(period=2, seasons=2, min_history=2), [9.0, 1.0, 11.0, 1.0])
    assert (first.lower + first.upper) / 2 == 10
    every = bounds(SeasonalBaseline(period=1, seasons=6), weeks)
    assert (every.lower, every.upper) == (100, 100)
    newest = bounds(SeasonalBaseline(period=7, seasons=2, min_history=2), weeks)
    assert (newest.lower + newest.upper) / 2 == 9
    thursdays = detect(weeks[:-3], 100.0, sundays)
    assert thursdays.reason == (
        "not enough history: 4 earlier values at the same place of periods of 7 are needed, there are 0"
    )


@pytest.mark.parametrize(
    ("value", "strategy", "reason"),
    [
        (7.0, SimpleThreshold(upper_bound=5.0), "7 is above 5: the limits that are set"),
        (2.0, SimpleThreshold(upper_bound=5.0, lower_bound=2.0), "2 is from 2 to 5: the limits that are set"),
        (5.0, SimpleThreshold(upper_bound=5.0, lower_bound=2.0), "5 is from 2 to 5: the limits that are set"),
        (1.0, SimpleThreshold(upper_bound=5.0), "1 is not above 5: the limits that are set"),
        (math.nan, SimpleThreshold(upper_bound=5.0), "the value is no number: the limits that are set"),
        (-math.inf, SimpleThreshold(upper_bound=5.0, lower_bound=0.0), "-inf is below 0: the limits that are set"),
        (3.0, AbsoluteChange(max_rate_decrease=-2.0), "3 is not below 2: a change of -2 at least from 4"),
        (9.0, AbsoluteChange(max_rate_decrease=-2.0, max_rate_increase=1.0, order=2), "9 is above 7: a change of order 2 of -2 to 1 from 6"),
        (3.0, RelativeRateOfChange(max_rate_increase=1.5), "3 is not above 6: a rate of 1.5 at most of 4"),
        (3.0, BatchNormal(upper_deviation_factor=None), "3 is not below -1.24264: the mean 3 of 2 earlier values, less 3 standard deviations of 1.41421"),
        (3.5, BatchNormal(lower_deviation_factor=0.0, upper_deviation_factor=1.0), "3.5 is from 3 to 4.41421: the mean 3 of 2 earlier values, less 0 and plus 1 standard deviations of 1.41421"),
    ],
)  # fmt: skip
def test_reasons_are_plain(value: float, strategy: Strategy, reason: str) -> None:
    """What the value is, where it should be, and what that was made of."""
    assert detect([2.0, 4.0], value, strategy).reason == reason


def test_whole_numbers_are_numbers() -> None:
    """Counts come as int, too."""
    assert detect([2, 4], 7, AbsoluteChange(max_rate_increase=2)).reason == "7 is above 6: a change of 2 at most from 4"


def test_a_missing_value_is_not_judged() -> None:
    """There is nothing to say of it, with bounds or without."""
    missing = detect([1.0, 2.0], None, BatchNormal())
    assert (missing.verdict, missing.reason) == ("Unknown", "there is no value to judge")
    assert missing.bounds is not None
    assert detect([1.0], None, BatchNormal()).reason == "not enough history: 2 earlier values are needed, there are 1"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SimpleThreshold(upper_bound=1.0, lower_bound=2.0), "lower_bound must not be more than upper_bound"),
        (lambda: SimpleThreshold(upper_bound=math.nan), "lower_bound must not be more than upper_bound"),
        (AbsoluteChange, "without a limit nothing is an anomaly"),
        (lambda: AbsoluteChange(max_rate_decrease=-2.0, max_rate_increase=-3.0), "max_rate_decrease must not be more"),
        (lambda: AbsoluteChange(max_rate_increase=1.0, order=-1), "order has to be 0 or more, not -1"),
        (RelativeRateOfChange, "without a limit nothing is an anomaly"),
        (lambda: RelativeRateOfChange(max_rate_increase=1.0, order=0), "order has to be 1 or more, not 0"),
        (lambda: BatchNormal(lower_deviation_factor=None, upper_deviation_factor=None), "without one nothing is"),
        (lambda: BatchNormal(upper_deviation_factor=-3.0), "upper_deviation_factor is a number of standard deviations"),
        (lambda: OnlineNormal(lower_deviation_factor=math.nan), "lower_deviation_factor is a number"),
        (lambda: OnlineNormal(lower_deviation_factor=None, upper_deviation_factor=None), "without one nothing is"),
        (lambda: OnlineNormal(ignore_start_percentage=1.5), "share from 0 to less than 1, not 1.5"),
        (lambda: OnlineNormal(ignore_start_percentage=1.0), "share from 0 to less than 1, not 1.0"),
        (lambda: OnlineNormal(ignore_start_percentage=-1.0), "share from 0 to less than 1, not -1.0"),
        (
            lambda: RollingZScore(threshold=-1.0),
            "threshold is a number of standard deviations from 0 to 1000, not -1.0",
        ),
        (lambda: RollingZScore(window=5), "min_history has to be from 2 to window, 5, not 7"),
        (lambda: RollingZScore(min_history=1), "min_history has to be from 2"),
        (lambda: SeasonalBaseline(period=0), "period has to be 1 or more, not 0"),
        (lambda: SeasonalBaseline(seasons=3), "min_history has to be from 2 to seasons, 3, not 4"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Callable[[], Strategy], message: str) -> None:
    """What Deequ requires, and what would never find anything."""
    with pytest.raises(ConfigError, match=message):
        make()


def test_strategies_have_the_names_of_deequ() -> None:
    """Its older name too, so that a configuration can name them."""
    assert {"AbsoluteChange", "BatchNormal", "OnlineNormal", "RelativeRateOfChange", "SimpleThreshold"} <= set(
        STRATEGIES
    )
    assert STRATEGIES["RateOfChange"] is AbsoluteChange
