"""Rules in Deequ's words: what is written otherwise for the answer to be right, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql.types import DateType, IntegerType, StringType, StructType

from lakehouse.quality.deequ import written
from lakehouse.quality.judging import RuleError
from lakehouse.quality.probes import Subject
from lakehouse.quality.rules import Rule
from lakehouse.quality.rulesets import parse_ruleset

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SCHEMA = StructType().add("id", IntegerType()).add("name", StringType()).add("day", DateType())
WRITTEN = {
    "RowCount = 1 + 2 * 3": "RowCount = 7",
    "RowCount > avg(last(2)) / 2": "RowCount > 3.5",
    'IsComplete "id" labels=["team"="sales"]': 'IsComplete "id"',
    'DistinctValuesCount "id" = 2': 'DistinctValuesCount "id" = 2 where "`id` IS NOT NULL"',
    'DistinctValuesCount "id" = 2 where "id > 1"': 'DistinctValuesCount "id" = 2 where "`id` IS NOT NULL AND (id > 1)"',
    'ColumnNamesMatchPattern "a|\\w+"': 'ColumnNamesMatchPattern "\\A(?:a|\\w+)\\z"',
    'ColumnValues "name" matches "\\\\d+"': 'ColumnValues "name" matches "\\A(?:\\d+)\\z"',
    'ColumnValues "name" in ["O\'Neil", "a\\\\b", "2026-01-01", EMPTY, NULL]':
        'ColumnValues "name" in ["O\\\\u0027Neil", "a\\\\u005cb", "2026\\\\u002d01\\\\u002d01", "", NULL]',
    'ColumnLength "name" between 10 and 15': '(ColumnLength "name" between 10 and 15) and (IsComplete "name")',
    'ColumnLength "name" < 5 where "id > 1"':
        '(ColumnLength "name" < 5 where "id > 1") or (Completeness "name" = 0 where "id > 1")',
    'ColumnLength "name" != 5': 'ColumnLength "name" not in [5]',
    'ColumnLength "name" != 0': '(ColumnLength "name" > 0) and (IsComplete "name")',
    'ColumnLength "name" in [1, 2]': 'ColumnLength "name" in [1, 2]',
    'ColumnValues "id" between 1 and 9': '(ColumnValues "id" between 1 and 9) and (RowCount > 0)',
    'ColumnValues "id" between 1 and 9 where "id > 1"':
        '(ColumnValues "id" between 1 and 9 where "id > 1") and (RowCount > 0 where "id > 1")',
    'ColumnValues "day" not between "2026-01-01" and "2026-01-09"':
        '(ColumnValues "day" not between "2026-01-01" and "2026-01-09") and (IsComplete "day")',
    'ColumnValues "day" in ["2026-01-01", NULL]': 'ColumnValues "day" in ["2026-01-01", NULL]',
    'ColumnValues "day" > (now() - 3 days)': 'ColumnValues "day" > (now() - 3 days)',
    'CustomSql "SELECT id FROM primary"': 'CustomSql "SELECT DISTINCT * FROM (\nSELECT id FROM primary\n)"',
}  # fmt: skip
"""Rules, and what Deequ is given."""


def in_words(text: str, clock: datetime = NOON) -> str:
    """The first rule of a text as Deequ reads it."""
    frame: Any = SimpleNamespace(schema=SCHEMA, columns=SCHEMA.names)
    subject = Subject(frame=frame, sources={}, as_of=NOON, query=lambda _: frame, files=lambda _: [])
    (rule,) = parse_ruleset(f"Rules = [{text}]").rules
    assert isinstance(rule, Rule)
    return written(rule, subject, earlier=[6.0, 8.0], clock=clock, matches_empty=lambda pattern: ".*" in pattern)


@pytest.mark.parametrize(("text", "expected"), WRITTEN.items())
def test_rules_are_written_for_the_right_answer(text: str, expected: str) -> None:
    """Expressions worked out, patterns closed, escapes as Deequ passes them on."""
    assert in_words(text) == expected


def test_a_number_of_a_query_cannot_be_taken_for_none() -> None:
    """The query gives NaN where it would give null."""
    told = in_words('CustomSql "SELECT max(id) FROM primary -- all" > 1')
    assert told == (
        "CustomSql \"SELECT COALESCE(CAST(value AS DOUBLE), DOUBLE('NaN')) FROM (\n"
        'SELECT max(id) FROM primary -- all\n) AS found(value)" > 1'
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("RowCount < 0.1234567890123456", "takes numbers for doubles"),
        ('ColumnValues "name" matches ".*"', "takes an empty match for none"),
        ('ColumnValues "id" in ["1"]', "turns the text into a value of the column"),
        ('ColumnValues "name" > "2026-01-01"', "cuts instants and texts down to days"),
        ('CustomSql "SELECT 1 AS \\"id\\"" = 1', "keeps the backslash before a quote"),
        ('ColumnLength "name" not in [0, 5]', "lets every text pass"),
        ("FileSize > 1 MB", "does not know FileSize"),
    ],
)
def test_what_cannot_be_written_is_refused(text: str, reason: str) -> None:
    """The reason says what Deequ does and who evaluates the rule."""
    with pytest.raises(RuleError, match=f"^Deequ {reason}: take the native engine$"):
        in_words(text)


def test_the_clock_is_the_only_now() -> None:
    """Up to a minute from the clock rules on ages are asked, beyond it refused."""
    rule = 'DataFreshness "day" <= 24 hours'
    assert in_words(rule, NOON + timedelta(seconds=60)) == rule
    with pytest.raises(RuleError, match="knows no other now"):
        in_words(rule, NOON - timedelta(seconds=61))
