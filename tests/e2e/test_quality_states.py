"""What a gate keeps of each day adds up to a week, and nothing else is read for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from shares import shared
from whole_jobs import WholeJob, without_origin

from lakehouse.failpoints import FailOnce, installed
from lakehouse.runtime import command_line
from lakehouse.runtime.job import BAD_USAGE, DONE, FAILED
from lakehouse.tables.protocol import Format

ORDERS = {
    "keys": ["id"],
    "columns": {"id": "bigint", "country": "string", "total": "decimal(10,2)", "day": "date"},
}
DAYS: list[list[tuple[str, int, str | None, str | None, str | None]]] = [
    [("I", 1, "DE", "10.00", "02"), ("I", 2, "FR", "20.00", "02"), ("I", 30, "DE", "1000.00", "01")],
    [("I", 3, "DE", "30.00", "03"), ("I", 4, None, "40.00", "02")],
    [("I", 5, "DE", None, "04")],
    [("I", 6, "FR", "60.00", "05"), ("I", 7, "DE", "70.00", "03")],
    [("I", 8, "DE", "80.00", "06")],
    [("I", 9, "ES", "90.00", "07"), ("I", 10, "DE", "0.00", "02")],
    [("I", 11, "DE", "110.00", "08"), ("I", 12, "DE", "5.00", None), ("D", 2, None, None, None), ("I", 31, "FR", "9.00", "09")],
]  # fmt: skip
"""What comes on each day of the week of March 2 to 8: operation, id, country, total, day of March; some of it late."""
EACH_DAY = [[day] for day in range(7)]
FEW = [[0, 1], [2, 3, 4], [5, 6]]
"""The same in fewer batches."""
WEEK = """\
shop.orders from 2026-03-02 to 2026-03-08: 11 rows
column   Completeness  DistinctValuesCount  Sum  Mean  StandardDeviation  Minimum  Maximum
country  0.9090909091  3                    -    -     -                  -        -
day      1             -                    -    -     -                  -        -
id       1             -                    66   6     3.16227766         1        11
total    0.9090909091  -                    510  51    34.7706773         0        110
"""
"""By hand, of the orders 1 to 11: one country and one total is missing; the squares add up to 110 and 12090, over 11 and 10 values."""
MONDAY = """\
shop.orders from 2026-03-02 to 2026-03-02: 4 rows
column   Completeness  DistinctValuesCount  Sum  Mean  StandardDeviation  Minimum  Maximum
country  0.75          2                    -    -     -                  -        -
day      1             -                    -    -     -                  -        -
id       1             -                    17   4.25  3.491060011        1        10
total    1             -                    70   17.5  14.79019946        0        40
"""
"""By hand, of the orders 1, 2, 4 and 10, which came in three batches; the squares add up to 48.75 and 875, over 4 values."""


def new_job(spark: SparkSession, folder: Path, table_format: Format, **gate: Any) -> WholeJob:
    """A job on change records of orders, with a current table and a gate that keeps states."""
    job = WholeJob(spark, folder, table_format, zone=f"states_{uuid4().hex[:8]}")
    options = {"form": "json", "sequence": {"n": "bigint"}, "op_column": "op"}
    job.add_input("shop", feed="columns", files="json", options=options, tables={"shop.orders": ORDERS})
    del job.outputs["history"]
    job.quality = [
        {"ruleset": "Rules = [RowCount > 0]", "on_failure": "warn", "states": f"{job.zone}.order_states", **gate}
    ]
    return job


def land(job: WholeJob, number: int) -> None:
    """Land the file of one day."""
    folder = job.landing / "shop" / "shop" / "orders"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"op": op, "n": number * 100 + one, "id": one, "country": country, "total": total, "day": day and f"2026-03-{day}"}
        for op, one, country, total, day in DAYS[number]
    ]  # fmt: skip
    (folder / f"{number}.json").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def states(job: WholeJob, table: str, first: str, last: str) -> int:
    """What the command `lakehouse states` ends with."""
    arguments = ["--from", f"2026-03-{first}", "--to", f"2026-03-{last}"]
    return command_line.main(["states", str(job.folder / "job.yaml"), table, *arguments])


@pytest.mark.parametrize(
    ("table_format", "batches"),
    [
        shared("iceberg", FEW),
        shared("delta", FEW),
        pytest.param("iceberg", EACH_DAY, marks=pytest.mark.exhaustive),
        pytest.param("delta", EACH_DAY, marks=pytest.mark.exhaustive),
    ],
)
def test_a_week_is_made_of_its_days(
    spark: SparkSession,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    table_format: Format,
    batches: Sequence[Sequence[int]],
) -> None:
    """Late rows are added to their day, those of runs that died count once, and no file of any other table is there any more."""
    job = new_job(spark, tmp_path, table_format, by="day", categories=["country"])
    for days in batches:
        for number in days:
            land(job, number)
        if not {2, 4}.isdisjoint(days):  # what is kept of the batch is kept before its run dies
            with installed(FailOnce(name="applying.quarantined")):
                assert job.run()[0] == FAILED
        if 4 not in days:  # that batch comes within the next one
            assert job.run()[0] == DONE
    kept = job.rows("order_states").select("batch").distinct().collect()
    assert sorted(row[0] for row in kept) == list(range(1, len(batches) + 1))
    for other in ("bronze_shop", "orders", "ledger"):
        files = job.rows(other).select(F.input_file_name()).distinct().collect()
        assert files
        for row in files:
            Path(unquote(urlparse(row[0]).path)).unlink()
    capsys.readouterr()
    assert states(job, "shop.orders", "02", "08") == DONE
    assert capsys.readouterr().out == WEEK
    assert states(job, "shop.orders", "02", "02") == DONE
    assert capsys.readouterr().out == MONDAY
    assert states(job, "shop.orders", "10", "31") == BAD_USAGE
    nothing = f"{job.zone}.order_states has no states of shop.orders from 2026-03-10 to 2026-03-31"
    assert capsys.readouterr().err.startswith(nothing)
    assert states(job, "shop.order", "02", "08") == BAD_USAGE
    assert capsys.readouterr().err == "cdc_to_warehouse keeps no states of shop.order; did you mean shop.orders?\n"


def test_what_states_need_is_asked_for(spark: SparkSession, tmp_path: Path) -> None:
    """Categories of columns that are not there, and rows that do not say where they came from, are refused before a target is written."""
    job = new_job(spark, tmp_path, "iceberg", categories=["county"])
    land(job, 0)
    code, said = job.run()
    assert (code, said[-1]["message"]) == (
        BAD_USAGE,
        "quality.categories: shop.orders has no column county; did you mean country?",
    )
    job.quality[0]["categories"] = []

    code, said = job.run(recipe=without_origin)
    assert code == BAD_USAGE
    assert "leaves _origin out of shop.orders, by which rows count once" in said[-1]["message"]
    assert not job.table("orders").exists()
    job.quality[0] |= {"categories": ["country"], "states": None}
    code, said = job.run()
    assert code == BAD_USAGE
    assert "categories are counted in a table of states" in said[-1]["message"]
