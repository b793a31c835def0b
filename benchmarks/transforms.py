"""Transforms against their floor, side by side in one process: ratios are what counts.

    python benchmarks/transforms.py [--rows 2000000] [--runs 5]

Each run reads the same Parquet file and adds up a hash of every value, so that every column is computed. Round robin:

- `read`: the rows as they are, the floor of `conform`;
- `plain casts`: `try_cast` of each column, which changes values in silence;
- `conform`: to the same types;
- `shuffle`: the rows shuffled by the key and sorted, the floor of `dedupe`;
- `dropDuplicates`: any row of each key, whichever comes first;
- `dedupe`: the last row of each key.

A row has 12 columns of text as CSV gives them (whole numbers, decimals, doubles, dates, timestamps, notes), one value in a thousand does
not fit, and one key in ten comes twice. Wall seconds and the JVM's CPU seconds; medians.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from merge import cpu_seconds
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.runtime.session import open_session
from lakehouse.schemas.type_names import parse_schema
from lakehouse.transforms import conform, dedupe

SCHEMA = parse_schema(
    {
        "id": "bigint", "at": "timestamp", "day": "date", "amount": "decimal(12,2)", "price": "decimal(18,4)", "count": "int",
        "score": "double", "ratio": "double", "active": "boolean", "name": "string", "city": "string", "note": "string",
    }
)  # fmt: skip


@dataclass
class Contender:
    """One thing to do with the rows, what it stands against, and what it took."""

    name: str
    run: Callable[[DataFrame], DataFrame]
    against: str | None = None
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def main() -> None:
    """Measure and print one table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=2_000_000)
    arguments.add_argument("--runs", type=int, default=5)
    told = arguments.parse_args()
    contenders = [
        Contender("read", lambda df: df),
        Contender("plain casts", plain_casts, against="read"),
        Contender("conform", lambda df: conform(df, SCHEMA), against="plain casts"),
        Contender("shuffle", lambda df: df.repartition("id").sortWithinPartitions("id", "at")),
        Contender("dropDuplicates", lambda df: df.dropDuplicates(["id"]), against="shuffle"),
        Contender("dedupe", lambda df: dedupe(df, keys="id", order_by="at"), against="shuffle"),
    ]
    with tempfile.TemporaryDirectory(prefix="lakehouse-bench-") as folder:
        spark = open_session(app_name="benchmark", warehouse=folder, conf={"spark.driver.memory": "8g"})
        place = str(Path(folder) / "rows")
        texts(spark, told.rows).write.parquet(place)
        rows = spark.read.parquet(place)
        print(f"Spark {spark.version}, {told.rows:,} rows, median of {told.runs} runs after 2 warm-ups")
        for number in range(told.runs + 2):
            for contender in contenders:
                measure(contender, rows, warm=number >= 2)
    report(contenders)


def texts(spark: SparkSession, number: int) -> DataFrame:
    """Rows of text that depend on their number alone."""
    key = F.col("id") % int(number * 0.9)
    draw = F.xxhash64("id")
    seconds = F.pmod(draw, F.lit(10**9))
    broken = F.pmod(draw, F.lit(1000)) == 0
    return spark.range(number, numPartitions=4).select(
        key.cast("string").alias("id"),
        F.date_format(F.timestamp_seconds(seconds), "yyyy-MM-dd HH:mm:ss").alias("at"),
        F.date_format(F.timestamp_seconds(seconds), "yyyy-MM-dd").alias("day"),
        F.when(broken, "n/a")
        .otherwise((F.pmod(draw, F.lit(10**6)) / 100).cast("decimal(12,2)").cast("string"))
        .alias("amount"),
        (F.pmod(draw, F.lit(10**7)) / 10000).cast("decimal(18,4)").cast("string").alias("price"),
        F.pmod(draw, F.lit(1000)).cast("string").alias("count"),
        (F.pmod(draw, F.lit(10**5)) / 1000).cast("string").alias("score"),
        (draw / 1e18).cast("string").alias("ratio"),
        (draw > 0).cast("string").alias("active"),
        F.hex(draw).alias("name"),
        F.concat(F.lit("city "), F.pmod(draw, F.lit(500))).alias("city"),
        F.sha1(draw.cast("string")).alias("note"),
    )


def plain_casts(df: DataFrame) -> DataFrame:
    """What people write by hand, and what makes null of what does not fit."""
    return df.selectExpr(*(f"try_cast({f.name} AS {f.dataType.simpleString()}) AS {f.name}" for f in SCHEMA))


def measure(contender: Contender, rows: DataFrame, *, warm: bool) -> None:
    """Run once: the sum of a hash over all columns needs every one of them."""
    cpu, wall = cpu_seconds(rows.sparkSession), perf_counter()
    made = contender.run(rows)
    made.agg(F.bit_xor(F.xxhash64(*(F.col(name) for name in made.columns)))).collect()
    wall, cpu = perf_counter() - wall, cpu_seconds(rows.sparkSession) - cpu
    if warm:
        contender.wall.append(wall)
        contender.cpu.append(cpu)


def report(contenders: list[Contender]) -> None:
    """One line for each contender, with its ratio to what it stands against."""
    medians = {c.name: (statistics.median(c.wall), statistics.median(c.cpu)) for c in contenders}
    print(f"\n{'':16} {'wall s':>8} {'(min-max)':>14} {'cpu s':>8} {'wall ratio':>11} {'cpu ratio':>10}  against")
    for c in contenders:
        wall, cpu = medians[c.name]
        spread = f"({min(c.wall):.1f}-{max(c.wall):.1f})"
        ratios = (
            ("", "")
            if c.against is None
            else tuple(f"{a / b:.2f}" for a, b in zip((wall, cpu), medians[c.against], strict=True))
        )
        print(
            f"{c.name:16} {wall:8.2f} {spread:>14} {cpu:8.2f} {ratios[0]:>11} {ratios[1]:>10}  {c.against or ''}",
            flush=True,
        )


if __name__ == "__main__":
    main()
