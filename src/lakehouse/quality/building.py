"""Builds a ruleset from what the grammar finds in a text, from the inside out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from lakehouse.quality.rules import (
    Analyzer,
    Arithmetic,
    Between,
    Call,
    Comparison,
    Composite,
    Condition,
    Constant,
    Duration,
    In,
    Matches,
    Name,
    Now,
    Number,
    Operand,
    OptionValue,
    Pairs,
    Parameter,
    Rule,
    Ruleset,
    Size,
    Special,
    Text,
    literal,
)

if TYPE_CHECKING:
    from lark import Token

MAX_DEPTH = 50
"""How deep rules, calls and arithmetic may be nested; what walks them later recurses."""

MAX_DIGITS = 100
"""How many digits a number may have."""


MAX_AMOUNT = 2**31 - 1
"""The largest amount of days, hours, megabytes and so on."""

N = TypeVar("N", Composite, Call, Arithmetic)


class RefusedError(Exception):
    """Raised where a text keeps to the grammar and is wrong all the same, with the place of what is wrong."""

    def __init__(self, place: Token | Rule, reason: str) -> None:
        """Name the place by a token or a rule, and say why."""
        self.line, self.column, self.reason = place.line or 0, place.column or 0, reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class _Clause:
    """What follows a condition, before it becomes part of the rule."""

    kind: Literal["where", "threshold", "option", "labels"]
    token: Token
    value: Any


@dataclass(frozen=True, slots=True)
class _Section:
    name: str
    value: Any


class Builder:
    """One method for each name of the grammar, called with what the parts became; no state, so that one serves all."""

    def start(self, parts: Sequence[_Section]) -> Ruleset:
        """Put the sections together."""
        constants = tuple(part.value for part in parts if part.name == "constants")
        _once([name for name, _ in constants], "the constant {} is defined twice")
        labels = [part.value for part in parts if part.name == "default_labels"]
        _once([section for section, _ in labels], "{} is given twice")
        sections = {part.name: part.value for part in parts if part.name not in {"constants", "default_labels"}}
        return Ruleset(
            constants=tuple((str(name), value) for name, value in constants),
            default_labels=labels[0][1] if labels else (),
            **sections,
        )

    def metadata(self, parts: Sequence[Any]) -> _Section:
        """`Metadata = {...}`."""
        return _Section("metadata", parts[0])

    def data_sources(self, parts: Sequence[Any]) -> _Section:
        """`DataSources = {...}`."""
        return _Section("data_sources", parts[0])

    def dictionary(self, parts: Sequence[tuple[Token, Any]]) -> tuple[tuple[str, Any], ...]:
        """`{"a": "b", "c": ["d"]}`, each name once."""
        _once([key for key, _ in parts], "{} is given twice")
        return tuple((_unquoted(key), value) for key, value in parts)

    def pair(self, parts: Sequence[Any]) -> tuple[Token, Any]:
        """`"a": "b"` or `"a": ["b", "c"]`."""
        key, value = parts
        return key, value if isinstance(value, tuple) else _unquoted(value)

    def strings(self, parts: Sequence[Token]) -> tuple[str, ...]:
        """`["a", "b"]`."""
        return tuple(map(_unquoted, parts))

    def constant(self, parts: Sequence[Any]) -> _Section:
        """`name = "text"` or `name = ["text", NULL]`."""
        return _Section("constants", (parts[0], parts[1]))

    def words(self, parts: Sequence[Text | Special]) -> tuple[Text | Special, ...]:
        """`["a", NULL]`, the values of a constant."""
        return tuple(parts)

    def default_labels(self, parts: Sequence[Any]) -> _Section:
        """`DefaultLabels = [...]`."""
        return _Section("default_labels", tuple(parts))

    def label_list(self, parts: Sequence[tuple[Token, Token]]) -> Pairs:
        """`["a"="b", "c"="d"]`, each key once."""
        _once([key for key, _ in parts], "the label {} is given twice")
        return tuple((_unquoted(key), _unquoted(value)) for key, value in parts)

    def label(self, parts: Sequence[Token]) -> tuple[Token, Token]:
        """`"a"="b"`."""
        return parts[0], parts[1]

    def rules(self, parts: Sequence[Rule | Composite]) -> _Section:
        """`Rules = [...]`."""
        return _Section("rules", tuple(parts))

    def either(self, parts: Sequence[Rule | Composite]) -> Rule | Composite:
        """`(...) or (...)`, or one alone."""
        return _joined("or", parts)

    def both(self, parts: Sequence[Rule | Composite]) -> Rule | Composite:
        """`(...) and (...)`, or one alone."""
        return _joined("and", parts)

    def rule(self, parts: Sequence[Any]) -> Rule:
        """A rule type with its parameters, its condition and its clauses, each of which stands once."""
        name, *rest = parts
        clauses = [part for part in rest if isinstance(part, _Clause)]
        said: dict[str, Any] = {"where": None, "threshold": None, "labels": ()}
        for clause in clauses:
            if clause.kind != "option":
                if said[clause.kind]:
                    raise RefusedError(clause.token, f"{clause.kind} is given twice")
                said[clause.kind] = clause.value
        options = [clause.value for clause in clauses if clause.kind == "option"]
        _once([option for option, _ in options], "the option {} is given twice")
        conditions = [part for part in rest if isinstance(part, Condition)]
        return Rule(
            type=str(name),
            parameters=tuple(part for part in rest if isinstance(part, Parameter)),
            condition=conditions[0] if conditions else None,
            options=tuple((str(option), value) for option, value in options),
            line=name.line,
            column=name.column,
            **said,
        )

    def parameter(self, parts: Sequence[Token]) -> Parameter:
        """`"a"`, `a` or `$a`, whose connecting word says nothing."""
        (token,) = parts
        if token.type == "STRING":
            return _unquoted(token)
        return Constant(token[1:]) if token.type == "CONSTANT" else Name(str(token))

    def where(self, parts: Sequence[Token]) -> _Clause:
        """`where "..."`."""
        return _Clause("where", parts[0], _unquoted(parts[0]))

    def threshold(self, parts: Sequence[Any]) -> _Clause:
        """`with threshold > 0.9`."""
        return _Clause("threshold", parts[0], parts[1])

    def option(self, parts: Sequence[Any]) -> _Clause:
        """`with name = value`."""
        token, name, value = parts
        return _Clause("option", token, (name, _option_value(value)))

    def labels(self, parts: Sequence[Any]) -> _Clause:
        """`labels=[...]`."""
        return _Clause("labels", parts[0], parts[1])

    def analyzers(self, parts: Sequence[Analyzer]) -> _Section:
        """`Analyzers = [...]`."""
        return _Section("analyzers", tuple(parts))

    def analyzer(self, parts: Sequence[Any]) -> Analyzer:
        """`Distribution "a" with bins = 10`."""
        name, *rest = parts
        options = [option for part in rest if isinstance(part, tuple) for option in part]
        _once([option for option, _ in options], "the option {} is given twice")
        return Analyzer(
            type=str(name),
            parameters=tuple(part for part in rest if isinstance(part, Parameter)),
            options=tuple((str(option), value) for option, value in options),
            line=name.line,
            column=name.column,
        )

    def settings(self, parts: Sequence[Any]) -> tuple[Any, ...]:
        """`with bins = 10, rebin = false`."""
        return tuple(parts[1:])

    def setting(self, parts: Sequence[Token]) -> tuple[Token, OptionValue]:
        """`bins = 10`."""
        return parts[0], _option_value(parts[1])

    def comparison(self, parts: Sequence[Any]) -> Comparison:
        """`= 1` and its like."""
        return Comparison(str(parts[0]), parts[1])  # type: ignore[arg-type]  # the grammar knows no other comparators

    def between(self, parts: Sequence[Any]) -> Between:
        """`between 1 and 2` or `not between 1 and 2`."""
        return Between(parts[1], parts[2], negated=parts[0] is not None)

    def contained(self, parts: Sequence[Any]) -> In:
        """`in [1, 2]`, `in $a` or `not in [1, 2]`."""
        negation, values = parts
        return In(values if isinstance(values, tuple) else Constant(values[1:]), negated=negation is not None)

    def matches(self, parts: Sequence[Any]) -> Matches:
        """`matches "a+"` or `not matches "a+"`."""
        return Matches(_unquoted(parts[1]), negated=parts[0] is not None)

    def operands(self, parts: Sequence[Operand]) -> tuple[Operand, ...]:
        """`[1, 2]`, the values of a condition."""
        return tuple(parts)

    def size(self, parts: Sequence[Token]) -> Size:
        """`10 MB`."""
        return Size(_whole(parts[0]), str(parts[1]))  # type: ignore[arg-type]  # the grammar knows no other units

    def duration(self, parts: Sequence[Token]) -> Duration:
        """`24 hours`."""
        return Duration(_whole(parts[0]), str(parts[1]))  # type: ignore[arg-type]  # the grammar knows no other units

    def now(self, parts: Sequence[Any]) -> Now:
        """`now()` or `(now() - 3 days)`."""
        if len(parts) == 1:
            return Now()
        _, sign, duration = parts
        return Now(Duration(-duration.amount if sign == "-" else duration.amount, duration.unit))

    def text(self, parts: Sequence[Token]) -> Text:
        """A text in the value of a constant, which may become a parameter."""
        return Text(_unquoted(parts[0]))

    def literal(self, parts: Sequence[Token]) -> Operand:
        """A text in a condition."""
        return literal(_unquoted(parts[0]))

    def special(self, parts: Sequence[Token]) -> Special:
        """`NULL`, `EMPTY` or `WHITESPACES_ONLY`, in either case."""
        return Special(parts[0].upper())  # type: ignore[arg-type]  # the grammar knows no other keywords

    def reference(self, parts: Sequence[Token]) -> Constant:
        """`$a` in a condition."""
        return Constant(parts[0][1:])

    def number(self, parts: Sequence[Token]) -> Number:
        """`0.10`."""
        return Number(_decimal(parts[0]))

    def negative(self, parts: Sequence[Token]) -> Number:
        """`-0.10`."""
        return Number(_decimal(parts[1]).copy_negate())

    def call(self, parts: Sequence[Any]) -> Call:
        """`avg(last(3))`."""
        name, *arguments = parts
        return _bounded(Call(str(name), tuple(arguments)), name)

    def arithmetic(self, parts: Sequence[Any]) -> Arithmetic:
        """`1 + 2`."""
        left, operator, right = parts
        return _bounded(Arithmetic(left, str(operator), right), operator)  # type: ignore[arg-type]  # the grammar's own


def _joined(operator: Literal["and", "or"], rules: Sequence[Rule | Composite]) -> Rule | Composite:
    if len(rules) == 1:
        return rules[0]
    first = rules[0]
    while isinstance(first, Composite):
        first = first.rules[0]
    return _bounded(Composite(operator, tuple(rules)), first)


def _bounded(node: N, place: Token | Rule) -> N:
    if _depth(node) > MAX_DEPTH:
        raise RefusedError(place, f"nested deeper than {MAX_DEPTH}: divide it")
    return node


def _depth(node: Any) -> int:
    match node:
        case Composite(rules=parts) | Call(arguments=parts):
            return 1 + max(map(_depth, parts), default=0)
        case Arithmetic(left=left, right=right):
            return 1 + max(_depth(left), _depth(right))
    return 0


def _once(tokens: Sequence[Token], reason: str) -> None:
    twice = [name for name, count in Counter(tokens).items() if count > 1]
    if twice:
        again = [token for token in tokens if token == twice[0]][1]
        raise RefusedError(again, reason.format(again))


def _unquoted(token: Token) -> str:
    r"""Only a quote and a backslash are escaped; before anything else a backslash stands for itself, as in `\d`."""
    return re.sub(r'\\(["\\])', r"\1", token[1:-1])


def _decimal(token: Token) -> Decimal:
    if len(token) > MAX_DIGITS:
        raise RefusedError(token, f"a number of more than {MAX_DIGITS} digits")
    return Decimal(str(token))


def _whole(token: Token) -> int:
    if "." in token:
        raise RefusedError(token, "an amount with a unit is a whole number")
    if len(token) > len(str(MAX_AMOUNT)) or int(token) > MAX_AMOUNT:
        raise RefusedError(token, f"an amount with a unit is at most {MAX_AMOUNT}")
    return int(token)


def _option_value(value: Any) -> OptionValue:
    if isinstance(value, tuple):
        return value
    if value.type == "NUMBER":
        return Number(_decimal(value))
    return Text(_unquoted(value)) if value.type == "STRING" else Name(str(value))
