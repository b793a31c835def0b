"""A ruleset that can be read may still make no sense: every problem is told, with what would be right."""

from __future__ import annotations

from datetime import date

import pytest
from dqdl_examples import eq, gt, n, one_of, rule

from lakehouse.errors import ConfigError
from lakehouse.quality.options import READERS
from lakehouse.quality.rule_types import RULE_TYPES
from lakehouse.quality.rules import Analyzer, Constant, Day, In, Ruleset, Special, Text
from lakehouse.quality.rulesets import check_ruleset, parse_ruleset, resolve_constants

WRONG = {
    'IsComplet "a"': "there is no rule type IsComplet; did you mean IsComplete?",
    'iscomplete "a"': "there is no rule type iscomplete; did you mean IsComplete?",
    'AllStatistics "a"': "AllStatistics is no rule, it can stand under Analyzers alone",
    'Distribution "a"': "Distribution is no rule, it can stand under Analyzers alone",
    "IsComplete": "IsComplete takes 1 parameter (column), not 0",
    'IsComplete "a" "b"': "IsComplete takes 1 parameter (column), not 2",
    'IsComplete "a" IsUnique "b"': "IsComplete takes 1 parameter (column), not 3; is there a comma missing before IsUnique?",
    'IsComplete ""': "IsComplete takes a column, not an empty text",
    "IsUnique": "IsUnique takes 1 or more parameters, not 0",
    'RowCount "id" > 100': "RowCount takes no parameter, not 1",
    'ColumnCorrelation "a" > 0': "ColumnCorrelation takes 2 parameters (column, column), not 1",
    'DatasetMatch "r" = 1': "DatasetMatch takes 2 to 3 parameters (dataset, mapping, mapping), not 1",
    'DatasetMatch "r" "a," = 1': 'DatasetMatch takes columns such as "id" or "id->key,name->label", not \'a,\'',
    'ReferentialIntegrity "a" "b" = 1':
        'ReferentialIntegrity takes columns of another dataset such as "alias.id" or "alias.{a,b}", not \'b\'',
    'ReferentialIntegrity "a,b" "r.{c}" = 1': "ReferentialIntegrity takes as many columns of the other dataset as of this one",
    'AggregateMatch "sum(a)" "sum b" = 1': 'AggregateMatch takes a sum or average such as "sum(amount)", not \'sum b\'',
    'DetectAnomalies "RowCont"': "DetectAnomalies takes the name of an analyzer: there is no analyzer RowCont; did you mean RowCount?",
    'DetectAnomalies "IsComplete" "a"':
        "DetectAnomalies takes the name of an analyzer: there is no analyzer IsComplete; did you mean Completeness?",
    "RowCount": "RowCount needs a condition, such as > 0",
    'Mean "a"': "Mean needs a condition, such as > 0",
    'DataFreshness "a"': "DataFreshness needs a condition, such as <= 24 hours",
    'FileSize "a"': "FileSize needs a condition, such as > 10 MB",
    "FileFreshness": "FileFreshness needs a condition, such as > (now() - 1 days)",
    'FileMatch "a"': 'FileMatch needs a condition, such as in ["a", "b"]',
    'FileMatch "a" "b" in ["c"]': 'FileMatch takes no condition, but has in ["c"]',
    'IsUnique "a" > 0.5': "IsUnique takes no condition, but has > 0.5",
    'ColumnExists "a" = 1': "ColumnExists takes no condition, but has = 1",
    'Completeness "a" = "1.0"': 'Completeness compares with numbers, not with "1.0"',
    'Completeness "a" > 1 days': "Completeness compares with numbers, not with 1 days",
    'Mean "a" matches "b"': "Mean does not compare with texts, as matches does",
    "RowCount = NULL": "RowCount does not compare with NULL",
    'ColumnLength "a" in [1, EMPTY]': "ColumnLength does not compare with EMPTY",
    'ColumnDataType "a" in ["INTEGER"]': "ColumnDataType compares by = and != alone",
    'ColumnDataType "a" = 1': "ColumnDataType compares with texts, not with 1",
    'DataFreshness "a" <= 24': "DataFreshness compares with durations, not with 24",
    'DataFreshness "a" <= 24 MB': "DataFreshness compares with durations, not with 24 MB",
    'FileSize "a" > 10': "FileSize compares with sizes, not with 10",
    'FileFreshness "a" > "25:00"': 'FileFreshness compares with days or times of day, not with "25:00"',
    'FileFreshness "a" > 2 days': "FileFreshness compares with days or times of day, not with 2 days",
    'ColumnValues "a" > 5 minutes': "ColumnValues compares with numbers or texts or days, not with 5 minutes",
    'ColumnValues "a" in [1, "b"]': 'ColumnValues compares with values of more than one kind: 1, "b"',
    'ColumnValues "a" in [1, "2024-01-01"]': 'ColumnValues compares with values of more than one kind: 1, "2024-01-01"',
    'ColumnValues "a" > "b"': 'ColumnValues cannot order by > what is "b"',
    'ColumnValues "a" <= NULL': "ColumnValues cannot order by <= what is NULL",
    'ColumnValues "a" between "a" and "b"': 'ColumnValues has no range from "a" to "b"',
    "RowCount between 10 and 1": "RowCount has bounds the wrong way round: 10 and 1",
    "RowCount between 5 and 5": "RowCount can never be between 5 and 5: bounds do not count",
    "RowCount not between 5 and 4": "RowCount has bounds the wrong way round: 5 and 4",
    'ColumnValues "a" between "2024-01-02" and "2024-01-01"':
        'ColumnValues has bounds the wrong way round: "2024-01-02" and "2024-01-01"',
    'DataFreshness "a" between 2 days and 48 hours': "DataFreshness can never be between 2 days and 48 hours: bounds do not count",
    "FileSize between 1 GB and 1000 MB": "FileSize has bounds the wrong way round: 1 GB and 1000 MB",
    "RowCount > last(5)": "RowCount cannot compare with the list last(5); take avg, max, median, min, std, sum or index of it",
    "RowCount > abs(last(2))": "RowCount cannot compare with the list last(2); take avg, max, median, min, std, sum or index of it",
    "RowCount > avg(last(0))": "RowCount takes last(k) with a whole number k from 1, not last(0)",
    "RowCount > avg(last(1.5))": "RowCount takes last(k) with a whole number k from 1, not last(1.5)",
    "RowCount > avg(last(1, 2))": "RowCount takes last(k) with a whole number k from 1, not last(1, 2)",
    "RowCount > index(last(3), 3)": "RowCount asks for a run that is not there: index(last(3), 3) counts from 0",
    "RowCount > index(last(3))": "RowCount takes index(last(k), i) with a whole number i, not index(last(3))",
    "RowCount > avg(last(3), 2)": "RowCount takes avg of one thing, not avg(last(3), 2)",
    "RowCount > 1 + average(last(3))": "RowCount has no function average; did you mean avg?",
    "RowCount > percentile(last(3))":
        "RowCount has no function percentile; there are: avg, max, median, min, std, sum, abs, index, last",
    "RowCount > meadian(last(3))": "RowCount has no function meadian; did you mean median?",
    'ColumnValues "a" > avg(last(3))':
        "ColumnValues does not keep earlier metrics, so it cannot compare with avg(last(3))",
    'ColumnValues "a" > 1 where " "': "ColumnValues has a where without a predicate",
    'ColumnExists "a" where "b > 1"': "ColumnExists takes no where",
    'CustomSql "select 1" = 1 where "b > 1"': "CustomSql takes no where",
    "RowCount > 1 with threshold > 0.5": "RowCount takes no threshold: it does not pass or fail single rows",
    'Completeness "a" > 0.5 with threshold > 0.5': "Completeness takes no threshold",
    'CustomSql "select id from primary" = 1 with threshold > 0.5':
        "CustomSql takes a condition on what the query returns, or a threshold on the rows it returns, not both",
    'ColumnValues "a" = 1 with threshold > 90': "ColumnValues has a threshold that is no share from 0 to 1: 90",
    'ColumnValues "a" = 1 with threshold > "b"': 'ColumnValues has a threshold that compares with "b", and a share is a number',
    'ColumnValues "a" = 1 with threshold matches "b"': "ColumnValues has a threshold that matches a text, and a share is a number",
    'ColumnValues "a" = 1 with threshold > last(2)':
        "ColumnValues has a threshold that cannot compare with the list last(2); take avg, max, median, min, std, sum or index of it",
    'ColumnValues "a" = 1 with treshold = 1': "ColumnValues has no option treshold; did you mean threshold?",
    'IsComplete "a" with recentFiles = 1': "IsComplete has no option recentFiles; it has none",
    'FileSize > 1 B with timeZone = "UTC"':
        "FileSize has no option timeZone; there are: recentFiles, uriRegex, filterOrder, failFast",
    "FileSize > 1 B with recentFiles = 0": "FileSize: recentFiles is a whole number from 1",
    'FileSize > 1 B with failFast = "yes"': 'FileSize: failFast is "true" or "false"',
    'FileSize > 1 B with uriRegex = "("':
        "FileSize: uriRegex is no regular expression, or has what Java alone knows",
    'FileUniqueness > 0.5 with filterOrder = ["uriRegex"]': "FileUniqueness: "
        "filterOrder lists each of recentFiles and uriRegex once, and those alone that the rule has",
    'FileMatch "a" in ["b"] with hashAlgorithm = "CRC"':
        "FileMatch: there is no hashAlgorithm CRC; there are: MD5, SHA-1, SHA-256",
    'FileFreshness "a" > "10:00" with timeZone = "Mars/North"': "FileFreshness: "
        "there is no timeZone Mars/North; use a region such as Europe/Paris, UTC, or an offset such as +02:00",
    "CustomSql $query = 1": "CustomSql: $query is not defined; did you mean $queries?",
    "CustomSql $queries = 1": "CustomSql: $queries is a list, which can stand behind `in` alone",
    'ColumnValues "a" = $queries': "ColumnValues: $queries is a list, which can stand behind `in` alone",
    "IsComplete $nothing": "IsComplete: $nothing stands for NULL, and a parameter is text",
    'IsComplete "a" labels=[""="b"]': "the key of a label has 1 to 128 characters, not 0",
}  # fmt: skip
CONSTANTS = 'queries = ["a", "b"]\nnothing = NULL\n'


@pytest.mark.parametrize(("text", "message"), WRONG.items(), ids=list(WRONG))
def test_what_makes_no_sense_is_told(text: str, message: str) -> None:
    """One rule has one problem, which says where it stands and what would be right; the rule beside it has none."""
    (problem,) = check_ruleset(parse_ruleset(f"{CONSTANTS}Rules = [\n  {text},\n  RowCount > 0\n]"))
    assert problem.message == message
    assert str(problem) == f"line 4, column 3: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('IsComplete "a"', "IsComplete is no analyzer, it can stand under Rules alone"),
        ('Complete "a"', "there is no analyzer Complete; did you mean Completeness?"),
        ("Mean", "Mean takes 1 parameter (column), not 0"),
        ('Distribution "a" with bin = 3', "Distribution has no option bin; did you mean bins?"),
        (
            'Distribution "a" with bins = 30',
            "Distribution: bins is a whole number from 1 to 20",
        ),
        (
            'Distribution "a" with rebin = "no"',
            'Distribution: rebin is "true" or "false"',
        ),
        ("Mean $a", "Mean: $a is not defined"),
    ],
)
def test_what_makes_no_sense_of_an_analyzer_is_told(text: str, message: str) -> None:
    """Analyzers are held to the same table as rules."""
    (problem,) = check_ruleset(parse_ruleset(f"Analyzers = [{text}]"))
    assert (problem.line, problem.column, problem.message) == (1, 14, message)


def test_options_that_make_sense_are_no_problem() -> None:
    """Each option that any rule type has can be checked, and what the rules read is right."""
    assert set(READERS) == {name for known in RULE_TYPES.values() for name in known.options}
    text = """Rules = [
        FileFreshness "a" > "10:00" with recentFiles = 3 with uriRegex = "[.]csv" with filterOrder = ["uriRegex", "recentFiles"]
            with timeZone = "+02:00" with failFast = "true",
        FileMatch "a" "b" with hashAlgorithm = "sha-1" with matchFileName = "false"]
        Analyzers = [Distribution "a" with bins = 20 with rebin = false]"""
    assert check_ruleset(parse_ruleset(text)) == ()


def test_all_problems_are_told() -> None:
    """Rules inside composites are checked too, and one problem does not hide another."""
    text = 'Rules = [(RowCount) and ((IsUniqe "a") or (IsComplete "b" where "")),\nMean "c" > "d" where " "]'
    assert list(map(str, check_ruleset(parse_ruleset(text)))) == [
        "line 1, column 11: RowCount needs a condition, such as > 0",
        "line 1, column 27: there is no rule type IsUniqe; did you mean IsUnique?",
        "line 1, column 44: IsComplete has a where without a predicate",
        'line 2, column 1: Mean compares with numbers, not with "d"',
        "line 2, column 1: Mean has a where without a predicate",
    ]


def test_labels_have_limits() -> None:
    """Default labels count for each rule; keys and values are bounded."""
    eight = tuple((f"default{i}", "x") for i in range(8))
    three = tuple((f"own{i}", "x") for i in range(3))
    ruleset = Ruleset(default_labels=eight, rules=(rule("IsComplete", "a", labels=three), rule("IsComplete", "a")))
    assert list(map(str, check_ruleset(ruleset))) == ["there are 11 labels, 10 are allowed"]
    longest = (("k" * 128, "v" * 256),)
    assert check_ruleset(Ruleset(rules=(rule("IsComplete", "a", labels=longest),))) == ()
    longer = (("k" * 129, "v" * 257),)
    assert len(check_ruleset(Ruleset(rules=(rule("IsComplete", "a", labels=longer),)))) == 2


def test_labels_of_a_rule_win() -> None:
    """A label of a rule stands in the place of the default one of the same key."""
    text = 'DefaultLabels=["frequency"="monthly"] Rules=[RowCount > 1 labels=["foo"="bar", "frequency"="daily"], ColumnCount > 1]'
    ruleset = parse_ruleset(text)
    labels = [ruleset.labels_of(one) for one in ruleset.rules if not hasattr(one, "rules")]
    assert labels == [{"frequency": "daily", "foo": "bar"}, {"frequency": "monthly"}]


def test_constants_are_put_in() -> None:
    """In a parameter a constant is text, in a condition a value, behind `in` its list."""
    text = """query = "select 1" day = "2024-02-29" name = "2024-02-29" listed = ["a", NULL, "2024-02-29"]
    Rules = [CustomSql $query > 1, (ColumnValues $name = $day) or (ColumnValues "b" not in $listed),
             ColumnValues "b" in [$query, "x"], ColumnValues "b" in $query]
    Analyzers = [Mean $name]"""
    ruleset = resolve_constants(parse_ruleset(text))
    leap = Day(date(2024, 2, 29))
    custom, either, mixed, single = ruleset.rules
    assert custom == rule("CustomSql", "select 1", is_=gt(n(1)))
    assert getattr(either, "rules", None) == (
        rule("ColumnValues", "2024-02-29", is_=eq(leap)),
        rule("ColumnValues", "b", is_=In((Text("a"), Special("NULL"), leap), negated=True)),
    )
    assert mixed == rule("ColumnValues", "b", is_=one_of("select 1", "x"))
    assert single == rule("ColumnValues", "b", is_=one_of("select 1"))
    assert ruleset.analyzers == (Analyzer(type="Mean", parameters=("2024-02-29",)),)
    assert ruleset.constants == ()


def test_a_constant_that_is_not_there_is_named() -> None:
    """The nearest one is offered."""
    with pytest.raises(ConfigError, match=r"^\$qeury is not defined; did you mean \$query\?$"):
        resolve_constants(Ruleset(constants=(("query", Text("x")),), rules=(rule("CustomSql", Constant("qeury")),)))
