"""PyDeequ's own suite, analyzers and suggestions, on tables that the library made: current, history, and gold.

What they should find was counted by hand in `CHANGES`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import DataFrame, SparkSession
from spark_settings import settings

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.gold.sales import daily_sales
from lakehouse.runtime.jars import find_runtime
from lakehouse.tables import Table, TableRef, open_table
from lakehouse.tables.merging import merge_current, merge_history
from lakehouse.tables.protocol import Format
from lakehouse.tables.snapshots import merge_snapshot

os.environ.setdefault("SPARK_VERSION", find_runtime().spark)  # PyDeequ asks for it when it is imported
with warnings.catch_warnings(action="ignore"):  # escapes in its source that Python will refuse one day
    from pydeequ.analyzers import AnalysisRunner, AnalyzerContext, Completeness, Compliance, CountDistinct, Size, Sum
    from pydeequ.checks import Check, CheckLevel
    from pydeequ.suggestions import DEFAULT, ConstraintSuggestionRunner
    from pydeequ.verification import VerificationResult, VerificationSuite

SCHEMA = (
    "id long, status string, total decimal(10,2), ordered_at timestamp, ship_to struct<country_code: string>, "
    "currency string, lines array<struct<quantity: int>>, _op string, _sequence long"
)
NEW_YEAR = datetime(2026, 1, 1, 10, tzinfo=UTC)


def order(key: int, status: str, total: str, country: str | None, sequence: int) -> tuple[object, ...]:
    """An order of three units."""
    return (key, status, Decimal(total), NEW_YEAR, (country,), "EUR", [(1,), (2,)], "upsert", sequence)


CHANGES = [
    order(1, "paid", "10.00", "DE", 10),
    order(1, "paid", "10.00", "DE", 10),  # delivered twice
    order(2, "cancelled", "5.50", "DE", 21),
    order(2, "paid", "5.50", "DE", 20),  # late
    order(3, "paid", "2.50", "DE", 30),
    order(4, "open", "20.00", None, 40),
    order(5, "paid", "7.00", "FR", 50),
    (5, None, None, None, None, None, None, "delete", 51),
]


@pytest.fixture(scope="module", params=["delta", "iceberg"])
def tables(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Mapping[str, DataFrame]:
    """The rows of a current table, of its history, and of what was sold by day and country."""
    folder = tmp_path_factory.mktemp("own_tables")
    current, history, sold = (new_table(spark, str(folder / one), request.param) for one in ("c", "h", "s"))
    changes = spark.createDataFrame(CHANGES, SCHEMA).coalesce(1)
    merge_current(current, changes, ChangeSpec(keys="id"))
    merge_history(history, changes, ChangeSpec(keys="id"))
    keys = ChangeSpec(keys=("order_date", "country_code", "currency"))
    merge_snapshot(sold, daily_sales(current.read()), keys, write="current", version=1)
    return {"current": current.read(), "history": history.read(), "gold": sold.read()}


def new_table(spark: SparkSession, path: str, table_format: Format) -> Table:
    """A table that is not there yet."""
    if table_format == "delta":
        return open_table(spark, TableRef(format="delta", path=path))
    return open_table(spark, TableRef(format="iceberg", name=f"lake.deequ.t{uuid4().hex[:8]}"))


@pytest.fixture(autouse=True)
def _as_deequ_needs_it(spark: SparkSession) -> Iterator[None]:
    """ANSI mode would stop Deequ's casts, and the server that calls assertions in Python would keep the process alive."""
    with settings(spark, {"spark.sql.ansi.enabled": "false"}):
        yield
    gateway: Any = spark.sparkContext._gateway  # noqa: SLF001 - PyDeequ starts its server and has nothing to end it
    gateway.shutdown_callback_server()


def verified(rows: DataFrame, check: Check) -> list[tuple[str, str]]:
    """The status of each constraint of a check, and what Deequ says of it."""
    spark = rows.sparkSession
    found = VerificationSuite(spark).onData(rows).addCheck(check).run()
    results = VerificationResult.checkResultsAsJson(spark, found)
    return [(one["constraint_status"], one["constraint_message"]) for one in results]


def measured(rows: DataFrame, *analyzers: Any) -> dict[tuple[str, str], float]:
    """What analyzers measure, by name and column."""
    spark, runner = rows.sparkSession, AnalysisRunner(rows.sparkSession).onData(rows)
    for one in analyzers:
        runner = runner.addAnalyzer(one)
    found = AnalyzerContext.successMetricsAsJson(spark, runner.run())
    return {(one["name"], one["instance"]): one["value"] for one in found}


def suggested(rows: DataFrame, *columns: str) -> set[str]:
    """The constraints that Deequ would put on columns of a table, as code. It profiles no nested ones."""
    runner = ConstraintSuggestionRunner(rows.sparkSession).onData(rows.select(*columns))
    found = runner.addConstraintRule(DEFAULT()).run()
    return {one["code_for_constraint"] for one in found["constraint_suggestions"]}


def test_the_verification_suite_holds_our_tables_to_what_they_promise(
    spark: SparkSession, tables: Mapping[str, DataFrame]
) -> None:
    """Keys are there and unique, intervals are none that end before they begin; a key alone is none of a history, and is told."""
    current = Check(spark, CheckLevel.Error, "current").hasSize(lambda rows: rows == 4).isUnique("id")
    current = current.isContainedIn("status", ["paid", "cancelled", "open"]).isComplete("_sequence")
    assert verified(tables["current"], current) == [("Success", "")] * 4
    history = Check(spark, CheckLevel.Error, "history").hasSize(lambda rows: rows == 7)
    history = history.hasUniqueness(["id", "_sequence"], lambda share: share == 1).isContainedIn(
        "_op", ["upsert", "delete"]
    )
    history = history.satisfies("_valid_to is null or _valid_from <= _valid_to", "intervals", lambda share: share == 1)
    assert verified(tables["history"], history.isUnique("id")) == [
        *[("Success", "")] * 4,
        ("Failure", f"Value: {3 / 7} does not meet the constraint requirement!"),
    ]
    gold = (
        Check(spark, CheckLevel.Error, "gold").isComplete("revenue").isNonNegative("revenue").isUnique("country_code")
    )
    assert verified(tables["gold"], gold.hasMax("orders", lambda most: most == 1)) == [
        *[("Success", "")] * 3,
        ("Failure", "Value: 2.0 does not meet the constraint requirement!"),
    ]


def test_analyzers_measure_our_tables(tables: Mapping[str, DataFrame]) -> None:
    """Counts, shares and sums are those of the changes by hand."""
    assert measured(tables["current"], Size(), Sum("total")) == {("Size", "*"): 4, ("Sum", "total"): 38}
    history = measured(
        tables["history"], Completeness("status"), CountDistinct("id"), Compliance("open", "_is_current")
    )
    assert history == {("Completeness", "status"): 6 / 7, ("CountDistinct", "id"): 5, ("Compliance", "open"): 4 / 7}
    assert measured(tables["gold"], Size(), Sum("orders"), Sum("units"), Sum("revenue")) == {
        ("Size", "*"): 2,
        ("Sum", "orders"): 3,
        ("Sum", "units"): 9,
        ("Sum", "revenue"): 32.5,
    }


def test_constraints_are_suggested_of_our_tables(tables: Mapping[str, DataFrame]) -> None:
    """Keys are found to be whole and unique, and of the history only what holds of one is suggested."""
    assert suggested(tables["current"], "id", "currency") >= {
        '.isComplete("id")',
        '.isUnique("id")',
        '.isContainedIn("currency", ["EUR"])',
    }
    history = suggested(tables["history"], "id", "status", "_op", "_sequence", "_valid_from", "_valid_to")
    assert history >= {'.isComplete("_op")', '.isUnique("_sequence")', '.isComplete("_valid_from")'}
    assert not history & {'.isUnique("id")', '.isComplete("_valid_to")', '.isComplete("status")'}
    assert suggested(tables["gold"], "country_code", "units", "revenue") >= {
        '.isComplete("revenue")',
        '.isNonNegative("units")',
        '.isUnique("country_code")',
    }
