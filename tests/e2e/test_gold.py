"""Gold tables of any job: they follow the current tables batch by batch, also after a run that failed before it came to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from whole_jobs import WholeJob

from lakehouse.failpoints import FailOnce, installed
from lakehouse.runtime.job import BAD_USAGE, DONE, FAILED
from lakehouse.tables.protocol import Format

ORDERS = {"keys": ["id"], "columns": {"id": "bigint", "country": "string", "total": "decimal(10,2)"}}
BY_COUNTRY = {"table": "gold.by_country", "keys": ["country"]}


def by_country(tables: Mapping[str, DataFrame], params: object) -> dict[str, DataFrame]:
    """Orders and their total for each country."""
    del params
    orders = tables["shop.orders"].groupBy("country")
    return {"by_country": orders.agg(F.count("id").alias("orders"), F.sum("total").alias("total"))}


def new_job(spark: SparkSession, folder: Path, table_format: Format, **gold: Any) -> WholeJob:
    """A job on change records of orders, with a gold table."""
    job = WholeJob(spark, folder, table_format, zone=f"gold_{uuid4().hex[:8]}")
    options = {"form": "json", "sequence": {"n": "bigint"}, "op_column": "op"}
    job.add_input("shop", feed="columns", files="json", options=options, tables={"shop.orders": ORDERS})
    del job.outputs["history"]
    job.gold = {"by_country": {**BY_COUNTRY, "table": f"{job.zone}.by_country", **gold}}
    job.gold_recipe = by_country
    return job


def land(job: WholeJob, name: str, *records: tuple[str, int, str | None, str | None, int]) -> None:
    """Land a file of records: operation, id, country, total, sequence."""
    folder = job.landing / "shop" / "shop" / "orders"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [dict(zip(("op", "id", "country", "total", "n"), record, strict=True)) for record in records]
    (folder / f"{name}.json").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def shown(job: WholeJob) -> list[tuple[Any, ...]]:
    """The rows of the gold table: country, orders, total."""
    rows = job.rows("by_country").select("country", "orders", F.col("total").cast("string")).orderBy("country")
    return [tuple(row) for row in rows.collect()]


@pytest.mark.parametrize("table_format", ["iceberg", pytest.param("delta", marks=pytest.mark.exhaustive)])
def test_gold_follows_what_is_current(spark: SparkSession, tmp_path: Path, table_format: Format) -> None:
    """Rows that come, move and go are followed; a run that failed before gold is made good by one more; no news, no commit."""
    job = new_job(spark, tmp_path, table_format)
    land(job, "1", ("I", 1, "DE", "10.00", 1), ("I", 2, "DE", "5.50", 2), ("I", 3, "FR", "1.25", 3))
    assert job.run()[0] == DONE
    assert shown(job) == [("DE", 2, "15.50"), ("FR", 1, "1.25")]
    land(job, "2", ("U", 2, "AT", "5.50", 4), ("D", 3, None, None, 5))
    with installed(FailOnce(name="gold.before_merge")):
        assert job.run()[0] == FAILED
    assert shown(job) == [("DE", 2, "15.50"), ("FR", 1, "1.25")]
    code, said = job.run()
    assert code == DONE
    assert [line["table"] for line in said if line["event"] == "table_written"] == [f"{job.zone}.by_country"]
    assert shown(job) == [("AT", 1, "5.50"), ("DE", 1, "10.00")]
    code, said = job.run()
    assert (code, said[-1]["message"], said[-1]["data_commits"]) == (DONE, "nothing new", 0)
    land(job, "3", ("U", 1, "DE", "10.00", 6))
    code, said = job.run()
    gold = [line for line in said if line.get("table") == f"{job.zone}.by_country" and "commit" in line]
    assert (code, [line["commit"] for line in gold]) == (DONE, [None])
    assert shown(job) == [("AT", 1, "5.50"), ("DE", 1, "10.00")]


def test_every_order_deleted_empties_gold(spark: SparkSession, tmp_path: Path) -> None:
    """A gold table of which nothing is left is empty; as a history it keeps what was."""
    job = new_job(spark, tmp_path, "iceberg", write="history")
    land(job, "1", ("I", 1, "DE", "10.00", 1))
    assert job.run()[0] == DONE
    land(job, "2", ("D", 1, None, None, 2))
    assert job.run()[0] == DONE
    rows = job.rows("by_country").select("country", "_op", "_valid_from", "_valid_to", "_is_current")
    assert sorted(map(tuple, rows.collect())) == [("DE", "delete", 2, 2, False), ("DE", "upsert", 1, 2, False)]


def test_a_key_that_is_null_is_named(spark: SparkSession, tmp_path: Path) -> None:
    """A gold row without a key fails the run after the current tables have the batch; mended, one run more is enough."""
    job = new_job(spark, tmp_path, "iceberg")
    land(job, "1", ("I", 1, None, "10.00", 1))
    code, said = job.run()
    assert code == FAILED
    assert "1 of its rows have no key" in said[-1]["message"]
    land(job, "2", ("U", 1, "DE", "10.00", 2))
    assert job.run()[0] == DONE
    assert shown(job) == [("DE", 1, "10.00")]


@pytest.mark.parametrize(
    ("gold", "recipe", "said"),
    [
        ({"by_country": BY_COUNTRY}, None, "the job script cdc_to_warehouse makes no gold tables"),
        ({}, by_country, "by_country is not named by both the configuration (none) and the job script (by_country)"),
        ({"by_country": {**BY_COUNTRY, "keys": ["land"]}}, by_country, "what the job script makes of by_country"),
        ({"by_country": {**BY_COUNTRY, "table": "{zone}.orders"}}, by_country, "remove them"),
        ({"by_country": {**BY_COUNTRY, "table": "ZONE.orders"}}, by_country, "would both be written to"),
        ({"by_country": {**BY_COUNTRY, "keys": []}}, by_country, "gold.by_country.keys"),
    ],
)
def test_a_configuration_that_cannot_be_meant(
    spark: SparkSession, tmp_path: Path, gold: dict[str, Any], recipe: Any, said: str
) -> None:
    """Gold tables that script and configuration do not agree on are refused before a file is loaded."""
    job = new_job(spark, tmp_path, "iceberg")
    land(job, "1", ("I", 1, "DE", "10.00", 1))
    named = {label: {**table, "table": table["table"].replace("ZONE", job.zone)} for label, table in gold.items()}
    job.gold, job.gold_recipe = named, recipe
    code, lines = job.run()
    assert said in lines[-1]["message"]
    assert code in {BAD_USAGE, FAILED}
    assert not job.table("by_country").exists()


def test_a_table_that_has_seen_more(spark: SparkSession, tmp_path: Path) -> None:
    """Where bronze was built anew the gold table knows of batches that are not there, and nothing is written."""
    job = new_job(spark, tmp_path, "iceberg")
    for number in (1, 2):
        land(job, str(number), ("I", number, "DE", "10.00", number))
        assert job.run()[0] == DONE
    for name in ("bronze_shop", "bronze_shop__files", "orders"):
        spark.sql(f"DROP TABLE lake.{job.zone}.{name}")
    code, said = job.run()
    assert (code, "has seen 2 batches and there are 1" in said[-1]["message"]) == (FAILED, True)
