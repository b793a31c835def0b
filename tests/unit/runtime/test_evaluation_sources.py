"""Rules on more than one dataset, and queries: verdicts and shares worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from dqdl_examples import CLICKS, CUSTOMERS
from pyspark.sql import DataFrame, SparkSession

from lakehouse.quality.outcomes import Evaluation
from lakehouse.runtime.evaluation import evaluate

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ORDERS = [(1, "Rome", "IT", 10), (2, "Rome", "FR", 20), (3, None, "IT", 30), (4, "Oslo", "NO", None)]
SHOPS = [("Rome", "IT", 1.0), ("Oslo", "NO", 2.0), ("Oslo", "NO", 3.0), (None, "IT", 4.0)]
BILLS = [(1, 10), (2, 21), (4, None), (9, 9)]

PASSED: dict[str, dict[str, float]] = {
    'ReferentialIntegrity "city" "shops.place" = 0.75': {"Column.shops.ReferentialIntegrity": 0.75},
    'ReferentialIntegrity "city,land" "shops.{place,code}" = 0.5': {"Column.shops.ReferentialIntegrity": 0.5},
    'DatasetMatch "bills" "id->number" "amount->total" = 0.5': {"Dataset.bills.DatasetMatch": 0.5},
    'SchemaMatch "bills" = 0.0': {"Dataset.bills.SchemaMatch": 0.0},
    'SchemaMatch "orders" = 1.0': {"Dataset.orders.SchemaMatch": 1.0},
    'RowCountMatch "shops" = 1': {"Dataset.shops.RowCountMatch": 1},
    'AggregateMatch "sum(amount)" "sum(bills.total)" = 1.5': {"Column.amount,total.AggregateMatch": 1.5},
    'AggregateMatch "avg(bills.total)" "avg(amount)" between 0.66 and 0.67': {"Column.total,amount.AggregateMatch": 40 / 60},
    'CustomSql "SELECT sum(amount) FROM primary" = 60': {"Dataset.*.CustomSQL": 60},
    'CustomSql "WITH t AS (SELECT * FROM primary_table) SELECT count(*) FROM t JOIN shops ON city = place -- all" = 4':
        {"Dataset.*.CustomSQL": 4},
    'CustomSql "SELECT count(*) FROM primary WHERE city rlike \'^R.{3}$\'" = 2': {"Dataset.*.CustomSQL": 2},
    'CustomSql "SELECT city, land FROM primary WHERE land = \'IT\'" with threshold = 0.5':
        {"Dataset.*.CustomSQL.Compliance": 0.5},
}  # fmt: skip

FAILED = {
    'CustomSql "SELECT id FROM primary WHERE amount > 0"': "1 of 4 rows do not pass",
    'CustomSql "SELECT max(amount) FROM primary WHERE id > 9" > 0': "there is nothing to measure: no row, or no value",
    'RowCountMatch "bills" > 1': "1 is not > 1",
}
ERRORS = {
    'RowCountMatch "shop" = 1': "there is no source shop; did you mean shops?",
    'ReferentialIntegrity "city" "shops.plaza" = 1': "the source shops has no column plaza; did you mean place?",
    'ReferentialIntegrity "id" "shops.place" = 1': "id is of type int here and string there",
    'DatasetMatch "shops" "city->place" "land->code" = 1': "the key city has nulls, or stands more than once in the frame or in shops",
    'DatasetMatch "bills" "id->number" = 1': "the source bills has no column city; there are: number, total",
    'AggregateMatch "sum(city)" "sum(bills.total)" = 1': "the column city is of type string, which is no number",
    'CustomSql "SELECT city FROM primary" = 1': "the query has to give one number, in one column",
    'CustomSql "SELECT id FROM primary" = 1': "the query has to give one row, and gives 4",
    'CustomSql "SELECT id + 0.5 AS id FROM primary"': "the query gives id another type than the frame has",
    'CustomSql "SELECT 1 AS one"': "the frame has no column one; there are: id, city, land, amount",
    'CustomSql "DROP TABLE shops" = 1': "[PARSE_SYNTAX_ERROR] Syntax error at or near",
    'CustomSql "SELECT count(*) FROM nowhere" = 1': "[TABLE_OR_VIEW_NOT_FOUND]",
}  # fmt: skip


@pytest.fixture(scope="module")
def sources(spark: SparkSession) -> dict[str, DataFrame]:
    """Orders, the shops they name, and bills."""
    return {
        "orders": spark.createDataFrame(ORDERS, "id int, city string, land string, amount int").coalesce(1),
        "shops": spark.createDataFrame(SHOPS, "place string, code string, size double").coalesce(1),
        "bills": spark.createDataFrame(BILLS, "number long, total int").coalesce(1),
    }


@pytest.fixture(scope="module")
def found(sources: dict[str, DataFrame]) -> Evaluation:
    """All rules at once."""
    text = f"Rules = [{', '.join([*PASSED, *FAILED, *ERRORS])}]"
    return evaluate(sources["orders"], text, sources=sources, as_of=NOON)


def test_every_rule_has_its_verdict(found: Evaluation) -> None:
    """In the order of the text, each with its metrics or its reason."""
    verdicts = ["Passed"] * len(PASSED) + ["Failed"] * len(FAILED) + ["Error"] * len(ERRORS)
    assert [one.verdict for one in found.outcomes] == verdicts
    for outcome, metrics in zip(found.outcomes, PASSED.values(), strict=False):
        assert outcome.metrics == pytest.approx(metrics), outcome.rule
    told = [one.reason for one in found.outcomes[len(PASSED) :]]
    assert [one[: len(reason)] for one, reason in zip(told, [*FAILED.values(), *ERRORS.values()], strict=True)] == [
        *FAILED.values(),
        *ERRORS.values(),
    ]


def test_rows_say_what_they_pass(found: Evaluation) -> None:
    """Rows that are found, matched or given by a query pass, and none comes twice."""
    rules = list(PASSED)
    asked = [rules[place] for place in (0, 1, 2, -1)]
    rows = [(row.id, [rule in row.DataQualityRulesPass for rule in asked]) for row in found.rows.collect()]
    assert sorted(rows) == [
        (1, [True, True, True, True]),
        (2, [True, False, False, False]),
        (3, [False, False, False, True]),
        (4, [True, True, True, False]),
    ]


def test_the_rulesets_of_the_scenarios(spark: SparkSession) -> None:
    """The two rulesets that the library was asked for run as they were written."""
    events = spark.createDataFrame(
        [("u", NOON, "click")], "user_id string, event_timestamp timestamp, event_type string"
    )
    assert evaluate(events, CLICKS, as_of=NOON).passed
    customers = spark.createDataFrame(
        [
            (1, "a@b.c", "US", "+4911223344", "2026-01-01", 7, NOON),
            (2, None, "XX", "0123", "1.1.2026", 8, NOON - timedelta(days=2)),
        ],
        "customer_id int, email string, country_code string, phone string, created_date string, ref_id int, updated_at timestamp",
    )
    reference = spark.createDataFrame([(7,)], "id int")
    found = evaluate(customers, CUSTOMERS, sources={"reference_table": reference}, as_of=NOON)
    assert [one.verdict[0] for one in found.outcomes] == list("FPPFFFFPF")
    assert found.outcomes[6].metrics == {"Dataset.*.CustomSQL": 1}


def test_texts_of_rules_stay_what_they_are(spark: SparkSession) -> None:
    """No part of a query or a predicate is taken for a setting or a variable of the environment, however the session was set."""
    spark.conf.set("spark.sql.variable.substitute", "true")
    frame = spark.createDataFrame([("${env:HOME}",), ("/root",)], "place string")
    rules = """Rules = [
        CustomSql "SELECT count(*) FROM primary WHERE place = '${env:HOME}'" = 1,
        RowCount = 1 where "place = '${env:HOME}'"
    ]"""
    found = evaluate(frame, rules, as_of=NOON)
    assert [one.verdict for one in found.outcomes] == ["Passed", "Passed"]
