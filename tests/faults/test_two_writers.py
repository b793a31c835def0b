"""Two writers on one table: whoever is acknowledged is in the table, in some order, and whoever is not may try again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, get_args

import pytest
from fault_feed import in_order
from fault_lake import Lakes, TableFormat
from fault_results import SEED, Seen
from fault_writers import Writer, race
from pyspark.sql import SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.tables import Merge, Table, TableRef, open_table
from lakehouse.tables.merging import merge_current, merge_history
from lakehouse.testing.folding import Event, fold_events
from lakehouse.testing.generators import KEYS, VALUES, change_log

FORMATS = get_args(TableFormat)
SPEC = ChangeSpec(keys=KEYS)
POINTS = {
    "current": ("merging.measured", "current_merge.folded"),
    "history": ("merging.measured", "history_merge.folded"),
}
MERGES: dict[str, Callable[..., object]] = {"current": merge_current, "history": merge_history}
KEY = (1, 1)


def upsert(sequence: int, value: str, key: tuple[int, int] = KEY) -> Event:
    """An upsert of a key."""
    return Event(key=key, sequence=sequence, op="upsert", values={"a": value, "b": None})


def delete(sequence: int) -> Event:
    """A delete of the key."""
    return Event(key=KEY, sequence=sequence, op="delete")


BEFORE = [upsert(10, "before"), upsert(5, "other", (1, 2))]
PAIRS: dict[str, tuple[list[Event], list[Event]]] = {
    "two changes of one key": ([upsert(20, "first")], [upsert(30, "second")]),
    "a change and a later delete": ([upsert(20, "first")], [delete(30)]),
    "a delete and an earlier change": ([delete(30)], [upsert(20, "second")]),
    "the same change twice": ([upsert(20, "same")], [upsert(20, "same")]),
    "two new keys that are one": ([upsert(20, "first", (2, 1))], [upsert(30, "second", (2, 1))]),
}


@dataclass(frozen=True, kw_only=True)
class Rig:
    """Tables of one format for two writers."""

    spark: SparkSession
    lakes: Lakes
    format: TableFormat

    def table(self) -> Table:
        """A place for a table where none is."""
        lake = self.lakes.new(self.format)
        path = {"path": str(lake.warehouse / lake.zone / "raced")}
        ref = TableRef(format=self.format, **(path if self.format == "delta" else {"name": f"lake.{lake.zone}.raced"}))
        return open_table(self.spark, ref)

    def merging(self, table: Table, kind: str, name: str, events: list[Event]) -> Writer:
        """A writer that merges events."""
        changes = change_log(self.spark, events)
        again = open_table(self.spark, table.ref)  # a writer has a handle of its own
        return Writer(name=name, do=lambda: MERGES[kind](again, changes, SPEC), events=events)

    def compacting(self, table: Table) -> Writer:
        """A writer that compacts the table."""
        return Writer(name="compaction", do=lambda: open_table(self.spark, table.ref).maintain(compact=True))


@pytest.fixture(params=FORMATS)
def rig(request: pytest.FixtureRequest, spark: SparkSession, lakes: Lakes) -> Rig:
    """Each format."""
    return Rig(spark=spark, lakes=lakes, format=request.param)


def wrong_rows(table: Table, kind: str, events: Iterable[Event]) -> list[str]:
    """What is not as the oracle has it."""
    versions = fold_events(events, columns=VALUES)
    rows: list[tuple[Any, ...]] = [tuple(row) for row in table.read().select(*seen_columns(kind)).collect()]
    if kind == "history":
        expected = [(one.key, one.values["a"], one.valid_from, one.valid_to) for one in versions]
        rows = [((row[0], row[1]), *row[2:]) for row in rows if row[3] != row[4]]
    else:
        expected = [(one.key, one.values["a"], one.sequence, None) for one in versions if one.valid_to is None]
        rows = [((row[0], row[1]), *row[2:], None) for row in rows]
    return [] if in_order(rows) == in_order(expected) else [f"{kind} holds {in_order(rows)}, not {in_order(expected)}"]


def seen_columns(kind: str) -> list[str]:
    """What is compared of a table."""
    return [*KEYS, "a", *(("_valid_from", "_valid_to") if kind == "history" else ("_sequence",))]


def compete(table: Table, kind: str, first: Writer, second: Writer, *, point: str, known: list[Event]) -> list[str]:
    """Race two writers; those that failed try again afterwards: what is wrong before that, and after it."""
    result = race(first, second, point=point)
    failed = result.failed(first, second)
    acknowledged = [event for writer in (first, second) if writer not in failed for event in writer.events]
    found = [] if result.held else [f"nobody was held: {result.errors}"]
    found += wrong_rows(table, kind, [*known, *acknowledged])
    for writer in failed:
        writer.do()
    everything = [*known, *first.events, *second.events]
    found += wrong_rows(table, kind, everything) if failed else []
    return [f"{first.name} against {second.name}, held at {point}: {one}" for one in found]


def race_merges(rig: Rig, kind: str, pair: str, point: str) -> list[str]:
    """One race of a pair of merges on a fresh table that holds some rows."""
    table = rig.table()
    rig.merging(table, kind, "before", BEFORE).do()
    one, other = (rig.merging(table, kind, name, events) for name, events in zip("ab", PAIRS[pair], strict=True))
    return [f"{pair}, {wrong}" for wrong in compete(table, kind, one, other, point=point, known=BEFORE)]


def race_first_merges(rig: Rig, kind: str) -> list[str]:
    """Two merges into a table that is not there; the first has just made it."""
    table = rig.table()
    one, other = (rig.merging(table, kind, name, [upsert(at, name)]) for name, at in (("a", 20), ("b", 30)))
    return compete(table, kind, one, other, point="targets.created", known=[])


def race_compaction(rig: Rig, kind: str, point: str) -> list[str]:
    """A merge that holds while the table is compacted, which changes no row."""
    table = rig.table()
    rig.merging(table, kind, "before", BEFORE).do()
    merge = rig.merging(table, kind, "a", [upsert(20, "first")])
    return compete(table, kind, merge, rig.compacting(table), point=point, known=BEFORE)


def race_append(rig: Rig, *, evolving: bool) -> list[str]:
    """An append that holds while another is made, or while the table gets a column."""
    table = rig.table()
    table.create(StructType([StructField("id", StringType())]))

    def append(value: str) -> Writer:
        rows = rig.spark.createDataFrame([(value,)], "id string")
        return Writer(name=value, do=lambda: open_table(rig.spark, table.ref).append(rows))

    added = StructType([StructField("added", StringType())])
    evolve = Writer(name="evolve", do=lambda: open_table(rig.spark, table.ref).evolve(add=added))
    first, second = append("a"), evolve if evolving else append("b")
    result = race(first, second, point=f"{rig.format}.before_commit")
    failed = result.failed(first, second)
    found = [] if result.held else [f"nobody was held: {result.errors}"]
    expected = [writer.name for writer in (first, second) if writer not in failed and writer is not evolve]
    found += [] if ids(table) == expected else [f"{ids(table)} are there, not {expected}"]
    for writer in failed:
        writer.do()
    names = ["id", "added"] if evolving else ["id"]
    everything = ["a"] if evolving else ["a", "b"]
    found += [] if (ids(table), table.schema().names) == (everything, names) else ["not all is there"]
    return [f"an append and {second.name}: {one}" for one in found]


def ids(table: Table) -> list[str]:
    """The rows that were appended."""
    return sorted(row["id"] for row in table.read().select("id").collect())


@pytest.mark.parametrize("kind", MERGES)
def test_two_merges_of_one_key(rig: Rig, kind: str) -> None:
    """A writer that has read the table is overtaken: both changes are in the table, the key once."""
    found = race_merges(rig, kind, "two changes of one key", POINTS[kind][1])
    note(rig, f"two merges into a {kind} table", 1, found)
    assert found == []


@pytest.mark.parametrize("kind", MERGES)
def test_the_first_commit_of_all(rig: Rig, kind: str) -> None:
    """A writer has just made the table and is overtaken before it writes: both changes are in the table, the key once."""
    found = race_first_merges(rig, kind)
    note(rig, f"two first merges into a {kind} table", 1, found)
    assert found == []


def test_a_merge_and_a_compaction(rig: Rig) -> None:
    """A merge that has read the table is overtaken by a compaction, which changes no row: neither loses anything."""
    found = race_compaction(rig, "current", "current_merge.folded")
    note(rig, "a merge and a compaction", 1, found)
    assert found == []


def test_appends_and_a_new_column(rig: Rig) -> None:
    """Of two appends, and of an append and a new column, whoever is acknowledged is there, and the others may try again."""
    found = [wrong for evolving in (False, True) for wrong in race_append(rig, evolving=evolving)]
    note(rig, "two appends, an append and a new column", 2, found)
    assert found == []


def test_a_writer_without_a_guard_loses_what_the_other_did(rig: Rig) -> None:
    """The control: merging what was worked out from an older table, blindly, does the damage the rig looks for."""
    table = rig.table()
    rig.merging(table, "current", "before", BEFORE).do()
    stale = change_log(rig.spark, [upsert(20, "first")])
    assignments = {name: f"s.`{name}`" for name in (*VALUES, "_sequence")}
    blind = Merge(on=" and ".join(f"t.`{key}` = s.`{key}`" for key in KEYS), update=assignments)
    first = Writer(name="blind", do=lambda: table.merge(stale, blind), events=[upsert(20, "first")])
    second = rig.merging(table, "current", "b", [upsert(30, "second")])
    found = compete(table, "current", first, second, point=f"{rig.format}.before_commit", known=BEFORE)
    note(rig, "the control: a blind merge", 1, found)
    assert found != []


def drawn_merges(rig: Rig, chance: random.Random, *, deleting: bool) -> list[str]:
    """A race of two merges of one key, with a delete among them or without."""
    kind = chance.choice(list(MERGES))
    pairs = [name for name in PAIRS if ("delete" in name) == deleting]
    return race_merges(rig, kind, chance.choice(pairs), chance.choice(POINTS[kind]))


def drawn_compaction(rig: Rig, chance: random.Random) -> list[str]:
    """A race of a merge and a compaction."""
    kind = chance.choice(list(MERGES))
    return race_compaction(rig, kind, chance.choice(POINTS[kind]))


RACES: dict[str, Callable[[Rig, random.Random], list[str]]] = {
    "two appends": lambda rig, _: race_append(rig, evolving=False),
    "an append and a new column": lambda rig, _: race_append(rig, evolving=True),
    "two merges of one key": lambda rig, chance: drawn_merges(rig, chance, deleting=False),
    "a merge and a delete": lambda rig, chance: drawn_merges(rig, chance, deleting=True),
    "a merge and a compaction": drawn_compaction,
    "two first merges": lambda rig, chance: race_first_merges(rig, chance.choice(list(MERGES))),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("pair", RACES)
def test_fifty_races_of_every_pair(rig: Rig, pair: str) -> None:
    """Every pair fifty times on fresh tables; the kind of table and where the first is held are left to chance."""
    chance = random.Random(f"{SEED} {rig.format} {pair}")  # noqa: S311 - what is raced, and where to hold
    found = [wrong for _ in range(50) for wrong in RACES[pair](rig, chance)]
    note(rig, pair, 50, found)
    assert found == []


def note(rig: Rig, how: str, races: int, found: list[str]) -> None:
    """Write down what was seen."""
    Seen(
        fault="two writers",
        caused_by=f"one is held at a failpoint while the other works: {how}",
        seen="; ".join(found[:3]) or "every acknowledged change there, no key twice",
        figures={"format": rig.format, "races": races, "wrong": len(found)},
    ).note()
