"""Text to typed values, exact and zone-explicit: the one decoder of every feed.

| contract type | text that is a value | what it refuses |
|---|---|---|
| string | any | nothing |
| boolean | true false t f y n yes no 1 0, any case | anything else |
| tinyint .. bigint | digits, a sign, a zero fraction (`5.00`) | fractions, overflow |
| decimal(p, s) | digits, a point, an exponent | overflow, digits beyond `s` (never rounded) |
| float, double | numbers, NaN, Infinity, -Infinity, and as Debezium says it POSITIVE_INFINITY, NEGATIVE_INFINITY | finite text that would become infinite |
| date | `yyyy-MM-dd`, also followed by midnight or by `Z` | a time of day |
| timestamp | ISO text, `T` or a blank, with a zone or in `timezone`; cut to microseconds. Of a local time that a change of clocks repeated the earlier instant | years beyond 9999; a local time that a change of clocks skipped |
| timestamp_ntz | the same; text with a zone becomes the wall clock of `timezone` | years beyond 9999 |
| binary | base64 or hex, as the feed says | anything else |
| array, map, struct | JSON of that shape | JSON of another shape |

Null stays null. An empty text is a value for string and binary and null for every other type, which is how CSV and
some JSON feeds write a missing number. Nothing here depends on the session's time zone or on ANSI mode.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
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
    MapType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from lakehouse.columns import quoted
from lakehouse.errors import ConfigError

BinaryText = Literal["base64", "hex"]

NESTED = (ArrayType, MapType, StructType)
_CORRUPT = "__corrupt"

_INTEGER = r"^\s*+[+-]?+\d++(?:\.0*+)?+\s*+$"
_NUMBER = r"^\s*+[+-]?+(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][+-]?+\d++)?+\s*+$"
_NOT_FINITE = r"(?i)^\s*+[+-]?+(?:NaN|Inf|Infinity)\s*+$"
_SCIENTIFIC = r"^\s*+[+-]?+(?:\d++(?:\.\d*+)?+|\.\d++)[eE][+-]?+\d{1,3}\s*+$"
_DATE = r"\d{4}-\d{1,2}-\d{1,2}"
_MIDNIGHT = r"(?:[T ]00:00(?::00(?:\.0*+)?+)?+Z?+)?+"
_CLOCK = r"[T ]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d*+)?+"
_MINUTES = r"[T ]\d{1,2}:\d{1,2}"
_ZONE = r"\s*+(?:Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2}(?::?\d{2})?+)?+)"

_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
"""Of the years 1 and 9999: a number beyond them is no time."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A typed value, and whether there was text that is no value of the type."""

    value: Column
    failed: Column


def decode(column: str, data_type: DataType, *, timezone: str = "UTC", binary: BinaryText = "hex") -> Decoded:
    """Decode the text column named `column` (of the frame the result is used on) to `data_type`.

    Args:
        column: name of a string column.
        data_type: a type of the contract; see the table above.
        timezone: zone of timestamps that name none, and wall clock of `timestamp_ntz`.
        binary: how bytes are written.

    Raises:
        ConfigError: the type or the zone is not supported.
    """
    text = F.col(quoted(column))
    if isinstance(data_type, StringType):
        return Decoded(text.cast(data_type), F.lit(False))
    if isinstance(data_type, NESTED):
        value = _nested(column, data_type, timezone)
    else:
        value = F.expr(text_value(quoted(column), data_type, timezone=timezone, binary=binary))
    return Decoded(value, is_lost(text, value, data_type))


def is_lost(text: Column, value: Column, data_type: DataType) -> Column:
    """Whether `value`, decoded from `text`, is null although there was something to decode."""
    if isinstance(data_type, StringType):
        return F.lit(False)
    present = text.isNotNull() if isinstance(data_type, BinaryType) else F.coalesce(text != "", F.lit(False))
    return present & value.isNull()


def require_decodable(schema: StructType) -> None:
    """Refuse a contract that names a type no text can be decoded to.

    Raises:
        ConfigError: names the column and its type.
    """
    for field in schema.fields:
        if not isinstance(field.dataType, NESTED):
            try:
                text_value("text", field.dataType)
            except ConfigError as error:
                msg = f"column {field.name}: {error}"
                raise ConfigError(msg) from None


def require_timezone(timezone: str) -> None:
    """Refuse a zone that does not exist: it would make every timestamp null.

    Raises:
        ConfigError: names the zone.
    """
    if re.fullmatch(r"UTC|[+-]\d\d:\d\d", timezone):
        return
    try:
        ZoneInfo(timezone)
    except (KeyError, OSError, ValueError):
        msg = f"timezone {timezone!r} is not known; use a region such as Europe/Berlin, or UTC"
        raise ConfigError(msg) from None


def wall_clock(micros: Column) -> Column:
    """The `timestamp_ntz` that lies `micros` microseconds (at most 18 digits) after 1970-01-01 00:00:00."""
    seconds = (micros.cast("decimal(18,0)") / F.lit(1_000_000)).cast("decimal(18,6)")
    zero = F.lit(0)
    return F.expr("timestamp_ntz'1970-01-01 00:00:00'") + F.make_dt_interval(zero, zero, zero, seconds)


def instant(count: Column, *, per_second: int) -> Column:
    """The timestamp that lies so many parts of a second after 1970 in UTC; null outside the years 1 to 9999.

    Args:
        count: a whole number.
        per_second: 1, 1,000 or 1,000,000.
    """
    first, last = (second * per_second for second in (_FIRST_SECOND, _LAST_SECOND))
    micros = count * F.lit(1_000_000 // per_second)
    return F.when(count.between(F.lit(first), F.lit(last)), F.timestamp_micros(micros))


def instant_text(instant: Column) -> Column:
    """ISO text in UTC of a timestamp, whatever the session's time zone."""
    return F.concat(wall_clock(F.unix_micros(instant)).cast("string"), F.lit("Z"))


def text_value(text: str, data_type: DataType, *, timezone: str = "UTC", binary: BinaryText = "hex") -> str:  # noqa: PLR0911 - one per type
    """SQL for the value of the type that `text` says, and for null where it says none.

    Args:
        text: SQL of a text: a quoted name, or a variable of a lambda. It is repeated, so it should be cheap.
        data_type: an atomic type of the contract.
        timezone: as in `decode`.
        binary: as in `decode`.

    Raises:
        ConfigError: the type or the zone is not supported.
    """
    match data_type:
        case StringType():
            return text
        case ByteType() | ShortType() | IntegerType() | LongType():
            return _integer(text, data_type)
        case FloatType() | DoubleType():
            return _floating(text, data_type)
        case DecimalType():
            return _decimal(text, data_type)
        case BooleanType():
            return f"try_cast({text} AS BOOLEAN)"
        case DateType():
            return _date(text)
        case TimestampType():
            return _timestamp(text, timezone)
        case TimestampNTZType():
            return _wall_clock_of(text, timezone)
        case BinaryType():
            return _binary(text, binary)
        case _:
            msg = f"text cannot carry {data_type.simpleString()}; declare string and cast later"
            raise ConfigError(msg)


def wall_clock_text(instant: str) -> str:
    """SQL for the wall clock in UTC of a timestamp, whatever the session's time zone; null some 31,000 years from now."""
    micros = f"try_cast(unix_micros({instant}) AS DECIMAL(18,0))"
    seconds = f"CAST({micros} / 1000000 AS DECIMAL(18,6))"
    return f"timestamp_ntz'1970-01-01 00:00:00' + make_dt_interval(0, 0, 0, {seconds})"


def has_form(text: str, pattern: str) -> str:
    """SQL for whether the text is of the form of a regular expression, which holds no single quote."""
    return f"{text} RLIKE r'{pattern}'"


def cases(*cases: tuple[str, str]) -> str:
    """SQL for the value of the first case whose condition holds; null if none does."""
    return f"CASE {' '.join(f'WHEN {condition} THEN {value}' for condition, value in cases)} END"


def _integer(text: str, data_type: DataType) -> str:
    # By way of a decimal, so that `5.00` is five; the pattern lets no other fraction pass.
    exact = f"try_cast(try_cast({text} AS DECIMAL(38,0)) AS {data_type.simpleString()})"
    return cases((has_form(text, _INTEGER), exact))


def _floating(text: str, data_type: DataType) -> str:
    name = data_type.simpleString()
    value = f"try_cast({text} AS {name})"
    return cases(
        (has_form(text, _NUMBER), cases((f"abs({value}) != double('Infinity')", value))),
        (f"{text} = 'POSITIVE_INFINITY'", f"{name}('Infinity')"),
        (f"{text} = 'NEGATIVE_INFINITY'", f"{name}('-Infinity')"),
        (has_form(text, _NOT_FINITE), value),
    )


def _decimal(text: str, data_type: DecimalType) -> str:
    """Only text whose significant digits fit the scale is cast: Spark itself would round the rest away."""
    scale = data_type.scale
    plain = rf"^\s*+[+-]?+(?:\d++(?:\.\d{{0,{scale}}}0*+)?+|\.(?=\d)\d{{0,{scale}}}0*+)\s*+$"
    # d.dddE±n: the digits it needs after the point are its fraction less the exponent less trailing zeros.
    parts = r"^\s*+[+-]?+(\d*+)\.?+(\d*+)[eE]([+-]?+\d{1,3})\s*+$"
    whole, fraction, exponent = (f"regexp_extract({text}, r'{parts}', {group})" for group in (1, 2, 3))
    significant = f"regexp_replace(concat({whole}, {fraction}), r'0++$', '')"
    needed = f"length({significant}) - length({whole}) - try_cast({exponent} AS INT)"
    value = f"try_cast({text} AS {data_type.simpleString()})"
    scientific = cases((f"{significant} = '' OR {needed} <= {scale}", value))
    return cases((has_form(text, plain), value), (has_form(text, _SCIENTIFIC), scientific))


def _date(text: str) -> str:
    # Behind a date alone Spark does not read the Z of UTC.
    day = f"try_cast(trim(TRAILING 'Z' FROM trim({text})) AS DATE)"
    return cases((has_form(text, rf"^\s*+{_DATE}(?:Z|{_MIDNIGHT})\s*+$"), day))


def _timestamp(text: str, timezone: str) -> str:
    require_timezone(timezone)
    full = _full(text)
    return cases(
        (_is_dated(text, _CLOCK + _ZONE), f"try_cast({text} AS TIMESTAMP)"),
        (_is_dated(text, _MINUTES + _ZONE), f"try_cast({full} AS TIMESTAMP)"),
        # Most texts are of this form, which lacks nothing that `_full` adds.
        (_is_dated(text, _CLOCK), _local(f"trim({text})", timezone)),
        (_is_dated(text, f"(?:{_MINUTES})?+"), _local(full, timezone)),
    )


def _local(full: str, timezone: str) -> str:
    """SQL for a local time, if there was one: Spark itself moves a time that clocks skipped to one that they showed."""
    local = f"try_cast(concat({full}, ' {timezone}') AS TIMESTAMP)"
    if timezone == "UTC" or timezone[0] in "+-":
        return local
    shown = f"convert_timezone('UTC', '{timezone}', {wall_clock_text(local)})"
    return cases((f"{shown} = try_cast({full} AS TIMESTAMP_NTZ)", local))


def _wall_clock_of(text: str, timezone: str) -> str:
    require_timezone(timezone)
    full = _full(text)
    utc = wall_clock_text(f"try_cast({full} AS TIMESTAMP)")
    return cases(
        (_is_dated(text, _CLOCK), f"try_cast({text} AS TIMESTAMP_NTZ)"),
        (_is_dated(text, f"(?:{_CLOCK}|{_MINUTES}){_ZONE}"), f"convert_timezone('UTC', '{timezone}', {utc})"),
        (_is_dated(text, f"(?:{_MINUTES})?+"), f"try_cast({full} AS TIMESTAMP_NTZ)"),
    )


def _is_dated(text: str, after_date: str) -> str:
    return has_form(text, rf"^\s*+{_DATE}{after_date}\s*+$")


def _full(text: str) -> str:
    """SQL for the text with a clock and seconds: before a zone Spark wants both."""
    seconds = f"regexp_replace(trim({text}), '([T ][0-9]+:[0-9]+)(?![0-9:])', '$1:00')"
    return f"regexp_replace({seconds}, '^([0-9-]+)$', '$1 00:00:00')"


def _binary(text: str, binary: BinaryText) -> str:
    value = f"try_to_binary({text}, '{binary}')"
    if binary == "base64":
        return value
    # Spark would read an odd number of hex digits as if a zero stood before them.
    return cases((f"{has_form(text, '^[0-9A-Fa-f]*+$')} AND length({text}) % 2 = 0", value))


def _nested(name: str, data_type: DataType, timezone: str) -> Column:
    # Wrapped, so that text after the value is an error, and with a corrupt column, so that a wrong shape is one.
    shape = StructType([StructField("value", data_type), StructField(_CORRUPT, StringType())])
    options = {"columnNameOfCorruptRecord": _CORRUPT, "timeZone": timezone}
    text = F.concat(F.lit('{"value":'), F.col(quoted(name)), F.lit("}"))
    parsed = F.from_json(text, shape, options)
    return F.when(parsed[_CORRUPT].isNull(), parsed["value"])
