"""Rulesets evaluated: verdicts, reasons and metrics worked out by hand for one small frame."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from spark_settings import COMPILED, settings

from lakehouse.errors import ConfigError, RulesetError
from lakehouse.quality.outcomes import Evaluation
from lakehouse.runtime.evaluation import evaluate

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
ROWS = [
    (1, "Ann", Decimal("10.00"), 1.5, date(2026, 1, 1), NOON - HOUR, True, "x"),
    (2, "Bob", Decimal("20.50"), -0.0, date(2025, 12, 31), NOON - 48 * HOUR, False, "x"),
    (3, "", None, float("nan"), None, None, None, "y"),
    (4, "  ", Decimal("0.10"), None, date(2026, 1, 2), NOON + HOUR, True, "z"),
    (5, None, Decimal("-5.25"), 2.5, date(2024, 2, 29), NOON - 24 * HOUR, False, None),
    (5, "Zoë", Decimal("10.00"), 0.0, date(2026, 1, 1), NOON - 24 * HOUR - TICK, True, "z"),
]
SCHEMA = "id int, name string, amount decimal(10,2), score double, day date, at timestamp, flag boolean, `a.b` string"

PASSED: dict[str, dict[str, float]] = {
    "RowCount = 6": {"Dataset.*.RowCount": 6},
    "RowCount between 5 and 7": {"Dataset.*.RowCount": 6},
    "RowCount not between 6 and 9": {"Dataset.*.RowCount": 6},
    "RowCount in [1, 6]": {"Dataset.*.RowCount": 6},
    "RowCount = 2 where \"`a.b` = 'x'\"": {"Dataset.*.RowCount": 2},
    "RowCount = 2 * (1 + 2)": {"Dataset.*.RowCount": 6},
    "RowCount > avg(last(2)) - 1": {"Dataset.*.RowCount": 6},
    "RowCount = last() + 1": {"Dataset.*.RowCount": 6},
    "RowCount = index(last(3), 1)": {"Dataset.*.RowCount": 6},
    "RowCount < sum(last(9)) + std(last(3))": {"Dataset.*.RowCount": 6},
    'Completeness "id" > max(last(5))': {"Column.id.Completeness": 1},
    "ColumnCount = 8": {"Dataset.*.ColumnCount": 8},
    'ColumnExists "a.b"': {},
    'ColumnNamesMatchPattern "[a-z.]{2,6}"': {"Dataset.*.ColumnNamesPatternMatchRatio": 1},
    'Completeness "name" > 0.83': {"Column.name.Completeness": 5 / 6},
    'Completeness "score" = 1 where "id < 4"': {"Column.score.Completeness": 1},
    'IsComplete "id"': {"Column.id.Completeness": 1},
    'Uniqueness "id" between 0.66 and 0.67': {"Column.id.Uniqueness": 4 / 6},
    'Uniqueness "a.b" = 0.2': {"Column.a.b.Uniqueness": 0.2},
    'IsUnique "name"': {"Column.name.Uniqueness": 1},
    'IsUnique "id" "a.b"': {"Multicolumn.id,a.b.Uniqueness": 1},
    'IsUnique "id" where "id < 5"': {"Column.id.Uniqueness": 1},
    'IsPrimaryKey "id" where "id < 5"': {"Column.id.Completeness": 1, "Column.id.Uniqueness": 1},
    'UniqueValueRatio "id" = 0.8': {"Column.id.UniqueValueRatio": 0.8},
    'DistinctValuesCount "score" = 4': {"Column.score.DistinctValuesCount": 4},
    'DistinctValuesCount "id" = 0 where "id > 9"': {"Column.id.DistinctValuesCount": 0},
    'Entropy "id" between 1.5607 and 1.5608': {"Column.id.Entropy": 1.5607104090414063},
    'Mean "amount" = 7.07': {"Column.amount.Mean": 7.07},
    'Mean "id" > 4 where "id > 3"': {"Column.id.Mean": 14 / 3},
    'Sum "amount" = 35.35': {"Column.amount.Sum": 35.35},
    'StandardDeviation "id" between 1.49 and 1.491': {"Column.id.StandardDeviation": (20 / 9) ** 0.5},
    'ColumnCorrelation "id" "id" > 0.999': {"Multicolumn.id,id.ColumnCorrelation": 1},
    'ColumnValues "id" between 0 and 6': {"Column.id.Minimum": 1, "Column.id.Maximum": 5, "Column.id.ColumnValues.Compliance": 1},
    'ColumnValues "id" in [1, 2, 3, 4, 5, 0.5]': {"Column.id.ColumnValues.Compliance": 1},
    'ColumnValues "id" != 9.5': {"Column.id.ColumnValues.Compliance": 1},
    'ColumnValues "id" > 1 with threshold > 0.8': {"Column.id.ColumnValues.Compliance": 5 / 6},
    'ColumnValues "amount" not in [20.5001, 11]': {"Column.amount.ColumnValues.Compliance": 1},
    'ColumnValues "amount" = 10 with threshold between 0.3 and 0.34': {"Column.amount.ColumnValues.Compliance": 2 / 6},
    'ColumnValues "score" = 0 where "id > 1" with threshold = 0.4': {"Column.score.ColumnValues.Compliance": 0.4},
    'ColumnValues "score" != 1.5 with threshold > 0.8': {"Column.score.Maximum": 2.5, "Column.score.ColumnValues.Compliance": 5 / 6},
    'ColumnValues "name" in ["Ann", "Bob", "Zoë", NULL, EMPTY, WHITESPACES_ONLY]': {"Column.name.ColumnValues.Compliance": 1},
    'ColumnValues "name" matches "\\p{L}+" with threshold = 0.5': {"Column.name.ColumnValues.Compliance": 0.5},
    'ColumnValues "name" not matches "x*" with threshold > 0.6': {"Column.name.ColumnValues.Compliance": 4 / 6},
    'ColumnValues "name" != "Ann" with threshold > 0.8': {"Column.name.ColumnValues.Compliance": 5 / 6},
    'ColumnValues "flag" in ["true", "false", NULL]': {"Column.flag.ColumnValues.Compliance": 1},
    'ColumnValues "day" > "2024-02-28" where "day is not null"': {"Column.day.ColumnValues.Compliance": 1},
    'ColumnValues "day" in ["2026-01-01", NULL] with threshold = 0.5': {"Column.day.ColumnValues.Compliance": 0.5},
    'ColumnValues "day" matches "20\\d\\d-.*" where "id != 3"': {"Column.day.ColumnValues.Compliance": 1},
    'ColumnValues "day" > (now() - 2 days) where "id in (1, 4)"': {"Column.day.ColumnValues.Compliance": 1},
    'ColumnValues "at" <= (now() + 1 hours) where "at is not null"': {"Column.at.ColumnValues.Compliance": 1},
    'ColumnValues "at" not between "2026-01-01" and now() with threshold > 0.3': {"Column.at.ColumnValues.Compliance": 2 / 6},
    'ColumnLength "name" in [0, 2, 3]': {"Column.name.MinimumLength": 0, "Column.name.MaximumLength": 3},
    'ColumnLength "name" < 1 where "id = 5 and name is null"': {"Column.name.ColumnLength.Compliance": 1},
    'ColumnDataType "id" = "INTEGER"': {"Column.id.ColumnDataType.Compliance": 1},
    'ColumnDataType "name" != "DATE"': {"Column.name.ColumnDataType.Compliance": 1},
    'ColumnDataType "amount" = "DECIMAL(3,1)" with threshold > 0.6': {"Column.amount.ColumnDataType.Compliance": 4 / 6},
    'DataFreshness "at" <= 24 hours where "id in (1, 4) or name is null"': {"Column.at.DataFreshness.Compliance": 1},
    'DataFreshness "day" between 35 hours and 37 hours where "id = 1"': {"Column.day.DataFreshness.Compliance": 1},
    '(RowCount > 9) or (IsComplete "id")': {"Dataset.*.RowCount": 6, "Column.id.Completeness": 1},
    '(IsComplete "nope") or (RowCount = 6)': {"Dataset.*.RowCount": 6},
    '(RowCount = 6) and ((IsComplete "name") or (Sum "id" = 20))': {"Column.id.Sum": 20},
}  # fmt: skip
"""Rules that pass, with what is measured for them."""

FAILED = {
    "RowCount between 6 and 9": "6 is not between 6 and 9",
    "RowCount > max(last(2)) + 1": "6 is not > max(last(2)) + 1 (7)",
    'RowCount = 1 where "id > 9"': "0 is not = 1",
    'ColumnExists "nam"': "there is no column nam; did you mean name?",
    'ColumnExists "NAME"': "there is no column NAME; did you mean name?",
    'ColumnNamesMatchPattern "[a-z]+"': "names that do not match: a.b",
    'IsComplete "name"': "1 of 6 rows do not pass",
    'Completeness "name" = 1 where "id > 9"': "there is nothing to measure: no row, or no value",
    'IsUnique "id"': "2 of 6 rows have a value that is not theirs alone",
    'IsPrimaryKey "id"': "0 of 6 rows lack a value, and 2 have one that is not theirs alone",
    'IsPrimaryKey "name"': "1 of 6 rows lack a value, and 0 have one that is not theirs alone",
    'Mean "score" > 0': "nan is not > 0",
    'Mean "amount" > 0 where "amount is null"': "there is nothing to measure: no row, or no value",
    'ColumnValues "amount" > -6': "1 of 6 rows do not pass",
    'ColumnValues "amount" not in [1, NULL]': "1 of 6 rows do not pass",
    'ColumnValues "score" < 9': "2 of 6 rows do not pass",
    'ColumnValues "score" not between 8 and 9': "2 of 6 rows do not pass",
    'ColumnValues "name" != NULL': "1 of 6 rows do not pass",
    'ColumnValues "name" matches "Ann|Bo"': "5 of 6 rows do not pass",
    'ColumnValues "name" = EMPTY with threshold > 0.5': f"{1 / 6} is not > 0.5",
    'ColumnValues "day" > "2026-01-01"': "5 of 6 rows do not pass",
    'ColumnLength "name" > 2': "3 of 6 rows do not pass",
    'DataFreshness "at" <= 24 hours': "3 of 6 rows do not pass",
    'DataFreshness "at" != 5 minutes': "1 of 6 rows do not pass",
    'ColumnDataType "name" = "STRING"': "1 of 6 rows do not pass",
    '(RowCount > 0) and (IsComplete "name")': 'IsComplete "name": 1 of 6 rows do not pass',
    '(IsComplete "nope") and (RowCount = 5)': "RowCount = 5: 6 is not = 5",
}  # fmt: skip
"""Rules that fail, with the reason."""

ERRORS = {
    "RowCont > 3": "there is no rule type RowCont; did you mean RowCount?",
    "RowCount > 1 / (3 - 3)": "its condition divides by zero, or comes to no number",
    "RowCount > last(3)": "RowCount cannot compare with the list last(3); take avg, max, median, min, std, sum or index of it",
    'IsComplete "nam"': "the frame has no column nam; did you mean name?",
    'IsUnique "id" "Name"': "the frame has no column Name; did you mean name?",
    'Mean "name" > 1': "the column name is of type string, which is no number",
    'ColumnLength "id" > 1': "the column id is of type int, and only texts have a length",
    'DataFreshness "name" < 1 days': "the column name is of type string, and only dates and timestamps have an age",
    'ColumnValues "name" > 5': "the column is of type string, which does not compare with 5",
    'ColumnValues "id" = EMPTY': "the column is of type int, which does not compare with EMPTY",
    'ColumnValues "name" > (now() - 1 days)': "the column is of type string, which does not compare with (now() - 1 days)",
    'ColumnValues "score" matches "1.*"': "the column is of type double, which does not compare with a text",
    'ColumnValues "at" > (now() - 9999999 days)': "-9999999 days from now is outside the years 1 to 9999",
    'ColumnValues "name" matches "(a|a)*b"':
        "the pattern repeats what can be shared out in several ways, which can take for ever: let the repetition of the "
        "group give nothing back, (a+b)++ for (a+b)+",
    'ColumnDataType "id" = "NUMBER"':
        "there is no type NUMBER; there are: BOOLEAN, DATE, DOUBLE, FLOAT, INTEGER, LONG, STRING, TIMESTAMP, "
        "DECIMAL(precision,scale)",
    'SchemaMatch "twin" = 1': "there is no source twin; there is none",
    'DetectAnomalies "Mean" "nam"': "the frame has no column nam; did you mean name?",
    'DetectAnomalies "ColumnValues" "name"': "the column name is of type string, which is no number",
    'DetectAnomalies "AllStatistics" "nam"': "the frame has no column nam; did you mean name?",
    "FileSize > 1 MB": "it names no path: name one, or say by files= where the frame was read from",
    '(IsComplete "nope") and (RowCount = 6)':
        'IsComplete "nope": the frame has no column nope; there are: id, name, amount, score, day, at, flag, a.b',
}  # fmt: skip
"""Rules that cannot be worked out, with the reason."""

HISTORY = [{"Dataset.*.RowCount": rows, "Column.id.Completeness": 0.5} for rows in (100.0, 6.0, 5.0)]


def ruleset(*rules: str) -> str:
    """The text of a ruleset."""
    return f"Rules = [{', '.join(rules)}]"


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    """Six rows."""
    return spark.createDataFrame(ROWS, SCHEMA).coalesce(1)


@pytest.fixture(scope="module", params=[True, False], ids=["ansi", "not ansi"])
def found(spark: SparkSession, frame: DataFrame, request: pytest.FixtureRequest) -> Iterator[Evaluation]:
    """All rules at once, with ANSI mode on and off."""
    with settings(spark, {"spark.sql.ansi.enabled": str(request.param).lower()}):
        yield evaluate(frame, ruleset(*PASSED, *FAILED, *ERRORS), as_of=NOON, history=HISTORY)


def test_every_rule_has_its_verdict(found: Evaluation) -> None:
    """In the order of the text, each with the reason that a person needs."""
    told = [(one.verdict, one.reason) for one in found.outcomes]
    reasons = [*FAILED.values(), *ERRORS.values()]
    verdicts = ["Passed"] * len(PASSED) + ["Failed"] * len(FAILED) + ["Error"] * len(ERRORS)
    assert told == list(zip(verdicts, [*[""] * len(PASSED), *reasons], strict=True))
    assert not found.passed


def test_metrics_have_the_names_of_glue(found: Evaluation) -> None:
    """Each outcome tells what was measured for it."""
    for outcome, expected in zip(found.outcomes, PASSED.values(), strict=False):
        told = {name: outcome.metrics[name] for name in expected}
        assert told == pytest.approx(expected), outcome.rule
    assert found.metrics["Dataset.*.RowCount"] == 6
    assert found.metrics["Dataset.*.RowCount (where: `a.b` = 'x')"] == 2


def test_rows_say_what_they_pass(frame: DataFrame) -> None:
    """Each row lists what it passes, fails and skips; what is asked of the whole, left out or wrong is skipped."""
    rules = [
        "RowCount > 99",
        'ColumnValues "id" > 4 where "name is not null"',
        'IsPrimaryKey "id"',
        'Uniqueness "a.b" > 0.9',
        'IsComplete "nope"',
        '(ColumnLength "name" = 3) or (IsComplete "score")',
        '(ColumnLength "name" = 3) or (RowCount > 0)',
    ]
    evaluation = evaluate(frame, ruleset(*rules), as_of=NOON)
    rows, texts = evaluation.rows, [one.rule for one in evaluation.outcomes]
    assert rows.columns == [*frame.columns, *(f"DataQualityRules{one}" for one in ("Pass", "Fail", "Skip")),
                            "DataQualityEvaluationResult"]  # fmt: skip
    found = sorted(
        (
            row.id,
            row.name or "",
            *("".join(str(texts.index(text)) for text in row[place]) for place in (8, 9, 10)),
            row[11],
        )
        for row in rows.collect()
    )
    assert found == [
        (1, "Ann", "25", "13", "046", "Failed"),
        (2, "Bob", "25", "13", "046", "Failed"),
        (3, "", "235", "1", "046", "Failed"),
        (4, "  ", "2", "135", "046", "Failed"),
        (5, "", "5", "2", "01346", "Failed"),
        (5, "Zoë", "15", "23", "046", "Failed"),
    ]


def test_texts_that_a_pattern_is_too_deep_for_are_errors(spark: SparkSession) -> None:
    """Short texts are matched; a rule that meets a long one is an error, which says so, and is skipped for every row."""
    texts = spark.createDataFrame([(1, "ab" * 250, "ab" * 4_000), (2, "c", "c")], "id int, short string, long string")
    rules = [
        f'ColumnValues "{name}"{negated} matches "(a|b)+"' for name in ("short", "long") for negated in ("", " not")
    ]
    found = evaluate(texts, ruleset(*rules, 'ColumnValues "long" matches "(a|b)++"'), as_of=NOON)
    half = "1 of 2 rows do not pass"
    deep = (
        "the pattern repeats a group of alternatives or of several lengths, for which a text may have 500 characters: "
        "let the repetition of the group give nothing back, (a+b)++ for (a+b)+"
    )
    assert [one.reason for one in found.outcomes] == [half, half, deep, deep, half]
    assert [one.verdict for one in found.outcomes] == ["Failed", "Failed", "Error", "Error", "Failed"]
    shown = found.rows.orderBy("id").select("DataQualityRulesPass", "DataQualityRulesSkip").collect()
    assert [[len(texts) for texts in row] for row in shown] == [[2, 2], [1, 2]]


def test_composites_by_row_ask_each_row(frame: DataFrame) -> None:
    """No rule of a composite need be true of all rows, if one of them is of each; rules on the whole count for every row."""
    both = [
        '(ColumnValues "id" < 3) or (ColumnValues "id" >= 3)',
        '(ColumnValues "id" < 3) and (RowCount = 6)',
        '(ColumnValues "id" < 3) or (IsComplete "nope")',
    ]
    whole = evaluate(frame, ruleset(*both), as_of=NOON)
    by_row = evaluate(frame, ruleset(*both), as_of=NOON, composites="row")
    assert [one.verdict for one in whole.outcomes] == ["Failed", "Failed", "Error"]
    assert [one.verdict for one in by_row.outcomes] == ["Passed", "Failed", "Error"]
    assert by_row.outcomes[1].reason == "4 of 6 rows do not pass"
    assert by_row.rows.where("DataQualityEvaluationResult = 'Passed'").count() == 2


def test_empty_frames_have_nothing_to_measure(frame: DataFrame) -> None:
    """Counts are 0; every share and statistic fails, since there is none."""
    rules = ["RowCount = 0", 'DistinctValuesCount "id" = 0', 'ColumnExists "id"', 'ColumnNamesMatchPattern ".*"']
    shares = [
        'Completeness "id" >= 0',
        'IsUnique "id"',
        'IsPrimaryKey "id"',
        'ColumnValues "id" > 0',
        'Sum "id" >= 0',
        'Entropy "id" = 0',
    ]
    found = evaluate(frame.where("false"), ruleset(*rules, *shares), as_of=NOON)
    assert [one.verdict for one in found.outcomes] == ["Passed"] * 4 + ["Failed"] * 6
    assert {one.reason for one in found.outcomes[4:]} == {"there is nothing to measure: no row, or no value"}


def test_one_bad_rule_is_one_error(frame: DataFrame) -> None:
    """What fails while it runs, or names what is not there, spoils no other rule, and its reason holds no values."""
    rules = [
        "RowCount = 6",
        'ColumnValues "name" matches "a("',
        'Sum "id" > 3 where "1 / (id - 1) > raise_error(name)"',
        'Completeness "id" = 1 where "nope > 1"',
        'Completeness "id" = 1 where "id >< 1"',
        'Uniqueness "id" = 1 where "nope > 1"',
        'Uniqueness "id" < 1',
    ]
    with settings(frame.sparkSession, COMPILED):  # interpreted, Spark 4 names the pattern otherwise
        found = evaluate(frame, ruleset(*rules), as_of=NOON)
    assert [one.verdict for one in found.outcomes] == ["Passed", "Error", "Error", "Error", "Error", "Error", "Passed"]
    assert found.outcomes[1].reason == "Spark cannot work it out: PatternSyntaxException"
    assert "nope" in found.outcomes[3].reason
    assert "Syntax error" in found.outcomes[4].reason
    assert not any("Ann" in one.reason for one in found.outcomes)
    assert found.rows.where("size(DataQualityRulesSkip) = 6").count() == 6


def queries(spark: SparkSession) -> int:
    """How many queries the session has run."""
    spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()  # noqa: SLF001 - Spark tells nobody else
    # By the number of the newest one: of those before it the store forgets some, once there are a thousand.
    listed = spark._jsparkSession.sharedState().statusStore().executionsList()  # noqa: SLF001 - as above
    return int(listed.last().executionId()) if listed.nonEmpty() else -1


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (['ColumnExists "id"', "ColumnCount > 1"], 0),
        (['DetectAnomalies "Distribution" "id"', 'DetectAnomalies "Distribution" "name"'], 2),
        (["RowCount > 0", 'Mean "id" > 0', 'ColumnValues "id" > 0', 'IsComplete "name" where "id > 1"'], 1),
        (['IsUnique "id"', 'Entropy "name" > 0', 'Uniqueness "id" > 0 where "id > 1"'], 1),
        (
            [
                "RowCount > 0",
                'IsPrimaryKey "id"',
                'RowCountMatch "twin" = 1',
                'AggregateMatch "sum(id)" "sum(twin.id)" = 1',
            ],
            3,
        ),
        (['ReferentialIntegrity "id" "twin.id" = 1', 'ReferentialIntegrity "day" "twin.day" > 0'], 2),
    ],
)
def test_queries_are_few(spark: SparkSession, frame: DataFrame, rules: list[str], expected: int) -> None:
    """One for all aggregates, one for all that is grouped, one for each source, one for each join and each query."""
    before = queries(spark)
    found = evaluate(frame, ruleset(*rules), sources={"twin": frame}, as_of=NOON)
    assert queries(spark) - before == expected
    assert "Error" not in {one.verdict for one in found.outcomes}


def test_analyzers_are_measured(frame: DataFrame) -> None:
    """Analyzers add metrics and no outcomes; those that cannot be measured are told."""
    text = 'Rules = [RowCount > 0] Analyzers = [Mean "id", ColumnLength "name", Entropy "nope"]'
    found = evaluate(frame, text, as_of=NOON)
    assert found.metrics == pytest.approx(
        {
            "Dataset.*.RowCount": 6,
            "Column.id.Mean": 20 / 6,
            "Column.name.MinimumLength": 0,
            "Column.name.MaximumLength": 3,
        }
    )
    assert list(found.unmeasured) == ['Entropy "nope"']


def test_all_statistics_and_all_columns(spark: SparkSession) -> None:
    """Each stands for what a column of its type has: by hand, of the values 1, 2, 2 and null."""
    values = spark.createDataFrame(
        [(1, "a", [1]), (2, "bb", None), (2, None, None), (None, None, [2])], "id int, name string, list array<int>"
    )
    text = 'Rules = [RowCount > 0] Analyzers = [AllStatistics "id", Completeness of AllColumns, ColumnLength of AllColumns, AllStatistics "nam"]'
    found = evaluate(values, text, as_of=NOON)
    assert found.metrics == pytest.approx(
        {
            "Dataset.*.RowCount": 4,
            "Column.id.Completeness": 3 / 4,
            "Column.id.DistinctValuesCount": 2,
            "Column.id.Uniqueness": 1 / 3,  # of the values that are there
            "Column.id.UniqueValueRatio": 1 / 2,
            "Column.id.Entropy": math.log(3) - 2 / 3 * math.log(2),
            "Column.id.Minimum": 1,
            "Column.id.Maximum": 2,
            "Column.id.Mean": 5 / 3,
            "Column.id.Sum": 5,
            "Column.id.StandardDeviation": math.sqrt(2) / 3,
            "Column.name.Completeness": 1 / 2,
            "Column.list.Completeness": 1 / 2,
            "Column.name.MinimumLength": 0,  # that of null
            "Column.name.MaximumLength": 2,
        }
    )
    assert found.unmeasured == {'AllStatistics "nam"': "the frame has no column nam; did you mean name?"}
    steady = [{"Column.id.Mean": 1.0, "Column.id.Sum": 5.0}] * 10
    judged = evaluate(values, ruleset('DetectAnomalies "AllStatistics" "id"'), as_of=NOON, history=steady).outcomes
    assert [one.verdict for one in judged] == ["Failed"]
    assert judged[0].reason.startswith('DetectAnomalies "Mean" "id": Column.id.Mean: ')


def test_days_are_days_of_the_zone(spark: SparkSession) -> None:
    """A day begins at midnight of the zone of `as_of`, for instants; a clock without a zone is of that zone."""
    frame = spark.sql("SELECT timestamp'2026-01-01 15:30:00Z' AS at, timestamp_ntz'2026-01-02 00:30:00' AS wall")
    as_of = datetime.fromisoformat("2026-01-02T00:30:00+09:00")
    rules = ['ColumnValues "at" > "2026-01-02"', 'DataFreshness "at" = 0 hours', 'DataFreshness "wall" = 0 hours']
    assert evaluate(frame, ruleset(*rules), as_of=as_of).passed


def test_what_cannot_be_evaluated_is_refused(spark: SparkSession, frame: DataFrame) -> None:
    """No ruleset, an instant without a zone, and names that the results have."""
    with pytest.raises(RulesetError, match="line 1"):
        evaluate(frame, "Rules = [", as_of=NOON)
    with pytest.raises(ConfigError, match="no time zone"):
        evaluate(frame, "Rules = [RowCount > 0]", as_of=datetime(2026, 1, 1))  # noqa: DTZ001 - the case
    with pytest.raises(ConfigError, match="has dataqualityrulesPASS already"):
        evaluate(spark.range(1).toDF("dataqualityrulesPASS"), "Rules = [RowCount > 0]", as_of=NOON)


def test_a_frame_that_cannot_be_read_is_no_error_of_a_rule(frame: DataFrame) -> None:
    """What Spark raises of the frame itself is raised, and not told as a verdict."""
    broken = frame.where("raise_error('no such file') IS NULL")
    with pytest.raises((PySparkException, Py4JError)):
        evaluate(broken, ruleset("RowCount > 0", 'Sum "id" > 0'), as_of=NOON)


def test_a_frame_is_judged_by_the_settings_of_its_session(spark: SparkSession) -> None:
    """Whichever session is the active one, and that one is left as it was."""
    frames = {}
    for verdict, ansi in (("Passed", "false"), ("Error", "true")):
        session = spark.newSession()
        session.conf.set("spark.sql.ansi.enabled", ansi)
        frames[verdict] = session.createDataFrame([("abc",)], "name string")
    for verdict, frame in frames.items():
        found = evaluate(frame, 'Rules = [RowCount = 0 where "cast(name as int) > 1"]', as_of=NOON)
        assert [one.verdict for one in found.outcomes] == [verdict]
        active = SparkSession.getActiveSession()
        assert active is not None
        assert active.conf.get("spark.sql.ansi.enabled") == "true"
