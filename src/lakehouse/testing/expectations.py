"""What a set of random events must come to, and what the code under test made of it, as comparable sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pyspark.sql import DataFrame

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.history import versions
from lakehouse.testing.folding import Event, fold_events
from lakehouse.testing.generators import KEYS, VALUES

SPECS = {
    "all columns tracked": ChangeSpec(keys=KEYS),
    "one column tracked": ChangeSpec(keys=KEYS, track=["a"]),
    "nothing tracked": ChangeSpec(keys=KEYS, track=[]),
    "nulls ignored": ChangeSpec(keys=KEYS, ignore_nulls=True),
    "nulls ignored in one column": ChangeSpec(keys=KEYS, track="b", ignore_nulls="b"),
}

Rows = set[tuple[Any, ...]]


def expected_versions(events: Iterable[Event], spec: ChangeSpec) -> Rows:
    """The versions by the oracle."""
    ignored = spec.ignore_nulls if isinstance(spec.ignore_nulls, tuple) else VALUES if spec.ignore_nulls else ()
    track = None if spec.track is None else list(spec.track)
    return {
        (*parts(v.key), *(v.values[c] for c in VALUES), v.valid_from, v.valid_to, v.sequence)
        for v in fold_events(events, columns=VALUES, track=track, ignore_nulls=ignored)
    }


def expected_current(events: Iterable[Event], spec: ChangeSpec) -> Rows:
    """The current rows by the oracle: the open versions."""
    return {(*row[:4], row[6]) for row in expected_versions(events, spec) if row[5] is None}


def found_versions(history: DataFrame) -> Rows:
    """The versions of a history table."""
    return _rows(versions(history).select(*KEYS, *VALUES, "_valid_from", "_valid_to", "_sequence"))


def found_current(current: DataFrame) -> Rows:
    """The rows of a current table."""
    return _rows(current.select(*KEYS, *VALUES, "_sequence"))


def split(events: Sequence[Event], parts: int) -> list[list[Event]]:
    """The events dealt into batches, and then a third of them once more: late, out of order, and repeated."""
    return [*(list(events[i::parts]) for i in range(parts)), list(events[: len(events) // 3])]


def _rows(df: DataFrame) -> Rows:
    rows = [tuple(row) for row in df.collect()]
    assert len(rows) == len(set(rows)), "a row is there twice"
    return set(rows)


def parts(key: object) -> tuple[Any, ...]:
    """A key as a tuple."""
    return key if isinstance(key, tuple) else (key,)
