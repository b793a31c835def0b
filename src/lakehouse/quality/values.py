"""Values of columns against conditions: for each row whether it is as a condition asks, never null.

Null is equal to NULL alone: it passes `!=` and `not in`, unless NULL is named there, and fails all else. NaN is no number, so in
conditions of numbers it is as null is. Days and `now()` are instants of the zone that the evaluation speaks of; a column that
knows no zone holds the wall clock of that zone, and a date is its midnight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Literal

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    TimestampNTZType,
    TimestampType,
)

from lakehouse.quality.formatting import format_condition, format_operand
from lakehouse.quality.judging import COMPARE, RuleError, work_out
from lakehouse.quality.patterns import longest_text, whole_match
from lakehouse.quality.rules import (
    Arithmetic,
    Between,
    Call,
    Comparator,
    Comparison,
    Condition,
    Day,
    Duration,
    In,
    Matches,
    Now,
    Number,
    Operand,
    Special,
    Text,
)

WHOLE = (ByteType, ShortType, IntegerType, LongType)
NUMBERS = (*WHOLE, DecimalType, FloatType, DoubleType)
TIMES = (DateType, TimestampType, TimestampNTZType)
TEXTS = (StringType, BooleanType, DateType, *WHOLE)
"""Types whose values have one text each."""

MOST_DIGITS = 38
TEXT = "a text"
MIRRORED: Mapping[Comparator, Comparator] = {"=": "=", "!=": "!=", ">": "<", ">=": "<=", "<": ">", "<=": ">="}

Measured = Literal["number", "text", "day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The values of a column, as conditions see them.

    Attributes:
        column: the values themselves.
        data_type: their type.
        as_of: the instant of the evaluation, with its zone.
    """

    column: Column
    data_type: DataType
    as_of: datetime

    def satisfy(self, condition: Condition) -> Column:
        """Whether each value is as a condition asks.

        Raises:
            RuleError: values of this type cannot be compared so, or a pattern is refused.
        """
        match condition:
            case Comparison(comparator="=" | "!=" as comparator, operand=operand):
                return self._equals([operand], negated=comparator == "!=")
            case In(values=tuple() as operands, negated=negated):
                return self._equals(operands, negated=negated)
            case Comparison(comparator=comparator, operand=operand):
                value, (other,) = self._sides([operand])
                return _surely(COMPARE[comparator](value, other))
            case Between(low=low, high=high, negated=negated):
                value, (below, above) = self._sides([low, high])
                inside, outside = (value > below) & (value < above), (value <= below) | (value >= above)
                return _surely(outside if negated else inside)
            case Matches(pattern=pattern, negated=negated):
                found = self._matches(pattern)
                return _surely(~found if negated else found)
        msg = f"cannot compare a value with {format_condition(condition)}"
        raise RuleError(msg)

    def _equals(self, operands: Sequence[Operand], *, negated: bool) -> Column:
        special = [one for one in operands if isinstance(one, Special)]
        found = [self._is(one) for one in special]
        if others := [one for one in operands if not isinstance(one, Special)]:
            value, literals = self._sides(others)
            found.append(_surely(value.isin(*literals) if len(literals) > 1 else value == literals[0]))
        equal = reduce(or_, found) if found else F.lit(False)
        return ~equal if negated else equal

    def _is(self, special: Special) -> Column:
        if special.keyword == "NULL":
            return self.column.isNull()
        if not isinstance(self.data_type, StringType):
            raise self._misfit(format_operand(special))
        pattern = r"\A\s+\z" if special.keyword == "WHITESPACES_ONLY" else r"\A\z"
        return _surely(self.column.rlike(pattern))

    def _sides(self, operands: Sequence[Operand]) -> tuple[Column, list[Column]]:
        """The value and the operands of a comparison, of one kind."""
        if all(isinstance(one, Number | Arithmetic | Call) for one in operands):
            if not isinstance(self.data_type, NUMBERS):
                raise self._misfit(format_operand(operands[0]))
            return self.number(), [self._numeral(work_out(one)) for one in operands]
        if all(isinstance(one, Day | Now) for one in operands) and isinstance(self.data_type, TIMES):
            return self._moment(), [self._instant(one) for one in operands]
        if texts := [one for one in operands if isinstance(one, Text | Day)]:
            written = [one.value if isinstance(one, Text) else one.value.isoformat() for one in texts]
            if len(texts) == len(operands):
                return self._text(), list(map(F.lit, written))
        raise self._misfit(format_operand(operands[0]))

    def number(self) -> Column:
        """The values that are numbers: NaN is null."""
        floating = isinstance(self.data_type, FloatType | DoubleType)
        return F.when(~F.isnan(self.column), self.column) if floating else self.column

    def _numeral(self, number: Decimal) -> Column:
        if isinstance(self.data_type, FloatType | DoubleType):
            return F.lit(float(number)).cast(self.data_type)
        plain = Decimal(format(number, "f"))
        digits, exponent = plain.as_tuple().digits, int(plain.as_tuple().exponent)
        if max(len(digits), -exponent) > MOST_DIGITS:
            msg = f"a number of more than {MOST_DIGITS} digits is compared with floating numbers alone"
            raise RuleError(msg)
        return F.lit(plain)

    def _matches(self, pattern: str) -> Column:
        """Whether a text matches; one that the stack might not hold is not tried, see `too_long`."""
        found = self._text().rlike(whole_match(pattern))
        longest = longest_text(pattern)
        return found if longest is None else F.when(~self.longer_than(longest), found)

    def longer_than(self, longest: int) -> Column:
        """Whether a text has more characters than that.

        Raises:
            RuleError: values of this type are no texts.
        """
        return F.length(self._text()) > longest

    def _text(self) -> Column:
        if isinstance(self.data_type, StringType):
            return self.column
        if isinstance(self.data_type, TEXTS):
            return self.column.cast("string")
        raise self._misfit(TEXT)

    def _moment(self) -> Column:
        return self.column.cast("timestamp_ntz") if isinstance(self.data_type, DateType) else self.column

    def _instant(self, operand: Operand) -> Column:
        match operand:
            case Day(value=day):
                moment = _midnight(day, self.as_of)
            case Now(offset=offset):
                moment = moved(self.as_of, offset)
            case _:
                raise self._misfit(format_operand(operand))
        if isinstance(self.data_type, TimestampType):
            return F.timestamp_micros(F.lit((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)))
        return F.to_timestamp_ntz(F.lit(moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")))

    def _misfit(self, other: str) -> RuleError:
        return RuleError(f"the column is of type {self.data_type.simpleString()}, which does not compare with {other}")


def freshness(condition: Condition) -> Condition:
    """What a condition on the age of a value asks of the value itself.

    >>> freshness(Comparison("<=", Duration(24, "hours")))
    Comparison(comparator='>=', operand=Now(offset=Duration(amount=-24, unit='hours')))
    """

    def ago(operand: Operand) -> Now:
        if not isinstance(operand, Duration):
            msg = f"compares an age with {format_operand(operand)}, which is no duration"
            raise RuleError(msg)
        return Now(Duration(-operand.amount, operand.unit))

    match condition:
        case Comparison(comparator=comparator, operand=operand):
            return Comparison(MIRRORED[comparator], ago(operand))
        case Between(low=low, high=high, negated=negated):
            return Between(ago(high), ago(low), negated=negated)
        case In(values=tuple() as values, negated=negated):
            return In(tuple(map(ago, values)), negated=negated)
    msg = f"cannot compare an age with {format_condition(condition)}"
    raise RuleError(msg)


def moved(instant: datetime, offset: Duration | None) -> datetime:
    """An instant moved by a duration, days being 24 hours; in the zone of the instant."""
    if offset is None:
        return instant
    try:
        return (instant.astimezone(UTC) + timedelta(**{offset.unit: offset.amount})).astimezone(instant.tzinfo)
    except OverflowError:
        msg = f"{offset.amount} {offset.unit} from now is outside the years 1 to 9999"
        raise RuleError(msg) from None


def _midnight(day: date, as_of: datetime) -> datetime:
    return datetime.combine(day, time(), tzinfo=as_of.tzinfo)


def _surely(column: Column) -> Column:
    return F.coalesce(column, F.lit(False))
