"""Puts the constants of a ruleset into its rules."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from lakehouse.errors import ConfigError
from lakehouse.quality.rules import (
    Analyzer,
    Between,
    Comparison,
    Composite,
    Condition,
    Constant,
    In,
    Operand,
    Parameter,
    Rule,
    Ruleset,
    Special,
    Text,
    literal,
)

Values = Mapping[str, Text | Special | tuple[Text | Special, ...]]

R = TypeVar("R", Rule, Analyzer)


def resolve_constants(ruleset: Ruleset) -> Ruleset:
    """The same ruleset with what each `$name` stands for in its place, and no constants.

    Raises:
        ConfigError: a name is not defined, or a list stands where one value has to.
    """
    values = dict(ruleset.constants)
    return replace(
        ruleset,
        constants=(),
        rules=tuple(_entry(rule, values) for rule in ruleset.rules),
        analyzers=tuple(_with_parameters(analyzer, values) for analyzer in ruleset.analyzers),
    )


def resolve_rule(rule: Rule, values: Values) -> Rule:
    """One rule with its constants put in; raises as `resolve_constants` does."""
    return replace(
        _with_parameters(rule, values),
        condition=_condition(rule.condition, values),
        threshold=_condition(rule.threshold, values),
    )


def resolve_parameter(parameter: Parameter, values: Values) -> Parameter:
    """A parameter with its constant put in; raises as `resolve_constants` does."""
    if not isinstance(parameter, Constant):
        return parameter
    value = _one(parameter, values)
    if not isinstance(value, Text):
        msg = f"${parameter.name} stands for {value.keyword}, and a parameter is text"
        raise ConfigError(msg)
    return value.value


def _entry(rule: Rule | Composite, values: Values) -> Rule | Composite:
    if isinstance(rule, Composite):
        return Composite(rule.operator, tuple(_entry(one, values) for one in rule.rules))
    return resolve_rule(rule, values)


def _with_parameters(rule: R, values: Values) -> R:
    return replace(rule, parameters=tuple(resolve_parameter(one, values) for one in rule.parameters))


def _condition(condition: Condition | None, values: Values) -> Condition | None:
    match condition:
        case Comparison(operand=operand):
            return replace(condition, operand=_operand(operand, values))
        case Between(low=low, high=high):
            return replace(condition, low=_operand(low, values), high=_operand(high, values))
        case In(values=Constant() as constant):
            listed = _defined(constant, values)
            return replace(condition, values=tuple(map(_value, listed if isinstance(listed, tuple) else (listed,))))
        case In(values=tuple() as listed):
            return replace(condition, values=tuple(_operand(one, values) for one in listed))
    return condition


def _operand(operand: Operand, values: Values) -> Operand:
    return _value(_one(operand, values)) if isinstance(operand, Constant) else operand


def _value(value: Text | Special) -> Operand:
    return literal(value.value) if isinstance(value, Text) else value


def _one(constant: Constant, values: Values) -> Text | Special:
    value = _defined(constant, values)
    if isinstance(value, tuple):
        msg = f"${constant.name} is a list, which can stand behind `in` alone"
        raise ConfigError(msg)
    return value


def _defined(constant: Constant, values: Values) -> Text | Special | tuple[Text | Special, ...]:
    if constant.name not in values:
        near = difflib.get_close_matches(constant.name, values, n=1)
        msg = f"${constant.name} is not defined" + (f"; did you mean ${near[0]}?" if near else "")
        raise ConfigError(msg)
    return values[constant.name]
