"""A series of snapshots leaves what its last one holds, and the versions of the events that lie between them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import LongType

from lakehouse.cdc.history import apply_history, current, history_schema
from lakehouse.cdc.history_checks import check_history
from lakehouse.cdc.snapshots import diff_snapshot
from lakehouse.testing.expectations import SPECS, expected_versions, found_versions
from lakehouse.testing.folding import Event
from lakehouse.testing.generators import KEYS, PAYLOAD, VALUES

Snapshot = dict[tuple[int, int], tuple[Any, ...]]
CASES = 120


def random_snapshots(seed: int, length: int) -> list[Snapshot]:
    """A series over many cases: few keys and values, so that keys come back and neighbours are equal; the third repeats."""
    chance = random.Random(seed)  # noqa: S311  test data
    series: list[Snapshot] = []
    for place in range(length):
        rows: Snapshot = {}
        for case in range(CASES):
            for key in range(3):
                if chance.random() < 0.7:
                    rows[case, key] = (chance.choice([None, "x", "y"]), chance.choice(["x", "y"]))
        series.append(series[-1] if place == 2 else rows)
    return series


def events_between(series: Sequence[Snapshot], *, ignore_deletes: bool) -> Iterable[Event]:
    """What must have happened between the snapshots, in plain Python; versions are 10, 20, ..."""
    known: Snapshot = {}
    for place, rows in enumerate(series, start=1):
        for key in {*known, *rows}:
            if key not in rows:
                if not ignore_deletes:
                    yield Event(key=key, sequence=place * 10, op="delete")
                    del known[key]
            elif known.get(key) != rows[key]:
                values = dict(zip(VALUES, rows[key], strict=True))
                yield Event(key=key, sequence=place * 10, op="upsert", values=values)
                known[key] = rows[key]


def as_frame(spark: SparkSession, rows: Snapshot) -> DataFrame:
    """A snapshot as a frame."""
    return spark.createDataFrame([(*key, *values) for key, values in rows.items()], PAYLOAD)


@pytest.mark.parametrize(
    ("name", "hard_deletes"),
    [("all columns tracked", "close"), ("one column tracked", "close"), ("all columns tracked", "ignore")],
)
def test_a_series_is_the_events_between(spark: SparkSession, name: str, hard_deletes: Any) -> None:
    """The open rows are those of the last snapshot (with what was kept), the versions the fold of the events between."""
    spec, series = SPECS[name], random_snapshots(31, 5)
    history = spark.createDataFrame([], history_schema(PAYLOAD, LongType()))
    sizes = []
    for place, rows in enumerate(series, start=1):
        extract = as_frame(spark, rows)
        changes = diff_snapshot(current(history), extract, keys=KEYS, version=place * 10, hard_deletes=hard_deletes)
        history = apply_history(history, changes, spec).localCheckpoint()
        sizes.append(history.count())
    open_rows = {tuple(row) for row in current(history).select(*KEYS, *VALUES).collect()}
    ignore = hard_deletes == "ignore"
    events = list(events_between(series, ignore_deletes=ignore))
    expected = series[-1] if not ignore else {key: values for rows in series for key, values in rows.items()}
    assert open_rows == {(*key, *values) for key, values in expected.items()}
    assert found_versions(history) == expected_versions(events, spec)
    assert sizes[2] == sizes[1], "an equal snapshot adds nothing"
    assert check_history(history, spec).collect() == []
