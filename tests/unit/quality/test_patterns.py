"""Regular expressions that could take for ever are refused, and those that people write are not."""

from __future__ import annotations

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from lakehouse.quality.judging import RuleError
from lakehouse.quality.patterns import longest_text, whole_match
from lakehouse.tables.jvm import java_causes, java_packages

FINE = [
    r"\d{4}-\d{2}-\d{2}",
    r"(\d{1,3}\.){3}\d{1,3}",
    r"[\w.%+-]+@[\w.-]+\.[A-Za-z]{2,}",
    "(foo|bar)++",
    "(foo|bar){0,400}",
    "(?:a|b)*+",
    r"(\d{3}-)+\d+",
    "(a+)",
    "(a++)++b",
    "(?>a+b)++",
    "(abc)*",
    "(?:a.){2,400}",
    ".*",
    ".{0,4000}",
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
    "(?:(?:a|b){1,30}c){0,20}",
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
DEEP = [
    "(foo|bar)+",
    "(?:a|b)*",
    "(a|b)+?c",
    "(a|b){0,501}",
    "(a++)+b",
    "(?>a+b)+",
    "(?>a|b)*",
    "(a|b)*+(c|d)*",
    "((a|b)*+c)*",
    "(.)*",
    "([^a])*",
    r"(\p{L})*",
    "([ab😀])*",
    ".{0,5000}",
]


@pytest.mark.parametrize("pattern", FINE)
def test_patterns_match_whole_texts(pattern: str) -> None:
    """What is let be is anchored, and otherwise as it was; a text may be as long as it likes."""
    assert whole_match(pattern) == rf"\A(?:{pattern})\z"
    assert longest_text(pattern) is None


@pytest.mark.parametrize("pattern", ENDLESS)
def test_patterns_that_could_take_for_ever_are_refused(pattern: str) -> None:
    """Nested repetitions, repeated alternatives that begin alike, references back and comments."""
    with pytest.raises(RuleError, match=r"for ever|how long"):
        whole_match(pattern)


@pytest.mark.parametrize("pattern", DEEP)
def test_patterns_that_no_stack_holds_take_short_texts(pattern: str) -> None:
    """Repetitions of what has alternatives or several lengths, `😀` being two characters of Java, unless they give nothing back."""
    longest = longest_text(pattern)
    assert longest is not None
    assert 100 <= longest <= 500
    assert whole_match(pattern) == rf"\A(?:{pattern})\z"


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(foo|bar)++", "foobar" * 50_000),
        ("(?:a|b){0,500}", "ab" * 250),
        ("((((((a|b)))))){0,80}", "ab" * 40),
        ("(?:[a-z]+,)*+", "ab,c," * 50_000),
        ("(abc)*", "abc" * 100_000),
        (".*", "a😀" * 100_000),
        (".{0,4000}", "a😀" * 2_000),
        ("(foo|bar)+", ("foobar" * 500)[:498]),
        ("(?:a|b)*", "ab" * 250),
        (r"(\p{L})*", "ä" * 500),
        ("((((((a|b))))))*", "ab" * 41),
    ],
)
def test_the_stack_holds_what_is_let_be(spark: SparkSession, pattern: str, text: str) -> None:
    """Java itself matches the longest texts."""
    assert java_packages(spark).java.util.regex.Pattern.matches(whole_match(pattern), text)


def test_the_stack_does_not_hold_what_is_refused(spark: SparkSession) -> None:
    """Here it is an exception; in a task it would end the process."""
    with pytest.raises(Py4JJavaError) as raised:
        java_packages(spark).java.util.regex.Pattern.matches("(?:a|b)*", "ab" * 100_000)
    assert java_causes(raised.value) == ["java.lang.StackOverflowError"]
