"""What a recipe makes of changes, in the run of a job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from spark_settings import settings
from whole_jobs import WholeJob

from lakehouse.runtime.job import DONE, FAILED

LARGEST = 2_147_483_647


@pytest.fixture
def job(spark: SparkSession, tmp_path: Path) -> WholeJob:
    """A job with one change: as many pieces as an integer can say."""
    made = WholeJob(spark, tmp_path, "iceberg", zone=f"recipes_{uuid4().hex[:8]}")
    options = {"form": "json", "sequence": {"n": "bigint"}, "op_column": "op"}
    tables = {"shop.parts": {"keys": ["id"], "columns": {"id": "bigint", "pieces": "int"}}}
    folder = made.add_input("shop", feed="columns", files="json", options=options, tables=tables) / "shop" / "parts"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(json.dumps({"op": "I", "n": 1, "id": 7, "pieces": LARGEST}) + "\n", encoding="utf-8")
    return made


def one_more(inputs: Mapping[str, DataFrame], params: object) -> dict[str, DataFrame]:
    """A recipe that adds one."""
    del params
    return {table: changes.withColumn("pieces", F.col("pieces") + F.lit(1)) for table, changes in inputs.items()}


def test_a_sum_that_overflows_stops_the_run_in_ansi_mode(job: WholeJob) -> None:
    """The recipe goes by the settings of the session, whichever thread it runs in: no wrong number gets into a table."""
    with settings(job.spark, {"spark.sql.ansi.enabled": "true"}):
        code, said = job.run(recipe=one_more)
    assert (code, said[-1]["event"]) == (FAILED, "run_failed")
    assert said[-1]["message"].startswith("Spark: ARITHMETIC_OVERFLOW (values left out")
    assert not job.table("parts").exists() or not job.rows("parts").collect()


def test_a_sum_that_overflows_goes_around_out_of_ansi_mode(job: WholeJob) -> None:
    """And where the session says so, as SQL always had it in Spark."""
    with settings(job.spark, {"spark.sql.ansi.enabled": "false"}):
        assert job.run(recipe=one_more)[0] == DONE
    assert [tuple(row) for row in job.rows("parts").select("id", "pieces").collect()] == [(7, -LARGEST - 1)]
