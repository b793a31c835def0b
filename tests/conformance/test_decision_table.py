"""The decision table of change data capture, row by row: what a merge makes of each edge case, in both formats.

The cases of one spec share their merges: the number of the row is the first part of the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession
from shares import shared
from spark_hash import tie_rank

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.history import versions
from lakehouse.columns import IS_DELETED, VALID_FROM, VALID_TO
from lakehouse.tables import Table, TableRef, open_table
from lakehouse.tables.merging import merge_current, merge_history
from lakehouse.testing.folding import Event
from lakehouse.testing.generators import KEYS, VALUES, change_log

STEPS = 3
Rows = list[tuple[Any, ...]]


def upsert(sequence: int, a: str | None, b: str | None = None, *, carries: str | None = None) -> Event:
    """An upsert of the case's key; `carries`: the letters of the columns it carries, all when left out."""
    provided = None if carries is None else frozenset(carries)
    return Event(key=1, sequence=sequence, op="upsert", values={"a": a, "b": b}, provided=provided)


def delete(sequence: int) -> Event:
    """A delete of the case's key."""
    return Event(key=1, sequence=sequence, op="delete")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table, or a half of one.

    Attributes:
        row: its number.
        half: which case of the row it is, when it has several.
        title: what it is about.
        spec: under which spec.
        batches: what arrives, batch by batch.
        versions: a, b, from, to of each version, worked out by hand.
        deleted: whether the key is deleted in the end; what it shows then matters with soft deletes only.
    """

    row: int
    half: int = 0
    title: str
    spec: str = "plain"
    batches: Sequence[Sequence[Event]]
    versions: Rows
    deleted: bool = False

    @property
    def name(self) -> str:
        """The name of its test."""
        return f"row {self.row}: {self.title}"

    @property
    def number(self) -> int:
        """Its place in the key."""
        return 100 * self.half + self.row


SPECS = {
    "plain": ChangeSpec(keys=KEYS),
    "tracked": ChangeSpec(keys=KEYS, track="a", deletes="soft"),
    "nulls ignored": ChangeSpec(keys=KEYS, ignore_nulls=True),
}
WINNER = max("AB", key=lambda a: tie_rank(VALUES)(upsert(5, a)))  # type: ignore[operator]
CASES = [
    Case(row=1, title="several events of a key in one batch", batches=[[upsert(3, "B"), upsert(1, "A"), upsert(5, "C")]],
         versions=[("A", None, 1, 3), ("B", None, 3, 5), ("C", None, 5, None)]),
    Case(row=2, title="an event older than the row", batches=[[upsert(5, "B")], [upsert(3, "A")]],
         versions=[("A", None, 3, 5), ("B", None, 5, None)]),
    Case(row=3, title="a late event splits an unchanged run at the next event of it",
         batches=[[upsert(10, "Alice"), upsert(15, "Alice")], [upsert(20, "Alice")], [upsert(12, "Bob")]],
         versions=[("Alice", None, 10, 12), ("Bob", None, 12, 15), ("Alice", None, 15, None)]),
    Case(row=4, title="a late delete inside a closed interval shortens it and its old end stays a boundary",
         batches=[[upsert(1, "A"), upsert(9, "B")], [delete(5)], [upsert(6, "C")]],
         versions=[("A", None, 1, 5), ("C", None, 6, 9), ("B", None, 9, None)]),
    Case(row=5, title="a delete before any insert", batches=[[delete(5)], [upsert(3, "A")]],
         versions=[("A", None, 3, 5)], deleted=True),
    Case(row=6, title="an insert after a delete leaves the gap", batches=[[upsert(1, "A"), delete(3)], [upsert(5, "A")]],
         versions=[("A", None, 1, 3), ("A", None, 5, None)]),
    Case(row=7, title="equal upserts in a row are one version", batches=[[upsert(1, "A")], [upsert(4, "A"), upsert(7, "A")]],
         versions=[("A", None, 1, None)]),
    Case(row=8, title="a change in an untracked column updates the open version, an older one never", spec="tracked",
         batches=[[upsert(1, "A", "x")], [upsert(5, "A", "y")], [upsert(3, "A", "z")]], versions=[("A", "y", 1, None)]),
    Case(row=9, title="a duplicate in the same and in a later batch", batches=[[upsert(1, "A"), upsert(1, "A")], [upsert(1, "A")]],
         versions=[("A", None, 1, None)]),
    Case(row=10, title="an upsert, then a delete at its sequence", batches=[[upsert(5, "A")], [delete(5)]],
         versions=[], deleted=True),
    Case(row=10, half=1, title="a delete, then an upsert at its sequence", batches=[[delete(5)], [upsert(5, "A")]],
         versions=[], deleted=True),
    Case(row=11, title="two upserts at one sequence", batches=[[upsert(5, "A")], [upsert(5, "B")]],
         versions=[(WINNER, None, 5, None)]),
    Case(row=11, half=1, title="the same two in the other order", batches=[[upsert(5, "B")], [upsert(5, "A")]],
         versions=[(WINNER, None, 5, None)]),
    Case(row=17, title="a soft delete keeps the row and its values", spec="tracked",
         batches=[[upsert(1, "A", "x")], [delete(5)], [upsert(3, "B", "y")]],
         versions=[("A", "x", 1, 3), ("B", "y", 3, 5)], deleted=True),
    Case(row=18, title="a delete closes the version at its sequence", batches=[[upsert(1, "A")], [delete(4)]],
         versions=[("A", None, 1, 4)], deleted=True),
    Case(row=22, title="a null means unchanged, across batches, until a delete", spec="nulls ignored",
         batches=[[upsert(1, "A", "x")], [upsert(3, None, "y")], [delete(5), upsert(7, None, "z")]],
         versions=[("A", "x", 1, 3), ("A", "y", 3, 5), (None, "z", 7, None)]),
    Case(row=22, half=1, title="an older value fills what a newer event left open", spec="nulls ignored",
         batches=[[upsert(1, "A", "x")], [upsert(5, None, "y")], [upsert(3, "C", None)]],
         versions=[("A", "x", 1, 3), ("C", "x", 3, 5), ("C", "y", 5, None)]),
    Case(row=23, title="a column the event does not carry is unchanged, one that is null is null",
         batches=[[upsert(1, "A", "x")], [upsert(3, None, None, carries="a")], [upsert(5, None, "y", carries="b")]],
         versions=[("A", "x", 1, 3), (None, "x", 3, 5), (None, "y", 5, None)]),
    Case(row=38, title="an old batch again after newer ones", batches=[[upsert(1, "A")], [upsert(5, "B")], [upsert(1, "A")]],
         versions=[("A", None, 1, 5), ("B", None, 5, None)]),
    Case(row=49, title="an update of a key that was never seen", batches=[[], [upsert(3, "A", "x")]],
         versions=[("A", "x", 3, None)]),
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the tables of all specs show, by the number of the case."""

    versions: dict[int, Rows] = field(default_factory=dict)
    current: dict[int, Rows] = field(default_factory=dict)


def new_table(spark: SparkSession, table_format: str, folder: object) -> Table:
    """A table that is not there yet."""
    name = f"t_{uuid4().hex}"
    if table_format == "iceberg":
        return open_table(spark, TableRef(format="iceberg", name=f"lake.decisions.{name}"))
    return open_table(spark, TableRef(format="delta", path=f"{folder}/{name}"))


@pytest.fixture(scope="module", params=[shared("delta"), shared("iceberg")])
def shown(request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """All cases of a spec, merged together batch by batch."""
    found = Shown()
    for name, spec in SPECS.items():
        history, current = (new_table(spark, request.param, tmp_path_factory.mktemp("delta")) for _ in range(2))
        cases = [case for case in CASES if case.spec == name]
        for step in range(STEPS):
            events = [
                Event(key=(case.number, 1), sequence=e.sequence, op=e.op, values=e.values, provided=e.provided)
                for case in cases
                for e in (case.batches[step] if step < len(case.batches) else ())
            ]
            merge_history(history, change_log(spark, events), spec)
            merge_current(current, change_log(spark, events), spec)
        flag = [IS_DELETED] if spec.deletes == "soft" else []
        for number, *row in (
            versions(history.read()).select("case", *VALUES, VALID_FROM, VALID_TO).orderBy(VALID_FROM).collect()
        ):
            found.versions.setdefault(number, []).append(tuple(row))
        for number, *row in current.read().select("case", *VALUES, *flag).collect():
            found.current.setdefault(number, []).append(tuple(row))
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_history(shown: Shown, case: Case) -> None:
    """The versions of the case are those that were worked out by hand."""
    assert shown.versions.get(case.number, []) == case.versions


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_current(shown: Shown, case: Case) -> None:
    """The current table has the open version; of a deleted key nothing, or with soft deletes its last values and a flag."""
    last = case.versions[-1][:2] if case.versions else None
    if SPECS[case.spec].deletes == "soft":
        assert shown.current.get(case.number, []) == [(*last, case.deleted)] if last else []
    else:
        assert shown.current.get(case.number, []) == ([] if case.deleted or last is None else [last])


def test_every_case_of_a_spec_is_its_own_key() -> None:
    """No two cases share a number, or they would share a key."""
    assert len({case.number for case in CASES}) == len(CASES)
    assert all(len(case.batches) <= STEPS for case in CASES)
