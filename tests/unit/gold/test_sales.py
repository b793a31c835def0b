"""What was sold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from pyspark.sql import SparkSession

from lakehouse.gold.sales import daily_sales

COLUMNS = (
    "ordered_at timestamp, ship_to struct<country_code: string>, currency string, status string, total decimal(12,2), "
    "lines array<struct<quantity: int>>"
)


def order(
    day: int, country: str | None, currency: str | None, status: str | None, total: str | None, *units: int | None
) -> tuple[object, ...]:
    """One order, late on a day of January."""
    at = datetime(2026, 1, day, 23, 59, 59, tzinfo=UTC)
    return at, (country,), currency, status, None if total is None else Decimal(total), [(unit,) for unit in units]


def test_days_countries_and_currencies_are_apart(spark: SparkSession) -> None:
    """Cancelled orders and those of no day do not count, an unknown country does; money is added up exactly, by currency."""
    rows = [
        order(1, "DE", "EUR", "paid", "0.10", 1, 2),
        order(1, "DE", "EUR", None, "0.20", None, 3),
        order(1, "DE", "GBP", "paid", "1.00", 1),
        order(1, "DE", "EUR", "cancelled", "99.00", 9),
        order(2, None, None, "paid", None),
        (None, ("DE",), "EUR", "paid", Decimal("5.00"), None),
        (datetime(2026, 1, 3, tzinfo=UTC), None, "EUR", "paid", Decimal("5.00"), None),
    ]
    found = daily_sales(spark.createDataFrame(rows, COLUMNS)).orderBy("order_date", "country_code", "currency")
    assert [tuple(row) for row in found.collect()] == [
        (date(2026, 1, 1), "DE", "EUR", 2, 6, Decimal("0.30")),
        (date(2026, 1, 1), "DE", "GBP", 1, 1, Decimal("1.00")),
        (date(2026, 1, 2), "unknown", "unknown", 1, 0, None),
        (date(2026, 1, 3), "unknown", "EUR", 1, 0, Decimal("5.00")),
    ]


def test_no_orders_no_rows(spark: SparkSession) -> None:
    """An empty table has no days."""
    assert daily_sales(spark.createDataFrame([], COLUMNS)).collect() == []
