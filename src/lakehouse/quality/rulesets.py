r"""Rulesets in DQDL, the Data Quality Definition Language of AWS Glue: read them, write them, check them.

>>> ruleset = parse_ruleset('Rules = [IsComplete "id", Completeness "email" >= 0.99 where "country = \'DE\'"]')
>>> print(format_ruleset(ruleset), end="")
Rules = [
    IsComplete "id",
    Completeness "email" >= 0.99 where "country = 'DE'"
]
>>> check_ruleset(ruleset)
()
"""

from __future__ import annotations

from lakehouse.errors import ConfigError
from lakehouse.quality.checking import Problem, check_ruleset
from lakehouse.quality.constants import resolve_constants
from lakehouse.quality.formatting import format_rule, format_ruleset
from lakehouse.quality.grammar import point_at, read
from lakehouse.quality.rules import Analyzer, Composite, Rule, Ruleset

__all__ = [
    "Analyzer", "Composite", "Problem", "Rule", "Ruleset",
    "check_ruleset", "format_rule", "format_ruleset", "parse_ruleset", "require_ruleset",
    "resolve_constants",
]  # fmt: skip


def parse_ruleset(text: str) -> Ruleset:
    """Read a ruleset. Whether its rules make sense is for `check_ruleset` to say.

    Raises:
        RulesetError: the text is no ruleset, or has neither rules nor analyzers; names line, column and what was expected.
        ConfigError: lark is not installed.

    >>> parse_ruleset("Rules = [RowCount between 1 and ]")
    Traceback (most recent call last):
        ...
    lakehouse.errors.RulesetError: line 1, column 33: expected a value, not "]"
        Rules = [RowCount between 1 and ]
                                        ^
    """
    ruleset = read(text)
    if not ruleset.rules and not ruleset.analyzers:
        last = text.rstrip().count("\n") + 1
        raise point_at(text, last, len(text.rstrip().split("\n")[-1]), "a ruleset needs at least one rule or analyzer")
    return ruleset


def require_ruleset(text: str, *, where: str) -> None:
    """Fail where a text is no ruleset, or its rules make no sense.

    Args:
        text: in DQDL.
        where: it stands, such as the name of a file.

    Raises:
        ConfigError: all that is wrong, a line for each problem, with where it is.
    """
    try:
        problems = check_ruleset(parse_ruleset(text))
    except ConfigError as error:
        msg = f"{where}: {error}"
        raise ConfigError(msg) from error
    if problems:
        raise ConfigError("\n".join(f"{where}: {problem}" for problem in problems))
