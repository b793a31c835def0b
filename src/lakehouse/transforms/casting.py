"""Typed values to another type: exactly, or not at all.

| from | to | what fits |
|---|---|---|
| whole number | whole number, decimal | what is in range |
| | float, double | up to 2^24, 2^53: beyond, neighbours become one |
| | boolean | 0 and 1 |
| boolean | whole number | true is 1, false is 0 |
| float, double | whole number | whole values in range; no NaN, no infinity |
| | decimal | up to 2^24, 2^53, when the decimal reads back as the same number |
| double | float | what is a float, NaN and the infinities among it |
| decimal | decimal, whole number | when no digit is lost |
| | float, double | up to 2^24, 2^53, when the number reads back as the same decimal |
| date | timestamp, timestamp_ntz | midnight; with a zone that of `timezone`, where the day has one |
| timestamp, timestamp_ntz | date | midnight |
| timestamp | timestamp_ntz | its wall clock in `timezone`, but for the hour that is there twice |
| timestamp_ntz | timestamp | what the clocks of `timezone` have shown |
| string | binary | its bytes in UTF-8 |
| binary | string | bytes that are UTF-8 |
| string | the rest | the grammar of `decoding`; no empty text, no digit cut off or rounded away |
| the rest | string | as it is written: whole, with a decimal's zeros; a timestamp as ISO text in UTC |

Every other pair never fits. A float or double stands for the number it is written as, with the fewest digits that tell it
from its neighbours: 10.22 is the decimal 10.22. Nothing depends on the session's time zone or on ANSI mode.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyspark.sql.types import (
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NullType,
    ShortType,
    StringType,
    TimestampNTZType,
    TimestampType,
)

from lakehouse.transforms.decoding import cases, has_form, require_timezone, text_value, wall_clock_text

WHOLE = (ByteType, ShortType, IntegerType, LongType)
_DIGITS: dict[type[DataType], int] = {ByteType: 3, ShortType: 5, IntegerType: 10, LongType: 19}

_NUMBER = r"^\s*+[+-]?+[0-9.]"
_ZONED = r":.*(?:Z|UTC|GMT|[+-]\d+(?::?\d+)*)\s*+$"
_UNTIL_MICROSECONDS = r"^[^.]*+(?:\.\d{0,6}0*+(?!\d).*)?+$"
# Of the bytes in hexadecimal: the well-formed sequences of the Unicode standard, table 3-7.
_UTF_8 = (
    "^(?:[0-7].|(?:C[2-9A-F]|D.)[89AB].|E0[AB].[89AB].|E[1-9A-CEF](?:[89AB].){2}|ED[89].[89AB]."
    "|F0[9AB].(?:[89AB].){2}|F[1-3](?:[89AB].){3}|F48.(?:[89AB].){2})*+$"
)
_PLAIN_SCALE = 6
"""Up to here Spark writes a decimal without an exponent, in and out of ANSI mode."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """SQL for a value of another type; null where the value does not fit. `total`: every value fits."""

    sql: str
    total: bool = False


@dataclass(frozen=True, slots=True)
class _Floating:
    """A binary floating type: up to where it holds every whole number, its sure digits, its least full-precision number."""

    limit: int
    digits: int
    least: str


_FLOATINGS: dict[type[DataType], _Floating] = {
    FloatType: _Floating(2**24, 6, "1.17549435E-38"),
    DoubleType: _Floating(2**53, 15, "2.2250738585072014E-308"),
}


def convert(value: str, source: DataType, target: DataType, *, timezone: str) -> Conversion | None:  # noqa: PLR0911 - one per type
    """SQL that makes of a value of an atomic type one of another, exactly; None: no value ever fits.

    Args:
        value: SQL of the value. It is repeated, so it should be cheap.
        source: its type.
        target: the type it is to have.
        timezone: the zone of timestamps that name none, and of dates.
    """
    if type(source) is type(target) and (source == target or isinstance(target, StringType)):
        return Conversion(value, total=True)
    match source:
        case NullType():
            return Conversion(f"CAST(NULL AS {target.simpleString()})", total=True)
        case StringType():
            return _of_text(value, target, timezone)
        case ByteType() | ShortType() | IntegerType() | LongType():
            return _of_whole(value, source, target)
        case FloatType() | DoubleType():
            return _of_floating(value, source, target)
        case DecimalType():
            return _of_decimal(value, source, target)
        case BooleanType() | BinaryType():
            return _of_bits(value, source, target)
        case DateType() | TimestampType() | TimestampNTZType():
            return _of_time(value, source, target, timezone)
        case _:
            return None


def is_fixed(timezone: str) -> bool:
    """Whether the clocks of the zone are never put back or forward."""
    return re.fullmatch(r"UTC|[+-]\d\d:\d\d", timezone) is not None


def _of_text(text: str, target: DataType, timezone: str) -> Conversion | None:
    value = "" if isinstance(target, BinaryType) else text_value(text, target, timezone=timezone)
    match target:
        case BinaryType():
            return Conversion(f"CAST({text} AS BINARY)", total=True)
        case FloatType() | DoubleType():
            kind = _FLOATINGS[type(target)]
            significant, shown = _significant(text), f"CAST({value} AS STRING)"
            # What stands before each OR says the same of most texts, and takes no regular expression.
            few = f"(length({text}) <= {kind.digits} OR length({significant}) <= {kind.digits})"
            sure = f"{few} AND abs({value}) >= {kind.least}D"
            same = f"({text} = {shown} OR {significant} = {_significant(shown)})"
            return Conversion(cases((f"NOT {has_form(text, _NUMBER)}", value), (sure, value), (same, value)))
        case TimestampType():
            whole = has_form(text, _UNTIL_MICROSECONDS)
            wall = text_value(text, TimestampNTZType(), timezone=timezone)
            shown = f"({has_form(text, _ZONED)} OR {_in_zone(value, timezone)} = {wall})"
            return Conversion(cases((whole if is_fixed(timezone) else f"{whole} AND {shown}", value)))
        case TimestampNTZType():
            whole = has_form(text, _UNTIL_MICROSECONDS)
            moment = text_value(text, TimestampType(), timezone=timezone)
            once = f"(NOT {has_form(text, _ZONED)} OR {_at_zone(value, timezone)} = {moment})"
            return Conversion(cases((whole if is_fixed(timezone) else f"{whole} AND {once}", value)))
        case _:
            return Conversion(value)


def _significant(number: str) -> str:
    """The digits of a number as text, without sign, point, exponent and outer zeros."""
    digits = f"regexp_replace(regexp_replace({number}, '[eE].*$', ''), '[^0-9]', '')"
    return f"regexp_replace({digits}, '^0+|0+$', '')"


def _of_whole(value: str, source: DataType, target: DataType) -> Conversion | None:
    digits = _DIGITS[type(source)]
    cast = f"try_cast({value} AS {target.simpleString()})"
    match target:
        case ByteType() | ShortType() | IntegerType() | LongType():
            return Conversion(cast, total=digits < _DIGITS[type(target)])
        case DecimalType():
            return Conversion(cast, total=digits <= target.precision - target.scale)
        case FloatType() | DoubleType():
            limit = _FLOATINGS[type(target)].limit
            total = 10**digits < limit
            return Conversion(cast if total else cases((f"{value} BETWEEN -{limit} AND {limit}", cast)), total=total)
        case BooleanType():
            return Conversion(cases((f"{value} = 1", "true"), (f"{value} = 0", "false")))
        case StringType():
            return Conversion(cast, total=True)
        case _:
            return None


def _of_floating(value: str, source: DataType, target: DataType) -> Conversion | None:
    kind, name = _FLOATINGS[type(source)], source.simpleString()
    cast = f"try_cast({value} AS {target.simpleString()})"
    back = f"CAST({cast} AS {name}) = {value}"
    match target:
        case ByteType() | ShortType() | IntegerType() | LongType():
            # The largest bigint is no double: Spark would read 2^63 as if it was in range.
            in_range = f"{value} >= -9223372036854775808D AND {value} < 9223372036854775808D"
            return Conversion(cases((f"{in_range} AND {back}", cast)))
        case DecimalType():
            # By way of text, for Spark reads a float as the double that it is.
            exact = f"try_cast(CAST({value} AS STRING) AS {target.simpleString()})"
            return Conversion(cases((f"abs({value}) <= {kind.limit}D AND CAST({exact} AS {name}) = {value}", exact)))
        case DoubleType():
            return Conversion(cast, total=True)
        case FloatType():
            return Conversion(cases((back, cast)))
        case StringType():
            return Conversion(cast, total=True)
        case _:
            return None


def _of_decimal(value: str, source: DecimalType, target: DataType) -> Conversion | None:
    cast = f"try_cast({value} AS {target.simpleString()})"
    back = f"try_cast({cast} AS {source.simpleString()}) = {value}"
    match target:
        case DecimalType():
            whole = target.precision - target.scale >= source.precision - source.scale
            total = whole and target.scale >= source.scale
            return Conversion(cast if total else cases((back, cast)), total=total)
        case ByteType() | ShortType() | IntegerType() | LongType():
            return Conversion(cases((back, cast)))
        case FloatType() | DoubleType():
            limit = _FLOATINGS[type(target)].limit
            exact = f"try_cast(CAST({cast} AS STRING) AS {source.simpleString()}) = {value}"
            return Conversion(cases((f"abs({cast}) <= {limit}D AND {exact}", cast)))
        case StringType():
            plain = f"replace(format_number({value}, {source.scale}), ',', '')"
            return Conversion(cast if source.scale <= _PLAIN_SCALE else plain, total=True)
        case _:
            return None


def _of_bits(value: str, source: DataType, target: DataType) -> Conversion | None:
    cast = f"try_cast({value} AS {target.simpleString()})"
    if isinstance(source, BooleanType):
        return Conversion(cast, total=True) if isinstance(target, (*WHOLE, StringType)) else None
    return Conversion(cases((has_form(f"hex({value})", _UTF_8), cast))) if isinstance(target, StringType) else None


def _of_time(value: str, source: DataType, target: DataType, timezone: str) -> Conversion | None:
    """Dates and timestamps by way of the wall clock in the zone, which has to lead back to where it came from."""
    zoned = isinstance(source, TimestampType)
    wall = _in_zone(value, timezone) if zoned else f"try_cast({value} AS TIMESTAMP_NTZ)"
    match target:
        case StringType():
            text = f"concat(CAST({wall_clock_text(value)} AS STRING), 'Z')"
            return Conversion(text) if zoned else Conversion(f"CAST({value} AS STRING)", total=True)
        case DateType():
            day = f"try_cast({wall} AS DATE)"
            return Conversion(cases((f"try_cast({day} AS TIMESTAMP_NTZ) = {wall}", day)))
        case TimestampNTZType():
            once = not zoned or is_fixed(timezone)
            return Conversion(wall if once else cases((f"{_at_zone(wall, timezone)} = {value}", wall)))
        case TimestampType():
            moment = _at_zone(wall, timezone)
            return Conversion(cases((f"{_in_zone(moment, timezone)} = {wall}", moment)))
        case _:
            return None


def _in_zone(moment: str, timezone: str) -> str:
    """SQL for the wall clock of the zone at a timestamp."""
    require_timezone(timezone)
    wall = wall_clock_text(moment)
    return wall if timezone == "UTC" else f"convert_timezone('UTC', '{timezone}', {wall})"


def _at_zone(wall: str, timezone: str) -> str:
    """SQL for the timestamp at which the clocks of the zone show a wall clock; by way of text, whatever the session's zone."""
    require_timezone(timezone)
    utc = wall if timezone == "UTC" else f"convert_timezone('{timezone}', 'UTC', {wall})"
    return f"try_cast(concat(CAST({utc} AS STRING), 'Z') AS TIMESTAMP)"
