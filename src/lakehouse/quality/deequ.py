"""Rules in the words of Deequ's evaluator.

Nothing is asked of Deequ that it is known to answer wrongly without a word: such a rule is written so that the answer is right,
or refused with the reason. `lakehouse.quality.deequ_differences` has the list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from pyspark.sql.types import DataType, DateType, StringType

from lakehouse.columns import quoted
from lakehouse.quality.deequ_differences import refuse
from lakehouse.quality.formatting import format_rule
from lakehouse.quality.judging import RuleError, holds, work_out
from lakehouse.quality.patterns import longest_text, too_long, whole_match
from lakehouse.quality.probes import Subject, plain
from lakehouse.quality.rules import (
    Arithmetic,
    Between,
    Call,
    Comparison,
    Condition,
    Day,
    In,
    Matches,
    Now,
    Number,
    Operand,
    Rule,
    Special,
    Text,
)

MOST_DIGITS = 15
"""Every number of so many digits is another double."""

CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far the instant of an evaluation may be from the clock; Deequ rounds ages to hundredths of an hour, 36 seconds."""


ONE_COLUMN = ("IsPrimaryKey", "IsUnique", "Uniqueness")
COLUMNS = (
    "ColumnCorrelation", "ColumnLength", "ColumnValues", "Completeness", "DataFreshness", "DistinctValuesCount", "Entropy",
    "IsComplete", "IsPrimaryKey", "IsUnique", "Mean", "StandardDeviation", "Sum", "UniqueValueRatio", "Uniqueness",
)  # fmt: skip
"""The types whose parameters are columns."""

KNOWN = (
    *COLUMNS, "AggregateMatch", "ColumnCount", "ColumnDataType", "ColumnExists", "ColumnNamesMatchPattern", "CustomSql",
    "DatasetMatch", "ReferentialIntegrity", "RowCount", "RowCountMatch", "SchemaMatch",
)  # fmt: skip
"""The types that Deequ evaluates."""


def written(
    rule: Rule, subject: Subject, *, earlier: Sequence[float], clock: datetime, matches_empty: Callable[[str], bool]
) -> str:
    """A rule as Deequ has to read it for the answer to be right.

    Args:
        rule: with its constants put in, and known to be sound.
        subject: what it is asked of.
        earlier: the same measure in earlier runs, the newest first.
        clock: the instant of the clock.
        matches_empty: whether an empty text matches a pattern of Java.

    Raises:
        RuleError: Deequ cannot answer it as DQDL is documented; with the reason.
    """
    rule = replace(rule, labels=(), condition=_settled(rule.condition, earlier))
    _require_known(rule, subject)
    _require_clock(rule, subject.as_of, clock)
    if rule.type == "ColumnValues":
        rule = replace(rule, condition=_values(rule, subject, matches_empty))
    elif rule.type == "DistinctValuesCount":
        there = f"{quoted(plain(rule.parameters[0]))} IS NOT NULL"
        rule = replace(rule, where=f"{there} AND ({rule.where})" if rule.where else there)
    elif rule.type == "ColumnNamesMatchPattern":
        rule = replace(rule, parameters=(whole_match(plain(rule.parameters[0])),))
    elif rule.type == "CustomSql":
        rule = replace(rule, parameters=(_query(plain(rule.parameters[0]), rows=rule.condition is None),))
    elif rule.type == "ColumnLength":
        rule = replace(rule, condition=_length(rule))
    beside = _beside(rule)
    return _text(rule) if beside is None else f"({_text(rule)}) {beside[0]} ({_text(beside[1])})"


def _text(rule: Rule) -> str:
    """The text of a rule. Deequ keeps a backslash of patterns and parameters as it stands, where ours has two for one."""
    texts = [one for one in (*map(plain, rule.parameters), rule.where) if one is not None]
    if any('"' in one or one.endswith("\\") for one in texts):
        refuse("quotes")
    return format_rule(rule).replace("\\\\", "\\")


def _require_known(rule: Rule, subject: Subject) -> None:
    """Refuse what is not Deequ's, by type and parameters."""
    if rule.type not in KNOWN:
        msg = f"Deequ does not know {rule.type}: take the native engine"
        raise RuleError(msg)
    names = [plain(one) for one in rule.parameters]
    if rule.type == "ColumnDataType":
        refuse("data type")
    if rule.threshold is not None and rule.type != "CustomSql":
        refuse("threshold")
    if rule.type in ONE_COLUMN and len(names) > 1:
        refuse("several")
    if rule.type in COLUMNS and any("." in one for one in names):
        refuse("dots")
    if rule.type == "SchemaMatch" and set(subject.frame.columns) != set(subject.source(names[0]).columns):
        refuse("schemas")


def _require_clock(rule: Rule, as_of: datetime, clock: datetime) -> None:
    asked = any(isinstance(one, Now) for one in _operands(rule.condition)) or rule.type == "DataFreshness"
    if asked and abs(as_of - clock) > CLOCK_TOLERANCE:
        refuse("clock")


def _operands(condition: Condition | None) -> tuple[Operand, ...]:
    match condition:
        case Comparison(operand=operand):
            return (operand,)
        case Between(low=low, high=high):
            return (low, high)
        case In(values=tuple() as values):
            return values
    return ()


def _mapped(condition: Condition, change: Callable[[Operand], Operand]) -> Condition:
    match condition:
        case Comparison(operand=operand):
            return replace(condition, operand=change(operand))
        case Between(low=low, high=high):
            return replace(condition, low=change(low), high=change(high))
        case In(values=tuple() as values):
            return replace(condition, values=tuple(map(change, values)))
    return condition


def _settled(condition: Condition | None, earlier: Sequence[float]) -> Condition | None:
    """The condition with plain numbers in place of expressions."""

    def number(operand: Operand) -> Operand:
        if not isinstance(operand, Number | Arithmetic | Call):
            return operand
        value = work_out(operand, earlier)
        if len(value.normalize().as_tuple().digits) > MOST_DIGITS:
            refuse("digits")
        return Number(value)

    return None if condition is None else _mapped(condition, number)


def _values(rule: Rule, subject: Subject, matches_empty: Callable[[str], bool]) -> Condition:
    """The condition of ColumnValues."""
    condition = rule.condition
    data_type = subject.column_type(plain(rule.parameters[0]))
    if isinstance(condition, Matches):
        return _matches(condition, data_type, matches_empty)
    if condition is None:
        msg = "ColumnValues needs a condition"
        raise RuleError(msg)
    operands = _operands(condition)
    if any(isinstance(one, Special) and one.keyword == "WHITESPACES_ONLY" for one in operands):
        refuse("blank")
    if any(isinstance(one, Day | Now) for one in operands) and not isinstance(data_type, DateType):
        listed = isinstance(condition, In) or (
            isinstance(condition, Comparison) and condition.comparator in {"=", "!="}
        )
        if not (listed and isinstance(data_type, StringType)):
            refuse("instants")
    elif any(isinstance(one, Text) for one in operands) and not isinstance(data_type, StringType):
        refuse("other text")
    return _mapped(condition, _literal) if isinstance(data_type, StringType) else condition


def _matches(condition: Matches, data_type: DataType, matches_empty: Callable[[str], bool]) -> Condition:
    if condition.negated:
        refuse("not matches")
    if not isinstance(data_type, StringType):
        refuse("other text")
    if (longest := longest_text(condition.pattern)) is not None:  # Deequ would match a longer text all the same
        raise RuleError(too_long(longest))
    pattern = whole_match(condition.pattern)
    if matches_empty(pattern):
        refuse("empty match")
    return Matches(pattern.replace('"', r"\x22"))


def _length(rule: Rule) -> Condition | None:
    """The condition of ColumnLength."""
    condition, zero = rule.condition, Number(Decimal(0))
    if isinstance(condition, Comparison) and condition.comparator == "!=":
        condition = Comparison(">", zero) if condition.operand == zero else In((condition.operand,), negated=True)
    if isinstance(condition, In | Between) and condition.negated and zero in _operands(condition):
        refuse("zero")
    return condition


def _beside(rule: Rule) -> tuple[Literal["and", "or"], Rule] | None:
    """A rule on nulls, or on whether there are rows, which Deequ does not see to in some rules; joined by `and` or `or`."""
    condition, column = rule.condition, rule.parameters
    whole = Rule(type="IsComplete", parameters=column, where=rule.where)
    listed = isinstance(condition, In) or (isinstance(condition, Between) and condition.negated)
    if rule.type == "ColumnLength" and condition is not None:
        if not holds(condition, 0.0, []):
            return None if isinstance(condition, In) and not condition.negated else ("and", whole)
        none = replace(whole, type="Completeness", condition=Comparison("=", Number(Decimal(0))))
        return None if listed else ("or", none)
    if rule.type == "ColumnValues" and isinstance(condition, Between):
        if isinstance(condition.low, Day | Now):
            return ("and", whole) if condition.negated else None
        if not condition.negated:
            there = Comparison(">", Number(Decimal(0)))
            return ("and", Rule(type="RowCount", condition=there, where=rule.where))
    return None


def _literal(operand: Operand) -> Operand:
    """A text as it has to stand between the quotes of a literal of Spark SQL, where Deequ puts it."""
    match operand:
        case Special(keyword="EMPTY"):
            return Text("")
        case Text(value=text):
            return Text(_escaped(text))
        case Day(value=day):
            return Text(_escaped(day.isoformat()))
    return operand


def _escaped(text: str) -> str:
    r"""Escapes in place of what ends a literal, escapes, or makes it look like a day or a time.

    Deequ takes one of the two backslashes away.

    >>> _escaped("O'Neil")
    'O\\\\u0027Neil'
    """
    return re.sub(r"""["'\\:-]""", lambda found: f"\\\\u{ord(found[0]):04x}", text)


def _query(text: str, *, rows: bool) -> str:
    """A query in the form that Deequ answers rightly, on lines of its own because it may end in a comment."""
    if rows:
        return f"SELECT DISTINCT * FROM (\n{text}\n)"  # nosec B608  # noqa: S608 - documented as SQL
    value = "COALESCE(CAST(value AS DOUBLE), DOUBLE('NaN'))"
    return f"SELECT {value} FROM (\n{text}\n) AS found(value)"  # nosec B608  # noqa: S608 - documented as SQL
