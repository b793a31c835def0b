"""The two rulesets that the library was asked for, by Deequ as they were written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dqdl_examples import CLICKS, CUSTOMERS
from pyspark.sql import SparkSession

from lakehouse.runtime.evaluation import evaluate


def test_the_rulesets_of_the_scenarios(spark: SparkSession) -> None:
    """Verdicts worked out by hand; the ages are those of the clock."""
    now = datetime.now(UTC)
    events = spark.createDataFrame(
        [("u", now, "click")], "user_id string, event_timestamp timestamp, event_type string"
    )
    assert evaluate(events, CLICKS, as_of=now, engine="deequ").passed
    customers = spark.createDataFrame(
        [
            (1, "a@b.c", "US", "+4911223344", "2026-01-01", 7, now),
            (2, None, "XX", "0123", "1.1.2026", 8, now - timedelta(days=2)),
        ],
        "customer_id int, email string, country_code string, phone string, created_date string, ref_id int, updated_at timestamp",
    )
    sources = {"reference_table": spark.createDataFrame([(7,)], "id int")}
    found = evaluate(customers, CUSTOMERS, sources=sources, as_of=now, engine="deequ")
    assert [one.verdict[0] for one in found.outcomes] == list("FPPFFFFPF")
    assert found.outcomes[6].metrics == {"Dataset.*.CustomSQL": 1}
    good = customers.where("customer_id = 1")
    assert evaluate(good, CUSTOMERS, sources=sources, as_of=now, engine="deequ").passed
