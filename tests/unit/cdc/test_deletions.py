"""The rows of deletions: what the events say, walked through one by one."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import LongType

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.deletions import with_deletions
from lakehouse.cdc.history import apply_history, history_schema
from lakehouse.errors import MissingColumnsError
from lakehouse.testing.expectations import expected_versions
from lakehouse.testing.folding import Event
from lakehouse.testing.generators import KEYS, PAYLOAD, VALUES, change_log, random_events


def deletions(events: list[Event]) -> set[tuple[Any, ...]]:
    """Key, values and interval of every time in which a key that had been there was not."""
    found = set()
    for key, group in groupby(sorted(events, key=lambda e: (e.key, e.sequence)), key=lambda e: e.key):
        last: Event | None = None
        gone: int | None = None
        for event in group:
            if event.op == "upsert":
                if last and gone is not None:
                    found.add((*key, *(last.values[c] for c in VALUES), gone, event.sequence))
                last, gone = event, None
            elif last and gone is None:
                gone = event.sequence
        if last and gone is not None:
            found.add((*key, *(last.values[c] for c in VALUES), gone, None))
    return found


def test_deletions_fill_the_gaps_between_versions(spark: SparkSession) -> None:
    """Beside the versions there is a row for each deletion, with the last values, from the first delete to the next upsert."""
    events = random_events(41, cases=150)
    empty = spark.createDataFrame([], history_schema(PAYLOAD, LongType()))
    history = apply_history(empty, change_log(spark, events), ChangeSpec(keys=KEYS))
    shown = with_deletions(history, keys=KEYS).select(
        *KEYS, *VALUES, "_valid_from", "_valid_to", "_sequence", "_is_current", "_is_deleted"
    )
    rows = [tuple(row) for row in shown.collect()]
    assert {row[:7] for row in rows if not row[8]} == expected_versions(events, ChangeSpec(keys=KEYS))
    assert {row[:6] for row in rows if row[8]} == deletions(events)
    assert all(row[6] == row[4] for row in rows if row[8])
    assert all(row[7] == (row[5] is None) for row in rows)
    assert len(rows) == len(set(rows))


def test_another_table_is_refused(spark: SparkSession) -> None:
    """A frame without the columns of a history is refused with what it lacks."""
    with pytest.raises(MissingColumnsError, match="_valid_from"):
        with_deletions(spark.createDataFrame([], PAYLOAD), keys=KEYS)
