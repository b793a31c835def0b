"""Regular expressions that could take for ever are refused, and those that people write are not."""

from __future__ import annotations

import pytest

from lakehouse.quality.judging import RuleError
from lakehouse.quality.patterns import whole_match

FINE = [
    r"\d{4}-\d{2}-\d{2}",
    r"(\d{1,3}\.){3}\d{1,3}",
    r"[\w.%+-]+@[\w.-]+\.[A-Za-z]{2,}",
    "(foo|bar)+",
    "(?:a|b)*",
    r"(\d{3}-)+\d+",
    "(a+)",
    "(a++)+b",
    "(?>a+b)+",
    "(a|ab)*+",
    "(a+)?",
    r"\Q(a+)+\E",
    "[(a+)+]",
    "[[a-z]&&[^b]]+",
    r"\(a+\)+",
    "(?i)abc|abd",
    "",
    "a(",
]
ENDLESS = [
    "(a+)+b",
    "(a*)*b",
    "(a?)*b",
    "((a+)c?)+b",
    "(a{1,9})*b",
    "(a|a)*b",
    "(a|ab)*b",
    "(a|[ab])*b",
    "(a|A)*b",
    "(|a)*b",
    "(a?){50}a{50}",
    "(a*){50}b",
    "(a|a){50}b",
    ".*.*.*.*.*.*.*.*.*.*.*b",
    r"(a+)\1",
    r"(?<x>a+)\k<x>",
    "(?x)a # (",
]


@pytest.mark.parametrize("pattern", FINE)
def test_patterns_match_whole_texts(pattern: str) -> None:
    """What is let be is anchored, and otherwise as it was."""
    assert whole_match(pattern) == rf"\A(?:{pattern})\z"


@pytest.mark.parametrize("pattern", ENDLESS)
def test_patterns_that_could_take_for_ever_are_refused(pattern: str) -> None:
    """Nested repetitions, repeated alternatives that begin alike, references back and comments."""
    with pytest.raises(RuleError, match=r"for ever|how long"):
        whole_match(pattern)
