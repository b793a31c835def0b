"""The pure folds are the oracle's, for any events in any order."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import LongType
from spark_hash import tie_rank

from lakehouse.cdc import current as scd1
from lakehouse.cdc import history as scd2
from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.events import normalise
from lakehouse.cdc.history_checks import check_history
from lakehouse.cdc.soft_deletes import apply_soft, soft_schema
from lakehouse.testing.expectations import (
    SPECS,
    expected_current,
    expected_versions,
    found_current,
    found_versions,
    parts,
    split,
)
from lakehouse.testing.folding import Event, fold_events, fold_rows
from lakehouse.testing.generators import KEYS, PAYLOAD, VALUES, change_log, random_events

CASES = 150


def empty_history(spark: SparkSession) -> DataFrame:
    """A history table without rows."""
    return spark.createDataFrame([], scd2.history_schema(PAYLOAD, LongType()))


def empty_current(spark: SparkSession, spec: ChangeSpec) -> scd1.CurrentState:
    """A current table without rows."""
    return scd1.CurrentState(
        rows=spark.createDataFrame([], scd1.current_schema(PAYLOAD, LongType(), authors=True)),
        tombstones=spark.createDataFrame([], scd1.tombstone_schema(PAYLOAD, LongType(), spec)),
    )


def settled(df: DataFrame) -> DataFrame:
    """The frame with its rows computed, as a table would hold them."""
    return df.sparkSession.createDataFrame(df.collect(), df.schema)


@pytest.mark.parametrize("name", SPECS)
def test_the_history_is_the_oracles(spark: SparkSession, name: str) -> None:
    """Three batches in random order and a repeat make the versions that the set of events means."""
    spec = SPECS[name]
    events = random_events(11, cases=CASES, partial=0.3)
    history = empty_history(spark)
    for batch in split(events, 3):
        history = settled(scd2.apply_history(history, change_log(spark, batch), spec))
    assert found_versions(history) == expected_versions(events, spec)
    assert check_history(history, spec).collect() == []


@pytest.mark.parametrize("name", ["all columns tracked", "nulls ignored"])
def test_the_current_table_is_the_oracles(spark: SparkSession, name: str) -> None:
    """Three batches in random order and a repeat make the rows that the set of events means."""
    spec = SPECS[name]
    events = random_events(12, cases=CASES, partial=0.3)
    state = empty_current(spark, spec)
    for batch in split(events, 3):
        state = scd1.apply_current(state, change_log(spark, batch), spec)
        state = scd1.CurrentState(rows=settled(state.rows), tombstones=settled(state.tombstones))
    assert found_current(state.rows) == expected_current(events, spec)


def test_ties_are_resolved_the_same_in_any_order(spark: SparkSession) -> None:
    """Two different events at one key and sequence leave one winner, whichever arrives first; a delete beats upserts."""
    spec = ChangeSpec(keys=KEYS)
    events = random_events(13, cases=CASES, ties=0.5)
    outcomes = []
    for order in (events, events[::-1]):
        history = empty_history(spark)
        for batch in split(order, 2):
            history = settled(scd2.apply_history(history, change_log(spark, batch), spec))
        outcomes.append(history)
    first, second = map(found_versions, outcomes)
    assert first == second
    deleted = {(event.key, event.sequence) for event in events if event.op == "delete"}
    upserts = {(event.key, event.sequence) for event in events if event.op == "upsert"}
    assert deleted & upserts, "the events must hold the tie that this is about"
    assert not {((row[0], row[1]), row[6]) for row in first} & deleted


def test_row_10_upserts_win_over_deletes_at_their_place(spark: SparkSession) -> None:
    """Under `upsert_wins` history, current table and the one with soft deletes are the oracle's, in batches in random order."""
    spec = ChangeSpec(keys=KEYS, on_tie="upsert_wins")
    events = random_events(16, cases=CASES, ties=0.5)
    history, state = empty_history(spark), empty_current(spark, spec)
    kept = spark.createDataFrame([], soft_schema(PAYLOAD, LongType(), authors=True))
    for batch in split(events, 3):
        log = change_log(spark, batch)
        history = settled(scd2.apply_history(history, log, spec))
        state = scd1.apply_current(state, log, spec)
        state = scd1.CurrentState(rows=settled(state.rows), tombstones=settled(state.tombstones))
        kept = settled(apply_soft(kept, log, spec))
    told: dict[str, Any] = {"columns": VALUES, "rank": tie_rank(VALUES), "wins": "upsert"}
    wanted = {
        (*parts(v.key), *(v.values[c] for c in VALUES), v.valid_from, v.valid_to, v.sequence)
        for v in fold_events(events, **told)
    }
    assert found_versions(history) == wanted
    assert found_current(state.rows) == {(*row[:4], row[6]) for row in wanted if row[5] is None}
    shown = kept.select(*KEYS, *VALUES, "_sequence", "_is_deleted").collect()
    rows = [
        (*parts(r.key), *((r.values or {}).get(c) for c in VALUES), r.sequence, r.deleted)
        for r in fold_rows(events, **told)
    ]
    assert sorted(map(tuple, shown), key=repr) == sorted(rows, key=repr)


def test_time_travel_is_the_fold_of_the_past(spark: SparkSession) -> None:
    """`as_of` at a sequence shows what the events up to it mean."""
    spec = ChangeSpec(keys=KEYS)
    events: list[Event] = random_events(14, cases=CASES)
    history = settled(scd2.apply_history(empty_history(spark), change_log(spark, events), spec))
    for moment in (0, 7, 19):
        past = [event for event in events if event.sequence <= moment]
        seen = {row[:4] for row in found_versions(scd2.as_of(history, sequence=moment))}
        assert seen == {row[:4] for row in expected_current(past, spec)}


@pytest.mark.parametrize("kind", ["history", "current"])
def test_a_fold_shuffles_and_sorts_once(spark: SparkSession, kind: str) -> None:
    """However many windows a fold has, all of them rest on one exchange and one sort."""
    spec = ChangeSpec(keys=KEYS)
    log = change_log(spark, random_events(15, cases=2))
    if kind == "history":
        folded = scd2.fold(scd2.new_events(log, spec), spec, partial=False)
    else:
        stored = scd1.stored_events(empty_current(spark, spec).rows, spec, partial=False)
        folded = scd1.fold(stored.unionByName(normalise(log, spec)), spec, partial=False)
    plan = folded._jdf.queryExecution().sparkPlan().toString(), folded._jdf.queryExecution().executedPlan().toString()  # noqa: SLF001  no public way
    assert "Window [" in plan[0]
    assert (plan[1].count("Exchange hashpartitioning"), plan[1].count("Sort [")) == (1, 1)
