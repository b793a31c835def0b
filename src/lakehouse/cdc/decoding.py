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
from collections.abc import Callable
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
    value = _decoder(data_type, timezone, binary)(column)
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
        if not isinstance(field.dataType, StringType):
            try:
                _decoder(field.dataType, "UTC", "hex")
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


def _decoder(data_type: DataType, timezone: str, binary: BinaryText) -> Callable[[str], Column]:  # noqa: PLR0911 - one per type
    match data_type:
        case ByteType() | ShortType() | IntegerType() | LongType():
            return lambda name: _integer(name, data_type)
        case FloatType() | DoubleType():
            return lambda name: _floating(name, data_type)
        case DecimalType():
            return lambda name: _decimal(name, data_type)
        case BooleanType():
            return lambda name: _try_cast(name, "boolean")
        case DateType():
            return _date
        case TimestampType():
            return lambda name: _timestamp(name, timezone)
        case TimestampNTZType():
            return lambda name: _wall_clock_of(name, timezone)
        case BinaryType():
            return lambda name: _binary(name, binary)
        case ArrayType() | MapType() | StructType():
            return lambda name: _nested(name, data_type, timezone)
        case _:
            msg = f"a feed cannot carry {data_type.simpleString()}; declare string and cast later"
            raise ConfigError(msg)


def _try_cast(name: str, sql_type: str) -> Column:
    return F.expr(f"try_cast({quoted(name)} AS {sql_type})")


def _matching(name: str, pattern: str, value: Column) -> Column:
    return F.when(F.col(quoted(name)).rlike(pattern), value)


def _integer(name: str, data_type: DataType) -> Column:
    # By way of a decimal, so that `5.00` is five; the pattern lets no other fraction pass.
    exact = f"try_cast(try_cast({quoted(name)} AS DECIMAL(38,0)) AS {data_type.simpleString()})"
    return _matching(name, _INTEGER, F.expr(exact))


def _floating(name: str, data_type: DataType) -> Column:
    value = _try_cast(name, data_type.simpleString())
    finite = F.when(F.abs(value) != F.lit(float("inf")), value)
    text = F.col(quoted(name))
    return (
        F.when(text.rlike(_NUMBER), finite)
        .when(text == "POSITIVE_INFINITY", F.lit(float("inf")).cast(data_type))
        .when(text == "NEGATIVE_INFINITY", F.lit(float("-inf")).cast(data_type))
        .otherwise(_matching(name, _NOT_FINITE, value))
    )


def _decimal(name: str, data_type: DecimalType) -> Column:
    """Only text whose significant digits fit the scale is cast: Spark itself would round the rest away."""
    text = F.col(quoted(name))
    scale = data_type.scale
    plain = rf"^\s*+[+-]?+(?:\d++(?:\.\d{{0,{scale}}}0*+)?+|\.(?=\d)\d{{0,{scale}}}0*+)\s*+$"
    # d.dddE±n: the digits it needs after the point are its fraction less the exponent less trailing zeros.
    whole, fraction, exponent = (
        F.regexp_extract(text, r"^\s*+[+-]?+(\d*+)\.?+(\d*+)[eE]([+-]?+\d{1,3})\s*+$", group) for group in (1, 2, 3)
    )
    digits = F.concat(whole, fraction)
    significant = F.regexp_replace(digits, r"0++$", "")
    needed = F.length(significant) - F.length(whole) - exponent.cast("int")
    scientific = text.rlike(_SCIENTIFIC) & F.when(text.rlike(_SCIENTIFIC), (significant == "") | (needed <= scale))
    value = _try_cast(name, data_type.simpleString())
    return F.when(text.rlike(plain), value).when(scientific, value)


def _date(name: str) -> Column:
    # Behind a date alone Spark does not read the Z of UTC.
    day = F.expr(f"try_cast(trim(TRAILING 'Z' FROM trim({quoted(name)})) AS DATE)")
    return _matching(name, rf"^\s*+{_DATE}(?:Z|{_MIDNIGHT})\s*+$", day)


def _timestamp(name: str, timezone: str) -> Column:
    require_timezone(timezone)
    full = _full(name)
    local = F.expr(f"try_cast(concat({full}, ' {timezone}') AS TIMESTAMP)")
    return (
        F.when(_has_form(name, _CLOCK + _ZONE), _try_cast(name, "timestamp"))
        .when(_has_form(name, _MINUTES + _ZONE), F.expr(f"try_cast({full} AS TIMESTAMP)"))
        .when(_has_form(name, f"(?:{_CLOCK}|{_MINUTES})?+"), _unless_skipped(name, local, timezone))
    )


def _unless_skipped(name: str, local: Column, timezone: str) -> Column:
    """The instant of a local time, if there was one: Spark itself moves a time that clocks skipped to one that they showed."""
    if timezone == "UTC" or timezone[0] in "+-":
        return local
    shown = F.convert_timezone(F.lit("UTC"), F.lit(timezone), wall_clock(F.unix_micros(local)))
    return F.when(shown == F.expr(f"try_cast({_full(name)} AS TIMESTAMP_NTZ)"), local)


def _wall_clock_of(name: str, timezone: str) -> Column:
    require_timezone(timezone)
    full = _full(name)
    utc = wall_clock(F.unix_micros(F.expr(f"try_cast({full} AS TIMESTAMP)")))
    return (
        F.when(_has_form(name, _CLOCK), _try_cast(name, "timestamp_ntz"))
        .when(
            _has_form(name, f"(?:{_CLOCK}|{_MINUTES}){_ZONE}"), F.convert_timezone(F.lit("UTC"), F.lit(timezone), utc)
        )
        .when(_has_form(name, f"(?:{_MINUTES})?+"), F.expr(f"try_cast({full} AS TIMESTAMP_NTZ)"))
    )


def _has_form(name: str, after_date: str) -> Column:
    return F.col(quoted(name)).rlike(rf"^\s*+{_DATE}{after_date}\s*+$")


def _full(name: str) -> str:
    """SQL for the text with a clock and seconds: before a zone Spark wants both."""
    seconds = f"regexp_replace(trim({quoted(name)}), '([T ][0-9]+:[0-9]+)(?![0-9:])', '$1:00')"
    return f"regexp_replace({seconds}, '^([0-9-]+)$', '$1 00:00:00')"


def _binary(name: str, binary: BinaryText) -> Column:
    text = F.col(quoted(name))
    value = F.try_to_binary(text, F.lit(binary))
    if binary == "base64":
        return value
    # Spark would read an odd number of hex digits as if a zero stood before them.
    return F.when(text.rlike(r"^[0-9A-Fa-f]*+$") & (F.length(text) % 2 == 0), value)


def _nested(name: str, data_type: DataType, timezone: str) -> Column:
    # Wrapped, so that text after the value is an error, and with a corrupt column, so that a wrong shape is one.
    shape = StructType([StructField("value", data_type), StructField(_CORRUPT, StringType())])
    options = {"columnNameOfCorruptRecord": _CORRUPT, "timeZone": timezone}
    text = F.concat(F.lit('{"value":'), F.col(quoted(name)), F.lit("}"))
    parsed = F.from_json(text, shape, options)
    return F.when(parsed[_CORRUPT].isNull(), parsed["value"])
