"""A ruleset of DQDL as data: sections, rules, conditions and their values.

All of it is frozen and hashable, and two rulesets are equal when they say the same; where a rule stands in its text does not
count. Pairs stand where others would use a dictionary, so that the order of the text is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Keyword = Literal["NULL", "EMPTY", "WHITESPACES_ONLY"]
Comparator = Literal["=", "!=", ">", ">=", "<", "<="]
DurationUnit = Literal["days", "hours", "minutes"]
SizeUnit = Literal["B", "KB", "MB", "GB", "TB"]
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Text in quotes, without its quotes and escapes."""

    value: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written: `0.10` stays `0.10`."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Day:
    """Text that is a calendar day, `"2024-02-29"`; where the column holds text it is compared as that."""

    value: date


@dataclass(frozen=True, slots=True)
class Special:
    """A keyword for what is no value: `NULL`, `EMPTY` (text without characters), `WHITESPACES_ONLY`."""

    keyword: Keyword


@dataclass(frozen=True, slots=True)
class Duration:
    """An amount of time; in a condition never negative."""

    amount: int
    unit: DurationUnit


@dataclass(frozen=True, slots=True)
class Size:
    """An amount of storage."""

    amount: int
    unit: SizeUnit


@dataclass(frozen=True, slots=True)
class Now:
    """The instant of the evaluation, moved by a duration (negative: into the past)."""

    offset: Duration | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant by its name: `$name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Name:
    """A parameter written without quotes: a column, or `AllColumns`."""

    value: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function of earlier metrics: `last(3)`, `avg(last(3))`."""

    function: str
    arguments: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers and what is done with them."""

    left: Expression
    operator: Literal["+", "-", "*", "/"]
    right: Expression


Expression = Number | Call | Arithmetic
Operand = Expression | Text | Day | Special | Duration | Size | Now | Constant
Parameter = str | Name | Constant
"""What stands between a rule type and its condition; plain text was in quotes."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was measured, compared with one value."""

    comparator: Comparator
    operand: Operand


@dataclass(frozen=True, slots=True)
class Between:
    """Strictly between two values: neither bound belongs to it. Negated, it is all the rest, bounds included."""

    low: Operand
    high: Operand
    negated: bool = False


@dataclass(frozen=True, slots=True)
class In:
    """One of the values, which may be a constant that holds a list."""

    values: tuple[Operand, ...] | Constant
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Matches:
    """The whole text matches a regular expression of Java."""

    pattern: str
    negated: bool = False


Condition = Comparison | Between | In | Matches
OptionValue = Number | Text | Name | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        type: the name of the rule type, which need not be a known one.
        parameters: what it is asked of: columns, datasets, a query.
        condition: what is asked of the measure; None where the rule type is a question in itself.
        where: a predicate in Spark SQL; other rows are left out.
        threshold: the condition on the share of rows that pass, `with threshold`.
        options: what else stands behind `with`, in its order.
        labels: of this rule alone; `Ruleset.labels_of` adds the default ones.
        line: where it begins in the text it was read from, from 1; 0: nowhere.
        column: the character of the line, from 1.
    """

    type: str
    parameters: tuple[Parameter, ...] = ()
    condition: Condition | None = None
    where: str | None = None
    threshold: Condition | None = None
    options: tuple[tuple[str, OptionValue], ...] = ()
    labels: Pairs = ()
    line: int = field(default=0, compare=False, repr=False)
    column: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Composite:
    """Two or more rules joined by one operator; what is joined by another one is nested."""

    operator: Literal["and", "or"]
    rules: tuple[Rule | Composite, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyzer:
    """A measure that is taken and not judged; attributes as those of a rule."""

    type: str
    parameters: tuple[Parameter, ...] = ()
    options: tuple[tuple[str, OptionValue], ...] = ()
    line: int = field(default=0, compare=False, repr=False)
    column: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """A document: rules, analyzers and what goes with them.

    Attributes:
        rules: in the order of the text.
        analyzers: in the order of the text.
        constants: names and what they stand for: text, a keyword, or a list of these.
        default_labels: labels of every rule that does not say otherwise.
        metadata: names and values of the section `Metadata`.
        data_sources: names and values of the section `DataSources`.
    """

    rules: tuple[Rule | Composite, ...] = ()
    analyzers: tuple[Analyzer, ...] = ()
    constants: tuple[tuple[str, Text | Special | tuple[Text | Special, ...]], ...] = ()
    default_labels: Pairs = ()
    metadata: tuple[tuple[str, str | tuple[str, ...]], ...] = ()
    data_sources: tuple[tuple[str, str | tuple[str, ...]], ...] = ()

    def labels_of(self, rule: Rule) -> dict[str, str]:
        """The default labels and those of the rule, which win.

        >>> Ruleset(default_labels=(("team", "data"), ("urgent", "no"))).labels_of(Rule(type="RowCount", labels=(("urgent", "yes"),)))
        {'team': 'data', 'urgent': 'yes'}
        """
        return dict(self.default_labels) | dict(rule.labels)


def flat(rules: tuple[Rule | Composite, ...]) -> Iterator[Rule]:
    """All rules, those in composites too, in the order of the text."""
    for rule in rules:
        if isinstance(rule, Composite):
            yield from flat(rule.rules)
        else:
            yield rule


def literal(text: str) -> Text | Day:
    """Text in quotes as a value of a condition: a day where it is one.

    >>> literal("2024-02-29"), literal("2023-02-29")
    (Day(value=datetime.date(2024, 2, 29)), Text(value='2023-02-29'))
    """
    if len(text) == len("YYYY-MM-DD") and text.isascii() and text[4] == text[7] == "-":
        try:
            return Day(date.fromisoformat(text))
        except ValueError:
            return Text(text)
    return Text(text)


def looks_back(part: object) -> bool:
    """Whether a ruleset, or a part of one, asks what earlier evaluations measured."""
    if isinstance(part, Call) or (isinstance(part, Rule) and part.type == "DetectAnomalies"):
        return True
    if isinstance(part, tuple):
        return any(map(looks_back, part))
    return is_dataclass(part) and any(looks_back(getattr(part, one.name)) for one in fields(part))
