"""DetectAnomalies is evaluated with the metrics of earlier evaluations."""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark.sql import SparkSession

from lakehouse.quality.anomalies import SimpleThreshold
from lakehouse.runtime.evaluation import evaluate

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RULES = """Rules = [
    DetectAnomalies "RowCount",
    DetectAnomalies "ColumnCount",
    DetectAnomalies "Completeness" "name",
    DetectAnomalies "ColumnLength" "name",
    DetectAnomalies "ColumnValues" "id",
    DetectAnomalies "Uniqueness" "id",
    DetectAnomalies "CustomSql" "select count(distinct name) from primary"
]"""


def test_evaluations_are_the_history_of_later_ones(spark: SparkSession) -> None:
    """The first one passes for want of history; after seven like it, only what differs fails, with its metric named."""
    usual = spark.createDataFrame([(1, "Ann"), (2, "Bob"), (3, "Eve")], "id int, name string").coalesce(1)
    first = evaluate(usual, RULES, as_of=NOON)
    assert first.passed
    assert all("not enough history: 7 earlier values" in one.reason for one in first.outcomes)

    other = spark.createDataFrame([(1, "Ann"), (2, "Li"), (2, None), (3, "Eve")], "id int, name string").coalesce(1)
    found = evaluate(other, RULES, as_of=NOON, history=[first.metrics] * 7)
    assert [(one.verdict, one.reason.partition(": the mean")[0]) for one in found.outcomes] == [
        ("Failed", "Dataset.*.RowCount: 4 is above 3"),
        ("Passed", ""),
        ("Failed", "Column.name.Completeness: 0.75 is below 1"),
        ("Failed", "Column.name.MinimumLength: 0 is below 3"),
        ("Passed", ""),
        ("Failed", "Column.id.Uniqueness: 0.5 is below 1"),
        ("Passed", ""),
    ]
    assert found.rows.columns[2:] == [
        f"DataQuality{one}" for one in ("RulesPass", "RulesFail", "RulesSkip", "EvaluationResult")
    ]

    bounded = evaluate(
        usual, 'Rules = [DetectAnomalies "ColumnCount"]', as_of=NOON, anomalies=SimpleThreshold(upper_bound=1.0)
    )
    assert bounded.outcomes[0].reason == "Dataset.*.ColumnCount: 2 is above 1: the limits that are set"
