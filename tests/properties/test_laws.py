"""Laws that hold whatever the events are: relations between results, so that no oracle is needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import LongType
from spark_settings import settings

from lakehouse.cdc import history as scd2
from lakehouse.cdc import soft_deletes as soft
from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.history_checks import check_history
from lakehouse.columns import IS_DELETED
from lakehouse.tables import TableRef, open_table
from lakehouse.tables.compaction import compact_history
from lakehouse.tables.memory import recall
from lakehouse.tables.merging import merge_history
from lakehouse.testing.expectations import Rows, expected_versions, found_current, found_versions, parts, split
from lakehouse.testing.folding import Event, fold_rows
from lakehouse.testing.generators import KEYS, PAYLOAD, VALUES, change_log, random_events

CASES = 60
SPEC = ChangeSpec(keys=KEYS)
END = 1000
Fold = Callable[..., Rows]


@pytest.fixture
def fold(spark: SparkSession) -> Fold:
    """The versions of a set of events under a spec."""
    empty = spark.createDataFrame([], scd2.history_schema(PAYLOAD, LongType()))

    def run(events: list[Event], spec: ChangeSpec = SPEC) -> Rows:
        return found_versions(scd2.apply_history(empty, change_log(spark, events), spec))

    return run


def mapped(events: list[Event], values: Mapping[Any, Any]) -> list[Event]:
    """The events with their values replaced."""
    return [replace(e, values={c: values.get(v, v) for c, v in e.values.items()}) for e in events]


def test_tracking_all_columns_is_tracking_each(fold: Fold) -> None:
    """`track=None` and a list of all columns make the same versions; an empty list one version for each life of a key."""
    events = random_events(51, cases=CASES, partial=0.3)
    assert fold(events) == fold(events, ChangeSpec(keys=KEYS, track=VALUES))
    lives: dict[Any, int] = defaultdict(int)
    for event in events:
        lives[event.key] += event.op == "delete"
    untracked: dict[Any, int] = defaultdict(int)
    for row in fold(events, ChangeSpec(keys=KEYS, track=[])):
        untracked[row[:2]] += 1
    assert all(number <= lives[key] + 1 for key, number in untracked.items())


def test_an_event_changes_rows_of_its_key_alone(fold: Fold) -> None:
    """One more event of one key leaves the versions of all other keys as they were, and changes those of its own."""
    events = random_events(52, cases=CASES)
    key = events[0].key
    added = [*events, Event(key=key, sequence=END, op="upsert", values={"a": "new", "b": "new"})]
    before, after = fold(events), fold(added)
    assert {row for row in before if row[:2] != key} == {row for row in after if row[:2] != key}
    assert before != after


def test_deletes_at_the_end_close_everything(fold: Fold) -> None:
    """When every key is deleted behind all its events nothing is open, and each last version ends there or before."""
    events = random_events(53, cases=CASES)
    closing = [Event(key=key, sequence=END, op="delete") for key in {event.key for event in events}]
    versions = fold([*events, *closing])
    assert versions
    assert all(row[5] is not None and row[5] <= END for row in versions)


def test_nothing_older_is_visible_behind_a_truncate(fold: Fold) -> None:
    """No version begins before a truncate and ends after it; without older events a truncate changes nothing.

    An event of a key at the truncate's own place stands for it, so such keys are left out.
    """
    events = random_events(54, cases=CASES)
    beside = {event.key for event in events if event.sequence == 10}
    events = [event for event in events if event.key not in beside]
    applying = ChangeSpec(keys=KEYS, on_truncate="apply")
    truncated = fold([*events, Event(key=(None, None), sequence=10, op="truncate")], applying)
    assert any(row[5] == 10 for row in truncated)
    assert not any(row[4] < 10 and (row[5] is None or row[5] > 10) for row in truncated)
    assert fold([*events, Event(key=(None, None), sequence=-1, op="truncate")], applying) == fold(events)


def test_ignoring_nulls_matters_for_nulls_alone(fold: Fold) -> None:
    """Without nulls `ignore_nulls` changes nothing."""
    events = mapped(random_events(55, cases=CASES), {None: "z"})
    assert fold(events, ChangeSpec(keys=KEYS, ignore_nulls=True)) == fold(events)


def test_each_column_is_its_last_value_since_the_delete(fold: Fold) -> None:
    """With nulls ignored, each column of a live key is the last non-null value since the key's last delete."""
    events = random_events(56, cases=CASES)
    found = {row[:2]: row[2:4] for row in fold(events, ChangeSpec(keys=KEYS, ignore_nulls=True)) if row[5] is None}
    wanted: dict[Any, tuple[Any, ...]] = {}
    for key in {event.key for event in events}:
        own = sorted((e for e in events if e.key == key), key=lambda event: event.sequence)
        if own[-1].op == "delete":
            continue
        last_delete = max((e.sequence for e in own if e.op == "delete"), default=-1)
        life = [e.values for e in own if e.sequence > last_delete]
        wanted[key] = tuple(next((v[c] for v in reversed(life) if v[c] is not None), None) for c in VALUES)
    assert found == wanted


def test_null_is_a_value_like_any_other(fold: Fold) -> None:
    """Where no event has nulls, replacing a value by null everywhere replaces it in the versions, and nothing else."""
    events = mapped(random_events(57, cases=CASES), {None: "z"})
    plain = {tuple(None if v == "z" else v for v in row) for row in fold(events)}
    assert fold(mapped(events, {"z": None})) == plain


@pytest.fixture(
    params=[
        {"spark.sql.adaptive.enabled": "false"},
        {"spark.sql.shuffle.partitions": "7"},
        {"spark.sql.ansi.enabled": "false", "spark.sql.caseSensitive": "true"},
        {"spark.sql.session.timeZone": "Asia/Kathmandu", "spark.sql.shuffle.partitions": "1"},
    ],
    ids=lambda conf: ", ".join(f"{name.rpartition('.')[2]}={value}" for name, value in conf.items()),
)
def other_session(request: pytest.FixtureRequest, spark: SparkSession) -> Iterator[None]:
    """Settings that must not matter."""
    with settings(spark, request.param):
        yield


@pytest.mark.usefixtures("other_session")
def test_settings_of_the_session_do_not_matter(fold: Fold) -> None:
    """With other settings of the optimiser, of ANSI mode, letter case and time zone the versions are the oracle's."""
    events = random_events(58, cases=CASES // 2, partial=0.3)
    assert fold(events) == expected_versions(events, SPEC)


def test_soft_deletes_hold_for_partial_events(spark: SparkSession) -> None:
    """Three batches in random order and a repeat, events that leave columns out: the rows and flags are the oracle's."""
    events = random_events(59, cases=CASES, partial=0.4)
    rows = spark.createDataFrame([], soft.soft_schema(PAYLOAD, LongType(), authors=True))
    for batch in split(events, 3):
        done: DataFrame = soft.apply_soft(rows, change_log(spark, batch), SPEC)
        rows = spark.createDataFrame(done.collect(), done.schema)
    flags = {tuple(row) for row in rows.select(*KEYS, IS_DELETED).collect()}
    wanted = fold_rows(events, columns=VALUES)
    assert flags == {(*parts(row.key), row.deleted) for row in wanted}
    live_or_not = found_current(rows)
    assert live_or_not == {
        (*parts(row.key), *((row.values or {}).get(c) for c in VALUES), row.sequence) for row in wanted
    }


def test_a_compacted_history_takes_later_events_as_the_whole_one_does(spark: SparkSession) -> None:
    """Random histories, compacted at a horizon, then events behind it in two batches: the versions of all the events."""
    horizon = 10
    events = random_events(60, cases=CASES, partial=0.3)
    table = open_table(spark, TableRef(format="iceberg", name=f"lake.laws.t_{uuid4().hex}"))
    kept = [event for i, event in enumerate(events) if event.sequence >= horizon and i % 2]
    early = [event for event in events if event not in kept]
    merge_history(table, change_log(spark, early), SPEC)
    rows = table.read().count()
    assert compact_history(table, older_than=horizon).deleted == rows - table.read().count() > 0
    for part in (kept[::2], kept[1::2]):
        assert merge_history(table, change_log(spark, part), SPEC).quarantined == 0
    assert found_versions(table.read()) == expected_versions(events, SPEC)
    assert check_history(table.read(), SPEC, horizon=recall(table).horizon_literal).isEmpty()
    again = merge_history(table, change_log(spark, early), SPEC)
    assert again.commit is None
    assert again.quarantined == sum(event.sequence < horizon for event in early)
