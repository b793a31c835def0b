"""Random change logs: many small cases in one frame, told apart by the first key column.

A merge works key by key, so a thousand cases cost one merge when each key begins with the number of its case.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import IntegerType, LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import EVENT_TIME_TYPE, ORIGIN_TYPE, PROVIDED_TYPE
from lakehouse.columns import EVENT_TIME, OP, ORIGIN, PROVIDED, SEQUENCE
from lakehouse.testing.folding import Event

KEYS = ("case", "k")
VALUES = ("a", "b")
PAYLOAD = StructType(
    [
        StructField("case", IntegerType()),
        StructField("k", IntegerType()),
        StructField("a", StringType()),
        StructField("b", StringType()),
    ]
)
CHANGES = StructType(
    [
        *PAYLOAD.fields,
        StructField(OP, StringType()),
        StructField(SEQUENCE, LongType()),
        StructField(PROVIDED, PROVIDED_TYPE),
        StructField(EVENT_TIME, EVENT_TIME_TYPE),
        StructField(ORIGIN, ORIGIN_TYPE),
    ]
)


def random_events(
    seed: int, *, cases: int, keys: int = 3, events: int = 14, partial: float = 0.0, ties: float = 0.0
) -> list[Event]:
    """Events of many cases in random order: few keys and values, so that equal neighbours and returns are common.

    Args:
        seed: the same seed gives the same events.
        cases: how many; the case is the first part of each key.
        keys: keys in a case, at most.
        events: events in a case, at most.
        partial: share of upserts that leave columns out.
        ties: share of events that get a different rival at the same key and sequence.
    """
    chance = random.Random(seed)  # noqa: S311  test data
    made = []
    for case in range(cases):
        used: set[tuple[int, int]] = set()
        for _ in range(chance.randint(1, events)):
            place = (chance.randrange(keys), chance.randrange(20))
            if place in used:
                continue
            used.add(place)
            rivals = 2 if chance.random() < ties else 1
            made += [_random_event(chance, (case, place[0]), place[1], partial) for _ in range(rivals)]
    chance.shuffle(made)
    return made


def _random_event(chance: random.Random, key: tuple[int, int], sequence: int, partial: float) -> Event:
    if chance.random() < 0.2:
        return Event(key=key, sequence=sequence, op="delete")
    values = {name: chance.choice([None, "x", "y"]) for name in VALUES}
    provided = None
    if chance.random() < partial:
        provided = frozenset(name for name in VALUES if chance.random() < 0.5)
    return Event(key=key, sequence=sequence, op="upsert", values=values, provided=provided)


def change_log(spark: SparkSession, events: Iterable[Event], *, schema: StructType = CHANGES) -> DataFrame:
    """Events as a change log; the key columns take the parts of the key in order."""
    payload = [f.name for f in schema.fields if f.name not in (OP, SEQUENCE, PROVIDED, EVENT_TIME, ORIGIN)]
    return spark.createDataFrame([_row(event, payload) for event in events], schema)


def _row(event: Event, payload: Sequence[str]) -> tuple[object, ...]:
    key = event.key if isinstance(event.key, tuple) else (event.key,)
    values = [event.values.get(name) for name in payload[len(key) :]]
    provided = None if event.provided is None else sorted(event.provided)
    return (*key, *values, event.op, event.sequence, provided, None, None)
