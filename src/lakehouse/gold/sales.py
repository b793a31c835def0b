"""What was sold: orders by day, country and currency."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

UNKNOWN = "unknown"
"""What stands for a country or a currency that an order does not name."""


def daily_sales(orders: DataFrame, *, left_out: Sequence[str] = ("cancelled",)) -> DataFrame:
    """One row for each day, country and currency in which there are orders; none for no orders. The order is not kept.

    Money of different currencies is never added up. Days are those of the session's time zone, which the library sets to UTC.
    An order without a time is of no day and is left out.

    >>> orders = spark.sql(
    ...     "SELECT TIMESTAMP '2026-01-02 10:00:00' AS ordered_at, named_struct('country_code', 'DE') AS ship_to, 'EUR' AS currency, "
    ...     "'paid' AS status, 9.5BD AS total, array(named_struct('quantity', 2)) AS lines"
    ... )
    >>> daily_sales(orders).collect()[0].asDict()["units"]
    2

    Args:
        orders: `ordered_at` (timestamp), `ship_to.country_code`, `currency`, `status`, `total` (decimal), `lines` (array of
            structs with `quantity`).
        left_out: orders of which status do not count.

    Returns:
        `order_date`, `country_code`, `currency` (none of them null), `orders`, `units`, `revenue`.
    """
    counted = orders.where(F.col("ordered_at").isNotNull() & ~F.coalesce(F.col("status").isin(*left_out), F.lit(False)))
    units = F.aggregate(
        "lines", F.lit(0).cast("bigint"), lambda sum_, line: sum_ + F.coalesce(line["quantity"], F.lit(0))
    )
    return counted.groupBy(
        F.to_date("ordered_at").alias("order_date"),
        F.coalesce("ship_to.country_code", F.lit(UNKNOWN)).alias("country_code"),
        F.coalesce("currency", F.lit(UNKNOWN)).alias("currency"),
    ).agg(
        F.count(F.lit(1)).alias("orders"),
        F.coalesce(F.sum(units), F.lit(0)).cast("bigint").alias("units"),
        F.sum("total").alias("revenue"),
    )
