"""Writes a ruleset as text in one form: what is equal looks the same, and what is written reads as the same ruleset."""

from __future__ import annotations

from collections.abc import Iterable

from lakehouse.quality.rules import (
    Analyzer,
    Arithmetic,
    Between,
    Call,
    Comparison,
    Composite,
    Condition,
    Constant,
    Day,
    Duration,
    Expression,
    In,
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
)

PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}
Pair = tuple[str, str | tuple[str, ...]]


def format_ruleset(ruleset: Ruleset) -> str:
    """The ruleset as text: a rule to a line, sections in the order of the language.

    Comments are no part of a ruleset, and connecting words (`of`, `and` between parameters) say nothing: neither is written.
    """
    constants = [f"{name} = {_values(value)}" for name, value in ruleset.constants]
    sections = [
        _dictionary("Metadata", ruleset.metadata),
        _dictionary("DataSources", ruleset.data_sources),
        "\n".join(constants),
        f"DefaultLabels = {_labels(ruleset.default_labels)}" if ruleset.default_labels else "",
        _listed("Rules", map(format_rule, ruleset.rules)),
        _listed("Analyzers", map(format_analyzer, ruleset.analyzers)),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def format_rule(rule: Rule | Composite) -> str:
    """One rule as text on a line of its own, unless a text in it has more.

    >>> format_rule(Rule(type="ColumnValues", parameters=("state",), condition=In((Text("a"), Special("NULL")))))
    'ColumnValues "state" in ["a", NULL]'
    """
    if isinstance(rule, Composite):
        return f" {rule.operator} ".join(f"({format_rule(one)})" for one in rule.rules)
    parts = [rule.type, *map(_parameter, rule.parameters)]
    if rule.condition:
        parts.append(format_condition(rule.condition))
    if rule.where is not None:
        parts.append(f"where {_quoted(rule.where)}")
    if rule.threshold:
        parts.append(f"with threshold {format_condition(rule.threshold)}")
    parts += [f"with {name} = {_option(value)}" for name, value in rule.options]
    if rule.labels:
        parts.append(f"labels={_labels(rule.labels)}")
    return " ".join(parts)


def format_condition(condition: Condition) -> str:
    """A condition as text.

    >>> format_condition(In((Text("a"), Special("NULL")), negated=True))
    'not in ["a", NULL]'
    """
    if isinstance(condition, Comparison):
        return f"{condition.comparator} {format_operand(condition.operand)}"
    if isinstance(condition, Between):
        written = f"between {format_operand(condition.low)} and {format_operand(condition.high)}"
    elif isinstance(condition, In):
        written = f"in {_values(condition.values)}"
    else:
        written = f"matches {_quoted(condition.pattern)}"
    return f"not {written}" if condition.negated else written


def format_operand(operand: Operand) -> str:
    """A value of a condition as text; arithmetic with the parentheses it needs and no others.

    >>> least, most = (Call(function, (Call("last"),)) for function in ("min", "max"))
    >>> format_operand(Arithmetic(least, "*", Arithmetic(most, "-", least)))
    'min(last()) * (max(last()) - min(last()))'
    """
    match operand:
        case Number() | Call() | Arithmetic():
            return _expression(operand)
        case Text(value=text):
            return _quoted(text)
        case Day(value=day):
            return f'"{day.isoformat()}"'
        case Special(keyword=word) | Constant(name=word):
            return f"${word}" if isinstance(operand, Constant) else word
        case Now() | Duration() | Size():
            return _amount(operand)


def _amount(operand: Now | Duration | Size) -> str:
    if not isinstance(operand, Now):
        return f"{operand.amount} {operand.unit}"
    if operand.offset is None:
        return "now()"
    amount = operand.offset.amount
    return f"(now() {'-' if amount < 0 else '+'} {abs(amount)} {operand.offset.unit})"


def _expression(operand: Expression) -> str:
    match operand:
        case Number(value=number):
            return format(number, "f")
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(map(_expression, arguments))})"
        case Arithmetic(left=left, operator=operator, right=right):
            mine = PRECEDENCE[operator]
            return f"{_term(left, mine)} {operator} {_term(right, mine + 1)}"


def _term(operand: Expression, precedence: int) -> str:
    written = _expression(operand)
    weaker = isinstance(operand, Arithmetic) and PRECEDENCE[operand.operator] < precedence
    return f"({written})" if weaker else written


def format_analyzer(analyzer: Analyzer) -> str:
    """One analyzer as text."""
    parts = [analyzer.type, *map(_parameter, analyzer.parameters)]
    settings = ", ".join(f"{name} = {_option(value)}" for name, value in analyzer.options)
    return " ".join([*parts, f"with {settings}"] if settings else parts)


def _parameter(parameter: Parameter) -> str:
    match parameter:
        case Name(value=name):
            return name
        case Constant():
            return format_operand(parameter)
        case str():
            return _quoted(parameter)


def _option(value: OptionValue) -> str:
    match value:
        case Name(value=name):
            return name
        case tuple():
            return _texts(value)
        case Number() | Text():
            return format_operand(value)


def _values(value: Operand | tuple[Operand, ...]) -> str:
    return f"[{', '.join(map(format_operand, value))}]" if isinstance(value, tuple) else format_operand(value)


def _dictionary(name: str, pairs: Iterable[Pair]) -> str:
    written = [f"{_quoted(key)}: {_quoted(one) if isinstance(one, str) else _texts(one)}" for key, one in pairs]
    return f"{name} = {{{', '.join(written)}}}" if written else ""


def _labels(labels: Pairs) -> str:
    return f"[{', '.join(f'{_quoted(key)}={_quoted(value)}' for key, value in labels)}]"


def _listed(name: str, lines: Iterable[str]) -> str:
    written = ",\n".join(f"    {line}" for line in lines)
    return f"{name} = [\n{written}\n]" if written else ""


def _texts(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
