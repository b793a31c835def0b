"""The decision table of change data capture, where a feed decides: what each row of it makes of a record."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.cdc.feeds import dms_s3, dms_stream, maxwell, wal2json
from lakehouse.cdc.parsing import parse_changes
from lakehouse.columns import FILE, TABLE

SCHEMA = StructType([StructField("id", LongType()), StructField("v", StringType())])
LSN = {"lsn": "0/10", "schema": "public", "table": "t"}
POSTGRESQL = {"connector": "postgresql", "schema": "public", "table": "t", "lsn": 16, "snapshot": "false", "ts_ms": 0}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One record of a feed and what must become of it.

    Attributes:
        rows: the rows of the decision table it is an example of.
        record: as it arrives.
        becomes: (operation, id, v, provided) of each change, deletes first; or the kind of what is skipped, or the reason
            of what is rejected.
    """

    rows: str
    record: Any
    becomes: list[tuple[Any, ...]] | str


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A feed and its decisions."""

    decisions: list[Decision]
    options: dict[str, Any] = field(default_factory=dict)


def cells(**values: Any) -> list[dict[str, Any]]:
    """Columns as wal2json lists them."""
    return [{"name": name, "type": "text", "value": value} for name, value in values.items()]


FEEDS = {
    "columns": Feed(
        options={"form": "json", "sequence": {"at": "bigint"}, "op_column": "op"},
        decisions=[
            Decision(rows="row 13: a null operation is an upsert", record={"at": 1, "op": None, "id": 1, "v": "a"},
                     becomes=[("upsert", 1, "a", None)]),
            Decision(rows="row 27: control columns and columns that are not asked for are not data",
                     record={"at": 2, "op": "U", "id": 1, "v": "b", "extra": "x"}, becomes=[("upsert", 1, "b", None)]),
            Decision(rows="row 12: a null key", record={"at": 2, "op": "U", "id": None, "v": "b"}, becomes="missing_key"),
            Decision(rows="row 12: a null sequence", record={"at": None, "op": "U", "id": 1}, becomes="missing_sequence"),
        ],
    ),
    "wal2json": Feed(
        decisions=[
            Decision(rows="row 23: a column that the update does not carry is unchanged",
                     record={"action": "U", **LSN, "columns": cells(id=1), "identity": cells(id=1)},
                     becomes=[("upsert", 1, None, ["id"])]),
            Decision(rows="row 25: another key in the before image is a delete and an upsert at one place",
                     record={"action": "U", **LSN, "columns": cells(id=2, v="a"), "identity": cells(id=1)},
                     becomes=[("delete", 1, None, None), ("upsert", 2, "a", None)]),
            Decision(rows="row 26: without a before image a change of key cannot be seen",
                     record={"action": "U", **LSN, "columns": cells(id=2, v="a")}, becomes=[("upsert", 2, "a", None)]),
            Decision(rows="row 42: transaction frames", record={"action": "B", "lsn": "0/10"}, becomes="transaction"),
            Decision(rows="row 44: a delete without a key", record={"action": "D", **LSN, "identity": cells(v="a")},
                     becomes="missing_key"),
            Decision(rows="row 46: a message that is cut off", record='{"action":"I","lsn":', becomes="malformed"),
        ],
    ),
    "debezium": Feed(
        decisions=[
            Decision(rows="row 24: the marker of an unavailable value is not stored",
                     record={"op": "u", "before": None, "after": {"id": 1, "v": "__debezium_unavailable_value"}, "source": POSTGRESQL},
                     becomes=[("upsert", 1, None, ["id"])]),
            Decision(rows="row 39: rows of a snapshot", record={"op": "r", "after": {"id": 1, "v": "a"}, "source": POSTGRESQL},
                     becomes=[("upsert", 1, "a", None)]),
            Decision(rows="row 43: a tombstone", record={"topic": "shop.public.t", "key": '{"id": 1}', "value": None},
                     becomes="tombstone"),
            Decision(rows="row 42: a heartbeat", record={"topic": "__debezium-heartbeat.shop", "value": '{"ts_ms": 1}'},
                     becomes="heartbeat"),
        ],
    ),
    "maxwell": Feed(
        decisions=[
            Decision(rows="row 42: a change of the table's definition", record={"type": "table-alter", "database": "d", "table": "t"},
                     becomes="ddl"),
            Decision(rows="row 48: what was before an update only serves to see a change of key",
                     record={"type": "update", "database": "d", "table": "t", "ts": 1, "xid": 5, "commit": True,
                             "data": {"id": 1, "v": "b"}, "old": {"v": "a"}},
                     becomes=[("upsert", 1, "b", None)]),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("feed", FEEDS)
def test_each_row_of_the_table(text_rows: Callable[..., DataFrame], outcomes: Any, feed: str) -> None:
    """Each record becomes the changes, the skipped frame or the rejected row that its row of the table asks for."""
    told = FEEDS[feed]
    records = [d.record if isinstance(d.record, str) else json.dumps(d.record) for d in told.decisions]
    parsed = parse_changes(text_rows(records), feed=feed, schema=SCHEMA, keys="id", **told.options)
    found = outcomes(parsed)
    assert len(found) == len(records)
    for place, decision in enumerate(told.decisions):
        outcome = found[place]
        if isinstance(decision.becomes, str):
            assert outcome[0] == decision.becomes, decision.rows
        else:
            changes = [(row["_op"], row["id"], row["v"], row["_provided"]) for row in outcome]
            assert changes == decision.becomes, decision.rows


def test_row_39_a_full_load_ranks_below_every_change(text_rows: Callable[..., DataFrame], outcomes: Any) -> None:
    """A row of a full load comes before a change of the same key, whatever the time of the transfer says."""
    records = [
        ",2026-11-24 10:00:00.000000,,1,loaded",
        "U,2026-01-01 10:00:00.000000,20260101100000000000000000000000001,1,changed",
    ]
    rows = text_rows(records, header="Op,at,ar_h_change_seq,id,v").withColumn(
        FILE, F.when(F.col("_row") == 0, "s3://b/public/t/LOAD00000001.csv").otherwise("s3://b/public/t/20260101.csv")
    )
    parsed = parse_changes(rows, feed="dms-s3", schema=SCHEMA, keys="id", timestamp_column="at")
    loaded, changed = (outcome[0] for outcome in (outcomes(parsed)[place] for place in (0, 1)))
    assert (loaded["v"], changed["v"]) == ("loaded", "changed")
    assert loaded["_sequence"] < changed["_sequence"]


def test_row_45_a_message_of_another_table_is_skipped(text_rows: Callable[..., DataFrame], outcomes: Any) -> None:
    """Of a stream of several tables, those of others are skipped as such, and text that names none is rejected."""
    message = {"action": "I", **LSN, "columns": cells(id=1, v="a")}
    rows = text_rows([json.dumps(message), json.dumps(message | {"table": "u"}), "?"])
    routed = rows.selectExpr("*", f"CASE _row WHEN 0 THEN 'public.t' WHEN 1 THEN 'public.u' END AS {TABLE}")
    found = outcomes(parse_changes(routed, feed="wal2json", schema=SCHEMA, keys="id", table="public.t"))
    assert found[0][0]["id"] == 1
    assert found[1] == ("other_table",)
    assert found[2][0] == "malformed"


@pytest.mark.parametrize(
    "feed", [dms_s3, dms_stream, maxwell, wal2json], ids=lambda feed: feed.__name__.rpartition(".")[2]
)
def test_rows_21_and_26_every_feed_says_what_it_cannot_tell(feed: Any) -> None:
    """The page of each feed says what marks an operation, what orders, what an absent column means and what is missing."""
    for subject in ("operation", "order", "an absent column", "key change", "cannot be told"):
        assert f"| {subject} |" in feed.__doc__
