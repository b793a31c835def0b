"""Compare the tables the job made with what the database server itself answered.

`expected/` holds the answers: the final rows of all four tables, and every version of customers for five tracked columns.
Positions in the write-ahead log order the changes; a row of the first load has position 0.
"""

from __future__ import annotations

import gzip
import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.history import versions
from lakehouse.columns import SEQUENCE, VALID_FROM, VALID_TO
from lakehouse.config.loading import load_config
from lakehouse.config.models import JobConfig
from lakehouse.runtime.places import Places
from lakehouse.runtime.session import open_session
from lakehouse.tables import Table, open_table

HERE = Path(__file__).resolve().parent
TABLES = ("customers", "products", "orders", "order_items")
LOAD_ROW, POSITION_DIGITS = 0, 19

Row = tuple[Any, ...]


def main(settings: list[str]) -> int:
    """Print rows compared and differences for each table; 1 when there is a difference."""
    config = load_config(str(HERE.parents[2] / "configs" / "cdc_to_warehouse.yaml"), settings=settings)
    spark = open_session(app_name="compare", warehouse=config.warehouse, catalog=config.catalog)
    places = Places(warehouse=config.warehouse, catalog=config.catalog, delta=config.delta)
    differences = 0
    for name in TABLES:
        table = open_table(spark, places.ref(f"silver.{name}", config.format))
        columns = contract_columns(config, name)
        found = rows_of(table.read().select(*columns))
        differences += tell(f"{config.format} silver.{name}", found, expected_rows(f"{name}.jsonl.gz", columns))
    history = open_table(spark, places.ref("silver.customers_history", config.format))
    columns = contract_columns(config, "customers")
    wanted = expected_rows("customers_history.jsonl.gz", [*columns, "_start", "_end", "_last"])
    differences += tell(f"{config.format} silver.customers_history", history_rows(history, columns), wanted)
    return 1 if differences else 0


def contract_columns(config: JobConfig, table: str) -> list[str]:
    """The payload columns of a table, in the order of its contract."""
    return list(config.inputs["shop"].tables[f"public.{table}"].columns)


def history_rows(history: Table, columns: list[str]) -> list[Row]:
    """The versions with their positions."""
    positions = [position(name) for name in (VALID_FROM, VALID_TO, SEQUENCE)]
    return rows_of(versions(history.read()).select(*columns, *positions))


def position(name: str) -> Any:
    """The last 19 of the 35 digits of a DMS change sequence are the position in the log."""
    return (F.col(name) % F.lit(Decimal(10**POSITION_DIGITS))).cast("bigint").alias(name)


def rows_of(df: DataFrame) -> list[Row]:
    """The rows of a frame as plain values."""
    return [tuple(row) for row in df.collect()]


def expected_rows(file: str, columns: list[str]) -> list[Row]:
    """The server's rows, typed as the tables are: numerics exact, timestamps as instants without a zone in UTC."""
    with gzip.open(HERE / "expected" / file, "rt", encoding="utf-8") as lines:
        return [tuple(_typed(name, json.loads(line).get(name)) for name in columns) for line in lines]


def _typed(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in ("credit_limit", "price", "total", "unit_price"):
        return Decimal(value)
    if name.endswith(("_at", "_ts")):
        # Spark gives Python the wall clock of this process's zone; compare in it.
        return datetime.fromisoformat(value).astimezone(UTC).astimezone().replace(tzinfo=None)
    return date.fromisoformat(value) if name == "date_of_birth" else value


def tell(label: str, found: list[Row], wanted: list[Row]) -> int:
    """Print the comparison of two bags of rows and return how many rows differ."""
    left, right = sorted(map(repr, found)), sorted(map(repr, wanted))
    differences = len(_minus(left, right)) + len(_minus(right, left))
    print(f"  {label:32} {len(wanted):>6,} rows compared, {differences:,} differences", flush=True)
    return differences


def _minus(left: list[str], right: list[str]) -> list[str]:
    rest = list(right)
    counts: dict[str, int] = {}
    for row in rest:
        counts[row] = counts.get(row, 0) + 1
    extra = []
    for row in left:
        if counts.get(row, 0):
            counts[row] -= 1
        else:
            extra.append(row)
    return extra


if __name__ == "__main__":
    sys.exit(main([part for part in sys.argv[1:] if part != "--set"]))
