"""The analyzer `Distribution`: the numbers of a column counted in bins, or the most frequent of other values.

Bins are as wide as one another, from the least to the greatest number that the first run saw. Later runs keep them, so that
their counts compare: what is beyond is counted before the first and behind the last. A run makes new ones where the `RUNS` before
it had more than `OVERFLOW` of their numbers beyond, unless `rebin = false`, and where another number of bins is asked for. The
counts and the edges are metrics, in which later runs find them; the values are in `Evaluation.distributions` alone.

Source: `Distribution` and its rebinning in the DQDL reference of AWS, which names the statistic and leaves the names of its
numbers open.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import count, takewhile
from operator import add
from typing import Any

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, DoubleType, FloatType

from lakehouse.quality.options import MOST_BINS, bins_of, is_set
from lakehouse.quality.probes import Bins, Compile, Probe, Reading, Subject, col, plain
from lakehouse.quality.profiles import CategoryProfile, NumberProfile, Profile
from lakehouse.quality.rules import Rule
from lakehouse.quality.values import NUMBERS

MOST_VALUES = 20
OVERFLOW = 0.05
"""From more than this share of a run's numbers on, its bins do not fit."""
RUNS = 3
"""After as many runs whose bins do not fit there are new ones."""

PLACE, BIN, TIMES = "place", "bin", "times"
_OF_BIN = re.compile(r"\.Distribution\.(?:Edge|Count)\.\d\d")


def without_bins(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics without the numbers of distributions, none of which says anything by itself.

    >>> without_bins({"Column.amount.Distribution.Count.03": 7.0, "Column.amount.Mean": 2.5})
    {'Column.amount.Mean': 2.5}
    """
    return {name: value for name, value in metrics.items() if not _OF_BIN.search(name)}


def _distribution(rule: Rule, subject: Subject) -> Probe:
    name, options = plain(rule.parameters[0]), dict(rule.options)
    place, number, rebin = f"Column.{name}.Distribution", bins_of(options), is_set(options, "rebin", default="true")
    data_type = subject.column_type(name)
    numeric = isinstance(data_type, NUMBERS)
    edges = kept_edges(subject.history, place, number=number, rebin=rebin) if numeric else ()
    return Probe(
        bins=Bins(column=name, data_type=data_type, numeric=numeric, number=number, edges=edges),
        read=lambda profile: Reading(value=None, metrics=_metrics(place, profile)),
    )


def _metrics(place: str, profile: Profile) -> dict[str, float | None]:
    """Edges and counts in their order; of values the counts alone, the greatest first."""
    if isinstance(profile, CategoryProfile):
        return _named(f"{place}.Count", tuple(profile.counts.values()))
    return (
        {**_named(f"{place}.Edge", profile.edges), **_named(f"{place}.Count", profile.counts)} if profile.edges else {}
    )


def _named(name: str, values: Sequence[float]) -> dict[str, float | None]:
    return {f"{name}.{number:02}": float(value) for number, value in enumerate(values)}


def kept_edges(
    history: Sequence[Mapping[str, float]], place: str, *, number: int, rebin: bool = True
) -> tuple[float, ...]:
    """The edges of the last run that had any; none: this run makes its own.

    >>> earlier = {"a.Edge.00": 0.0, "a.Edge.01": 10.0, "a.Count.00": 0.0, "a.Count.01": 8.0, "a.Count.02": 2.0}
    >>> kept_edges([earlier], "a", number=1)
    (0.0, 10.0)
    >>> kept_edges([earlier] * 3, "a", number=1)
    ()

    Args:
        history: as `evaluate` takes it.
        place: what the names of the metrics begin with.
        number: how many bins are asked for.
        rebin: whether bins that do not fit are given up.
    """
    earlier = [run for run in history if f"{place}.Edge.00" in run]
    edges = _series(earlier[-1], f"{place}.Edge") if earlier else ()
    if len(edges) != number + 1:
        return ()
    counts = [_series(run, f"{place}.Count") for run in earlier[-RUNS:]]
    misfits = [one for one in counts if sum(one) and (one[0] + one[-1]) / sum(one) > OVERFLOW]
    return () if rebin and len(misfits) == RUNS else edges


def _series(run: Mapping[str, float], name: str) -> tuple[float, ...]:
    return tuple(run[one] for one in takewhile(run.__contains__, (f"{name}.{number:02}" for number in count())))


def equal_edges(least: float | None, greatest: float | None, number: int) -> tuple[float, ...]:
    """Edges of bins of one width; the last one ends just behind the greatest number.

    >>> equal_edges(0.0, 4.0, 2)
    (0.0, 2.0, 4.000000000000001)
    >>> equal_edges(7.0, 7.0, 1)
    (6.5, 7.500000000000001)
    """
    if least is None or greatest is None:
        return ()
    if least == greatest:
        least, greatest = least - 0.5, greatest + 0.5
    starts = [least * (1 - place / number) + greatest * (place / number) for place in range(number)]
    end = min(math.nextafter(greatest, math.inf), sys.float_info.max)
    return tuple(sorted({*starts, end}))


def ends(bins: Bins) -> tuple[Column, Column]:
    """The aggregates that tell the least and the greatest finite number."""
    value = _value(bins)
    finite = F.when(F.abs(value) < F.lit(math.inf), value)
    return F.min(finite), F.max(finite)


def _value(bins: Bins) -> Column:
    """A number as a double, null where it is NaN; other values as text."""
    value = col(bins.column)
    if bins.numeric:
        floating = isinstance(bins.data_type, FloatType | DoubleType)
        return F.when(~F.isnan(value), value).cast("double") if floating else value.cast("double")
    return F.base64(value) if isinstance(bins.data_type, BinaryType) else value.cast("string")


def count_bins(df: DataFrame, asked: Sequence[Bins]) -> DataFrame:
    """A row for each column and bin or value: the place of the column, the bin, and how often it stands there.

    Null is a bin too. Of values there are as many as `profile_of` takes.
    """
    values = [
        F.struct(F.lit(place).alias(PLACE), (_bin(bins) if bins.numeric else _value(bins)).alias(BIN))
        for place, bins in enumerate(asked)
    ]
    told = df.select(F.explode(F.array(*values)).alias("told")).select("told.*")
    counts = told.groupBy(PLACE, BIN).agg(F.count(F.lit(1)).alias(TIMES))
    rank = F.row_number().over(Window.partitionBy(PLACE).orderBy(F.col(BIN).isNotNull(), F.desc(TIMES), BIN))
    # One more than there are bins for numbers: null is the first.
    return counts.withColumn("rank", rank).where(F.col("rank") <= MOST_BINS + 3).drop("rank")


def _bin(bins: Bins) -> Column:
    """The place of a number among the bins, as text."""
    value = _value(bins)
    behind = [(value >= F.lit(edge)).cast("int") for edge in bins.edges]
    return F.when(value.isNotNull(), reduce(add, behind, F.lit(0))).cast("string")


def profile_of(rows: Sequence[Row], place: int, bins: Bins) -> Profile:
    """The profile of one column, by the collected rows of `count_bins`."""
    counts: dict[str | None, Any] = {row[BIN]: row[TIMES] for row in rows if row[PLACE] == place}
    nulls = counts.pop(None, 0)
    if bins.numeric:
        numbers = tuple(counts.get(str(number), 0) for number in range(len(bins.edges) + 1))
        return NumberProfile(edges=bins.edges, counts=numbers, nulls=nulls)
    often = sorted(counts.items(), key=lambda one: (-one[1], str(one[0])))[:MOST_VALUES]
    return CategoryProfile(counts={str(value): times for value, times in often}, nulls=nulls)


DISTRIBUTIONS: Mapping[str, Compile] = {"Distribution": _distribution}
"""The compiler of this analyzer."""
