"""A ruleset in DQDL becomes the data it says, and the data becomes that text again."""

from __future__ import annotations

import pytest
from dqdl_examples import ANALYZERS, DOCUMENTED, RULES, eq, ge, gt, le, n, one_of, rule

from lakehouse.quality.rule_types import RULE_TYPES, find_rule_type
from lakehouse.quality.rules import (
    Analyzer,
    Between,
    Composite,
    Duration,
    Matches,
    Name,
    Rule,
    Ruleset,
    Special,
    Text,
)
from lakehouse.quality.rulesets import check_ruleset, format_ruleset, parse_ruleset


def flat(rules: tuple[Rule | Composite, ...]) -> list[Rule]:
    """The rules, composites taken apart."""
    return [one for item in rules for one in (flat(item.rules) if isinstance(item, Composite) else [item])]


@pytest.mark.parametrize(("text", "expected"), RULES, ids=[text for text, _ in RULES])
def test_rules_are_read_and_written(text: str, expected: Rule | Composite) -> None:
    """Each rule means what was written down by hand, alone and beside another; written again it reads as the same."""
    ruleset = parse_ruleset(f"Rules = [\n{text}\n, RowCount > 7]")
    assert ruleset == Ruleset(rules=(expected, rule("RowCount", is_=gt(n(7)))))
    written = format_ruleset(ruleset)
    assert parse_ruleset(written) == ruleset
    assert format_ruleset(parse_ruleset(written)) == written


@pytest.mark.parametrize(("text", "expected"), ANALYZERS, ids=[text for text, _ in ANALYZERS])
def test_analyzers_are_read_and_written(text: str, expected: Analyzer) -> None:
    """Each analyzer means what was written down by hand, alone and before another, and is fine."""
    ruleset = parse_ruleset(f'Analyzers = [{text}, Mean "x"]')
    assert ruleset == Ruleset(analyzers=(expected, Analyzer(type="Mean", parameters=("x",))))
    assert parse_ruleset(format_ruleset(ruleset)) == ruleset
    assert check_ruleset(ruleset) == ()


@pytest.mark.parametrize("text", [text for text, _ in DOCUMENTED])
def test_what_is_documented_is_fine(text: str) -> None:
    """Nothing is wrong with the examples of the documentation."""
    assert check_ruleset(parse_ruleset(f"Rules = [{text}]")) == ()


def test_every_rule_type_has_an_example() -> None:
    """No rule type and no analyzer is known that is not read here."""
    types = {find_rule_type(one.type) for one in flat(tuple(expected for _, expected in DOCUMENTED))}
    assert types >= {one for one in RULE_TYPES.values() if one.rule}
    analyzers = {one.type for _, one in ANALYZERS}
    assert analyzers >= {one.name for one in RULE_TYPES.values() if not one.rule}


EVENTS = 'Rules = [ColumnExists "user_id", IsComplete "event_timestamp", ColumnValues "event_type" in ["click", "view", "purchase"]]'
CUSTOMERS = (
    'Rules = [Completeness "email" >= 0.99, Completeness "customer_id" = 1.0, Uniqueness "customer_id" = 1.0, '
    'ColumnValues "country_code" in ["US", "CA", "UK", "DE", "FR"], ColumnLength "phone" between 10 and 15, '
    r'ColumnValues "created_date" matches "\\d{4}-\\d{2}-\\d{2}", '
    'CustomSql "SELECT COUNT(*) FROM primary_table t1 LEFT JOIN reference_table t2 ON t1.ref_id = t2.id WHERE t2.id IS NULL" = 0, '
    'RowCount > 0, DataFreshness "updated_at" <= 24 hours]'
)


def test_a_ruleset_of_events() -> None:
    """Three rules on one line are read, and fine."""
    ruleset = parse_ruleset(EVENTS)
    assert ruleset.rules == (
        rule("ColumnExists", "user_id"),
        rule("IsComplete", "event_timestamp"),
        rule("ColumnValues", "event_type", is_=one_of("click", "view", "purchase")),
    )
    assert check_ruleset(ruleset) == ()


def test_a_ruleset_of_customers() -> None:
    """Nine rules of nine kinds are read, and fine."""
    query = (
        "SELECT COUNT(*) FROM primary_table t1 LEFT JOIN reference_table t2 ON t1.ref_id = t2.id WHERE t2.id IS NULL"
    )
    ruleset = parse_ruleset(CUSTOMERS)
    assert ruleset.rules == (
        rule("Completeness", "email", is_=ge(n("0.99"))),
        rule("Completeness", "customer_id", is_=eq(n("1.0"))),
        rule("Uniqueness", "customer_id", is_=eq(n("1.0"))),
        rule("ColumnValues", "country_code", is_=one_of("US", "CA", "UK", "DE", "FR")),
        rule("ColumnLength", "phone", is_=Between(n(10), n(15))),
        rule("ColumnValues", "created_date", is_=Matches(r"\d{4}-\d{2}-\d{2}")),
        rule("CustomSql", query, is_=eq(n(0))),
        rule("RowCount", is_=gt(n(0))),
        rule("DataFreshness", "updated_at", is_=le(Duration(24, "hours"))),
    )
    assert check_ruleset(ruleset) == ()


WHOLE = """# everything there is
Metadata = {"Version": "1.0", "Tags": ["a", "b"]}
DataSources = {"Primary": "orders", "AdditionalDataSources": ["customers"]}
query = "select count(*) from primary"
DefaultLabels=["frequency"="monthly"]
states = ["open", NULL]
Rules = [
    CustomSql $query between 0 and 100,  # the constant above
    RowCount > 1
]
Analyzers = [
    Distribution AllColumns with bins = 20, rebin = false,
    RowCount
]
"""


def test_every_section_is_read() -> None:
    """Metadata, sources, constants, default labels, rules and analyzers each find their place."""
    ruleset = parse_ruleset(WHOLE)
    assert ruleset.metadata == (("Version", "1.0"), ("Tags", ("a", "b")))
    assert ruleset.data_sources == (("Primary", "orders"), ("AdditionalDataSources", ("customers",)))
    assert ruleset.constants == (
        ("query", Text("select count(*) from primary")),
        ("states", (Text("open"), Special("NULL"))),
    )
    assert ruleset.default_labels == (("frequency", "monthly"),)
    assert [one.type for one in flat(ruleset.rules)] == ["CustomSql", "RowCount"]
    assert ruleset.analyzers == (
        Analyzer(
            type="Distribution", parameters=(Name("AllColumns"),), options=(("bins", n(20)), ("rebin", Name("false")))
        ),
        Analyzer(type="RowCount"),
    )


def test_a_ruleset_is_written_in_one_form() -> None:
    """Sections come in the order of the language, one rule to a line; comments go."""
    assert (
        format_ruleset(parse_ruleset(WHOLE))
        == """Metadata = {"Version": "1.0", "Tags": ["a", "b"]}

DataSources = {"Primary": "orders", "AdditionalDataSources": ["customers"]}

query = "select count(*) from primary"
states = ["open", NULL]

DefaultLabels = ["frequency"="monthly"]

Rules = [
    CustomSql $query between 0 and 100,
    RowCount > 1
]

Analyzers = [
    Distribution AllColumns with bins = 20, rebin = false,
    RowCount
]
"""
    )


def test_numbers_are_kept_as_they_were_written() -> None:
    """A share is decimal: no digit is added or lost, trailing zeros included."""
    text = 'Rules = [\n    Completeness "a" >= 0.10,\n    Sum "b" < 12345678901234567890123456789012345.000000000000000001\n]\n'
    assert format_ruleset(parse_ruleset(text)) == text


def test_rules_know_where_they_stand() -> None:
    """Line and column count from 1, and make no difference between rulesets."""
    ruleset = parse_ruleset(
        'Rules = [ RowCount > 1,\n\t(IsComplete "a") and (IsUnique "b")]\nAnalyzers = [\n Mean "x"]'
    )
    assert [(one.line, one.column) for one in flat(ruleset.rules)] == [(1, 11), (2, 3), (2, 24)]
    assert [(one.line, one.column) for one in ruleset.analyzers] == [(4, 2)]


def test_rules_are_hashable() -> None:
    """Outcomes can be kept by rule: equal rules are one key."""
    text = 'ColumnValues "a" in ["x", NULL] where "b > 0" with threshold > 0.5 labels=["c"="d"]'
    first, second = parse_ruleset(f"Rules = [{text}, {text}]").rules
    assert len({first, second}) == 1
