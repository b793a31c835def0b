"""Whatever a ruleset says, its text says the same; whatever a text says, it is read or refused by name."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

import pytest
from dqdl_examples import RULES
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import RulesetError
from lakehouse.quality.building import MAX_AMOUNT
from lakehouse.quality.rule_types import RULE_TYPES
from lakehouse.quality.rules import (
    Analyzer,
    Arithmetic,
    Between,
    Call,
    Comparison,
    Composite,
    Constant,
    Day,
    Duration,
    In,
    Matches,
    Name,
    Now,
    Number,
    Rule,
    Ruleset,
    Size,
    Special,
    Text,
    literal,
)
from lakehouse.quality.rulesets import check_ruleset, format_ruleset, parse_ruleset

K = TypeVar("K")
V = TypeVar("V")
RESERVED = {
    "and", "AND", "or", "OR", "of", "not", "NOT", "between", "BETWEEN", "in", "IN", "matches", "where", "with", "threshold",
    "NULL", "null", "EMPTY", "empty", "WHITESPACES_ONLY", "whitespaces_only", "labels",
    "Metadata", "DataSources", "DefaultLabels", "Rules", "Analyzers",
}  # fmt: skip
"""What cannot be written without quotes everywhere."""

WORDS = st.sampled_from(["colA", "last", "now", "days", "B", "inner", "a.b", "_x", "Rules2", "true", *RULE_TYPES])
NAMES = st.one_of(WORDS, st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,8}", fullmatch=True)).filter(
    lambda name: name not in RESERVED
)
FUNCTIONS = NAMES.filter(lambda name: name != "now")  # now() is an instant
TEXTS = st.one_of(
    st.text(max_size=12),
    st.text('"\\#,]\n\t= 名', max_size=6),
    st.sampled_from(["2024-02-29", "2024-02-30", "9:30 AM", ""]),
)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=3).map(
    lambda one: Number(Decimal(format(one, "f")))
)
AMOUNTS = st.integers(0, MAX_AMOUNT)
DURATIONS = st.builds(Duration, AMOUNTS, st.sampled_from(["days", "hours", "minutes"]))
OFFSETS = st.builds(Duration, st.integers(-MAX_AMOUNT, MAX_AMOUNT), st.sampled_from(["days", "hours", "minutes"]))
SPECIALS = st.builds(Special, st.sampled_from(["NULL", "EMPTY", "WHITESPACES_ONLY"]))
EXPRESSIONS = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        st.builds(Arithmetic, inner, st.sampled_from("+-*/"), inner),
        st.builds(Call, FUNCTIONS, st.lists(inner, max_size=2).map(tuple)),
    ),
    max_leaves=6,
)
OPERANDS = st.one_of(
    EXPRESSIONS,
    TEXTS.map(literal),
    st.dates().map(Day),
    SPECIALS,
    DURATIONS,
    st.builds(Size, AMOUNTS, st.sampled_from(["B", "KB", "MB", "GB", "TB"])),
    st.builds(Now, st.none() | OFFSETS),
    st.builds(Constant, NAMES),
)
CONDITIONS = st.one_of(
    st.builds(Comparison, st.sampled_from(["=", "!=", ">", ">=", "<", "<="]), OPERANDS),
    st.builds(Between, OPERANDS, OPERANDS, st.booleans()),
    st.builds(In, st.lists(OPERANDS, min_size=1, max_size=3).map(tuple) | st.builds(Constant, NAMES), st.booleans()),
    st.builds(Matches, TEXTS, st.booleans()),
)


def pairs(keys: st.SearchStrategy[K], values: st.SearchStrategy[V]) -> st.SearchStrategy[tuple[tuple[K, V], ...]]:
    """Names, each once, and values."""
    return st.dictionaries(keys, values, max_size=2).map(lambda one: tuple(one.items()))


PARAMETERS = st.lists(st.one_of(TEXTS, st.builds(Name, NAMES), st.builds(Constant, NAMES)), max_size=3).map(tuple)
SETTINGS = st.one_of(
    NUMBERS.filter(lambda one: not one.value.is_signed()), st.builds(Text, TEXTS), st.builds(Name, NAMES)
)
OPTIONS = st.one_of(SETTINGS, st.lists(TEXTS, min_size=1, max_size=2).map(tuple))
RULE = st.builds(
    Rule,
    type=NAMES,
    parameters=PARAMETERS,
    condition=st.none() | CONDITIONS,
    where=st.none() | TEXTS,
    threshold=st.none() | CONDITIONS,
    options=pairs(NAMES, OPTIONS),
    labels=pairs(TEXTS, TEXTS),
)
ENTRIES = st.recursive(
    RULE,
    lambda inner: st.builds(
        Composite, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple)
    ),
    max_leaves=4,
)
WORD = st.builds(Text, TEXTS) | SPECIALS
DICTIONARY = pairs(TEXTS, TEXTS | st.lists(TEXTS, min_size=1, max_size=2).map(tuple))
RULESETS = st.builds(
    Ruleset,
    rules=st.lists(ENTRIES, min_size=1, max_size=3).map(tuple),
    analyzers=st.lists(
        st.builds(Analyzer, type=NAMES, parameters=PARAMETERS, options=pairs(NAMES, SETTINGS)), max_size=2
    ).map(tuple),
    constants=pairs(NAMES, WORD | st.lists(WORD, min_size=1, max_size=2).map(tuple)),
    default_labels=pairs(TEXTS, TEXTS),
    metadata=DICTIONARY,
    data_sources=DICTIONARY,
)


@given(RULESETS)
def test_what_is_written_reads_as_the_same_ruleset(ruleset: Ruleset) -> None:
    """Any ruleset survives its text, and its text survives being read; whatever it asks for can be checked."""
    text = format_ruleset(ruleset)
    assert parse_ruleset(text) == ruleset
    assert format_ruleset(parse_ruleset(text)) == text
    assert all(problem.message for problem in check_ruleset(ruleset))


PIECES = [
    "Rules",
    "=",
    "[",
    "]",
    "(",
    ")",
    ",",
    "IsComplete",
    '"a"',
    "between",
    "1",
    "0.5",
    "and",
    "or",
    "not",
    "in",
    "matches",
    "where",
    "with",
    "threshold",
    ">",
    "now()",
    "-",
    "days",
    "MB",
    "last",
    "NULL",
    "$x",
    "#",
    "labels",
    "Analyzers",
    "Metadata",
    "{",
    "}",
    ":",
    '"',
    "\\",
]
FRAGMENTS = st.lists(st.one_of(st.sampled_from([*PIECES, "\n"]), st.text(max_size=3)), max_size=25)


@given(
    st.one_of(
        st.text(), FRAGMENTS.map(" ".join), FRAGMENTS.map(lambda parts: f"Rules = [RowCount > 1, {' '.join(parts)}]")
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    """No other error comes of a text, and what is refused has its place in the text."""
    read_or_refused(text)


@given(st.sampled_from([text for text, _ in RULES]), st.integers(0, 200), st.integers(0, 3), st.text(max_size=2))
def test_a_text_with_a_slip_is_read_or_refused(rule: str, place: int, dropped: int, added: str) -> None:
    """A good text of which a little is lost or replaced does no worse."""
    text = f"Rules = [{rule}]"
    read_or_refused(text[: place % len(text)] + added + text[place % len(text) + dropped :])


def read_or_refused(text: str) -> None:
    """Read a text; what can be read can be written and checked."""
    try:
        ruleset = parse_ruleset(text)
    except RulesetError as error:
        line, column = error.line, error.column
    else:
        check_ruleset(ruleset)
        assert parse_ruleset(format_ruleset(ruleset)) == ruleset
        return
    lines = text.split("\n")
    assert 1 <= line <= len(lines)
    assert 1 <= column <= len(lines[line - 1]) + 1


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_reserved_word_is_a_name_in_quotes(name: str) -> None:
    """Any column can be asked about."""
    assert parse_ruleset(f'Rules = [IsComplete "{name}"]').rules == (Rule(type="IsComplete", parameters=(name,)),)
