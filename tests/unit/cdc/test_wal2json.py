"""wal2json, both format versions: the recorded stream against the server's own log, and every action and fault."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import feed_samples
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    DecimalType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
)
from recorded_shop import SHOP

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.parsing import check_options, parse_changes, route, split_changes
from lakehouse.errors import ConfigError

SCHEMA = StructType(
    [
        StructField("id", LongType()),
        StructField("amount", DecimalType(38, 2)),
        StructField("ratio", DoubleType()),
        StructField("note", StringType()),
    ]
)
LAST = 2147483647
FRAMES = 2 * 1496  # B and C of the 1,495 transactions with row changes and of the ALTER TABLE


def message(action: str, columns: Any = None, identity: Any = None, **told: Any) -> str:
    """One message about public.t; what is given as None is left out."""

    def cells(values: Any) -> Any:
        return None if values is None else [{"name": k, "type": "any", "value": v} for k, v in values.items()]

    body = {
        "action": action,
        "timestamp": "2026-11-24 03:35:44.644718+00",
        "lsn": "0/1A05B40",
        "schema": "public",
        "table": "t",
        "columns": cells(columns),
        "identity": cells(identity),
    } | told
    return json.dumps({k: v for k, v in body.items() if v is not None})


def parsed(bronze: DataFrame, **told: Any) -> ParsedChanges:
    """What the feed makes of the rows."""
    return parse_changes(bronze, feed="wal2json", schema=SCHEMA, keys="id", **told)


def recorded(spark: SparkSession, path: str) -> DataFrame:
    """Bronze rows of the recorded stream."""
    row = F.monotonically_increasing_id().alias("_row")
    lines = spark.read.text(path).select(F.col("value").alias("_raw"), F.lit(path).alias("_source_file"), row)
    return lines.withColumn("_table", route("wal2json"))


def test_every_recorded_change_is_the_one_the_server_made(spark: SparkSession, shop: Any) -> None:
    """What the stream tells is what the trigger saw; what it leaves out is what the server did not change."""
    bronze = recorded(spark, shop.path("wal2json", "shop.jsonl.gz"))
    result = parse_changes(bronze, feed="wal2json", schema=shop.schema, keys=shop.keys, table=f"public.{shop.name}")
    actual = shop.actual(result.changes)
    expected = {place: row for place, row in shop.expected().items() if place[0] > 0}  # no full load in this feed
    assert actual.keys() == expected.keys()
    assert {place: {name: told[name] for name in actual[place]} for place, told in expected.items()} == actual
    left_out = {(place, name) for place, row in expected.items() for name in row.keys() - actual[place].keys()}
    names = {name for _, name in left_out}
    assert names == {"customers": {"loyalty_tier"}, "products": {"attributes", "description"}}.get(shop.name, set())
    if shop.name == "products":
        assert len({place for place, _ in left_out}) == 37
    assert result.rejected.collect() == []
    kinds = {row["_kind"]: row["count"] for row in result.skipped.groupBy("_kind").count().collect()}
    # Frames name no table, so they are told apart before tables are.
    assert kinds["transaction"] == FRAMES
    assert kinds.keys() == {"transaction", "other_table"}


def test_a_message_of_every_action_and_every_fault(text_rows: Any, outcomes: Any) -> None:
    """Each message becomes its changes, is skipped by kind, or is set aside with a reason that never quotes a value."""
    whole = {"id": 7, "amount": 1.10, "ratio": None, "note": ""}
    line = json.dumps({"lsn": "1/10", "xid": 7, "data": message("I", whole, lsn=None)})
    messages = [
        message("I", whole),
        message("I", {"id": 7}),
        message("U", {"id": 7, "amount": 1.10}, {"id": 7}),
        message("U", {"id": 7, "amount": 1.10, "ratio": 2}, {"id": 7, "amount": 1, "note": "out of line"}),
        message("U", whole, {"id": 8}),
        message("D", None, {"id": 7, "note": "old"}),
        message("T"),
        line,
        message("B", schema=None, table=None),
        message("C", schema=None, table=None),
        message("M", schema=None, table=None, content="hello"),
        message("X", whole),
        message("I", {"amount": 1}),
        message("I", whole, lsn=None),
        message("I", whole, lsn="16/B374D848/1"),
        message("I", {"id": "seven", "amount": 1.005}, timestamp="never"),
        message("U"),
        message("D"),
        '{"change":[]}',
        "not json",
        json.dumps({"lsn": "0/1", "data": "not json"}),
        "[]",
    ]
    row = {
        "id": 7, "amount": Decimal("1.10"), "ratio": None, "note": "", "_op": "upsert", "_sequence": 0x1A05B40,
        "_provided": None, "_event_time": datetime.fromisoformat("2026-11-24 03:35:44.644718"),
    }  # fmt: skip
    nothing = dict.fromkeys(("amount", "ratio", "note"))
    gone = row | nothing | {"_op": "delete"}
    odd = ("malformed", "the text is not one JSON object of the form of wal2json messages")
    assert outcomes(parsed(text_rows(messages))) == {
        0: [row],
        1: [row | nothing],
        2: [row | {"note": None, "_provided": ["id", "amount"]}],
        3: [row | {"ratio": 2.0, "note": "out of line"}],
        4: [gone | {"id": 8}, row],
        5: [gone],
        6: [gone | {"id": None, "_op": "truncate"}],
        7: [row | {"_sequence": (1 << 32) + 16}],
        8: ("transaction",),
        9: ("transaction",),
        10: ("message",),
        11: ("unknown_operation", "action is none of I, U, D, T, B, C, M"),
        12: ("missing_key", "no value for key id"),
        13: ("missing_sequence", "no sequence"),
        14: ("bad_value", "lsn is no log address (hi/lo in hex)"),
        15: ("bad_value", "timestamp is no timestamp; id is no bigint; amount is no decimal(38,2)"),
        16: ("malformed", "the message has no columns"),
        17: ("malformed", "the message has no identity"),
        18: ("malformed", "the message has no action; for format version 1 set the option format_version to 1"),
        19: odd,
        20: odd,
        21: odd,
    }


def test_no_digit_is_lost(text_rows: Any, outcomes: Any) -> None:
    """Decimals of 38 digits, integers beyond 2^53, and JSON inside a text stay as written."""
    amount = "123456789012345678901234567890123456.78"
    text = message("I", {"id": 0, "amount": -1, "ratio": 1e-300, "note": '{"a": 1.50, "b": [1e3]}'})
    exact = text.replace('"value": 0', '"value": 9007199254740993').replace('"value": -1', f'"value": {amount}')
    assert outcomes(parsed(text_rows([exact])))[0][0].items() >= {
        "id": 9007199254740993, "amount": Decimal(amount), "ratio": 1e-300, "note": '{"a": 1.50, "b": [1e3]}',
    }.items()  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "table"),
    [
        (message("I", {"id": 1}), "public.t"),
        (message("T"), "public.t"),
        (json.dumps({"lsn": "0/1", "data": message("D", None, {"id": 1})}), "public.t"),
        (message("B", schema=None, table=None), None),
        (json.dumps({"lsn": "0/1", "data": "not json"}), None),
        ("{}", None),
        ("not json", None),
        (None, None),
    ],
)
def test_the_table_is_in_the_message(spark: SparkSession, raw: str | None, table: str | None) -> None:
    """The route of a change is its schema and table, also from the line around it; frames have none."""
    frame = spark.createDataFrame([(raw,)], "_raw STRING")
    assert frame.select(route("wal2json")).collect()[0][0] == table


def change(kind: str, columns: Any = None, old: Any = None, **told: Any) -> dict[str, Any]:
    """One change of a transaction of format version 1, of public.t; what is given as None is left out."""
    body: dict[str, Any] = {"kind": kind, "schema": "public", "table": "t"}
    if columns is not None:
        body |= {"columnnames": [*columns], "columnvalues": [*columns.values()]}
    if old is not None:
        body["oldkeys"] = {"keynames": [*old], "keyvalues": [*old.values()]}
    return {k: v for k, v in (body | told).items() if v is not None}


def transaction(*changes: Any, **told: Any) -> str:
    """One document of format version 1; what is given as None is left out."""
    body = {"xid": 7, "nextlsn": "0/20", "timestamp": "2026-11-24 03:35:44.644718+00", "change": [*changes]} | told
    return json.dumps({k: v for k, v in body.items() if v is not None})


def line(data: str, lsn: str) -> str:
    """A line of the SQL functions."""
    return json.dumps({"lsn": lsn, "xid": 7, "data": data})


Written = tuple[list[str], list[tuple[int, int]]]
"""Lines of a stream, and for each change the sequence that they give it."""


def with_nextlsn(changes: Sequence[Any], _: Sequence[str], end: str) -> Written:
    """A document that says where it ends (`include-lsn`)."""
    return [transaction(*changes, nextlsn=end)], [(address(end), place) for place in range(len(changes))]


def in_a_line(changes: Sequence[Any], _: Sequence[str], end: str) -> Written:
    """A document in a line that says where it ends."""
    return [line(transaction(*changes, nextlsn=None), end)], [(address(end), place) for place in range(len(changes))]


def with_change_lsn(changes: Sequence[Any], at: Sequence[str], end: str) -> Written:
    """A document whose changes say where they are (`include-change-lsn`)."""
    placed = [told | {"lsn": lsn} for told, lsn in zip(changes, at, strict=True)]
    return [transaction(*placed, nextlsn=end)], [(address(lsn), LAST) for lsn in at]


def in_chunks(changes: Sequence[Any], at: Sequence[str], end: str) -> Written:
    """A document in pieces (`write-in-chunks`), in lines that say where they are."""
    texts = [("," if place else "") + json.dumps(told) for place, told in enumerate(changes)]
    lines = [line('{"xid":7,"change":[', at[0]), *map(line, texts, at), line("]}", end)]
    return lines, [(address(lsn), LAST) for lsn in at]


def address(lsn: str) -> int:
    """The number of a log address."""
    high, low = (int(part, 16) for part in lsn.split("/"))
    return (high << 32) + low


def as_change(told: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded message as a change of format version 1, which leaves nulls out of old keys."""
    kind = {"I": "insert", "U": "update", "D": "delete"}[told["action"]]
    cells = {cell["name"]: cell["value"] for cell in told.get("columns", [])}
    old = {cell["name"]: cell["value"] for cell in told.get("identity", []) if cell["value"] is not None}
    return change(kind, cells or None, old or None, schema=told["schema"], table=told["table"])


@pytest.fixture(scope="module")
def documents() -> tuple[list[str], list[tuple[int, int, int]]]:
    """The recorded stream as documents of format version 1, in turns of every form, and (lsn, place, position) of each change."""
    text = gzip.decompress((SHOP / "wal2json" / "shop.jsonl.gz").read_bytes()).decode()
    lines: list[str] = []
    positions: list[tuple[int, int, int]] = []
    messages: list[dict[str, Any]] = []
    forms = itertools.cycle([with_nextlsn, in_a_line, with_change_lsn, in_chunks])
    for record in text.removesuffix("\n").split("\n"):
        told = json.loads(json.loads(record)["data"], parse_float=str)
        if told["action"] in "IUD":
            messages.append(told)
        elif told["action"] == "C":
            at = [message["lsn"] for message in messages]
            form = next(forms) if messages else with_nextlsn
            written, sequences = form([as_change(message) for message in messages], at, told["nextlsn"])
            lines += written
            positions += [(*sequence, address(lsn)) for sequence, lsn in zip(sequences, at, strict=True)]
            messages = []
    return lines, positions


@pytest.mark.parametrize("shop", ["customers", "products"], indirect=True)
def test_version_1_tells_the_changes_that_the_server_made(spark: SparkSession, shop: Any, documents: Any) -> None:
    """The recorded stream, rendered as transactions, is what the trigger saw, wherever the addresses stand."""
    lines, positions = documents
    rows = [(text, "f", number) for number, text in enumerate(lines)]
    bronze = spark.createDataFrame(rows, "_raw STRING, _source_file STRING, _row BIGINT")
    result = parse_changes(
        bronze, feed="wal2json", schema=shop.schema, keys=shop.keys, table=f"public.{shop.name}", format_version=1
    )
    known = spark.createDataFrame(positions, "lsn BIGINT, place INT, position BIGINT")
    placed = result.changes.select("*", "_sequence.*").join(known, on=["lsn", "place"], how="inner")
    actual = shop.actual(placed.withColumn("_sequence", F.col("position")))
    expected = {place: row for place, row in shop.expected().items() if place[0] > 0}
    assert actual.keys() == expected.keys()
    assert {place: {name: told[name] for name in actual[place]} for place, told in expected.items()} == actual
    assert result.rejected.collect() == []
    kinds = {row["_kind"]: row["count"] for row in result.skipped.groupBy("_kind").count().collect()}
    # The ALTER TABLE is an empty transaction; every fourth of the others has two frames around its chunks.
    assert kinds.pop("transaction") == 1 + 2 * (1495 // 4)
    assert kinds.keys() == {"other_table"}


def test_the_documented_transactions_become_changes(text_rows: Any, outcomes: Any) -> None:
    """Each change of a transaction has its place in it; those of other tables, messages and empty ones are skipped."""
    schema = StructType(
        [StructField("a", LongType()), StructField("b", StringType()), StructField("c", TimestampNTZType())]
    )
    result = parse_changes(
        text_rows(feed_samples.records("wal2json")),
        feed="wal2json",
        schema=schema,
        keys="a",
        table="public.table2_with_pk",
        format_version=1,
    )
    assert feed_samples.written(outcomes(result)) == feed_samples.expected("wal2json")


def test_a_change_of_every_kind_and_every_fault_in_transactions(text_rows: Any, outcomes: Any) -> None:
    """Each change becomes its own row, is skipped by kind, or is set aside with a reason that never quotes a value."""
    whole = {"id": 7, "amount": 1.10, "ratio": None, "note": ""}
    uneven = change("insert", whole) | {"columnvalues": [1]}
    unvalued = change("update", whole, {"id": 7}) | {"columnvalues": None}
    records = [
        transaction(
            change("insert", whole),
            change("update", {"id": 7, "amount": 1.10}, {"id": 7}),
            change("update", whole, {"id": 8}),
            change("update", {"id": 7, "ratio": 2}, {"id": 7, "note": "out of line"}),
            change("delete", None, {"id": 7, "note": "old"}),
            change("message", schema=None, table=None, content="hello"),
            change("truncate"),
            change("insert", {"amount": 1}),
            change("insert", {"id": "seven", "amount": 1.005}),
            change("insert"),
            change("delete"),
            uneven,
            change("insert", whole) | {"kind": None},
            1,
            None,
            unvalued,
        ),
        transaction(change("insert", {"id": 7}), nextlsn=None),
        transaction(change("insert", {"id": 7}), nextlsn="16/B374D848/1", timestamp="never"),
        transaction(),
        message("I", whole),
        '{"xid": 7}',
        line('{"xid":7,"change":[', "0/1"),
        line("]}", "0/1"),
        line(', {"kind":"insert"', "0/1"),
        "not json",
        None,
    ]
    row = {
        "id": 7, "amount": Decimal("1.10"), "ratio": None, "note": "", "_op": "upsert",
        "_sequence": {"lsn": 32, "place": 0}, "_provided": None,
        "_event_time": datetime.fromisoformat("2026-11-24 03:35:44.644718"),
    }  # fmt: skip

    def at(place: int) -> dict[str, Any]:
        return row | {"_sequence": {"lsn": 32, "place": place}}

    nothing = dict.fromkeys(("amount", "ratio", "note"))
    gone = nothing | {"_op": "delete"}
    odd = ("malformed", "the text is not one JSON object of the form of wal2json transactions")
    assert outcomes(parsed(text_rows(records), format_version=1)) == {
        (0, 0): [row],
        (0, 1): [at(1) | {"note": None, "_provided": ["id", "amount"]}],
        (0, 2): [at(2) | gone | {"id": 8}, at(2)],
        (0, 3): [at(3) | {"amount": None, "ratio": 2.0, "note": "out of line", "_provided": ["id", "ratio", "note"]}],
        (0, 4): [at(4) | gone],
        (0, 5): ("message",),
        (0, 6): ("unknown_operation", "kind is none of insert, update, delete, message"),
        (0, 7): ("missing_key", "no value for key id"),
        (0, 8): ("bad_value", "id is no bigint; amount is no decimal(38,2)"),
        (0, 9): ("malformed", "the change has no columns"),
        (0, 10): ("malformed", "the change has no oldkeys"),
        (0, 11): ("malformed", "the change has other numbers of names and of values"),
        (0, 12): ("malformed", "the change has no kind"),
        (0, 13): odd,
        (0, 14): ("malformed", "the change has no kind"),
        (0, 15): ("malformed", "the change has other numbers of names and of values"),
        (1, 0): ("missing_sequence", "no sequence"),
        (2, 0): ("bad_value", "lsn is no log address (hi/lo in hex); timestamp is no timestamp"),
        3: ("transaction",),
        4: ("malformed", "the message is of format version 2; leave the option format_version out"),
        5: ("malformed", "the transaction has no changes"),
        6: ("transaction",),
        7: ("transaction",),
        8: odd,
        9: odd,
        10: odd,
    }


def test_a_part_is_a_transaction_of_its_own(text_rows: Any, outcomes: Any) -> None:
    """Each change is a record with its own table and every digit; version 2 is one change a record, and is not split."""
    rows = text_rows(
        [line(transaction(change("insert", {"id": 0}), change("delete", None, {"id": 1}, table="u")), "0/30")]
    )
    exact = rows.withColumn("_raw", F.replace(F.col("_raw"), F.lit("[0]"), F.lit("[9007199254740993]")))
    parts = split_changes(exact, feed="wal2json", format_version=1).orderBy("_part").collect()
    assert [(part["_table"], part["_row"], part["_part"]) for part in parts] == [("public.t", 0, 0), ("public.u", 0, 1)]
    assert json.loads(parts[1]["_raw"]) == {
        "xid": "7", "nextlsn": "0/20", "timestamp": "2026-11-24 03:35:44.644718+00",
        "change": [{"kind": "delete", "schema": "public", "table": "u", "oldkeys": {"keynames": ["id"], "keyvalues": ["1"]}}],
    }  # fmt: skip
    again = outcomes(parsed(text_rows([part["_raw"] for part in parts]), format_version=1, table="public.t"))
    assert ([told["id"] for told in again[0, 0]], again[1, 0]) == ([9007199254740993], ("other_table",))
    assert split_changes(rows, feed="wal2json") is rows


def test_there_are_two_format_versions() -> None:
    """Another one is refused before there is data."""
    with pytest.raises(ConfigError, match="format_version of feed wal2json is 3; it is 1 or 2"):
        check_options("wal2json", {"format_version": 3})
