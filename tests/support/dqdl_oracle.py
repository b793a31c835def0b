"""Rules in plain Python: the verdict and the rows of a few rule types, written from the page and not from the code."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from lakehouse.quality.rules import (
    Between,
    Comparison,
    Composite,
    Condition,
    Day,
    Duration,
    In,
    Matches,
    Now,
    Number,
    Rule,
    Special,
    Text,
)

Row = dict[str, Any]
WHERE: dict[str | None, Callable[[Row], bool]] = {
    None: lambda _: True,
    "whole > 0": lambda row: row["whole"] is not None and row["whole"] > 0,
    "text is not null": lambda row: row["text"] is not None,
    "whole > 99": lambda _: False,
}
"""What rules leave out, in SQL and in Python."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule comes to: its verdict, its main metric, and for each row whether it passes (None: skipped).

    `silent`: it says nothing of any row, whatever the rows are.
    """

    verdict: str
    metric: float | None
    rows: list[bool | None]
    silent: bool = False


def answer(rule: Rule | Composite, rows: Sequence[Row], now: datetime) -> Answer:
    """Work a rule out, row by row."""
    if isinstance(rule, Composite):
        return _joined(rule, [answer(one, rows, now) for one in rule.rules])
    counts = [WHERE[rule.where](row) for row in rows]
    chosen = [row for row, counted in zip(rows, counts, strict=True) if counted]
    flags: list[bool | None] = [None] * len(rows)
    if rule.type in {"IsUnique", "Uniqueness", "UniqueValueRatio", "IsPrimaryKey", "DistinctValuesCount", "Entropy"}:
        names = [str(one) for one in rule.parameters]
        times = Counter(_key(row, names) for row in chosen)
        value = _of_groups(rule.type, times, names, chosen)
        if rule.type not in {"DistinctValuesCount", "Entropy"}:
            flags = [
                _alone(rule.type, row, names, times) if one else None for row, one in zip(rows, counts, strict=True)
            ]
        return Answer(
            _verdict(value, rule.condition), value, flags, silent=rule.type in {"DistinctValuesCount", "Entropy"}
        )
    if rule.type in {"RowCount", "Sum", "Mean", "StandardDeviation"}:
        values = [row[str(one)] for one in rule.parameters for row in chosen if row[str(one)] is not None]
        value = float(len(chosen)) if rule.type == "RowCount" else _statistic(rule.type, [float(one) for one in values])
        return Answer(_verdict(value, rule.condition), value, flags, silent=True)
    flags = [_passes(rule, row, now) if one else None for row, one in zip(rows, counts, strict=True)]
    share = sum(flag is True for flag in flags) / len(chosen) if chosen else None
    asked = rule.condition if rule.type == "Completeness" else rule.threshold
    return Answer(_verdict(share, asked), share, flags)


def _joined(rule: Composite, parts: Sequence[Answer]) -> Answer:
    join = all if rule.operator == "and" else any
    verdict = "Passed" if join(one.verdict == "Passed" for one in parts) else "Failed"
    rows: list[bool | None] = []
    for flags in zip(*(one.rows for one in parts), strict=True):
        decisive = rule.operator == "or"
        rows.append(decisive if decisive in flags else None if None in flags else not decisive)
    silent = any(one.silent for one in parts)
    return Answer(verdict, None, [None] * len(rows) if silent else rows, silent=silent)


def _verdict(value: float | None, condition: Condition | None) -> str:
    if value is None:
        return "Failed"
    return "Passed" if (value == 1 if condition is None else _holds(condition, value)) else "Failed"


def _holds(condition: Condition, value: float) -> bool:
    match condition:
        case Comparison(comparator=comparator, operand=Number(value=number)):
            other = float(number)
            return {"=": value == other, "!=": value != other, ">": value > other, ">=": value >= other,
                    "<": value < other, "<=": value <= other}[comparator]  # fmt: skip
        case Between(low=Number(value=low), high=Number(value=high), negated=negated):
            return (value <= low or value >= high) if negated else low < value < high
    raise AssertionError(condition)


def _key(row: Row, names: Sequence[str]) -> tuple[Any, ...] | None:
    values = tuple("nan" if isinstance(row[name], float) and math.isnan(row[name]) else row[name] for name in names)
    return None if all(one is None for one in values) else values


def _of_groups(kind: str, times: Counter[Any], names: Sequence[str], chosen: Sequence[Row]) -> float | None:
    known = {key: number for key, number in times.items() if key is not None}
    total, once = sum(known.values()), sum(number == 1 for number in known.values())
    if kind == "DistinctValuesCount":
        return float(len(known))
    if kind == "IsPrimaryKey":
        whole = all(row[name] is not None for row in chosen for name in names)
        return float(whole and once == total) if chosen else None
    if kind == "Entropy":
        return -sum(n / total * math.log(n / total) for n in known.values()) if total else None
    below = len(known) if kind == "UniqueValueRatio" else total
    return once / below if below else None


def _alone(kind: str, row: Row, names: Sequence[str], times: Counter[Any]) -> bool | None:
    key = _key(row, names)
    if kind == "IsPrimaryKey":
        return all(row[name] is not None for name in names) and times[key] == 1
    return None if key is None else times[key] == 1


def _statistic(kind: str, values: Sequence[float]) -> float | None:
    if not values:
        return None
    total, mean = math.fsum(values), math.fsum(values) / len(values)
    if kind == "Sum":
        return total
    return mean if kind == "Mean" else math.sqrt(math.fsum((one - mean) ** 2 for one in values) / len(values))


def _passes(rule: Rule, row: Row, now: datetime) -> bool:
    value = row[str(rule.parameters[0])]
    if rule.type in {"Completeness", "IsComplete"}:
        return value is not None
    assert rule.condition is not None
    if rule.type == "ColumnLength":
        return _holds(rule.condition, len(value or ""))
    if rule.type == "DataFreshness":
        return value is not None and _fresh(rule.condition, now - _instant(value, now))
    return _as_asked(rule.condition, value, now)


def _as_asked(condition: Condition, value: Any, now: datetime) -> bool:  # noqa: PLR0911 - one per condition
    number = None if isinstance(value, float) and math.isnan(value) else value
    match condition:
        case Comparison(comparator="=" | "!=" as comparator, operand=operand):
            return _is(operand, value, now) == (comparator == "=")
        case In(values=tuple() as values, negated=negated):
            return any(_is(one, value, now) for one in values) != negated
        case Matches(pattern=pattern, negated=negated):
            return value is not None and (re.fullmatch(pattern, str(value)) is not None) != negated
        case Comparison(comparator=comparator, operand=Number(value=exact)):
            other = _like(number, exact)
            if number is None:
                return False
            return bool(
                {">": number > other, ">=": number >= other, "<": number < other, "<=": number <= other}[comparator]
            )
        case Between(low=Number(value=low), high=Number(value=high), negated=negated):
            below, above = _like(number, low), _like(number, high)
            return number is not None and ((number <= below or number >= above) if negated else below < number < above)
        case Comparison(comparator=comparator, operand=Day() | Now() as moment):
            if value is None:
                return False
            own, that = _instant(value, now), _moment(moment, now)
            return {">": own > that, ">=": own >= that, "<": own < that, "<=": own <= that}[comparator]
    raise AssertionError(condition)


def _like(value: Any, number: Decimal) -> Any:
    """The number as a column of the value's type holds it."""
    return float(number) if isinstance(value, float) else number


def _is(operand: Any, value: Any, now: datetime) -> bool:  # noqa: PLR0911 - one per operand
    match operand:
        case Special(keyword="NULL"):
            return value is None
        case Special(keyword="EMPTY"):
            return bool(value == "")
        case Special():
            return value is not None and value != "" and not value.strip(" \t\n")
        case Number(value=number):
            return value is not None and bool(value == _like(value, number))
        case Text(value=text):
            return bool(value == text)
        case Day(value=day) if isinstance(value, str):
            return value == day.isoformat()
        case Day() | Now():
            return value is not None and _instant(value, now) == _moment(operand, now)
    raise AssertionError(operand)


def _instant(value: date, now: datetime) -> datetime:
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001 - its zone follows
    return moment.replace(tzinfo=now.tzinfo)


def _moment(operand: Day | Now, now: datetime) -> datetime:
    if isinstance(operand, Day):
        return _instant(operand.value, now)
    return now + (timedelta(**{operand.offset.unit: operand.offset.amount}) if operand.offset else timedelta())


def _fresh(condition: Condition, age: timedelta) -> bool:
    match condition:
        case Comparison(comparator=comparator, operand=Duration(amount=amount, unit=unit)):
            other = timedelta(**{unit: amount})
            return {
                "=": age == other,
                "!=": age != other,
                ">": age > other,
                ">=": age >= other,
                "<": age < other,
                "<=": age <= other,
            }[comparator]
        case Between(low=Duration() as low, high=Duration() as high, negated=negated):
            below, above = (timedelta(**{one.unit: one.amount}) for one in (low, high))
            return (age <= below or age >= above) if negated else below < age < above
    raise AssertionError(condition)
