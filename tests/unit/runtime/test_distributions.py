"""The analyzer `Distribution`, worked out by hand for small frames and held against plain Python for many numbers."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.quality.outcomes import Evaluation
from lakehouse.quality.profiles import CategoryProfile, NumberProfile, count_numbers
from lakehouse.runtime.evaluation import evaluate

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
NINE = math.nextafter(9.0, math.inf)


def measured(spark: SparkSession, rows: list[tuple[Any, ...]], schema: str, analyzers: str, **asked: Any) -> Evaluation:
    """What analyzers measure of rows."""
    frame = spark.createDataFrame(rows, schema)
    return evaluate(frame, f"Rules = [RowCount >= 0] Analyzers = [{analyzers}]", as_of=NOON, **asked)


def numbers(
    spark: SparkSession, values: Sequence[float | None], options: str = "with bins = 3", **asked: Any
) -> Evaluation:
    """What `Distribution` says of a column `a` of doubles."""
    return measured(spark, [(value,) for value in values], "a double", f'Distribution "a" {options}', **asked)


def test_numbers_are_counted_in_bins_of_one_width(spark: SparkSession) -> None:
    """From the least number to the greatest, which is in the last bin; null and NaN are none."""
    found = numbers(spark, [*map(float, range(10)), None, math.nan])
    assert found.distributions == {"a": NumberProfile(edges=(0.0, 3.0, 6.0, NINE), counts=(0, 3, 3, 4, 0), nulls=2)}
    assert dict(found.unmeasured) == {}
    place = "Column.a.Distribution"
    assert found.metrics == {
        "Dataset.*.RowCount": 12.0,
        f"{place}.Edge.00": 0.0, f"{place}.Edge.01": 3.0, f"{place}.Edge.02": 6.0, f"{place}.Edge.03": NINE,
        f"{place}.Count.00": 0.0, f"{place}.Count.01": 3.0, f"{place}.Count.02": 3.0, f"{place}.Count.03": 4.0,
        f"{place}.Count.04": 0.0,
    }  # fmt: skip


def test_later_runs_keep_the_bins(spark: SparkSession) -> None:
    """What is beyond them is counted apart, and a run without numbers in between changes nothing."""
    first = numbers(spark, [float(number) for number in range(10)]).metrics
    nothing = numbers(spark, [None], history=[first]).metrics
    found = numbers(spark, [-1.0, *map(float, range(5, 15)), math.inf, -math.inf], history=[first, nothing])
    assert found.distributions == {"a": NumberProfile(edges=(0.0, 3.0, 6.0, NINE), counts=(2, 0, 1, 4, 6))}


@pytest.mark.parametrize(
    ("runs", "options", "first_edge"),
    [(2, "with bins = 3", 0.0), (3, "with bins = 3", 20.0), (3, "with bins = 3, rebin = false", 0.0), (0, "with bins = 2", 20.0)],
)  # fmt: skip
def test_bins_that_do_not_fit_are_given_up(spark: SparkSession, runs: int, options: str, first_edge: float) -> None:
    """After three runs with more than one number in twenty beyond, unless that is not wanted; and if others are asked for."""
    history = [dict(numbers(spark, [0.0, 9.0]).metrics)]
    for _ in range(runs):
        history.append(dict(numbers(spark, [0.0] * 18 + [50.0] * 2, options, history=history).metrics))
    found = numbers(spark, [20.0, 30.0], options, history=history).distributions["a"]
    assert isinstance(found, NumberProfile)
    assert found.edges[0] == first_edge


def test_a_twentieth_beyond_is_not_too_much(spark: SparkSession) -> None:
    """More than that is."""
    history = [dict(numbers(spark, [0.0, 9.0]).metrics)]
    for _ in range(4):
        history.append(dict(numbers(spark, [0.0] * 19 + [50.0], history=history).metrics))
    assert history[-1]["Column.a.Distribution.Edge.03"] == NINE


def test_other_values_are_counted_each(spark: SparkSession) -> None:
    """The twenty that are there most often, the first by their text where several are."""
    texts = [text for number, text in enumerate("abcdefghijklmnopqrstuvwxyz") for _ in range(26 - number)]
    found = measured(spark, [(text,) for text in (*texts, "Zoë", None)], "a string", "Distribution a with bins = 2")
    expected = {text: 26 - number for number, text in enumerate("abcdefghijklmnopqrst")}
    assert found.distributions == {"a": CategoryProfile(counts=expected, nulls=1)}
    counts = {f"Column.a.Distribution.Count.{number:02}": 26.0 - number for number in range(20)}
    assert found.metrics == {"Dataset.*.RowCount": len(texts) + 2.0, **counts}
    tied = measured(spark, [(f"{number:02}",) for number in range(30)], "a string", "Distribution a").distributions["a"]
    assert tied == CategoryProfile(counts={f"{number:02}": 1 for number in range(20)})


def test_every_column_has_one(spark: SparkSession) -> None:
    """Of any type and name."""
    row = (True, date(2026, 1, 2), NOON.replace(tzinfo=None), b"\xff\x00", [1, 2], 7, None)
    schema = "flag boolean, day date, at timestamp, raw binary, `a.b` array<int>, `größe` int, never string"
    found = measured(spark, [row], schema, "Distribution AllColumns with bins = 1").distributions
    assert found == {
        "flag": CategoryProfile(counts={"true": 1}),
        "day": CategoryProfile(counts={"2026-01-02": 1}),
        "at": CategoryProfile(counts={"2026-01-02 12:00:00": 1}),
        "raw": CategoryProfile(counts={"/wA=": 1}),
        "a.b": CategoryProfile(counts={"[1, 2]": 1}),
        "größe": NumberProfile(edges=(6.5, math.nextafter(7.5, math.inf)), counts=(0, 1, 0)),
        "never": CategoryProfile(nulls=1),
    }


def test_nothing_has_no_bins(spark: SparkSession) -> None:
    """Without a number there is nothing that later runs could keep."""
    found = numbers(spark, [])
    assert found.distributions == {"a": NumberProfile(edges=(), counts=(0,))}
    assert found.metrics == {"Dataset.*.RowCount": 0.0}


@pytest.mark.parametrize(
    ("analyzer", "said"),
    [('Distribution "a" with bins = 0', "Distribution: bins is a whole number from 1 to 20"),
     ('Distribution "a" with bins = 21', "Distribution: bins is a whole number from 1 to 20"),
     ('Distribution "a" with bins = 1.5', "Distribution: bins is a whole number from 1 to 20"),
     ('Distribution "a" with bins = "3"', "Distribution: bins is a whole number from 1 to 20"),
     ('Distribution "a" with rebin = never', 'Distribution: rebin is "true" or "false"'),
     ('Distribution "aa"', "the frame has no column aa; did you mean a?")],
)  # fmt: skip
def test_what_is_wrong_is_told(spark: SparkSession, analyzer: str, said: str) -> None:
    """The others are measured."""
    found = measured(spark, [(1.0, 2.0)], "a double, b double", f'{analyzer}, Distribution "b"')
    assert list(found.unmeasured.values()) == [said]
    assert list(found.distributions) == ["b"]


def test_an_anomaly_of_a_count_is_found(spark: SparkSession) -> None:
    """`DetectAnomalies` takes it as any analyzer."""
    history: list[dict[str, float]] = []
    verdicts = []
    for run in range(12):
        values = [(float(number % 10),) for number in range(200 + run % 2)] + [(9.0,)] * (900 if run == 11 else 0)
        frame = spark.createDataFrame(values, "a double")
        found = evaluate(frame, 'Rules = [DetectAnomalies "Distribution" "a"]', as_of=NOON, history=history)
        history.append(dict(found.metrics))
        verdicts.append(found.outcomes[0].verdict)
    assert verdicts == ["Passed"] * 11 + ["Failed"]


def test_counts_are_those_of_python(spark: SparkSession) -> None:
    """Of twenty columns of random numbers, many of them at edges."""
    chance = random.Random(20260101)  # noqa: S311 - test data
    columns = []
    for place in range(20):
        scale = 10.0 ** (place * 30 - 300)
        steps = [chance.randrange(-50, 50) / 7 * scale for _ in range(60)]
        columns.append([*steps, *chance.choices([None, math.nan, math.inf, *steps], k=40)])
    schema = ", ".join(f"c{place} double" for place in range(20))
    analyzers = ", ".join(f'Distribution "c{place}" with bins = {place + 1}' for place in range(20))
    found = measured(spark, list(zip(*columns, strict=True)), schema, analyzers).distributions
    for place, values in enumerate(columns):
        profile = found[f"c{place}"]
        assert isinstance(profile, NumberProfile)
        assert profile == count_numbers(values, edges=profile.edges)
        finite = [value for value in values if value is not None and math.isfinite(value)]
        assert len(profile.edges) == place + 2
        assert profile.edges[0] == min(finite)
        assert profile.edges[-1] == math.nextafter(max(finite), math.inf)
        widths = [high - low for low, high in zip(profile.edges, profile.edges[1:], strict=False)]
        assert widths == pytest.approx([(max(finite) - min(finite)) / (place + 1)] * (place + 1), rel=1e-9, abs=0)
