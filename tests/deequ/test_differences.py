"""What Deequ does otherwise: each difference that is listed shows, and none goes by in silence."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.errors import ConfigError
from lakehouse.quality.deequ_differences import DIFFERENCES
from lakehouse.quality.outcomes import Evaluation
from lakehouse.runtime import deequ
from lakehouse.runtime.evaluation import evaluate
from lakehouse.runtime.jars import find_runtime
from lakehouse.tables.jvm import java_packages

os.environ.setdefault("SPARK_VERSION", find_runtime().spark)  # PyDeequ asks for it when it is imported
with warnings.catch_warnings(action="ignore"):  # escapes in its source that Python will refuse one day
    from pydeequ.dqdl import EvaluateDataQuality

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
    "zero": 'ColumnLength "blank" not in [0]',
}
"""A rule for each difference that is refused, of which the native engine is no error."""

ENGINES: tuple[Literal["native", "deequ"], ...] = ("native", "deequ")
NOBODY = 'where "id > 99"'
CORRECTED = {
    "name pattern": ('ColumnNamesMatchPattern "[a-z]"', "Passed", "Failed"),
    "alternatives": ('ColumnValues "name" matches "a|b|cd" where "id < 3"', "Passed", "Failed"),
    "escapes": ('ColumnValues "name" in ["O\'Neil"] where "id = 4"', "Failed", "Passed"),
    "expressions": ("RowCount = 10 - 2 * 3", "Failed", "Passed"),
    "nulls": ('ColumnLength "name" > 1', "Passed", "Failed"),
    "length": ('ColumnLength "name" != 4', "Passed", "Failed"),
    "range": (f'ColumnValues "id" between 0 and 9 {NOBODY}', "Passed", "Failed"),
    "distinct": ('DistinctValuesCount "kind" = 2', "Failed", "Passed"),
    "null number": ('CustomSql "SELECT CAST(NULL AS INT)" = 0', "Passed", "Failed"),
    "duplicates": (
        "CustomSql \"SELECT kind FROM primary WHERE kind = 'a'\" with threshold > 0.6",
        "Passed",
        "Failed",
    ),
    "nothing": (f'IsComplete "id" {NOBODY}', "Passed", "Failed"),
    "composites": ('(IsComplete "nope") or (RowCount = 99)', "Failed", "Error"),
}
"""A rule for each difference that is corrected, what Deequ says of it as it is written, and what is right."""

STAYS = {
    "nan": ('ColumnValues "ratio" > 0', "Passed", "Failed"),
    "large": ('ColumnValues "big" = 9007199254741000 where "id = 1"', "Passed", "Failed"),
    "ratio": (f'UniqueValueRatio "id" = 0 {NOBODY}', "Error", "Failed"),
    "ages": ('DataFreshness "at" <= 24 hours', "Passed", "Failed"),
}
"""A rule for each difference that stays, what comes of it by Deequ, and what is right."""


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


def as_written(df: DataFrame, *rules: str) -> list[tuple[str, str]]:
    """What Deequ says of rules that nobody wrote anew: those that it answers, and its verdicts."""
    found = EvaluateDataQuality.process(df.sparkSession, df, ruleset(*rules))
    return [(row.Rule, row.Outcome) for row in found.collect()]


@pytest.fixture(scope="module")
def hard_rows(spark: SparkSession) -> DataFrame:
    """Rows that are hard for Deequ, in a session of its own, in which it leaves views behind."""
    apart = spark.newSession()
    apart.conf.set("spark.sql.ansi.enabled", "false")
    rows = [
        (1, "ab", "a", 9007199254741001, 1.5),
        (2, "abcd", "b", 1, float("nan")),
        (3, None, None, 1, 2.5),
        (4, "O'Neil", "a", 1, 2.5),
    ]
    frame = apart.createDataFrame(rows, "id int, name string, kind string, big long, ratio double").coalesce(1)
    return frame.withColumn("at", F.expr("current_timestamp() - interval 24 hours 2 seconds"))


@pytest.fixture
def hard(spark: SparkSession, hard_rows: DataFrame) -> Iterator[DataFrame]:
    """These rows while their session is the active one; the tests beside are of the suite's."""
    hard_rows.sparkSession.createDataFrame([], "id int")  # which makes its session the active one
    yield hard_rows
    spark.createDataFrame([], "id int")


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


def test_what_deequ_gets_wrong_is_corrected(hard: DataFrame) -> None:
    """Deequ answers each rule otherwise as it is written; asked here its verdict is the right one, which is the native engine's."""
    rules, wrong, right = zip(*CORRECTED.values(), strict=True)
    now = datetime.now(UTC)
    engines = [
        [one.verdict for one in evaluate(hard, ruleset(*rules), as_of=now, engine=engine).outcomes]
        for engine in ENGINES
    ]
    assert engines == [list(right)] * 2
    assert [verdict for rule in rules for _, verdict in as_written(hard, rule)] == list(wrong)


def test_what_stays_different_is_as_the_table_says(hard: DataFrame) -> None:
    """NaN counts, large numbers are doubles, a ratio of nothing is an error, and ages are rounded; rows with NaN pass by none."""
    rules, theirs, right = zip(*STAYS.values(), strict=True)
    later = datetime.now(UTC) + timedelta(seconds=45)  # the age is two seconds too much by the time this is asked
    native, found = (evaluate(hard, ruleset(*rules), as_of=later, engine=engine) for engine in ENGINES)
    assert [one.verdict for one in native.outcomes] == list(right)
    assert [one.verdict for one in found.outcomes] == list(theirs)
    passing = [
        [row.id for row in one.rows.where(F.array_contains("DataQualityRulesPass", rules[0])).collect()]
        for one in (native, found)
    ]
    assert [sorted(ids) for ids in passing] == [[1, 3, 4]] * 2


def test_equal_rules_have_an_outcome_each(hard: DataFrame) -> None:
    """Deequ drops the second of two; here labels and order stay as well."""
    assert as_written(hard, "RowCount = 4", "RowCount = 4") == [("RowCount = 4", "Passed")]
    twice = ['RowCount = 4 labels=["team"="sales"]', "RowCount > 9", "RowCount = 4"]
    found = by_deequ(hard, *twice).outcomes
    assert [(one.verdict, dict(one.labels)) for one in found] == [
        ("Passed", {"team": "sales"}), ("Failed", {}), ("Passed", {}),
    ]  # fmt: skip


def test_metrics_that_are_not_ours_are_left_out(hard: DataFrame) -> None:
    """Deequ measures less of a rule than the native engine, and nothing else."""
    rules = ruleset('ColumnValues "id" between 0 and 9', 'ColumnLength "name" in [2, 4, 6]')
    native, found = (evaluate(hard, rules, as_of=datetime.now(UTC), engine=engine) for engine in ENGINES)
    assert found.metrics.items() < native.metrics.items()


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


def test_the_session_is_left_as_it_was(spark: SparkSession, frame: DataFrame, hard: DataFrame) -> None:
    """No view of Deequ's is left, and no setting is another."""
    before = (spark.conf.get("spark.sql.ansi.enabled"), tables_and_views(spark))
    by_deequ(frame, 'CustomSql "SELECT count(*) FROM primary" = 2', 'CustomSql "SELECT id FROM primary"')
    assert (spark.conf.get("spark.sql.ansi.enabled"), tables_and_views(spark)) == before
    assert spark.sql("SELECT current_timestamp()").sparkSession is spark
    as_written(hard, 'CustomSql "SELECT id FROM primary"')
    assert "primary" in tables_and_views(hard.sparkSession)


def tables_and_views(spark: SparkSession) -> list[str]:
    """The names of what the session lists."""
    return [row.tableName for row in spark.sql("SHOW TABLES").collect()]


@pytest.mark.parametrize("lacking", ["jars", "extra"])
def test_what_deequ_needs_is_named(frame: DataFrame, monkeypatch: pytest.MonkeyPatch, lacking: str) -> None:
    """A session without the jars, and an environment without PyDeequ, are told what to add before anything is asked."""
    if lacking == "jars":
        monkeypatch.setattr(deequ, "java_packages", lambda spark: java_packages(spark).nowhere)
        problem = r"the session has no Deequ: open it with features=\(\"core\", \"deequ\"\), or submit .*deequ-2\.1\.0"
    else:
        monkeypatch.setitem(sys.modules, "pydeequ.dqdl", None)
        problem = r"needs the extra lakehouse\[deequ\]: pip install it, or take the native engine"
    with pytest.raises(ConfigError, match=problem):
        by_deequ(frame, "RowCount = 2")


BY_HAND: Mapping[str, Callable[..., None]] = {
    "types": test_types_that_deequ_lacks_are_errors,
    "clock": test_deequ_has_no_other_now_than_the_clocks,
    "views": test_the_session_is_left_as_it_was,
    "spoiled": test_one_bad_rule_spoils_no_other,
    "same": test_equal_rules_have_an_outcome_each,
    "ansi": test_what_stays_different_depends_on_the_data,
    "empty sum": test_what_stays_different_depends_on_the_data,
    "row results": test_rows_are_those_of_deequ,
    "by row": test_composites_are_not_judged_by_row,
    "metrics": test_metrics_that_are_not_ours_are_left_out,
}
"""The tests of the differences that no single rule shows."""


def test_every_difference_has_a_case() -> None:
    """Each is shown once, among those of its kind or by a test of its own."""
    assert sorted([*REFUSED, *CORRECTED, *STAYS, *BY_HAND]) == sorted(DIFFERENCES)
    kinds: Mapping[str, Iterable[str]] = {"refused": REFUSED, "corrected": CORRECTED, "stays": STAYS}
    assert [name for kind, cases in kinds.items() for name in cases if DIFFERENCES[name].kept != kind] == []
