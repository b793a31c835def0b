"""What the tests of tables start from: schemas, markers, frames, and a table that does not exist yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from lakehouse.tables import CommitMarker, Merge, Table, TableRef, open_table

PEOPLE = StructType([StructField("id", LongType()), StructField("name", StringType())])
UPSERT = Merge(on="t.id = s.id", update={"name": "s.name"}, insert={"id": "s.id", "name": "s.name"})
HOSTILE = StructType(
    [
        StructField("a.b", LongType(), nullable=False),
        StructField("tick`tick", StringType()),
        StructField("two words", DecimalType(20, 4)),
        StructField("größe=(µ)", DoubleType()),
        StructField("select", BooleanType()),
        StructField("day", DateType()),
        StructField("at", TimestampType()),
        StructField("nested", StructType([StructField("in ner.x", ArrayType(StringType())), StructField("n", LongType())])),
        StructField("map", MapType(StringType(), IntegerType())),
    ]
)  # fmt: skip
JOB = "orders.daily"


def marker(sequence: int, app: str = JOB) -> CommitMarker:
    """The marker of one batch."""
    return CommitMarker(app=app, sequence=sequence)


def rows_of(df: DataFrame) -> list[tuple[Any, ...]]:
    """The rows as sorted tuples, nulls first."""
    return sorted(
        (tuple(row) for row in df.collect()), key=lambda row: [(value is not None, str(value)) for value in row]
    )


class TableFixtures:
    """Fixtures that every group of tests shares; `spark` and `table_ref` come from whoever runs them."""

    @pytest.fixture
    def table(self, spark: SparkSession, table_ref: TableRef) -> Table:
        """A table that does not exist yet."""
        return open_table(spark, table_ref)

    @pytest.fixture
    def people(self, table: Table) -> Table:
        """An empty table of people: id, name."""
        table.create(PEOPLE)
        return table

    @pytest.fixture
    def frame(self, spark: SparkSession) -> Callable[[Sequence[tuple[Any, ...]]], DataFrame]:
        """Makes frames of people."""
        return lambda rows: spark.createDataFrame(list(rows), PEOPLE).coalesce(1)

    @pytest.fixture
    def no_retention(self, spark: SparkSession) -> Any:
        """Lets files expire at once, as nobody else reads them."""
        setting = "spark.databricks.delta.retentionDurationCheck.enabled"
        spark.conf.set(setting, "false")
        yield
        spark.conf.unset(setting)


def held_up(folder: Path) -> Callable[..., Any]:
    """A function for Spark that reports its start in the folder and waits there for permission to go on."""
    started, go, wait = str(folder / "started"), str(folder / "go"), until_there

    def hold(value: str) -> str:
        Path(started).touch()
        wait(Path(go))
        return value

    return F.udf(hold, StringType(), useArrow=False).asNondeterministic()  # in Python, as it must be able to wait


def until_there(path: Path, *, seconds: int = 120) -> None:
    """Wait until the file is there."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > deadline:
            msg = f"{path.name} did not come within {seconds} seconds"
            raise TimeoutError(msg)
        time.sleep(0.02)
