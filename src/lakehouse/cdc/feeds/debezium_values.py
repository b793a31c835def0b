"""How Debezium writes values: decimals as bytes, times as numbers since the epoch; each turned into plain text.

The message's schema, when it is there, says what a value is (type name and scale). Without it the contract and the
options decide. The result is text that `lakehouse.transforms.decoding` reads, or `?` where the value is none.
"""

from __future__ import annotations

import base64
from typing import Literal

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, DateType, DecimalType, StringType, TimestampNTZType, TimestampType

from lakehouse.cdc.json_text import bind, parse_object, texts
from lakehouse.transforms.decoding import wall_clock

Decimals = Literal["auto", "base64", "text"]
TimeUnit = Literal["ms", "us", "ns"]

_DECIMAL = "org.apache.kafka.connect.data.Decimal"
_DAYS = ("io.debezium.time.Date", "org.apache.kafka.connect.data.Date")
_UNITS: dict[TimeUnit, tuple[str, ...]] = {
    "ms": ("io.debezium.time.Timestamp", "org.apache.kafka.connect.data.Timestamp"),
    "us": ("io.debezium.time.MicroTimestamp",),
    "ns": ("io.debezium.time.NanoTimestamp",),
}
_CLOCKS: dict[TimeUnit, tuple[str, ...]] = {
    "ms": ("io.debezium.time.Time", "org.apache.kafka.connect.data.Time"),
    "us": ("io.debezium.time.MicroTime",),
    "ns": ("io.debezium.time.NanoTime",),
}
_INTEGER = r"^-?\d++$"
_NO_VALUE = "?"


def is_described(data_type: DataType) -> bool:
    """Whether a value of this contract type can be written in more than one way, so that `plain_text` is needed."""
    return isinstance(data_type, (DecimalType, DateType, TimestampType, TimestampNTZType, StringType))


def plain_text(value: Column, data_type: DataType, *, decimals: Decimals, time_unit: TimeUnit) -> Column:
    """The text of one value in the form the decoder reads; null stays null.

    Args:
        value: struct<text, name, scale>: the JSON value as text, numbers digit by digit, and what the message's own
            schema says of it (both null without one).
        data_type: the type of the contract, one that `is_described`.
        decimals: how decimals are written where the message does not say.
        time_unit: unit of integer timestamps where the message does not say.
    """
    text, name = value["text"], value["name"]
    match data_type:
        case DecimalType():
            return _decimal(value, data_type, decimals)
        case DateType():
            return _temporal(text, name, F.when(text.rlike(_INTEGER), _day(text)).otherwise(text))
        case TimestampType() | TimestampNTZType():
            return _temporal(text, name, F.when(text.rlike(_INTEGER), _instant(text, time_unit)).otherwise(text))
        case _:
            known = F.when(name == _DECIMAL, _points(text, value["scale"])).otherwise(_temporal(text, name, text))
            for unit, names in _CLOCKS.items():
                # A time of day is the clock of the first day.
                known = F.when(name.isin(*names), F.regexp_extract(_instant(text, unit), r" (.*+)$", 1)).otherwise(
                    known
                )
            return F.when(name.isNull() | text.isNull(), text).otherwise(known)


def is_unavailable(text: Column, placeholder: str) -> Column:
    """Whether the text is the unavailable marker, as it is or as bytes and lists write it; false for null."""
    raw = placeholder.encode()
    written = (placeholder, base64.b64encode(raw).decode(), raw.hex(), f'["{placeholder}"]')
    return F.coalesce(text.isin(*written), F.lit(False))


def unscaled(text: Column) -> Column:
    """The integer (decimal(38,0)) that base64 text holds as big-endian two's complement; null if it holds none."""
    return bind(F.hex(F.try_to_binary(text, F.lit("base64"))), _from_hex)


def _from_hex(digits: Column) -> Column:
    negative = F.substring(digits, 1, 1).rlike("[89A-F]")
    # -n is the complement of n - 1; working on magnitudes keeps every step inside 38 digits. It is a subtraction at
    # the end because the unary minus of Spark 4.1 keeps 34 digits only.
    magnitude = F.when(negative, F.translate(digits, "0123456789ABCDEF", "FEDCBA9876543210")).otherwise(digits)
    padded = F.lpad(magnitude, 32, "0")
    base = F.lit(1 << 32).cast("decimal(10,0)")
    total = F.lit(0).cast("decimal(38,0)")
    for start in (1, 9, 17, 25):
        word = F.conv(F.substring(padded, start, 8), 16, 10).cast("decimal(10,0)")
        total = F.try_add(F.try_multiply(total, base), word)
    value = F.when(negative, F.try_subtract(F.lit(-1).cast("decimal(10,0)"), total)).otherwise(total)
    return F.when(F.length(digits).between(2, 32), value)


def _decimal(value: Column, data_type: DecimalType, decimals: Decimals) -> Column:
    text, name = value["text"], value["name"]
    scale = F.coalesce(value["scale"], F.lit(str(data_type.scale)))
    # Numeric columns without a declared scale arrive as {"scale": s, "value": base64}.
    variable = bind(parse_object(text, texts(["scale", "value"])), lambda v: _scaled(v["value"], v["scale"]))
    encoded = F.coalesce(name == _DECIMAL, F.lit(decimals == "base64"))
    return (
        F.when(text.startswith("{"), F.coalesce(variable, F.lit(_NO_VALUE)))
        .when(text.isNotNull() & encoded, F.coalesce(_scaled(text, scale), F.lit(_NO_VALUE)))
        .otherwise(text)
    )


def _scaled(text: Column, scale: Column) -> Column:
    """`unscaled` with its decimal point as an exponent: 31234 at scale 2 is `31234E-2`."""
    sign = F.when(scale.startswith("-"), F.substring(scale, 2, 4)).otherwise(F.concat(F.lit("-"), scale))
    return F.concat(unscaled(text).cast("string"), F.lit("E"), sign)


def _points(text: Column, scale: Column) -> Column:
    """`unscaled` with its decimal point in place, for contracts that keep the text."""
    places = F.when(scale.rlike(r"^\d{1,2}$"), scale.cast("int"))

    def place(digits: Column) -> Column:
        size = F.greatest(F.length(digits), places + 1)
        padded = F.concat(F.lit("0" * 100), digits)
        padded = padded.substr(F.length(padded) - size + 1, size)
        point = F.when(places > 0, F.lit(".")).otherwise(F.lit(""))
        return F.concat(padded.substr(F.lit(1), size - places), point, padded.substr(size - places + 1, places))

    def signed(number: Column) -> Column:
        sign = F.when(number.startswith("-"), F.lit("-")).otherwise(F.lit(""))
        return F.concat(sign, bind(F.ltrim(F.translate(number, "-", "")), place))

    return F.when(text.isNotNull(), F.coalesce(bind(unscaled(text).cast("string"), signed), text))


def _temporal(text: Column, name: Column, otherwise: Column) -> Column:
    value = F.when(name.isin(*_DAYS), F.coalesce(_day(text), F.lit(_NO_VALUE)))
    for unit, names in _UNITS.items():
        value = value.when(name.isin(*names), _instant(text, unit))
    return F.when(text.isNull(), text).otherwise(value.otherwise(otherwise))


def _day(text: Column) -> Column:
    """ISO text of a number of days; `?` for a number that is out of range or none."""
    day = F.date_from_unix_date(text.cast("int")).cast("string")
    return F.when(text.rlike(r"^-?\d{1,7}$"), day).otherwise(F.lit(_NO_VALUE))


def _instant(text: Column, unit: TimeUnit) -> Column:
    """ISO text without a zone of a number of units since 1970; nanoseconds are cut; `?` out of range."""
    digits = {"ms": 15, "us": 18, "ns": 19}[unit]
    number = text.cast("decimal(19,0)")
    micros = {"ms": number * 1000, "us": number, "ns": F.floor(number / 1000)}[unit]
    fits = text.rlike(rf"^-?\d{{1,{digits}}}$")
    return F.when(fits, wall_clock(micros).cast("string")).otherwise(F.lit(_NO_VALUE))
