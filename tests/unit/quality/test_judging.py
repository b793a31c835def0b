"""Numbers against conditions, with functions of earlier metrics worked out by hand."""

from __future__ import annotations

import math

import pytest

from lakehouse.quality.judging import RuleError, holds, work_out
from lakehouse.quality.rules import Comparison, Condition, Operand, Rule
from lakehouse.quality.rulesets import parse_ruleset

NEWEST_FIRST = [4.0, 1.0, 7.0, 2.0]


def condition(text: str) -> Condition:
    """The condition of a rule."""
    rule = parse_ruleset(f"Rules = [RowCount {text}]").rules[0]
    assert isinstance(rule, Rule)
    assert rule.condition is not None
    return rule.condition


def operand(text: str) -> Operand:
    """The value of a condition."""
    found = condition(f"= {text}")
    assert isinstance(found, Comparison)
    return found.operand


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("last()", 4),
        ("avg(last(3))", 4),
        ("avg(last(9))", 3.5),
        ("median(last(3))", 4),
        ("median(last(4))", 3),
        ("min(last(2))", 1),
        ("max(last(2))", 4),
        ("sum(last(3))", 12),
        ("std(last(2))", 1.5),
        ("index(last(3), 0)", 4),
        ("index(last(3), 2)", 7),
        ("index(last(9), 8)", 0),
        ("abs(min(last(2)) - 3)", 2),
        ("avg(last(2)) * 2 + 1 - 3 / 2", 4.5),
        ("max(last())", 4),
        ("0.1 + 0.2", 0.3),
    ],
)
def test_expressions_are_worked_out(text: str, value: float) -> None:
    """Of the newest runs, with decimals as they are written."""
    assert float(work_out(operand(text), NEWEST_FIRST)) == value


@pytest.mark.parametrize("function", ["avg", "max", "median", "min", "std", "sum"])
def test_without_earlier_metrics_everything_is_0(function: str) -> None:
    """As in Glue; numbers that are none do not count."""
    assert work_out(operand(f"{function}(last(3))"), []) == 0
    assert work_out(operand(f"{function}(last(3))"), [math.nan, math.inf]) == 0


@pytest.mark.parametrize(
    "text", ["= 1", "> 1", "< 1", ">= 1", "<= 1", "between 0 and 2", "in [1, 2]", "not between 0 and 2"]
)
def test_nan_is_like_no_number(text: str) -> None:
    """It is equal to nothing, above nothing and below nothing."""
    assert not holds(condition(text), math.nan, [])


@pytest.mark.parametrize("text", ["!= 1", "not in [1, 2]"])
def test_nan_differs_from_every_number(text: str) -> None:
    """So what asks for another number holds."""
    assert holds(condition(text), math.nan, [])


@pytest.mark.parametrize("text", ["1 / 0", "0 / 0", "1 / last()"])
def test_division_by_zero_is_told(text: str) -> None:
    """It is wrong with the rule, whatever was measured."""
    with pytest.raises(RuleError, match="divides by zero"):
        work_out(operand(text), [])
