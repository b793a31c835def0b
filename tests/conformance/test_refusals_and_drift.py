"""The decision table of change data capture, where it is about what a merge refuses, remembers, evolves and survives."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import DataFrame, SparkSession
from shares import shared

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.history import versions
from lakehouse.cdc.history_checks import check_history
from lakehouse.columns import VALID_FROM, VALID_TO
from lakehouse.errors import CommitConflictError, ConfigError, IncompatibleSchemaError, InvalidChangesError
from lakehouse.tables import Table, TableRef, open_table
from lakehouse.tables.compaction import compact_history, too_late, vacuum_tombstones
from lakehouse.tables.memory import recall
from lakehouse.tables.merging import merge_current, merge_history

SPEC = ChangeSpec(keys="id")
LOG = "id long, v string, _op string, _sequence long"
Log = Callable[..., DataFrame]


@pytest.fixture(params=[shared("delta"), shared("iceberg")])
def new_table(
    request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Table]:
    """Makes tables that are not there yet, in each format."""

    def make() -> Table:
        name = f"t_{uuid4().hex}"
        if request.param == "iceberg":
            return open_table(spark, TableRef(format="iceberg", name=f"lake.drift.{name}"))
        return open_table(spark, TableRef(format="delta", path=str(tmp_path_factory.mktemp("delta") / name)))

    return make


@pytest.fixture
def any_table(spark: SparkSession) -> Callable[[], Table]:
    """Makes tables of one format, for what is decided before a format comes into it."""
    return lambda: open_table(spark, TableRef(format="iceberg", name=f"lake.drift.t_{uuid4().hex}"))


@pytest.fixture
def log(spark: SparkSession) -> Log:
    """Makes change logs: (id, v, operation, sequence); `u`, `d` and `t` are upsert, delete and truncate."""
    operations = {"u": "upsert", "d": "delete", "t": "truncate"}

    def make(*rows: tuple[Any, ...], schema: str = LOG) -> DataFrame:
        return spark.createDataFrame([(*row[:-2], operations.get(row[-2], row[-2]), row[-1]) for row in rows], schema)

    return make


def shown(table: Table, *columns: str) -> list[tuple[Any, ...]]:
    """The versions in order: the columns (default: id, v), from, to."""
    wanted = columns or ("id", "v")
    rows = versions(table.read()).select(*wanted, VALID_FROM, VALID_TO).orderBy(wanted[0], VALID_FROM).collect()
    return [tuple(row) for row in rows]


def current(table: Table, *columns: str) -> list[tuple[Any, ...]]:
    """The rows in order: the columns (default: id, v)."""
    return sorted((tuple(row) for row in table.read().select(*(columns or ("id", "v"))).collect()), key=repr)


class Behind:
    """A table in front of another one, of which one merge does something else first."""

    def __init__(self, table: Table, before: Callable[[], None], *, on: int = 1) -> None:
        """`before` runs ahead of the merge number `on`; what it raises, the merge raises."""
        self._table, self._before, self._on, self._merges = table, before, on, 0

    def __getattr__(self, name: str) -> Any:
        """Everything else is the table's own."""
        return getattr(self._table, name)

    def merge(self, *arguments: Any, **options: Any) -> Any:
        """Merge, or fail first."""
        self._merges += 1
        if self._merges == self._on:
            self._before()
        return self._table.merge(*arguments, **options)


def test_row_12_null_keys_and_sequences_fail_before_any_write(any_table: Callable[[], Table], log: Log) -> None:
    """A batch with a null key, a null sequence or an unknown operation is refused with their numbers; nothing is written."""
    table = any_table()
    merge_history(table, log((1, "a", "u", 1)), SPEC)
    commits = len(table.snapshots())
    bad = log((None, "x", "u", 2), (2, "x", "u", None), (3, "x", "merge", 2), (4, "x", "u", 2))
    with pytest.raises(InvalidChangesError, match=r"1 rows without a key; 1 rows without a sequence; 1 rows whose _op"):
        merge_history(table, bad, SPEC)
    assert len(table.snapshots()) == commits


def test_row_14_values_are_compared_by_value(any_table: Callable[[], Table], log: Log) -> None:
    """NaN equals NaN, 0.0 equals -0.0, and 1.0 is the decimal 1.00: no new version."""
    table = any_table()
    schema = "id long, x double, n decimal(9,2), _op string, _sequence long"
    first = log((1, math.nan, Decimal("1.0"), "u", 1), (2, 0.0, None, "u", 1), schema=schema)
    second = log((1, math.nan, Decimal("1.00"), "u", 2), (2, -0.0, None, "u", 2), schema=schema)
    merge_history(table, first, SPEC)
    merge_history(table, second, SPEC)
    assert [row[-2:] for row in shown(table, "id", "x")] == [(1, None), (1, None)]


def test_row_15_text_is_no_sequence_unless_asked_for(any_table: Callable[[], Table], log: Log) -> None:
    """Text as a sequence is refused with the reason, and merged in text order when the spec says so; a map never is."""
    table = any_table()
    changes = log(
        (1, "a", "u", "00010"), (1, "b", "u", "00009"), schema="id long, v string, _op string, _sequence string"
    )
    with pytest.raises(InvalidChangesError, match="orders '10' before '9'"):
        merge_current(table, changes, SPEC)
    merge_current(table, changes, ChangeSpec(keys="id", text_sequence=True))
    assert current(table) == [(1, "a")]
    by_map = log((1, "a", "u", {"x": 1}), schema="id long, v string, _op string, _sequence map<string,int>")
    with pytest.raises(InvalidChangesError, match="map, which has no order"):
        merge_current(any_table(), by_map, SPEC)


def test_row_16_maps_are_compared_by_their_entries(any_table: Callable[[], Table], log: Log) -> None:
    """A tracked map opens a version when an entry changes, and not when only the order of its entries does."""
    table = any_table()
    schema = "id long, m map<string,int>, _op string, _sequence long"
    merge_history(table, log((1, {"a": 1, "b": 2}, "u", 1), schema=schema), SPEC)
    merge_history(table, log((1, {"b": 2, "a": 1}, "u", 2), (1, {"a": 1, "b": 3}, "u", 3), schema=schema), SPEC)
    assert [row[-2:] for row in shown(table, "id", "m")] == [(1, 3), (3, None)]


def test_rows_19_and_20_truncates(new_table: Callable[[], Table], log: Log) -> None:
    """A truncate is refused by default; applied, it deletes what is older, for keys known and yet to come, and only that."""
    history, rows = new_table(), new_table()
    batches = [
        log((1, "a", "u", 1), (2, "b", "u", 1), (3, "c", "u", 9)),
        log((None, None, "t", 5), (2, "d", "u", 7)),
        log((4, "late", "u", 3), (5, "at", "u", 5), (6, "new", "u", 6)),
    ]
    for table, merge in ((history, merge_history), (rows, merge_current)):
        merge(table, batches[0], SPEC)
        with pytest.raises(InvalidChangesError, match='1 truncate events, which on_truncate="fail" refuses'):
            merge(table, batches[1], SPEC)
        applying = ChangeSpec(keys="id", on_truncate="apply")
        results = [merge(table, batch, applying) for batch in batches[1:]]
        assert [(r.input, r.applied) for r in results] == [(2, 2), (3, 3)]
        assert merge(table, batches[1], applying).commit is None
    assert shown(history) == [
        (1, "a", 1, 5), (2, "b", 1, 5), (2, "d", 7, None), (3, "c", 9, None), (4, "late", 3, 5), (5, "at", 5, None),
        (6, "new", 6, None),
    ]  # fmt: skip
    assert current(rows) == [(2, "d"), (3, "c"), (5, "at"), (6, "new")]
    assert check_history(history.read(), SPEC).isEmpty()


def test_row_28_tracked_columns_are_columns(any_table: Callable[[], Table], log: Log) -> None:
    """A tracked key and a tracked column that is not there are errors; an empty list tracks nothing."""
    changes = log((1, "a", "u", 1), (1, "b", "u", 2))
    with pytest.raises(ConfigError, match="a key never changes: id"):
        merge_history(any_table(), changes, ChangeSpec(keys="id", track=["id"]))
    with pytest.raises(ValueError, match="lacks w"):
        merge_history(any_table(), changes, ChangeSpec(keys="id", track=["w"]))
    table = any_table()
    merge_history(table, changes, ChangeSpec(keys="id", track=[]))
    assert shown(table) == [(1, "b", 1, None)]


def test_rows_29_to_31_schema_drift(new_table: Callable[[], Table], log: Log) -> None:
    """New columns and wider types are refused, or taken over on request; what is missing is null, what is narrower fits."""
    history, rows = new_table(), new_table()
    old = "id long, n int, _op string, _sequence long"
    wide = "id long, n long, extra string, _op string, _sequence long"
    evolving = ChangeSpec(keys="id", evolve=True)
    for table, merge in ((history, merge_history), (rows, merge_current)):
        merge(table, log((1, 1, "u", 1), (2, 2, "u", 1), schema=old), SPEC)
        with pytest.raises(IncompatibleSchemaError, match=r"lacks columns of the changes: extra string.*evolve=True"):
            merge(table, log((1, 1 << 40, "x", "u", 2), schema=wide), SPEC)
        merge(table, log((1, 1 << 40, "x", "u", 2), schema=wide), evolving)
        merge(table, log((2, 3, "u", 3), schema=old), evolving)
        with pytest.raises(IncompatibleSchemaError, match="n bigint, the changes bring string"):
            merge(table, log((1, "1", "u", 9), schema="id long, n string, _op string, _sequence long"), evolving)
    assert shown(history, "id", "n", "extra") == [
        (1, 1, None, 1, 2), (1, 1 << 40, "x", 2, None), (2, 2, None, 1, 3), (2, 3, None, 3, None),
    ]  # fmt: skip
    assert current(rows, "id", "n", "extra") == [(1, 1 << 40, "x"), (2, 3, None)]


def test_row_32_names_that_differ_in_case_alone_are_refused(any_table: Callable[[], Table], log: Log) -> None:
    """Two columns that only letter case tells apart are refused by name, since catalogs fold case."""
    with pytest.raises(InvalidChangesError, match="differ in letter case alone: V, v"):
        merge_history(
            any_table(),
            log((1, "a", "b", "u", 1), schema="id long, v string, V string, _op string, _sequence long"),
            SPEC,
        )


def test_row_34_reserved_names_are_refused(any_table: Callable[[], Table], log: Log) -> None:
    """A source column whose name the library keeps for itself is refused by name, before a table is made."""
    changes = log((1, "a", True, "u", 1), schema="id long, v string, _is_current boolean, _op string, _sequence long")
    table = any_table()
    with pytest.raises(InvalidChangesError, match="_is_current"):
        merge_history(table, changes, SPEC)
    assert not table.exists()


@pytest.mark.parametrize(
    ("spec", "schema", "told"),
    [
        (ChangeSpec(keys=["id", "v"]), LOG, "lakehouse.keys"),
        (ChangeSpec(keys="id", track=[]), LOG, "lakehouse.track"),
        (SPEC, "id long, v string, _op string, _sequence int", "lakehouse.sequence"),
    ],
)
def test_row_35_settings_do_not_drift(
    any_table: Callable[[], Table], log: Log, spec: ChangeSpec, schema: str, told: str
) -> None:
    """Other keys, tracked columns or another type of the sequence are refused, and the table stays as it is."""
    table = any_table()
    merge_history(table, log((1, "a", "u", 1)), SPEC)
    commits = len(table.snapshots())
    with pytest.raises(IncompatibleSchemaError, match=told):
        merge_history(table, log((1, "b", "u", 2), schema=schema), spec)
    with pytest.raises(IncompatibleSchemaError, match="no current table"):
        merge_current(table, log((1, "b", "u", 2)), ChangeSpec(keys="id", deletes="soft"))
    assert len(table.snapshots()) == commits
    assert shown(table) == [(1, "a", 1, None)]


def test_row_36_an_empty_batch_does_nothing(new_table: Callable[[], Table], log: Log) -> None:
    """An empty batch makes the table, reports zeros, and commits nothing to a table that is there."""
    table = new_table()
    assert merge_history(table, log(), SPEC).commit is None
    commits = len(table.snapshots())
    result = merge_history(table, log(), SPEC)
    assert (result.input, result.inserted, result.commit) == (0, 0, None)
    assert len(table.snapshots()) == commits


def test_row_37_a_crash_between_tombstones_and_rows_is_healed_by_a_retry(
    new_table: Callable[[], Table], log: Log
) -> None:
    """A merge that dies after its tombstones were written, and is run again, leaves what one that lived would have."""
    table = new_table()
    merge_current(table, log((1, "a", "u", 1), (2, "b", "u", 1)), SPEC)
    batch = log((1, None, "d", 3), (2, "c", "u", 3), (3, None, "d", 5))

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge_current(Behind(table, die), batch, SPEC)
    assert current(table) == [(1, "a"), (2, "b")]
    merge_current(table, log((1, "late", "u", 2), (3, "late", "u", 2)), SPEC)
    merge_current(table, batch, SPEC)
    assert current(table) == [(2, "c")]


def test_a_table_without_deletes_has_no_companion(new_table: Callable[[], Table], log: Log) -> None:
    """Tombstones are kept from the first delete on, also one of a key that nobody knows, and not before."""
    table = new_table()
    tombstones = table.sibling("__tombstones")
    merge_current(table, log((1, "a", "u", 1), (2, "b", "u", 1)), SPEC)
    assert vacuum_tombstones(table, older_than=0).commit is None
    assert not tombstones.exists()
    result = merge_current(table, log((3, None, "d", 5)), SPEC)
    assert (result.applied, result.commit) == (1, None)
    assert tombstones.read().collect() == [(3, 5)]
    assert merge_current(table, log((3, "late", "u", 4)), SPEC).late == 1
    assert current(table) == [(1, "a"), (2, "b")]


def test_row_41_forgotten_tombstones_bring_nothing_back(new_table: Callable[[], Table], log: Log) -> None:
    """After a vacuum events before the horizon are set aside and counted; those behind it count as ever."""
    table = new_table()
    merge_current(table, log((1, "a", "u", 1), (1, None, "d", 4), (2, "b", "u", 2), (3, None, "d", 9)), SPEC)
    assert vacuum_tombstones(table, older_than=5).deleted == 1
    late = log((1, "zombie", "u", 3), (2, "c", "u", 6), (3, "zombie", "u", 7))
    assert [tuple(row) for row in too_late(table, late).select("id").collect()] == [(1,)]  # type: ignore[union-attr]
    result = merge_current(table, late, SPEC)
    assert (result.input, result.quarantined, result.applied) == (3, 1, 2)
    assert current(table) == [(2, "c")]
    assert vacuum_tombstones(table, older_than=2).commit is None, "a horizon never moves back"
    assert recall(table).horizon == '"5"'


def test_a_compacted_history_says_the_same_and_takes_events_behind_the_horizon(
    new_table: Callable[[], Table], log: Log
) -> None:
    """Rows that no query shows go; versions stay; an event behind the horizon splits a run that reaches over it rightly."""
    table, whole = new_table(), new_table()
    before = log(
        (1, "a", "u", 1), (1, "a", "u", 2), (1, "a", "u", 3), (1, None, "d", 4), (1, "a", "u", 6),
        (2, "b", "u", 1), (2, "b", "u", 3), (2, "b", "u", 12),
        (3, "c", "u", 1), (3, None, "d", 2),
    )  # fmt: skip
    after = log((2, "x", "u", 11), (1, "y", "u", 10), (3, "z", "u", 15))
    for each in (table, whole):
        merge_history(each, before, SPEC)
    seen = shown(table)
    removed = compact_history(table, older_than=10)
    assert removed.deleted == 4  # two absorbed events and the delete of 1, the delete of 3
    assert shown(table) == seen
    assert compact_history(table, older_than=10).commit is None
    for each in (table, whole):
        merge_history(each, after, SPEC)
    assert shown(table) == shown(whole) == [
        (1, "a", 1, 4), (1, "a", 6, 10), (1, "y", 10, None),
        (2, "b", 1, 11), (2, "x", 11, 12), (2, "b", 12, None),
        (3, "c", 1, 2), (3, "z", 15, None),
    ]  # fmt: skip
    assert check_history(table.read(), SPEC, horizon=recall(table).horizon_literal).isEmpty()
    refused = merge_history(table, log((2, "old", "u", 9)), SPEC)
    assert (refused.input, refused.quarantined, refused.commit) == (1, 1, None)


def test_row_50_the_slower_of_two_writers_reads_again(new_table: Callable[[], Table], log: Log) -> None:
    """A merge that meets the commit of another writer folds again on what that one wrote."""
    table = new_table()
    merge_history(table, log((1, "a", "u", 1)), SPEC)

    def overtake() -> None:
        merge_history(table, log((1, "b", "u", 5)), SPEC)
        msg = "the other one was faster"
        raise CommitConflictError(msg)

    merge_history(Behind(table, overtake), log((1, "c", "u", 3)), SPEC)
    assert shown(table) == [(1, "a", 1, 3), (1, "c", 3, 5), (1, "b", 5, None)]


def test_ties_and_late_events_are_reported(new_table: Callable[[], Table], log: Log) -> None:
    """The report names the keys and places of ties, in the batch and against the table, and of late events, in both kinds."""
    history, rows = new_table(), new_table()
    for table, merge in ((history, merge_history), (rows, merge_current)):
        merge(table, log((1, "a", "u", 5), (2, "a", "u", 5), (3, "a", "u", 5)), SPEC)
        result = merge(
            table,
            log((1, "b", "u", 5), (2, "late", "u", 3), (4, "p", "u", 7), (4, "q", "u", 7), (3, "c", "u", 6)),
            SPEC,
        )
        report = result.report()
        assert report is not None
        found = {(r["id"], r["_sequence"], r["_kind"], len(r["_lost_hashes"])) for r in report.collect()}
        assert found == {(1, 5, "tie", 1), (4, 7, "tie", 1), (2, 3, "late", 0)}
    with pytest.raises(InvalidChangesError, match="different rival"):
        merge_history(history, log((1, "z", "u", 5)), ChangeSpec(keys="id", on_tie="fail"))
