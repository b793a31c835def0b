"""Merges against the statements people write by hand, side by side in one process: ratios are what counts.

    python benchmarks/merge.py [--keys 1000000] [--changes 10000] [--runs 5] [--formats delta,iceberg]

A table of `keys` rows (a key, five attributes) meets a batch of `changes`: nine in ten update a random key, the rest are
new. For each format, round robin, every run on the same state of the table:

- `textbook history`: the single MERGE of the Delta documentation for SCD 2 (a self join, changed rows twice);
- `merge_history`: ours;
- `plain upsert`: MERGE, matched then update, not matched then insert;
- `merge_current`: ours.

Delta with deletion vectors, Iceberg with merge-on-read. Wall seconds and the JVM's CPU seconds; medians.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.runtime.session import open_session
from lakehouse.tables import Table, TableRef, open_table
from lakehouse.tables.merging import merge_current, merge_history

ATTRIBUTES = ("name", "city", "status", "score", "note")
SPEC = ChangeSpec(keys="id")


@dataclass
class Contender:
    """One way to merge, the table it works on, and what it took."""

    name: str
    table: Table
    run: Callable[[Table, DataFrame], object]
    against: str | None = None
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def main() -> None:
    """Measure and print one table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--keys", type=int, default=1_000_000)
    arguments.add_argument("--changes", type=int, default=10_000)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--formats", default="delta,iceberg")
    told = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="lakehouse-bench-") as folder:
        spark = open_session(app_name="benchmark", warehouse=folder, conf={"spark.driver.memory": "8g"})
        print(
            f"Spark {spark.version}, {told.keys:,} keys, {told.changes:,} changes, median of {told.runs} runs after 2 warm-ups"
        )
        for table_format in told.formats.split(","):
            contenders = prepare(spark, Path(folder), table_format, told.keys)
            batch = changes(spark, told.keys, told.changes).persist()
            batch.count()
            for number in range(told.runs + 2):
                for contender in contenders:
                    measure(contender, batch, warm=number >= 2)
            report(table_format, contenders)


def base(spark: SparkSession, keys: int) -> DataFrame:
    """The rows every table starts with, as a change log at sequence 0, in 8 files by key."""
    ids = spark.range(keys, numPartitions=8).select(F.col("id"))
    return attributes(ids, seed=0).select("*", F.lit("upsert").alias("_op"), F.lit(0).cast("bigint").alias("_sequence"))


def changes(spark: SparkSession, keys: int, number: int) -> DataFrame:
    """The batch: updates of random keys, one event a key, and new keys."""
    updates = number * 9 // 10
    step = keys // updates
    existing = spark.range(updates).select((F.col("id") * step + F.pmod(F.xxhash64("id"), F.lit(step))).alias("id"))
    new = spark.range(keys, keys + number - updates)
    changed = attributes(existing.unionByName(new), seed=1)
    return changed.select("*", F.lit("upsert").alias("_op"), F.lit(1).cast("bigint").alias("_sequence"))


def attributes(ids: DataFrame, *, seed: int) -> DataFrame:
    """Five attributes that depend on the key and the seed."""
    draw = F.xxhash64("id", F.lit(seed))
    return ids.select(
        "id",
        F.hex(draw).alias("name"),
        F.concat(F.lit("city "), F.pmod(draw, F.lit(500))).alias("city"),
        F.concat(F.lit("status "), F.pmod(draw, F.lit(7))).alias("status"),
        (F.pmod(draw, F.lit(100_000)) / 100).alias("score"),
        F.sha1(draw.cast("string")).substr(1, 12).alias("note"),
    )


def prepare(spark: SparkSession, folder: Path, table_format: str, keys: int) -> list[Contender]:
    """Four tables with the same rows, and who works on which."""
    rows = base(spark, keys)
    names = ("textbook", "history", "plain", "current")
    tables = {name: open_table(spark, reference(table_format, folder, name)) for name in names}
    merge_history(tables["history"], rows, SPEC)
    merge_current(tables["current"], rows, SPEC)
    versioned = rows.select(
        "id", *ATTRIBUTES, F.col("_sequence").alias("valid_from"), F.lit(None).cast("bigint").alias("valid_to"),
        F.lit(True).alias("is_current"),
    )  # fmt: skip
    for name, df in (("textbook", versioned), ("plain", rows.select("id", *ATTRIBUTES, "_sequence"))):
        tables[name].create(df.schema)
        tables[name].append(df)
    return [
        Contender("textbook history", tables["textbook"], textbook_history),
        Contender(
            "merge_history", tables["history"], lambda t, b: merge_history(t, b, SPEC), against="textbook history"
        ),
        Contender("plain upsert", tables["plain"], plain_upsert),
        Contender("merge_current", tables["current"], lambda t, b: merge_current(t, b, SPEC), against="plain upsert"),
    ]


def reference(table_format: str, folder: Path, name: str) -> TableRef:
    """Delta by path, Iceberg by name."""
    if table_format == "delta":
        return TableRef(format="delta", path=str(folder / "delta" / name))
    return TableRef(format="iceberg", name=f"lake.bench.{name}")


def target(table: Table) -> str:
    """The table as SQL names it."""
    return table.ref.name or f"delta.`{table.ref.path}`"


def textbook_history(table: Table, batch: DataFrame) -> None:
    """Close the open row and insert the new one, in one statement, as the documentation prints it."""
    batch.createOrReplaceTempView("updates")
    differs = " OR ".join(f"t.{name} <> u.{name}" for name in ATTRIBUTES)
    values = ", ".join(("id", *ATTRIBUTES))
    table.spark.sql(f"""
        MERGE INTO {target(table)} t
        USING (
            SELECT u.id AS merge_key, u.* FROM updates u
            UNION ALL
            SELECT NULL AS merge_key, u.* FROM updates u JOIN {target(table)} t ON u.id = t.id
            WHERE t.is_current AND ({differs})
        ) s ON t.id = s.merge_key
        WHEN MATCHED AND t.is_current AND ({differs.replace("u.", "s.")}) THEN
            UPDATE SET is_current = false, valid_to = s._sequence
        WHEN NOT MATCHED THEN INSERT ({values}, valid_from, valid_to, is_current)
            VALUES ({", ".join(f"s.{name}" for name in ("id", *ATTRIBUTES))}, s._sequence, NULL, true)
    """)  # noqa: S608  names of our own


def plain_upsert(table: Table, batch: DataFrame) -> None:
    """Matched then update, not matched then insert."""
    batch.createOrReplaceTempView("updates")
    columns = ("id", *ATTRIBUTES, "_sequence")
    table.spark.sql(f"""
        MERGE INTO {target(table)} t USING updates s ON t.id = s.id
        WHEN MATCHED THEN UPDATE SET {", ".join(f"{name} = s.{name}" for name in columns)}
        WHEN NOT MATCHED THEN INSERT ({", ".join(columns)}) VALUES ({", ".join(f"s.{name}" for name in columns)})
    """)  # noqa: S608  names of our own


def measure(contender: Contender, batch: DataFrame, *, warm: bool) -> None:
    """Run once and put the table back as it was."""
    spark, table = batch.sparkSession, contender.table
    before = table.snapshots(limit=1)[0].version
    cpu, wall = cpu_seconds(spark), perf_counter()
    contender.run(table, batch)
    wall, cpu = perf_counter() - wall, cpu_seconds(spark) - cpu
    if warm:
        contender.wall.append(wall)
        contender.cpu.append(cpu)
    table.restore(before)


def cpu_seconds(spark: SparkSession) -> float:
    """CPU time of the JVM so far (Linux; NaN elsewhere)."""
    stat = Path(f"/proc/{spark.sparkContext._gateway.proc.pid}/stat")  # type: ignore[union-attr]  # noqa: SLF001  no public way
    if not stat.exists():
        return math.nan
    # Fields 14 and 15 of proc(5), counted behind the command's name, which may hold blanks.
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def report(table_format: str, contenders: list[Contender]) -> None:
    """One line for each contender, with its ratio to what it stands against."""
    medians = {c.name: (statistics.median(c.wall), statistics.median(c.cpu)) for c in contenders}
    print(f"\n{table_format:18} {'wall s':>8} {'(min-max)':>14} {'cpu s':>8} {'wall ratio':>11} {'cpu ratio':>10}")
    for c in contenders:
        wall, cpu = medians[c.name]
        spread = f"({min(c.wall):.1f}-{max(c.wall):.1f})"
        ratios = (
            ("", "")
            if c.against is None
            else tuple(f"{a / b:.2f}" for a, b in zip((wall, cpu), medians[c.against], strict=True))
        )
        print(f"{c.name:18} {wall:8.2f} {spread:>14} {cpu:8.2f} {ratios[0]:>11} {ratios[1]:>10}", flush=True)


if __name__ == "__main__":
    main()
