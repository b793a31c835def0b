"""A text that is no ruleset is refused: where, what is wrong, and what was expected there, in words of the language."""

from __future__ import annotations

import builtins
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from lakehouse.errors import ConfigError, RulesetError
from lakehouse.quality import grammar
from lakehouse.quality.rulesets import parse_ruleset

AFTER_NUMBER = 'one of "+", "-", "*", "/", B, KB, MB, GB or TB, days, hours or minutes, labels, where, with, "," or "]"'
AFTER_PARAMETER = (
    'a condition (=, !=, >, >=, <, <=, between, in, matches, not), a parameter, labels, where, with, "," or "]"'
)
BROKEN = {
    "": (1, 1, "the text ends here, where a section such as Rules is expected"),
    "# nothing": (1, 10, "the text ends here, where a section such as Rules is expected"),
    "Rules": (1, 6, 'the text ends here, where "=" is expected'),
    "Rules = ": (1, 8, 'the text ends here, where "[" is expected'),
    "Rules = [\n": (1, 10, 'the text ends here, where a rule or "]" is expected'),
    "Rules = []": (1, 10, "a ruleset needs at least one rule or analyzer"),
    "Rules = []\nAnalyzers = []\n": (2, 14, "a ruleset needs at least one rule or analyzer"),
    "Rules = [RowCount > 1": (
        1, 22, f"the text ends here, where {AFTER_NUMBER} is expected"),
    "Rules = [RowCount > 1]]": (1, 23, 'expected Analyzers or the end, not "]"'),
    "Rules = [RowCount > 1,]": (1, 23, 'expected a rule, not "]"'),
    "Rules = [RowCount > ]": (1, 21, 'expected a value, not "]"'),
    "Rules = [RowCount between 1 10]": (
        1, 29, 'expected one of "+", "-", "*", "/", B, KB, MB, GB or TB, and or days, hours or minutes, not 10'),
    "Rules = [RowCount not > 1]": (1, 23, 'expected between, in or matches, not ">"'),
    "Rules = [RowCount <> 1]": (1, 20, 'expected a value, not ">"'),
    "Rules = [RowCount == 1]": (1, 20, 'expected a value, not "="'),
    'Rules = [ColumnValues "a" in []]': (1, 31, 'expected a value, not "]"'),
    'Rules = [ColumnValues "a" in "b"]': (1, 30, 'expected a constant such as $name or "[", not "b"'),
    'Rules = [ColumnValues "a" matches a+]': (1, 35, "expected a text in quotes, not a"),
    'Rules = [ColumnValues "a" is not null]': (1, 34, "expected between, in or matches, not null"),
    'Rules = [IsComplete "a]': (1, 21, "this text in quotes is not closed"),
    "Rules = [IsComplete 'a']": (
        1, 21, f'expected {AFTER_PARAMETER}, not "\'"'),
    'Rules = [\n    // first\n    IsComplete "a"\n]': (2, 5, 'expected a rule or "]", not "/"; a comment begins with #'),
    'Rules = [\n\tIsComplete "a";\n]': (
        2, 16, f'expected {AFTER_PARAMETER}, not ";"'),
    'rules = [IsComplete "a"]': (
        1, 10, "expected NULL, EMPTY or WHITESPACES_ONLY or a text in quotes, not IsComplete; the section is written Rules"),
    'Rules: [IsComplete "a"]': (1, 6, 'expected "=", not ":"'),
    'IsComplete "a"': (1, 12, 'expected "=", not "a"'),
    'Rules = [(IsComplete "a") and IsUnique "b"]': (1, 31, 'expected "(", not IsUnique'),
    'Rules = [(IsComplete "a") xor (IsUnique "b")]': (1, 27, 'expected and, or, "," or "]", not xor'),
    'Rules = [(IsComplete "a"]': (1, 25, 'expected ")", not "]"'),
    'Rules = [DataFreshness "a" < 1 day]': (
        1, 32, f"expected {AFTER_NUMBER}, not day"),
    'Rules = [DataFreshness "a" < 1.5 days]': (1, 30, "an amount with a unit is a whole number"),
    'Rules = [DataFreshness "a" < 99999999999 days]': (1, 30, "an amount with a unit is at most 2147483647"),
    'Rules = [ColumnValues "a" > now() - 3 days]': (1, 35, 'expected labels, where, with, "," or "]", not "-"'),
    'Rules = [ColumnValues "a" > (now() * 3 days)]': (1, 36, 'expected "+" or "-", not "*"'),
    'Rules = [ColumnValues "a" = 1 with threshold]': (
        1, 45, 'expected a condition (=, !=, >, >=, <, <=, between, in, matches, not), not "]"'),
    'Rules = [ColumnValues "a" = 1 with threshold > 0.5 where "b"]': (1, 52, 'expected labels, with, "," or "]", not where'),
    'Rules = [ColumnValues "a" = 1 with threshold > 0.5 with threshold > 0.6]': (1, 52, "threshold is given twice"),
    "Rules = [FileSize > 1 B with recentFiles = 1 with recentFiles = 2]": (1, 51, "the option recentFiles is given twice"),
    'Rules = [IsComplete "a" labels=["b"="c"] labels=["b"="c"]]': (1, 42, "labels is given twice"),
    'Rules = [IsComplete "a" labels=["b"="c", "b"="d"]]': (1, 42, 'the label "b" is given twice'),
    'Rules = [IsComplete "a" labels=[]]': (1, 33, 'expected a text in quotes, not "]"'),
    'DefaultLabels = ["a"="b"] DefaultLabels = ["a"="b"] Rules = [RowCount > 1]': (1, 27, "DefaultLabels is given twice"),
    'q = "a"\nq = "b"\nRules = [RowCount > 1]': (2, 1, "the constant q is defined twice"),
    "q = 1\nRules = [RowCount > $q]": (1, 5, 'expected NULL, EMPTY or WHITESPACES_ONLY, a text in quotes or "[", not 1'),
    'Metadata = {"Version": "1", "Version": "2"} Rules = [RowCount > 1]': (1, 29, '"Version" is given twice'),
    "Metadata = {} Rules = [RowCount > 1]": (1, 13, 'expected a text in quotes, not "}"'),
    "Analyzers = [RowCount > 1]": (1, 23, 'expected a parameter, with, "," or "]", not ">"'),
    "Rules = [RowCount > 1] Rules = [RowCount > 2]": (1, 24, "expected Analyzers or the end, not Rules"),
    'Rules = [IsComplete of where "a"]': (1, 24, "expected a constant such as $name, a name or a text in quotes, not where"),
    'in = "a" Rules = [IsComplete "a"]': (1, 1, "expected a section such as Rules, not in"),
    "Rules = [RowCount >\x00 1]": (1, 20, "expected a value, not '\\x00'"),
    "Rules = [RowCount >\xa01]": (1, 20, "expected a value, not '\\xa0'"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BROKEN.items(), ids=list(BROKEN))
def test_a_broken_text_is_refused_where_it_breaks(text: str, expected: tuple[int, int, str]) -> None:
    """The error names line and column, and what was expected or is wrong there."""
    line, column, reason = expected
    with pytest.raises(RulesetError) as raised:
        parse_ruleset(text)
    assert (raised.value.line, raised.value.column) == (line, column)
    assert str(raised.value).split("\n")[0] == f"line {line}, column {column}: {reason}"


def test_the_place_is_shown() -> None:
    """The line stands below the reason with a caret under what is wrong, a tab taken for one character."""
    with pytest.raises(RulesetError) as raised:
        parse_ruleset('Rules = [\n\tIsComplete "a",\n\tColumnValues "b" in ],\n]')
    assert str(raised.value).split("\n")[1:] == ['     ColumnValues "b" in ],', "                         ^"]


def test_of_a_long_line_a_part_is_shown() -> None:
    """The caret stands under what is wrong however long the line is."""
    with pytest.raises(RulesetError) as raised:
        parse_ruleset(f"Rules = [{', '.join(['RowCount > 1'] * 1000)}, ! RowCount > 2]")
    _, shown, caret = str(raised.value).split("\n")
    assert len(shown) < 110
    assert shown[caret.index("^")] == "!"


def test_a_ruleset_error_is_an_error_of_configuration() -> None:
    """Whoever catches what is wrong with a configuration catches it too."""
    with pytest.raises(ConfigError, match="expected"):
        parse_ruleset("Rules = 1")


def nested(depth: int) -> str:
    """A sum in parentheses that has to be nested."""
    return f"Rules = [RowCount > {'(' * depth}1{' + 1)' * depth}]"


def composite(depth: int) -> str:
    """Composites in composites."""
    return f"Rules = [{'((RowCount > 1) and ' * depth}(RowCount > 2){')' * depth}]"


@pytest.mark.parametrize("text", [nested(51), composite(51), f"Rules = [RowCount > 1{' + 1' * 51}]",
                                  f"Rules = [RowCount > {'abs(' * 51}1{')' * 51}]"],
                         ids=["sums", "composites", "long sum", "calls"])  # fmt: skip
def test_what_is_nested_too_deep_is_refused(text: str) -> None:
    """Nothing recurses further than it can."""
    with pytest.raises(RulesetError, match="nested deeper than 50: divide it"):
        parse_ruleset(text)


@pytest.mark.parametrize("text", [nested(50), composite(50), f"Rules = [{'(' * 1000}RowCount > 1{')' * 1000}]"],
                         ids=["sums", "composites", "parentheses"])  # fmt: skip
def test_what_is_nested_less_is_read(text: str) -> None:
    """The limit is what it says, and parentheses that change nothing do not count."""
    assert len(parse_ruleset(text).rules) == 1


def test_a_text_that_is_too_long_is_refused() -> None:
    """The length is looked at before anything else."""
    with pytest.raises(RulesetError, match="the ruleset has 500,001 characters, more than 500,000; divide it"):
        parse_ruleset(" " * 500_001)


def test_a_number_that_is_too_long_is_refused() -> None:
    """A hundred digits are enough."""
    with pytest.raises(RulesetError, match="a number of more than 100 digits"):
        parse_ruleset(f"Rules = [RowCount > {'9' * 101}]")


@pytest.mark.parametrize("text", ['"' + "\\" * 200_000, "(" * 200_000, "Analyzers = [" + "RowCount ," * 20_000 + " " * 200_000,
                                  "Rules = [IsComplete " + "a " * 100_000], ids=["backslashes", "parentheses", "commas", "names"])  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    """What is broken in the last of very many characters is refused in seconds."""
    started = time.process_time()
    with pytest.raises(RulesetError):
        parse_ruleset(text)
    assert time.process_time() - started < 10


def test_every_terminal_has_words() -> None:
    """No name of the grammar reaches a person."""
    parser = grammar._parser()  # noqa: SLF001  the table of words belongs to it
    names = {terminal.name for terminal in parser.terminals} - set(parser.ignore_tokens)
    assert names - {"ORDER"} == set(grammar.WORDS) - {"$END"}


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without lark the error says what to install."""
    real = builtins.__import__

    def without_lark(
        name: str,
        in_globals: Mapping[str, Any] | None = None,
        in_locals: Mapping[str, Any] | None = None,
        names: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        if name == "lark":
            raise ImportError(name)
        return real(name, in_globals, in_locals, names, level)

    monkeypatch.setattr(grammar, "_parser", grammar._parser.__wrapped__)  # noqa: SLF001  as at the start of a process
    monkeypatch.setattr(builtins, "__import__", without_lark)
    monkeypatch.delitem(sys.modules, "lark", raising=False)
    with pytest.raises(ConfigError, match=r"DQDL needs lark: install lakehouse\[quality\]"):
        parse_ruleset("Rules = [RowCount > 1]")
