"""What Deequ does otherwise: each difference that is listed shows, and none goes by in silence."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.errors import ConfigError
from lakehouse.quality.deequ_differences import DIFFERENCES
from lakehouse.quality.outcomes import Evaluation
from lakehouse.runtime.evaluation import evaluate

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "dqdl.md"
SCHEMA = "id int, name string, blank string, at timestamp, day date, ratio double, flag boolean, `a.b` int"
REFUSED = {
    "data type": 'ColumnDataType "ratio" = "INTEGER"',
    "several": 'IsUnique "id" "name"',
    "threshold": 'ColumnValues "id" > 1 with threshold > 0.1',
    "not matches": 'ColumnValues "name" not matches "q"',
    "empty match": 'ColumnValues "name" matches ".*"',
    "blank": 'ColumnValues "blank" = WHITESPACES_ONLY',
    "other text": 'ColumnValues "flag" in ["true", "false", NULL]',
    "instants": 'ColumnValues "at" > "2020-01-01"',
    "digits": "RowCount < 1234567890.1234567",
    "quotes": 'RowCount = 1 where "name = \\"Ann\\""',
    "dots": 'IsUnique "a.b"',
    "schemas": 'SchemaMatch "other" > 0',
}
"""A rule for each difference that is refused, of which the native engine is no error."""


def ruleset(*rules: str) -> str:
    """The text of a ruleset."""
    return f"Rules = [{', '.join(rules)}]"


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    """Two rows."""
    now = datetime.now(UTC)
    rows = [
        (1, "Ann", "\t", now, date(2026, 1, 1), 1.5, True, 1),
        (2, None, " ", now - timedelta(hours=3), None, float("nan"), None, 1),
    ]
    return spark.createDataFrame(rows, SCHEMA).coalesce(1).cache()


def by_deequ(df: DataFrame, *rules: str, as_of: datetime | None = None) -> Evaluation:
    """What Deequ says of some rules."""
    sources = {"other": df.select("id")}
    return evaluate(df, ruleset(*rules), sources=sources, as_of=as_of or datetime.now(UTC), engine="deequ")


def test_the_page_lists_every_difference() -> None:
    """The table of the page is the constant, in its order, and says what is done about each."""
    rows = [f"| {one.rules} | {one.deequ} | {one.kept}: {one.here} |" for one in DIFFERENCES.values()]
    page = PAGE.read_text(encoding="utf-8")
    assert page.partition("## Deequ as")[2].partition("\n|---|---|---|\n")[2].split("\n")[: len(rows) + 1] == [
        *rows,
        "",
    ]


def test_what_deequ_would_get_wrong_is_an_error_with_the_reason(frame: DataFrame) -> None:
    """Each refused rule says what Deequ does, the native engine evaluates it, and rules beside it have their verdicts."""
    found = by_deequ(frame, *REFUSED.values(), "RowCount = 2")
    native = evaluate(frame, ruleset(*REFUSED.values()), sources={"other": frame.select("id")}, as_of=datetime.now(UTC))
    assert "Error" not in {one.verdict for one in native.outcomes}
    reasons = [f"Deequ {DIFFERENCES[name].deequ}: take the native engine" for name in REFUSED]
    assert [(one.verdict, one.reason) for one in found.outcomes] == [
        *(("Error", one) for one in reasons),
        ("Passed", ""),
    ]


def test_deequ_has_no_other_now_than_the_clocks(frame: DataFrame) -> None:
    """Rules on ages and `now()` are errors at any other instant; those without are not."""
    rules = ['DataFreshness "at" <= 24 hours', 'ColumnValues "day" < now() where "id = 1"', "RowCount = 2"]
    assert [one.verdict for one in by_deequ(frame, *rules).outcomes] == ["Passed", "Passed", "Passed"]
    found = by_deequ(frame, *rules, as_of=datetime.now(UTC) - timedelta(days=3))
    assert [one.verdict for one in found.outcomes] == ["Error", "Error", "Passed"]
    assert found.outcomes[0].reason == "Deequ knows no other now than that of the clock: take the native engine"


def test_types_that_deequ_lacks_are_errors(frame: DataFrame) -> None:
    """DetectAnomalies is an error, in a composite it matters where the others do not decide; analyzers are not measured."""
    rules = ['(DetectAnomalies "RowCount") or (RowCount = 2)', '(DetectAnomalies "RowCount") and (RowCount = 2)']
    found = by_deequ(frame, *rules).outcomes
    assert [one.verdict for one in found] == ["Passed", "Error"]
    analyzers = 'Rules = [RowCount = 2] Analyzers = [Mean "id"]'
    told = evaluate(frame, analyzers, as_of=datetime.now(UTC), engine="deequ").unmeasured
    assert told == {'Mean "id"': "Deequ does not know them: take the native engine"}


def test_composites_are_not_judged_by_row(frame: DataFrame) -> None:
    """What Deequ cannot do for the whole ruleset is refused before anything is asked."""
    with pytest.raises(ConfigError, match="Deequ judges composites on the whole dataset"):
        evaluate(frame, ruleset("RowCount = 2"), as_of=datetime.now(UTC), engine="deequ", composites="row")


def test_one_bad_rule_spoils_no_other(frame: DataFrame, caplog: pytest.LogCaptureFixture) -> None:
    """A rule that fails while it runs is one error, without values of rows; missing columns are told as the native engine does."""
    caplog.set_level(logging.CRITICAL)
    rules = [
        "RowCount = 2",
        'Sum "id" > 0 where "raise_error(name) is null"',
        'Mean "id" = 1.5',
        'IsComplete "nam"',
        'Uniqueness "id" = 1 where "nope > 1"',
        'IsUnique "id"',
    ]
    found = by_deequ(frame, *rules)
    native = evaluate(frame, ruleset(*rules), as_of=datetime.now(UTC))
    assert [one.verdict for one in found.outcomes] == ["Passed", "Error", "Passed", "Error", "Error", "Passed"]
    assert [one.verdict for one in found.outcomes] == [one.verdict for one in native.outcomes]
    assert found.outcomes[3].reason == native.outcomes[3].reason
    assert not any("Ann" in one.reason for one in found.outcomes)


def test_what_stays_different_depends_on_the_data(frame: DataFrame) -> None:
    """NaN, a division by zero and the sum of nothing are judged otherwise, as the table says."""
    rules = [
        'ColumnValues "ratio" > 0',
        'RowCount = 1 where "1 / (id - 1) = 1"',
        'AggregateMatch "sum(other.id)" "sum(id)" < 0.5',
    ]
    sources = {"other": frame.select("id").where("id < 0")}
    told = [
        [
            one.verdict
            for one in evaluate(
                frame, ruleset(*rules), sources=sources, as_of=datetime.now(UTC), engine=engine
            ).outcomes
        ]
        for engine in ("native", "deequ")
    ]
    assert told == [["Failed", "Error", "Failed"], ["Passed", "Passed", "Passed"]]


def test_rows_are_those_of_deequ(frame: DataFrame) -> None:
    """Each row lists what it passes, fails and skips under our texts; rows that `where` leaves out are skipped, not passed."""
    rules = [
        'IsComplete "name"',
        'ColumnValues "id" > 1',
        'ColumnValues "name" in ["Ann"] where "id = 1"',
        'IsUnique "id"',
        'DataFreshness "at" <= 24 hours',
        "RowCount = 2",
        '(IsComplete "name") or (ColumnValues "id" > 1)',
    ]
    found = by_deequ(frame, *rules)
    texts = [one.rule for one in found.outcomes]
    rows = [
        (row.id, *("".join(str(texts.index(text)) for text in row[f"DataQualityRules{kind}"]) for kind in ("Pass", "Fail", "Skip")),
         row.DataQualityEvaluationResult)
        for row in found.rows.orderBy("id").collect()
    ]  # fmt: skip
    assert found.rows.columns[: len(frame.columns)] == frame.columns
    assert found.rows.sparkSession is frame.sparkSession
    assert rows == [(1, "0236", "1", "45", "Failed"), (2, "136", "0", "245", "Failed")]


def test_the_session_is_left_as_it_was(spark: SparkSession, frame: DataFrame) -> None:
    """No view of Deequ's is left, and no setting is another."""
    before = (spark.conf.get("spark.sql.ansi.enabled"), [one.name for one in spark.catalog.listTables()])
    by_deequ(frame, 'CustomSql "SELECT count(*) FROM primary" = 2')
    assert (spark.conf.get("spark.sql.ansi.enabled"), [one.name for one in spark.catalog.listTables()]) == before
    assert spark.sql("SELECT current_timestamp()").sparkSession is spark
