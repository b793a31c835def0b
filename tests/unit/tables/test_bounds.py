"""How far a table has come: places are in the order of sequences, and notes hold them to the last digit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import cast

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType

from lakehouse.cdc import sequences
from lakehouse.tables.bounds import Bound, as_place, bound_of, place_type, to_note
from lakehouse.tables.protocol import Snapshot, Table

LONG = LongType()


@dataclass
class Committed:
    """A table that has commits, the newest first, and no rows."""

    commits: list[Snapshot] = field(default_factory=list)

    def snapshots(self, *, limit: int | None = None) -> list[Snapshot]:
        """The newest ones."""
        return list(islice(self.commits, limit))


def commits(*told: tuple[str, str | None], first: int | None = -1) -> Committed:
    """Commits by what made them and what they note, the newest first; `first`: what the oldest was made upon."""
    parents = [*range(1, len(told)), first]
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Committed(
        [
            Snapshot(version=number, committed_at=at, operation=operation, newest=newest, parent=parent)
            for number, ((operation, newest), parent) in enumerate(zip(told, parents, strict=True))
        ]
    )


def known(*tables: Committed) -> Bound | None:
    """What the commits of some tables say."""
    return bound_of(cast("tuple[Table, ...]", tables), LONG)


@pytest.mark.parametrize(
    ("sql_type", "ordered"),
    [
        ("bigint", ["-9223372036854775808", "-1", "0", "9", "10", "9223372036854775807"]),
        ("decimal(38,2)", ["-999999999999999999999999999999999999.99", "0.10", "9", "10"]),
        ("string", ["", "10", "9", "Z", "a", "é", "\uffff", "\U0001f600"]),
        ("date", ["-4000-01-01", "1582-10-04", "1970-01-01", "2024-02-29", "9999-12-31", "+200000-01-01"]),
        ("timestamp", ["0001-01-01", "1969-12-31 23:59:59.999999", "2024-05-01 00:00:00.000001", "9999-12-31", "+20000-01-01"]),
    ],
)  # fmt: skip
def test_places_are_in_the_order_of_sequences(spark: SparkSession, sql_type: str, ordered: list[str]) -> None:
    """Each is before the next and not before itself, in Spark and here, also within a struct, and comes back from its note."""
    texts = spark.createDataFrame([(number, text) for number, text in enumerate(ordered)], "number int, text string")
    typed = texts.select("number", F.col("text").cast(sql_type).alias("at"))
    both = typed.select("number", "at", F.struct(F.lit(None).cast("int").alias("a"), "at").alias("inner"))
    assert [row.number for row in both.orderBy("at").select("number").collect()] == list(range(len(ordered)))
    for column in ("at", "inner"):
        data_type = both.schema[column].dataType
        kept = place_type(data_type)
        assert kept is not None
        places = [row[0] for row in both.orderBy("number").select(as_place(F.col(column), data_type)).collect()]
        for number, place in enumerate(places):
            bound = Bound(place=place)
            assert [bound.is_before(other) for other in places] == [other > number for other in range(len(places))]
            note = to_note(bound, data_type)
            assert note is not None
            again = Bound(place=sequences.from_text(note, kept))
            assert [again.is_before(other) for other in places] == [other > number for other in range(len(places))]


def test_nulls_in_a_struct_come_first() -> None:
    """As Spark orders them."""
    assert Bound(place=(None, 5)).is_before((1, 0))
    assert Bound(place=(1, None)).is_before((1, 0))
    assert not Bound(place=(1, 0)).is_before((1, None))


@pytest.mark.parametrize(
    "sql_type", ["double", "binary", "boolean", "timestamp_ntz", "array<int>", "struct<a:int,b:double>"]
)
def test_of_some_types_nothing_is_noted(spark: SparkSession, sql_type: str) -> None:
    """Those that Python would order otherwise, or that hold one."""
    data_type = spark.createDataFrame([], f"at {sql_type}").schema["at"].dataType
    assert place_type(data_type) is None
    assert to_note(Bound(place=1), data_type) is None
    assert bound_of([], data_type) is None


def test_a_long_text_is_not_noted() -> None:
    """A commit carries some hundred characters."""
    assert to_note(Bound(place="x" * 400), StringType()) is not None
    assert to_note(Bound(place="x" * 600), StringType()) is None
    assert to_note(None, StringType()) is None
    assert to_note(Bound(), StringType()) is None


def test_a_bound_only_grows() -> None:
    """What came later and is older leaves it."""
    assert Bound().is_before(-5)
    assert Bound().and_up_to(3) == Bound(place=3)
    assert Bound(place=3).and_up_to(2) == Bound(place=3)
    assert Bound(place=Decimal("0.1")).and_up_to(Decimal("0.2")) == Bound(place=Decimal("0.2"))


def test_the_newest_note_counts_unless_rows_came_after_it() -> None:
    """Commits that add none are passed over; after one of somebody else that may have, nobody knows."""
    assert known(commits(("MERGE", '"7"'), ("WRITE", None))) == Bound(place=7)
    assert known(commits(("OPTIMIZE", None), ("RESTORE", None), ("DELETE", None), ("MERGE", '"7"'))) == Bound(place=7)
    assert known(commits(("replace", None), ("delete", None), ("overwrite", '"7"'))) == Bound(place=7)
    for operation in ("WRITE", "MERGE", "UPDATE", "STREAMING UPDATE", "append", "overwrite", "whatever comes"):
        assert known(commits((operation, None), ("MERGE", '"7"'))) is None
    assert known(commits(*[("OPTIMIZE", None)] * 40, ("MERGE", '"7"'))) is None


def test_a_table_without_rows_is_before_everything() -> None:
    """If its first version is known; else rows may have come before those that are."""
    assert known(Committed()) == Bound()
    assert known(commits(("SET TBLPROPERTIES", None), ("CREATE TABLE", None))) == Bound()
    assert known(commits(("delete", None), first=None)) == Bound()
    assert known(commits(("SET TBLPROPERTIES", None), ("CREATE TABLE", None), first=4)) is None


def test_of_two_tables_the_one_that_came_further_counts() -> None:
    """And if nothing is known of one, nothing is of both."""
    one, two = commits(("MERGE", '"7"')), commits(("MERGE", '"10"'))
    assert known(one, two) == known(two, one) == Bound(place=10)
    assert known(one, Committed()) == Bound(place=7)
    assert known(one, commits(("WRITE", None))) is None
