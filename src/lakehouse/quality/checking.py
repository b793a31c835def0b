"""Says what is wrong with a ruleset that can be read: names, numbers, and what does not go together."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lakehouse.errors import ConfigError
from lakehouse.quality.constants import Values, resolve_parameter, resolve_rule
from lakehouse.quality.formatting import format_condition
from lakehouse.quality.operands import condition_problems, share_problems
from lakehouse.quality.options import option_value_problems
from lakehouse.quality.rule_types import RULE_TYPES, SPELLINGS, ParameterKind, RuleType, find_rule_type
from lakehouse.quality.rules import Analyzer, Name, OptionValue, Pairs, Parameter, Rule, Ruleset, flat

MOST_LABELS, LONGEST_LABEL, LONGEST_LABEL_VALUE = 10, 128, 256
"""Of Glue: labels to a rule, and their characters."""

SHAPES: dict[ParameterKind, tuple[re.Pattern[str], str]] = {
    "aggregate": (re.compile(r"(sum|avg)\([^()]+\)"), 'a sum or average such as "sum(amount)"'),
    "reference": (re.compile(r"[^.{}]+(\.[^.{}]+)+|[^{}]+\.\{[^{}]+\}"), 'columns of another dataset such as "alias.id" or "alias.{a,b}"'),
    "mapping": (re.compile(r"[^,]+(,[^,]+)*"), 'columns such as "id" or "id->key,name->label"'),
    "columns": (re.compile(r"[^,]+(,[^,]+)*"), 'columns such as "id" or "city,state"'),
}  # fmt: skip

OptionPairs = tuple[tuple[str, OptionValue], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a rule or an analyzer, and where that stands; line and column 0: it was not read from a text."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}" if self.line else self.message


def check_ruleset(ruleset: Ruleset) -> tuple[Problem, ...]:
    """All that is wrong with a ruleset, in the order of its text; nothing: it can be evaluated.

    >>> check_ruleset(Ruleset(rules=(Rule(type="IsCompleted", parameters=("id",)),)))[0].message
    'there is no rule type IsCompleted; did you mean IsComplete?'
    """
    values = dict(ruleset.constants)
    found = [Problem(line=0, column=0, message=message) for message in _label_problems(ruleset.default_labels)]
    for rule in flat(ruleset.rules):
        labels = tuple(ruleset.labels_of(rule).items())
        messages = [
            *_rule_problems(rule, values),
            *([] if labels == ruleset.default_labels else _label_problems(labels)),
        ]
        found += [Problem(line=rule.line, column=rule.column, message=message) for message in messages]
    for analyzer in ruleset.analyzers:
        messages = list(_analyzer_problems(analyzer, values))
        found += [Problem(line=analyzer.line, column=analyzer.column, message=message) for message in messages]
    return tuple(found)


def _rule_problems(rule: Rule, values: Values) -> Iterator[str]:
    known = find_rule_type(rule.type)
    if known is None or not known.rule:
        yield _unknown(rule.type, known, "rule")
        return
    try:
        rule = resolve_rule(rule, values)
    except ConfigError as error:
        yield f"{rule.type}: {error}"
        return
    misfits = [f"{rule.type} {problem}" for problem in _parameter_problems(rule.parameters, known)]
    yield from misfits
    if known.name == "DetectAnomalies" and not misfits:
        yield from (f"{rule.type} of {problem}" for problem in _measure_problems(rule))
    yield from (f"{rule.type} {problem}" for problem in _judgement_problems(rule, known))
    yield from (f"{rule.type} {problem}" for problem in _option_problems(rule.options, known))
    yield from _value_problems(rule.type, rule.options, known)


def _measure_problems(rule: Rule) -> Iterator[str]:
    """What is wrong with the parameters of the analyzer whose metrics DetectAnomalies judges."""
    name = getattr(rule.parameters[0], "value", str(rule.parameters[0]))
    if known := find_rule_type(name):
        yield from (f"{name} {problem}" for problem in _parameter_problems(rule.parameters[1:], known))


def _analyzer_problems(analyzer: Analyzer, values: Values) -> Iterator[str]:
    known = find_rule_type(analyzer.type)
    if known is None or not known.analyzer:
        yield _unknown(analyzer.type, known, "analyzer")
        return
    try:
        parameters = tuple(resolve_parameter(one, values) for one in analyzer.parameters)
    except ConfigError as error:
        yield f"{analyzer.type}: {error}"
        return
    yield from (f"{analyzer.type} {problem}" for problem in _parameter_problems(parameters, known))
    yield from (f"{analyzer.type} {problem}" for problem in _option_problems(analyzer.options, known))
    yield from _value_problems(analyzer.type, analyzer.options, known)


def _unknown(name: str, known: RuleType | None, wanted: str) -> str:
    if known is not None:
        return f"{name} is no {wanted}, it can stand under {'Rules' if known.rule else 'Analyzers'} alone"
    there = [one.name for one in RULE_TYPES.values() if (one.rule if wanted == "rule" else one.analyzer)]
    folded = {one.lower(): one for one in there}
    near = difflib.get_close_matches(name.lower(), folded, n=1)
    kind = "rule type" if wanted == "rule" else wanted
    return f"there is no {kind} {name}" + (
        f"; did you mean {folded[near[0]]}?" if near else f"; there are: {', '.join(there)}"
    )


def _parameter_problems(parameters: tuple[Parameter, ...], known: RuleType) -> Iterator[str]:
    if len(parameters) < known.least or (known.most is not None and len(parameters) > known.most):
        names = [one.value for one in parameters if isinstance(one, Name) and find_rule_type(one.value)]
        hint = f"; is there a comma missing before {names[0]}?" if names else ""
        yield f"takes {_count(known)}, not {len(parameters)}{hint}"
        return
    kinds = known.parameters + known.parameters[-1:] * (len(parameters) - len(known.parameters))
    for kind, parameter in zip(kinds, parameters, strict=False):
        text = parameter.value if isinstance(parameter, Name) else str(parameter)
        shape, wanted = SHAPES.get(kind, (None, ""))
        if not text.strip():
            yield f"takes a {kind}, not an empty text"
        elif shape and not shape.fullmatch(text):
            yield f"takes {wanted}, not {text!r}"
        elif kind == "rule type" and not getattr(find_rule_type(SPELLINGS.get(text, text)), "analyzer", False):
            yield f"takes the name of an analyzer: {_unknown(text, None, 'analyzer')}"
    if known.parameters == ("columns", "reference") and len({_width(str(one)) for one in parameters}) > 1:
        yield "takes as many columns of the other dataset as of this one"


def _width(columns: str) -> int:
    return columns.count(",") + 1


def _count(known: RuleType) -> str:
    if known.most is None:
        return f"{known.least} or more parameters"
    if known.most == 0:
        return "no parameter"
    numbers = f"{known.least}" if known.least == known.most else f"{known.least} to {known.most}"
    return f"{numbers} parameter{'s' if known.most > 1 else ''} ({', '.join(known.parameters)})"


def _judgement_problems(rule: Rule, known: RuleType) -> Iterator[str]:
    """What is wrong with the condition, `where` and the threshold."""
    if rule.condition is None and _needs_condition(rule, known):
        yield "needs a condition, such as " + _example(known)
    elif rule.condition is not None and (not known.kinds or (known.name == "FileMatch" and len(rule.parameters) > 1)):
        yield f"takes no condition, but has {format_condition(rule.condition)}"
    elif rule.condition is not None:
        yield from condition_problems(rule.condition, known)
    if rule.where is not None and not known.where:
        yield "takes no where"
    elif rule.where is not None and not rule.where.strip():
        yield "has a where without a predicate"
    if rule.threshold is not None and not known.threshold:
        yield "takes no threshold: it does not pass or fail single rows" if not known.rows else "takes no threshold"
    elif rule.threshold is not None:
        yield from (f"has a threshold that {problem}" for problem in share_problems(rule.threshold))
        if rule.condition is not None and known.name == "CustomSql":
            yield "takes a condition on what the query returns, or a threshold on the rows it returns, not both"


def _needs_condition(rule: Rule, known: RuleType) -> bool:
    if known.name == "FileMatch":
        return len(rule.parameters) < len(known.parameters)
    return known.condition


def _example(known: RuleType) -> str:
    examples = {
        "duration": "<= 24 hours",
        "size": "> 10 MB",
        "day": "> (now() - 1 days)",
        "number": "> 0",
        "text": 'in ["a", "b"]',
    }
    return next(example for kind, example in examples.items() if kind in known.kinds)


def _option_problems(options: OptionPairs, known: RuleType) -> Iterator[str]:
    for name, _ in options:
        if name not in known.options:
            near = difflib.get_close_matches(name, [*known.options, "threshold"], n=1)
            there = f"there are: {', '.join(known.options)}" if known.options else "it has none"
            yield f"has no option {name}; " + (f"did you mean {near[0]}?" if near else there)


def _value_problems(called: str, options: OptionPairs, known: RuleType) -> Iterator[str]:
    """What is wrong with the values of the options that a rule type has."""
    there = {name: value for name, value in options if name in known.options}
    yield from (f"{called}: {problem}" for problem in option_value_problems(there))


def _label_problems(labels: Pairs) -> Iterator[str]:
    if len(labels) > MOST_LABELS:
        yield f"there are {len(labels)} labels, {MOST_LABELS} are allowed"
    for key, value in labels:
        if not 0 < len(key) <= LONGEST_LABEL:
            yield f"the key of a label has 1 to {LONGEST_LABEL} characters, not {len(key)}"
        if len(value) > LONGEST_LABEL_VALUE:
            yield f"the label {key} has a value of {len(value)} characters, {LONGEST_LABEL_VALUE} are allowed"
