"""Numbers against conditions: what a condition asks of a measure, with functions of earlier metrics worked out."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal, DecimalException, localcontext
from typing import Any

from lakehouse.quality.formatting import format_condition
from lakehouse.quality.rules import (
    Arithmetic,
    Between,
    Call,
    Comparator,
    Comparison,
    Condition,
    Expression,
    In,
    Number,
    Operand,
)

COMPARE: Mapping[Comparator, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
"""What comparators do, to numbers and to columns alike."""

NONE = Decimal(0)
"""What functions of earlier metrics come to when there are none, as in Glue."""

DIGITS = Context(prec=120)


class RuleError(Exception):
    """Raised where a rule cannot be worked out, with the reason that its outcome tells."""


def holds(condition: Condition, value: float, earlier: Sequence[float]) -> bool:
    """Whether a number is as a condition asks; NaN is equal to nothing, not below and not above anything.

    Args:
        condition: of numbers.
        value: what was measured.
        earlier: the same measure in earlier runs, the newest first.

    Raises:
        RuleError: the condition divides by zero.

    >>> holds(Between(Number(Decimal(1)), Number(Decimal(3))), 3.0, [])
    False
    """
    return satisfies(condition, value, lambda operand: float(work_out(operand, earlier)))


def satisfies(condition: Condition, value: Any, worth: Callable[[Operand], Any]) -> bool:
    """Whether a value of any kind is as a condition asks.

    Args:
        condition: of values of that kind.
        value: what was measured.
        worth: makes of what stands in the condition a value to compare with.

    Raises:
        RuleError: the condition is a pattern, or `worth` raises it.
    """
    match condition:
        case Comparison(comparator=comparator, operand=operand):
            return bool(COMPARE[comparator](value, worth(operand)))
        case Between(low=low, high=high, negated=negated):
            below, above = worth(low), worth(high)
            return bool(value <= below or value >= above) if negated else bool(below < value < above)
        case In(values=tuple() as values, negated=negated):
            return (value in [worth(one) for one in values]) != negated
    msg = f"cannot compare with {format_condition(condition)}"
    raise RuleError(msg)


def work_out(operand: Operand, earlier: Sequence[float] = ()) -> Decimal:
    """The number that an expression comes to.

    `last(k)` are the newest k of the earlier metrics, or as many as there are; with none, every function of them is 0.
    `index(last(k), 0)` is the newest. `std` is the standard deviation of the whole, as that of a column is.

    Raises:
        RuleError: it divides by zero, or is no number.

    >>> one = Call("avg", (Call("last", (Number(Decimal(3)),)),))
    >>> work_out(one, [3.0, 4.0, 8.0, 100.0]), work_out(one, [3.0, 4.0]), work_out(one)
    (Decimal('5.0'), Decimal('3.5'), Decimal('0'))
    """
    try:
        with localcontext(DIGITS):
            return _value(operand, [Decimal(repr(float(one))) for one in earlier if math.isfinite(one)])
    except DecimalException:
        msg = "its condition divides by zero, or comes to no number"
        raise RuleError(msg) from None


def told_numbers(condition: Condition, earlier: Sequence[float]) -> str:
    """What the expressions of a condition come to, to stand behind it; empty: it holds plain numbers.

    >>> told_numbers(Comparison(">", Call("last")), [7.0])
    ' (7)'
    """
    match condition:
        case Comparison(operand=operand):
            operands: tuple[Operand, ...] = (operand,)
        case Between(low=low, high=high):
            operands = (low, high)
        case In(values=tuple() as values):
            operands = values
        case _:
            return ""
    if all(isinstance(one, Number) for one in operands):
        return ""
    return f" ({', '.join(plainly(float(work_out(one, earlier))) for one in operands)})"


def plainly(number: float) -> str:
    """A number for people: whole ones without a point.

    >>> plainly(2.0), plainly(0.5)
    ('2', '0.5')
    """
    return str(int(number)) if number.is_integer() else str(number)


def _value(operand: Operand, earlier: Sequence[Decimal]) -> Decimal:
    match operand:
        case Number(value=value):
            return value
        case Arithmetic(left=left, operator=sign, right=right):
            return _combined(_value(left, earlier), sign, _value(right, earlier))
        case Call(function="abs", arguments=(argument,)):
            return abs(_value(argument, earlier))
        case Call(function="last"):
            return next(iter(_last(operand, earlier)), NONE)
        case Call(function="index", arguments=(Call() as last, Number(value=place))):
            return next(iter(_last(last, earlier)[int(place) :]), NONE)
        case Call(function=function, arguments=(argument,)) if function in AGGREGATES:
            numbers = _last(argument, earlier) if isinstance(argument, Call) else [_value(argument, earlier)]
            return AGGREGATES[function](numbers) if numbers else NONE
    msg = "its condition is of no number"
    raise RuleError(msg)


def _combined(left: Decimal, sign: str, right: Decimal) -> Decimal:
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    return left * right if sign == "*" else left / right


def _last(expression: Expression, earlier: Sequence[Decimal]) -> Sequence[Decimal]:
    """The metrics that `last(k)` names; what is no `last` is one number."""
    match expression:
        case Call(function="last", arguments=(Number(value=runs),)):
            return earlier[: int(runs)]
        case Call(function="last"):
            return earlier[:1]
    return [_value(expression, earlier)]


def _average(numbers: Sequence[Decimal]) -> Decimal:
    return sum(numbers, start=Decimal(0)) / len(numbers)


def _median(numbers: Sequence[Decimal]) -> Decimal:
    ordered, middle = sorted(numbers), len(numbers) // 2
    return ordered[middle] if len(numbers) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _deviation(numbers: Sequence[Decimal]) -> Decimal:
    mean = _average(numbers)
    return _average([(one - mean) ** 2 for one in numbers]).sqrt()


AGGREGATES: Mapping[str, Callable[[Sequence[Decimal]], Decimal]] = {
    "avg": _average,
    "max": max,
    "median": _median,
    "min": min,
    "std": _deviation,
    "sum": lambda numbers: sum(numbers, start=Decimal(0)),
}
