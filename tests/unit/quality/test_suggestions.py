"""Rules are proposed from what is known of columns: texts of rulesets written by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lakehouse.quality.rulesets import check_ruleset, format_rule, format_ruleset, parse_ruleset
from lakehouse.quality.suggestions import ColumnProfile, suggest_ruleset


def rules(rows: int, **known: object) -> list[str]:
    """What is proposed for one column, beside the number of rows."""
    ruleset = suggest_ruleset(rows, [ColumnProfile(**{"name": "a", "values": rows, **known})])  # type: ignore[arg-type]  # each case has its own
    assert check_ruleset(ruleset) == ()
    assert parse_ruleset(format_ruleset(ruleset)) == ruleset
    assert format_rule(ruleset.rules[0]) == "RowCount > 0"
    return [format_rule(rule) for rule in ruleset.rules[1:]]


def test_without_rows_nothing_is_proposed() -> None:
    """Not even that there are some."""
    assert suggest_ruleset(0, [ColumnProfile(name="a", values=0)]).rules == ()


@pytest.mark.parametrize(
    ("rows", "values", "expected"),
    [
        (300, 300, ['IsComplete "a"']),
        (300, 291, ['Completeness "a" >= 0.95']),  # 0.97 less 1.96 times 0.00985
        (100, 50, ['Completeness "a" >= 0.4']),  # 0.5 less 1.96 times 0.05
        (10, 3, ['Completeness "a" >= 0.01']),  # 0.3 less 1.96 times 0.1449
        (4, 1, []),  # 0.25 less 1.96 times 0.2165 is below 0
        (10_000, 2_000, []),  # 0.2 is too little to keep
        (1_000_000, 999_999, ['Completeness "a" >= 0.99']),
        (5, 0, []),
    ],
)
def test_completeness_is_that_of_deequ(rows: int, values: int, expected: list[str]) -> None:
    """What a sample of so many rows makes likely, rounded down."""
    assert rules(rows, values=values) == expected


def test_what_stands_once_may_be_a_key() -> None:
    """A column with nulls is no key, and its values are still unique."""
    assert rules(100, unique=True) == ['IsPrimaryKey "a"']
    assert rules(100, unique=True, values=50) == ['IsUnique "a"', 'Completeness "a" >= 0.4']


def test_numbers_are_not_negative() -> None:
    """If none is; null and NaN are no numbers, and are left out."""
    assert rules(9, least=0) == ['IsComplete "a"', 'ColumnValues "a" >= 0']
    assert rules(9, least=Decimal("-0.01")) == ['IsComplete "a"']
    assert rules(100, least=-0.0, values=50)[1:] == ['ColumnValues "a" >= 0 where "`a` IS NOT NULL"']
    assert rules(9, least=1.5, not_numbers=2)[1:] == [
        'ColumnValues "a" >= 0 where "`a` IS NOT NULL AND NOT isnan(`a`)"'
    ]


def test_few_texts_are_listed() -> None:
    """Twenty at most, ten rows for each; null is one of them where it is there; a list says more than lengths do."""
    few = {"listed": ("", "2026-01-01", 'a "b"\\c'), "shortest": 0, "longest": 10}
    listed = '"", "2026-01-01", "a \\"b\\"\\\\c"'
    assert rules(30, **few)[1:] == [f'ColumnValues "a" in [{listed}]']
    assert rules(60, **few, values=30)[1:] == [f'ColumnValues "a" in [{listed}, NULL]']
    assert rules(29, **few)[1:] == ['ColumnLength "a" <= 10']
    assert rules(60, **few, values=29)[1:] == ['ColumnLength "a" <= 10 where "`a` IS NOT NULL"']
    many = tuple(f"{number:02d}" for number in range(21))
    assert len(rules(300, listed=many[:20])) == 2
    assert rules(300, listed=many, shortest=2, longest=2)[1:] == ['ColumnLength "a" = 2']


def test_lengths_include_the_shortest_and_the_longest() -> None:
    """The bounds of a range do not belong to it."""
    assert rules(9, shortest=3, longest=7)[1:] == ['ColumnLength "a" between 2 and 8']
    assert rules(9, shortest=1, longest=2)[1:] == ['ColumnLength "a" between 0 and 3']
    assert rules(100, shortest=1, longest=2, values=50)[1:] == [
        'ColumnLength "a" between 0 and 3 where "`a` IS NOT NULL"'
    ]


def test_texts_may_be_of_another_type() -> None:
    """Then their length does not matter."""
    assert rules(9, fits="DATE", shortest=10, longest=10)[1:] == ['ColumnDataType "a" = "DATE"']
    assert rules(100, fits="LONG", shortest=1, longest=19, values=50)[1:] == [
        'ColumnDataType "a" = "LONG" where "`a` IS NOT NULL"'
    ]


def test_names_are_quoted_as_each_language_has_it() -> None:
    """DQDL escapes quotes and backslashes, SQL doubles backticks."""
    assert rules(100, name='ö "`\\', least=1, values=50) == [
        'Completeness "ö \\"`\\\\" >= 0.4',
        'ColumnValues "ö \\"`\\\\" >= 0 where "`ö \\"``\\\\` IS NOT NULL"',
    ]
