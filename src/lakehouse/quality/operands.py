"""Says what is wrong with a condition: kinds of values that do not fit, empty ranges, functions of earlier metrics."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from decimal import Decimal

from lakehouse.quality.formatting import format_operand
from lakehouse.quality.rule_types import Kind, RuleType
from lakehouse.quality.rules import (
    Arithmetic,
    Between,
    Call,
    Comparison,
    Condition,
    Day,
    Duration,
    Expression,
    In,
    Matches,
    Now,
    Number,
    Operand,
    Size,
    Special,
    Text,
)

AGGREGATES = ("avg", "max", "median", "min", "std", "sum")
FUNCTIONS = (*AGGREGATES, "abs", "index", "last")
KINDS: dict[type, Kind] = {
    Number: "number", Call: "number", Arithmetic: "number", Day: "day", Now: "day", Duration: "duration", Size: "size",
}  # fmt: skip
SECONDS = {"minutes": 60, "hours": 3600, "days": 86400}
BYTES = {unit: 1024**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB"))}
TOGETHER: tuple[set[Kind], ...] = ({"text", "day"}, {"day", "time"})
"""Kinds that may stand in one condition: a column of text may hold days among others."""

KIND_NAMES: dict[Kind, str] = {
    "number": "numbers", "text": "texts", "day": "days", "time": "times of day", "duration": "durations", "size": "sizes",
}  # fmt: skip


def time_of_day(text: str) -> time | None:
    """A text as a time of day, `9:30 AM` or `21:45`; None: it is none.

    >>> time_of_day("9:30 PM"), time_of_day("02:30"), time_of_day("25:00")
    (datetime.time(21, 30), datetime.time(2, 30), None)
    """
    clock = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})( ?(AM|PM))?", text)
    if clock is None:
        return None
    try:
        written, form = f"{clock[1]}:{clock[2]}", "%H:%M"
        if clock[4]:
            written, form = f"{written} {clock[4]}", "%I:%M %p"
        return datetime.strptime(written, form).time()  # noqa: DTZ007  a time of day has no zone of its own
    except ValueError:
        return None


def condition_problems(condition: Condition, known: RuleType) -> Iterator[str]:
    """What a rule type cannot make of a condition; nothing: it fits."""
    operands = _operands(condition)
    kinds = [_kind(one, known) for one in operands]
    misfits = list(_misfits(operands, kinds, known))
    if isinstance(condition, Matches) and "text" not in known.kinds:
        misfits.append("does not compare with texts, as matches does")
    yield from misfits
    if not misfits:
        yield from _form_problems(condition, known, kinds)
        for operand in operands:
            if isinstance(operand, Number | Call | Arithmetic):
                yield from _dynamic_problems(operand, known)


def _misfits(operands: Sequence[Operand], kinds: Sequence[Kind | None], known: RuleType) -> Iterator[str]:
    for operand, kind in zip(operands, kinds, strict=True):
        if isinstance(operand, Special) and not known.keywords:
            yield f"does not compare with {operand.keyword}"
        elif kind is not None and kind not in known.kinds:
            yield f"compares with {_kind_names(known)}, not with {format_operand(operand)}"
    mixed = set(kinds) - {None}
    if len(mixed) > 1 and not any(mixed <= together for together in TOGETHER):
        yield f"compares with values of more than one kind: {', '.join(map(format_operand, operands))}"


def share_problems(threshold: Condition) -> Iterator[str]:
    """What is wrong with a condition on a share of rows."""
    for operand in _operands(threshold):
        if isinstance(operand, Number) and not 0 <= operand.value <= 1:
            yield f"is no share from 0 to 1: {format_operand(operand)}"
        elif not isinstance(operand, Number | Call | Arithmetic):
            yield f"compares with {format_operand(operand)}, and a share is a number"
        else:
            yield from (f"{problem}" for problem in _call_problems(operand))
    if isinstance(threshold, Matches):
        yield "matches a text, and a share is a number"


def _operands(condition: Condition) -> tuple[Operand, ...]:
    match condition:
        case Comparison(operand=operand):
            return (operand,)
        case Between(low=low, high=high):
            return low, high
        case In(values=tuple() as values):
            return values
    return ()


def _kind(operand: Operand, known: RuleType) -> Kind | None:
    """The kind of a value, to a rule type; None: a keyword, which has none."""
    if isinstance(operand, Text):
        return "time" if "time" in known.kinds and time_of_day(operand.value) else "text"
    if isinstance(operand, Day) and "day" not in known.kinds:
        return "text"
    return KINDS.get(type(operand))


def _kind_names(known: RuleType) -> str:
    return " or ".join(KIND_NAMES[kind] for kind in KIND_NAMES if kind in known.kinds)


def _form_problems(condition: Condition, known: RuleType, kinds: Sequence[Kind | None]) -> Iterator[str]:
    simple = isinstance(condition, Comparison) and condition.comparator in {"=", "!="}
    if known.equality and not simple:
        yield "compares by = and != alone"
    elif isinstance(condition, Comparison) and not simple and ("text" in kinds or None in kinds):
        yield f"cannot order by {condition.comparator} what is {format_operand(condition.operand)}"
    elif isinstance(condition, Between):
        if "text" in kinds or None in kinds:
            yield f"has no range from {format_operand(condition.low)} to {format_operand(condition.high)}"
        low, high = _order(condition.low), _order(condition.high)
        if low is not None and high is not None and (low > high if condition.negated else low >= high):
            written = f"{format_operand(condition.low)} and {format_operand(condition.high)}"
            yield (
                f"has bounds the wrong way round: {written}"
                if low > high
                else f"can never be between {written}: bounds do not count"
            )


def _order(operand: Operand) -> Decimal | None:
    match operand:
        case Number(value=value):
            return value
        case Day(value=day):
            return Decimal(day.toordinal())
        case Duration(amount=amount, unit=unit):
            return Decimal(amount * SECONDS[unit])
        case Size(amount=amount, unit=size):
            return Decimal(amount * BYTES[size])
    return None


def _dynamic_problems(expression: Expression, known: RuleType) -> Iterator[str]:
    if _calls(expression) and not known.dynamic:
        yield f"does not keep earlier metrics, so it cannot compare with {format_operand(expression)}"
    else:
        yield from _call_problems(expression)


def _calls(expression: Expression) -> bool:
    match expression:
        case Call():
            return True
        case Arithmetic(left=left, right=right):
            return _calls(left) or _calls(right)
    return False


def _call_problems(expression: Expression, *, listed: bool = False) -> Iterator[str]:
    """What is wrong with functions of earlier metrics; `listed`: whether several numbers may stand here."""
    match expression:
        case Arithmetic(left=left, right=right):
            yield from _call_problems(left)
            yield from _call_problems(right)
        case Call(function="last", arguments=arguments):
            yield from _last_problems(arguments, listed=listed)
        case Call(function="index", arguments=(Call(function="last") as last, Number(value=place))):
            yield from _call_problems(last, listed=True)
            runs = last.arguments[0] if last.arguments else Number(Decimal(1))
            if isinstance(runs, Number) and not (place == int(place) and 0 <= place < runs.value):
                yield f"asks for a run that is not there: {format_operand(expression)} counts from 0"
        case Call(function="index"):
            yield f"takes index(last(k), i) with a whole number i, not {format_operand(expression)}"
        case Call(function="abs", arguments=(argument,)):
            yield from _call_problems(argument)
        case Call(function=function, arguments=(argument,)) if function in AGGREGATES:
            yield from _call_problems(argument, listed=True)
        case Call(function=function) if function in FUNCTIONS:
            yield f"takes {function} of one thing, not {format_operand(expression)}"
        case Call(function=function):
            near = difflib.get_close_matches(function, FUNCTIONS, n=1)
            yield f"has no function {function}; " + (
                f"did you mean {near[0]}?" if near else f"there are: {', '.join(FUNCTIONS)}"
            )


def _last_problems(arguments: tuple[Expression, ...], *, listed: bool) -> Iterator[str]:
    match arguments:
        case ():
            return
        case (Number(value=runs),) if runs == runs.to_integral_value() and runs >= 1:
            if runs > 1 and not listed:
                yield f"cannot compare with the list last({format(runs, 'f')}); take avg, max, median, min, std, sum or index of it"
        case _:
            yield f"takes last(k) with a whole number k from 1, not {format_operand(Call('last', arguments))}"
