"""Twenty rules by both engines, side by side in one process: the ratio and the numbers of Spark jobs are what counts.

    python benchmarks/quality.py [--rows 1000000] [--runs 5]

Each run asks the same ruleset of the same Parquet file, round robin:

- `native`: `evaluate` as it is;
- `deequ`: `evaluate` with `engine="deequ"`.

The rules are those that people write: counts, keys, completeness, values, lengths, a statistic, a query. Every verdict has to be
the same. Wall seconds and the JVM's CPU seconds; medians. Spark 3.5 alone.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Literal

from merge import cpu_seconds
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.quality.outcomes import Evaluation
from lakehouse.runtime.evaluation import evaluate
from lakehouse.runtime.session import open_session

RULES = r"""Rules = [
    RowCount > 0, ColumnCount = 8, ColumnExists "id",
    IsComplete "id", IsUnique "id", IsPrimaryKey "id",
    Completeness "email" >= 0.9, Completeness "note" > 0.99, Completeness "amount" = 1.0,
    Uniqueness "email" > 0.5, DistinctValuesCount "state" = 4, Entropy "state" > 1,
    ColumnValues "state" in ["open", "paid", "sent", "back"], ColumnValues "amount" >= 0, ColumnValues "amount" between -1 and 100000,
    ColumnValues "day" matches "\d{4}-\d{2}-\d{2}", ColumnLength "note" between 39 and 41,
    Mean "amount" between 100 and 10000, Sum "count" > 0,
    CustomSql "SELECT count(*) FROM primary WHERE count < 0" = 0
]"""
"""Twenty of them."""


@dataclass
class Contender:
    """One engine, and what it took."""

    engine: Literal["native", "deequ"]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    jobs: int = 0


def main() -> None:
    """Measure and print one table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--runs", type=int, default=5)
    told = arguments.parse_args()
    contenders = [Contender("native"), Contender("deequ")]
    with tempfile.TemporaryDirectory(prefix="lakehouse-bench-") as folder:
        spark = open_session(app_name="benchmark", warehouse=folder, features=("core", "deequ"))
        place = str(Path(folder) / "rows")
        rows(spark, told.rows).write.parquet(place)
        print(f"Spark {spark.version}, {told.rows:,} rows, 20 rules, median of {told.runs} runs after 2 warm-ups")
        for number in range(told.runs + 2):
            verdicts = [measure(one, spark.read.parquet(place), warm=number >= 2) for one in contenders]
            if verdicts[0] != verdicts[1]:
                msg = f"the engines do not agree: {sorted(set(verdicts[0]) ^ set(verdicts[1]))}"
                raise SystemExit(msg)
    report(contenders)


def rows(spark: SparkSession, number: int) -> DataFrame:
    """Rows that depend on their number alone."""
    draw = F.xxhash64("id")
    states = F.array(*(F.lit(state) for state in ("open", "paid", "sent", "back")))
    return spark.range(number, numPartitions=4).select(
        "id",
        F.when(F.pmod(draw, F.lit(20)) > 0, F.concat(F.hex(draw), F.lit("@example.com"))).alias("email"),
        states[F.pmod(draw, F.lit(4)).cast("int")].alias("state"),
        (F.pmod(draw, F.lit(10**6)) / 100).cast("decimal(12,2)").alias("amount"),
        F.pmod(draw, F.lit(1000)).cast("int").alias("count"),
        F.date_format(F.timestamp_seconds(F.pmod(draw, F.lit(10**9))), "yyyy-MM-dd").alias("day"),
        (draw / 1e18).alias("ratio"),
        F.sha1(draw.cast("string")).alias("note"),
    )


def measure(contender: Contender, df: DataFrame, *, warm: bool) -> list[tuple[str, str]]:
    """Evaluate once, and return the verdicts."""
    spark = df.sparkSession
    before, cpu, wall = next_job(spark), cpu_seconds(spark), perf_counter()
    found: Evaluation = evaluate(df, RULES, as_of=datetime.now(UTC), engine=contender.engine)
    wall, cpu = perf_counter() - wall, cpu_seconds(spark) - cpu
    if warm:
        contender.wall.append(wall)
        contender.cpu.append(cpu)
        contender.jobs = next_job(spark) - before
    return [(one.rule, one.verdict) for one in found.outcomes]


def next_job(spark: SparkSession) -> int:
    """The number that the next Spark job will have."""
    return int(spark.sparkContext._jsc.sc().dagScheduler().nextJobId())  # noqa: SLF001 - counts without a listener


def report(contenders: list[Contender]) -> None:
    """One line for each engine, and their ratios."""
    print(f"\n{'':8} {'wall s':>8} {'(min-max)':>14} {'cpu s':>8} {'jobs':>6}")
    for one in contenders:
        spread = f"({min(one.wall):.1f}-{max(one.wall):.1f})"
        wall, cpu = statistics.median(one.wall), statistics.median(one.cpu)
        print(f"{one.engine:8} {wall:8.2f} {spread:>14} {cpu:8.2f} {one.jobs:6}", flush=True)
    native, deequ = contenders
    wall, cpu = (
        statistics.median(theirs) / statistics.median(ours)
        for theirs, ours in ((deequ.wall, native.wall), (deequ.cpu, native.cpu))
    )
    print(f"deequ / native: wall {wall:.2f}, cpu {cpu:.2f}, jobs {deequ.jobs / max(native.jobs, 1):.1f}")


if __name__ == "__main__":
    main()
