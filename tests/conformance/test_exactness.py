"""Every feed of the recorded shop comes to what the database server itself said, one of them in both formats.

What a feed makes of its records knows nothing of formats, so the other feeds go into one format each.
"""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from pyspark.sql import Column, DataFrame, SparkSession, Window, WindowSpec
from pyspark.sql import functions as F
from recorded_shop import CONTRACTS, RECORDINGS, SHOP, TRACKED, Recording, answers, sorted_rows
from shares import crossed

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.history import as_of, versions
from lakehouse.columns import SEQUENCE, VALID_FROM, VALID_TO
from lakehouse.tables import Table, TableRef, open_table
from lakehouse.tables.merging import merge_current, merge_history

CUSTOMERS = "public.customers"
FORMATS = ("delta", "iceberg")
SHARED = [(feed, FORMATS[i % 2]) for i, feed in enumerate(RECORDINGS)] + [(next(iter(RECORDINGS)), FORMATS[1])]


@pytest.fixture(params=[crossed("delta"), crossed("iceberg")])
def table_format(request: pytest.FixtureRequest) -> str:
    """Each table format."""
    return str(request.param)


def new_table(spark: SparkSession, table_format: str, folder: str) -> Table:
    """A table that is not there yet."""
    name = f"t_{uuid4().hex}"
    if table_format == "iceberg":
        return open_table(spark, TableRef(format="iceberg", name=f"lake.exact.{name}"))
    return open_table(spark, TableRef(format="delta", path=f"{folder}/{name}"))


def history_rows(history: DataFrame, recording: Recording) -> list[tuple[object, ...]]:
    """The versions of customers with their positions in the log."""
    positions = [recording.position(name) for name in (VALID_FROM, VALID_TO, SEQUENCE)]
    return sorted_rows(versions(history).select(*CONTRACTS[CUSTOMERS].columns, *positions))


@pytest.mark.parametrize(("feed", "table_format"), SHARED)
def test_the_final_state_of_every_table(spark: SparkSession, tmp_path: object, table_format: str, feed: str) -> None:
    """One batch of the whole feed makes each table what the server selected in the end."""
    recording = RECORDINGS[feed]
    for name, contract in CONTRACTS.items():
        table = new_table(spark, table_format, str(tmp_path))
        merge_current(table, recording.changes(spark, name), ChangeSpec(keys=contract.keys))
        found = sorted_rows(table.read().select(*contract.columns))
        file = f"final/{name.removeprefix('public.')}.jsonl"
        assert found == answers(file, contract.schema_, empty_is_null=recording.empty_is_null), name


@pytest.mark.parametrize(("feed", "table_format"), SHARED)
def test_both_histories_of_customers(spark: SparkSession, tmp_path: object, table_format: str, feed: str) -> None:
    """Every version with all columns tracked and with five of them, with its interval in log positions."""
    recording = RECORDINGS[feed]
    changes = recording.changes(spark, CUSTOMERS).persist()
    for tracked, file in ((None, "scd2_customers_all.jsonl.gz"), (TRACKED, "scd2_customers_tracked.jsonl.gz")):
        table = new_table(spark, table_format, str(tmp_path))
        merge_history(table, changes, ChangeSpec(keys=["customer_id"], track=tracked))
        wanted = answers(file, CONTRACTS[CUSTOMERS].schema_, ("_start", "_end", "_last"))
        if recording.empty_is_null and tracked is None:
            continue  # versions that differ only in '' against null are one in a feed that drops both
        if recording.empty_is_null:
            wanted = sorted(((*(None if v == "" else v for v in row),) for row in wanted), key=repr)
        assert history_rows(table.read(), recording) == wanted, file
    changes.unpersist()


def test_every_checkpoint(spark: SparkSession, tmp_path: object, table_format: str) -> None:
    """The history as of each checkpoint's position is what the server selected at that moment, for every table."""
    recording = RECORDINGS["debezium plain"]
    facts = json.loads((SHOP / "expected" / "facts.json").read_text())
    for name, contract in CONTRACTS.items():
        table = new_table(spark, table_format, str(tmp_path))
        merge_history(table, recording.changes(spark, name), ChangeSpec(keys=contract.keys))
        plain = name.removeprefix("public.")
        history = table.read().persist()
        for checkpoint in facts["checkpoints"]:
            seen = as_of(history, sequence=checkpoint["last_position"]).select(*contract.columns)
            file = f"checkpoint_{checkpoint['checkpoint']}/{plain}.jsonl.gz"
            assert sorted_rows(seen) == answers(file, contract.schema_), file
        history.unpersist()


@pytest.mark.parametrize("table_format", [pytest.param("delta", marks=pytest.mark.exhaustive), crossed("iceberg")])
def test_any_delivery_makes_the_same_tables(spark: SparkSession, tmp_path: object, table_format: str) -> None:
    """In one batch, file by file, in reverse, shuffled, and every batch twice: current and history come out the same.

    The merge works key by key, so the deliveries go side by side, each with its number as the first part of the key. Delta,
    whose commits take longer, gets three files at a time.
    """
    recording = RECORDINGS["dms csv"]
    whole = recording.changes(spark, CUSTOMERS).withColumn("file", F.col("_origin.file")).persist()
    files = [row.file for row in whole.select("file").distinct().orderBy("file").collect()]
    together = 3 if table_format == "delta" else 1
    steps = {f: i // together for i, f in enumerate(files)}
    number = F.create_map(*[part for f, i in steps.items() for part in (F.lit(f), F.lit(i))])[F.col("file")]
    last = max(steps.values())
    shuffled = F.pmod(F.xxhash64("customer_id", SEQUENCE), F.lit(last + 1)).cast("int")
    deliveries = {0: [F.lit(0)], 1: [number], 2: [F.lit(last) - number], 3: [shuffled], 4: [number, shuffled]}
    copies = [whole.withColumn("delivery", F.lit(d)).withColumn("step", s) for d, ss in deliveries.items() for s in ss]
    log = copies[0]
    for copy in copies[1:]:
        log = log.unionByName(copy)
    log = log.drop("file").persist()
    current, history = (new_table(spark, table_format, str(tmp_path)) for _ in range(2))
    keys = ["delivery", "customer_id"]
    for step in range(last + 1):
        batch = log.where(F.col("step") == step).drop("step")
        merge_current(current, batch, ChangeSpec(keys=keys))
        merge_history(history, batch, ChangeSpec(keys=keys, track=TRACKED))
    schema = CONTRACTS[CUSTOMERS].schema_
    final = answers("final/customers.jsonl", schema)
    kept = answers("scd2_customers_tracked.jsonl.gz", schema, ("_start", "_end", "_last"))
    for delivery in deliveries:
        mine = F.col("delivery") == delivery
        assert sorted_rows(current.read().where(mine).select(*schema.names)) == final, delivery
        assert history_rows(history.read().where(mine), recording) == kept, delivery
    whole.unpersist()
    log.unpersist()


def test_partial_events_in_any_delivery(spark: SparkSession, tmp_path: object, table_format: str) -> None:
    """Events that leave large columns out, delivered forwards, backwards and shuffled, make the same product rows."""
    recording, name = RECORDINGS["debezium plain"], "public.products"
    contract = CONTRACTS[name]
    whole = recording.changes(spark, name).persist()
    steps = 4
    forward = F.ntile(steps).over(_by_position()) - 1
    shuffled = F.pmod(F.xxhash64("product_id", SEQUENCE), F.lit(steps)).cast("int")
    orders: list[Column] = [forward, F.lit(steps - 1) - forward, shuffled]
    copies = [whole.withColumn("delivery", F.lit(i)).withColumn("step", step) for i, step in enumerate(orders)]
    log = copies[0].unionByName(copies[1]).unionByName(copies[2]).persist()
    current = new_table(spark, table_format, str(tmp_path))
    for turn in range(steps):
        batch = log.where(F.col("step") == turn).drop("step")
        merge_current(current, batch, ChangeSpec(keys=["delivery", "product_id"]))
    final = answers("final/products.jsonl", contract.schema_)
    for number in range(len(orders)):
        rows = current.read().where(F.col("delivery") == number).select(*contract.columns)
        assert sorted_rows(rows) == final, number
    whole.unpersist()
    log.unpersist()


def _by_position() -> WindowSpec:
    return Window.orderBy(SEQUENCE, "product_id")
