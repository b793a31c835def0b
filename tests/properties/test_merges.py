"""Merges into real tables come to the oracle's answer, whatever the order, the split and the repeats, in both formats.

A merge works key by key, so some thousand random histories, each delivered in six ways, go through a few merges: the
number of the delivery and of the case are parts of the key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from shares import SHARE
from spark_hash import tie_rank

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.history import versions
from lakehouse.cdc.history_checks import check_history
from lakehouse.columns import IS_DELETED, OP, PROVIDED, SEQUENCE, VALID_FROM, VALID_TO, quoted
from lakehouse.tables import Table, TableRef, open_table
from lakehouse.tables.merging import merge_current, merge_history
from lakehouse.tables.protocol import Format
from lakehouse.tables.tallies import MergeResult
from lakehouse.testing.expectations import parts
from lakehouse.testing.folding import Event, Version, fold_events, fold_rows
from lakehouse.testing.generators import VALUES, change_log, random_events

DELIVERY = "delivery"
DELIVERIES = 6
STEPS = 3
CASES = 500
Rows = set[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Random histories, and how they are merged.

    Attributes:
        spec: the spec, less the delivery among its keys.
        events: what happened.
        names: what the columns a and b are called.
        truncates: the sequence of each truncate of the whole table, and the step in which it arrives.
        place: the sequence from a number, keeping its order.
        number: the number from the sequence.
    """

    spec: ChangeSpec
    events: list[Event]
    names: tuple[str, str] = VALUES
    truncates: dict[int, int] = field(default_factory=dict)
    place: Callable[[Column], Column] = lambda number: number
    number: Callable[[Column], Column] = lambda place: place

    @property
    def options(self) -> dict[str, Any]:
        """What the oracle should know."""
        ignored = self.spec.ignore_nulls if isinstance(self.spec.ignore_nulls, tuple) else ()
        plain = dict(zip(self.names, VALUES, strict=True))
        return {
            "wins": "upsert" if self.spec.on_tie == "upsert_wins" else "delete",
            "columns": VALUES,
            "ignore_nulls": [plain[name] for name in ignored],
            "rank": tie_rank(VALUES, [plain[name] for name in ignored]),
        }

    @cached_property
    def everything(self) -> list[Event]:
        """The events and the truncates."""
        return [*self.events, *(Event(key=None, sequence=at, op="truncate") for at in self.truncates)]

    @cached_property
    def versions(self) -> list[Version]:
        """The versions by the oracle."""
        plain = dict(zip(self.names, VALUES, strict=True))
        track = None if self.spec.track is None else [plain[name] for name in self.spec.track]
        return fold_events(self.everything, track=track, **self.options)


def high_and_low(number: Column) -> Column:
    """A struct in the order of the number it is made of."""
    return F.struct((number / 5).cast("int").alias("high"), (number % 5).alias("low"))


VARIANTS = {
    "ties": Variant(
        spec=ChangeSpec(keys=["case", "k"], deletes="hard"), events=random_events(31, cases=CASES, ties=0.3)
    ),
    "row 33: hostile names, partial events": Variant(
        spec=ChangeSpec(keys=["case", "k"], track=["a.b"], ignore_nulls=["tick`tick ü"]),
        events=random_events(32, cases=CASES, partial=0.3),
        names=("a.b", "tick`tick ü"),
    ),
    "truncates, struct sequence, soft deletes": Variant(
        spec=ChangeSpec(keys=["case", "k"], track=[], on_truncate="apply", deletes="soft"),
        events=random_events(33, cases=CASES, ties=0.2),
        truncates={6: 2, 13: 0, 14: 1},
        place=high_and_low,
        number=lambda place: place["high"] * 5 + place["low"],
    ),
    "row 10: upserts win": Variant(
        spec=ChangeSpec(keys=["case", "k"], on_tie="upsert_wins"), events=random_events(34, cases=CASES, ties=0.5)
    ),
    "row 10: upserts win, soft deletes": Variant(
        spec=ChangeSpec(keys=["case", "k"], on_tie="upsert_wins", deletes="soft", on_truncate="apply"),
        events=random_events(35, cases=CASES, ties=0.5),
        truncates={9: 1},
    ),
}


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A variant after all its deliveries: the tables, and what each merge said."""

    variant: Variant
    spec: ChangeSpec
    history: Table
    current: Table
    batches: list[int]
    results: dict[str, list[MergeResult]]

    @cached_property
    def shown(self) -> dict[int, Rows]:
        """The versions of each delivery: case, k, a, b, from, to, sequence."""
        places = [self.variant.number(F.col(name)).alias(name) for name in (VALID_FROM, VALID_TO, SEQUENCE)]
        return by_delivery(versions(self.history.read()).select(DELIVERY, "case", "k", *self._values, *places))

    @cached_property
    def rows(self) -> dict[int, Rows]:
        """The current rows of each delivery: case, k, a, b, sequence, and whether they are deleted."""
        table = self.current.read()
        deleted = F.col(IS_DELETED) if self.spec.deletes == "soft" else F.lit(False).alias(IS_DELETED)
        place = self.variant.number(F.col(SEQUENCE)).alias(SEQUENCE)
        return by_delivery(table.select(DELIVERY, "case", "k", *self._values, place, deleted))

    @property
    def _values(self) -> list[Column]:
        return [F.col(quoted(name)) for name in self.variant.names]


def by_delivery(df: DataFrame) -> dict[int, Rows]:
    """The rows of each delivery; none may be there twice."""
    found: dict[int, Rows] = defaultdict(set)
    for delivery, *row in df.collect():
        assert tuple(row) not in found[delivery]
        found[delivery].add(tuple(row))
    return found


def log_of(spark: SparkSession, variant: Variant) -> DataFrame:
    """The change log in every delivery, with the `step` in which each row arrives; the last step repeats a third of it."""
    renamed = dict(zip(VALUES, variant.names, strict=True))
    log = change_log(spark, variant.events).withColumnsRenamed(renamed)
    named = F.transform(PROVIDED, lambda name: F.element_at(F.create_map(*map(F.lit, sum(renamed.items(), ()))), name))
    log = log.withColumn(PROVIDED, F.array_sort(named))

    def draw(seed: int) -> Column:
        return F.pmod(F.xxhash64("case", "k", SEQUENCE, OP, F.lit(seed)), F.lit(STEPS)).cast("int")

    forward = F.floor(F.col(SEQUENCE) * STEPS / 20).cast("int")
    orders = [[F.lit(0)], [forward], [STEPS - 1 - forward], [draw(1)], [draw(2)], [draw(3), draw(4)]]
    assert len(orders) == DELIVERIES
    arrivals = [
        F.struct(F.lit(delivery).alias(DELIVERY), step.alias("step"))
        for delivery, steps in enumerate(orders)
        for step in [*steps, F.when(draw(5) == 0, STEPS)]
    ]
    spread = log.withColumn("arrival", F.explode(F.array(*arrivals))).where("arrival.step IS NOT NULL")
    rows = spread.select("arrival.*", *map(quoted, log.columns)).drop("_origin", "_event_time")
    truncates = spark.createDataFrame(
        [(step, "truncate", at) for at, step in variant.truncates.items()], f"step int, {OP} string, {SEQUENCE} long"
    )
    together = rows.unionByName(truncates, allowMissingColumns=True)
    return together.withColumn(SEQUENCE, variant.place(F.col(SEQUENCE)))


# A thousand histories and more in each format; what a format adds depends neither on which columns an event carries nor
# on which operation wins a tie.
FORMATS: dict[Format, list[str]] = {
    "iceberg": [name for name in VARIANTS if "soft deletes" not in name or "truncates" in name],
    "delta": [name for name in VARIANTS if "partial" not in name and "upserts win" not in name],
}
RUNS: list[Any] = [
    pytest.param((table_format, name), marks=() if table_format == SHARE else pytest.mark.exhaustive)
    for table_format, names in FORMATS.items()
    for name in names
]
RUNS.append(pytest.param(("delta", "row 10: upserts win, soft deletes"), marks=pytest.mark.exhaustive))


@pytest.fixture(scope="module", params=RUNS, ids=" of ".join)
def merged(
    request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Merged]:
    """Each variant, merged into tables of each format."""
    table_format, name = request.param
    variant = VARIANTS[name]
    spec = ChangeSpec(
        keys=[DELIVERY, *variant.spec.keys],
        track=variant.spec.track,
        ignore_nulls=variant.spec.ignore_nulls,
        on_tie=variant.spec.on_tie,
        on_truncate=variant.spec.on_truncate,
        deletes=variant.spec.deletes,
    )

    def new_table(kind: str) -> Table:
        unique = f"{kind}_{uuid4().hex}"
        if table_format == "iceberg":
            return open_table(spark, TableRef(format="iceberg", name=f"lake.merges.{unique}"))
        return open_table(spark, TableRef(format="delta", path=str(tmp_path_factory.mktemp("delta") / unique)))

    history, current = new_table("history"), new_table("current")
    log = log_of(spark, variant).persist()
    batches: list[int] = []
    results: dict[str, list[MergeResult]] = {"history": [], "current": []}
    for step in range(STEPS + 1):
        batch = log.where(F.col("step") == step).drop("step")
        batches.append(batch.count())
        results["history"].append(merge_history(history, batch, spec))
        results["current"].append(merge_current(current, batch, spec))
    yield Merged(variant=variant, spec=spec, history=history, current=current, batches=batches, results=results)
    log.unpersist()


def test_every_delivery_makes_the_history_of_the_set_of_events(merged: Merged) -> None:
    """Forwards, backwards, shuffled, in one batch or several, once or twice: the versions are the oracle's."""
    wanted = {
        (*parts(v.key), *(v.values[c] for c in VALUES), v.valid_from, v.valid_to, v.sequence)
        for v in merged.variant.versions
    }
    assert wanted
    for delivery in range(DELIVERIES):
        assert merged.shown[delivery] == wanted, delivery


def test_every_delivery_makes_the_rows_of_the_set_of_events(merged: Merged) -> None:
    """The current table is the oracle's in every delivery, deleted rows kept and flagged where deletes are soft."""
    variant = merged.variant
    if merged.spec.deletes == "soft":
        rows = fold_rows(variant.everything, **variant.options)
        wanted = {(*parts(r.key), *((r.values or {}).get(c) for c in VALUES), r.sequence, r.deleted) for r in rows}
        assert {row[-1] for row in wanted} == {True, False}
    else:
        live = [v for v in variant.versions if v.valid_to is None]
        wanted = {(*parts(v.key), *(v.values[c] for c in VALUES), v.sequence, False) for v in live}
    for delivery in range(DELIVERIES):
        assert merged.rows[delivery] == wanted, delivery


def test_the_current_table_is_the_open_history(merged: Merged) -> None:
    """What lives in the current table is what is open in the history, row for row."""
    for delivery in range(DELIVERIES):
        live = {row[:-1] for row in merged.rows[delivery] if not row[-1]}
        assert live == {(*row[:4], row[6]) for row in merged.shown[delivery] if row[5] is None}


def test_intervals_are_sound(merged: Merged) -> None:
    """Versions of a key follow each other, are open at most once, start and end at events, and differ where they touch."""
    variant = merged.variant
    upserts = {(event.key, event.sequence) for event in variant.events if event.op == "upsert"}
    ends = {(event.key, event.sequence) for event in variant.events}
    tracked = [
        i for i, name in enumerate(variant.names, start=2) if variant.spec.track is None or name in variant.spec.track
    ]
    keys: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
    for row in merged.shown[0]:
        keys[row[:2]].append(row)
    for key, rows in keys.items():
        ordered = sorted(rows, key=lambda row: row[4])
        for row in ordered:
            assert row[5] is None or row[4] < row[5]
            assert (key, row[4]) in upserts
            assert row[5] is None or (key, row[5]) in ends or row[5] in variant.truncates
        for one, two in pairwise(ordered):
            assert one[5] is not None
            assert one[5] <= two[4]
            assert one[5] < two[4] or [one[i] for i in tracked] != [two[i] for i in tracked]
    found = merged.history.read()
    assert check_history(found, merged.spec).isEmpty()
    assert found.count() <= DELIVERIES * len({(e.key, e.sequence) for e in variant.events}) * (
        1 + len(variant.truncates)
    )


def test_every_row_of_every_batch_is_counted_once(merged: Merged) -> None:
    """Input is applied, duplicate, tie and quarantined; over all batches as many are applied as there are events."""
    places = {
        (event.key, event.sequence, event.op == "delete" and merged.spec.deletes) for event in merged.variant.events
    }
    for kind, results in merged.results.items():
        for rows, result in zip(merged.batches, results, strict=True):
            assert result.input == rows == result.applied + result.duplicate + result.tie + result.quarantined
        applied = sum(result.applied for result in results)
        assert applied >= DELIVERIES * len({(event.key, event.sequence) for event in merged.variant.events}), (
            kind,
            places,
        )


def test_a_repeat_commits_nothing(merged: Merged) -> None:
    """A third of everything once more: no row changes and no commit is made."""
    for kind, results in merged.results.items():
        assert all(result.commit for result in results[:STEPS])
        last = results[STEPS]
        assert last.input > 0
        assert (last.inserted, last.updated, last.deleted, last.commit) == (0, 0, 0, None)
        # A current table does not know the events below its rows, so it cannot tell an old one from a repeated one.
        assert last.applied == (0 if kind == "history" else last.late)


def test_a_key_has_one_latest_row(merged: Merged) -> None:
    """Of the rows of a key in the history exactly one is flagged as the latest."""
    latest = merged.history.read().where("_is_latest").groupBy(DELIVERY, "case", "k").count().where("count > 1")
    assert latest.isEmpty()
