"""What fits into what, worked out in plain Python: decimals of any length, and what texts say by a table written by hand."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal, localcontext
from typing import Any

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
    StructType,
    TimestampNTZType,
    TimestampType,
)

NO = "does not fit"
BITS: dict[type[DataType], int] = {ByteType: 8, ShortType: 16, IntegerType: 32, LongType: 64}
LIMIT: dict[type[DataType], int] = {FloatType: 2**24, DoubleType: 2**53}
TIMES = (DateType, TimestampType, TimestampNTZType)

Number = Decimal | float | None
Moment = datetime | None
TEXTS: Mapping[str, tuple[Number, Moment, bool | None]] = {
    # text: the number it says, the moment (in UTC), the truth value
    "7": (Decimal(7), None, None),
    "-12": (Decimal(-12), None, None),
    " 8 ": (Decimal(8), None, None),
    "5.00": (Decimal("5.00"), None, None),
    "1": (Decimal(1), None, True),
    "0": (Decimal(0), None, False),
    "01": (Decimal(1), None, None),
    "2": (Decimal(2), None, None),
    "1.5": (Decimal("1.5"), None, None),
    "10.22": (Decimal("10.22"), None, None),
    "1.005": (Decimal("1.005"), None, None),
    "300": (Decimal(300), None, None),
    "9007199254740993": (Decimal(9007199254740993), None, None),
    "0.30000000000000004": (Decimal("0.30000000000000004"), None, None),
    "0.1000000000000000055": (Decimal("0.1000000000000000055"), None, None),
    "1e400": (Decimal("1e400"), None, None),
    "1e-400": (Decimal("1e-400"), None, None),
    "12345678901234567890": (Decimal(12345678901234567890), None, None),
    "NaN": (math.nan, None, None),
    "-Infinity": (-math.inf, None, None),
    "1,5": (None, None, None),
    "7x": (None, None, None),
    "x": (None, None, None),
    "k": (None, None, None),
    "": (None, None, None),
    " ": (None, None, None),
    "true": (None, None, True),
    "No": (None, None, False),
    "2026-11-24": (None, datetime(2026, 11, 24), None),  # noqa: DTZ001 - in UTC, as it is collected
    "2026-11-24 00:00:00": (None, datetime(2026, 11, 24), None),  # noqa: DTZ001 - as above
    "2026-11-24T03:35:44.644718Z": (None, datetime(2026, 11, 24, 3, 35, 44, 644718), None),  # noqa: DTZ001 - as above
    "2026-11-24 03:35:44+02:00": (None, datetime(2026, 11, 24, 1, 35, 44), None),  # noqa: DTZ001 - as above
    "2026-11-24T03:35:44.6447189Z": (None, None, None),
    "2026-02-30": (None, None, None),
    "24.11.2026": (None, None, None),
}
"""Texts and what they say. Seven digits of a second are no moment, for the last one would be cut off."""


def fitted(value: Any, source: DataType, target: DataType, *, keep_extra: bool) -> tuple[Any, Any]:
    """The value as the target type, and what did not fit in the form of its JSON; None where there is none."""
    if value is None:
        return None, None
    if isinstance(source, StructType) and isinstance(target, StructType):
        return _struct(value, source, target, keep_extra=keep_extra)
    if isinstance(source, ArrayType) and isinstance(target, ArrayType):
        pairs = [fitted(one, source.elementType, target.elementType, keep_extra=keep_extra) for one in value]
        if not target.containsNull and any(made is None for made, _ in pairs):
            return None, shown(value, source)
        rest = [left for _, left in pairs]
        return [made for made, _ in pairs], rest if any(left is not None for left in rest) else None
    if isinstance(source, MapType) and isinstance(target, MapType):
        return _map(value, source, target, keep_extra=keep_extra)
    made = atomic(value, source, target)
    return (None, shown(value, source)) if made is NO else (made, None)


def taken_from(source: Sequence[str], target: Sequence[str]) -> dict[str, str]:
    """Which source name each target name is taken from: itself, or the one free name that is itself but for letter case."""
    exact = [name for name in target if name in source]
    found = {name: name for name in exact}
    for name in target:
        rivals = [other for other in target if other not in exact and other.lower() == name.lower()]
        free = [other for other in source if other not in exact and other.lower() == name.lower()]
        if name not in exact and len(rivals) == len(free) == 1:
            found[name] = free[0]
    return found


def _struct(value: Any, source: StructType, target: StructType, *, keep_extra: bool) -> tuple[Any, Any]:
    have = dict(zip(source.names, value, strict=True))
    taken = taken_from(source.names, target.names)
    made: list[Any] = []
    rest: dict[str, Any] = {}
    for field in target:
        name = taken.get(field.name)
        one, left = (
            (None, None) if name is None else _field(have[name], source[name].dataType, field.dataType, keep_extra)
        )
        if one is None and not field.nullable:
            return None, shown(value, source)
        made.append(one)
        rest |= {} if left is None or name is None else {name: left}
    extra = [name for name in source.names if name not in taken.values() and have[name] is not None]
    rest |= {name: shown(have[name], source[name].dataType) for name in extra if keep_extra}
    return tuple(made), rest or None


def _field(value: Any, source: DataType, target: DataType, keep_extra: bool) -> tuple[Any, Any]:  # noqa: FBT001 - private
    return fitted(value, source, target, keep_extra=keep_extra)


def _map(value: Any, source: MapType, target: MapType, *, keep_extra: bool) -> tuple[Any, Any]:
    made: dict[Any, Any] = {}
    rest: dict[str, Any] = {}
    for key, item in value.items():
        new_key = atomic(key, source.keyType, target.keyType)
        one, left = fitted(item, source.valueType, target.valueType, keep_extra=keep_extra)
        if new_key is NO or new_key in made or (one is None and not target.valueContainsNull):
            return None, shown(value, source)
        made[new_key] = one
        rest |= {} if left is None else {str(key): left}
    return made, rest or None


def shown(value: Any, data_type: DataType) -> Any:  # noqa: PLR0911 - one per type
    """A value in the form of its JSON; nulls of a struct are left out, those of arrays and maps are not."""
    if value is None:
        return None
    match data_type:
        case StructType():
            fields = zip(data_type, value, strict=True)
            return {field.name: shown(one, field.dataType) for field, one in fields if one is not None}
        case ArrayType():
            return [shown(one, data_type.elementType) for one in value]
        case MapType():
            return {str(key): shown(one, data_type.valueType) for key, one in value.items()}
        case BinaryType():
            return base64.b64encode(value).decode()
        case TimestampType() | TimestampNTZType():
            return value.isoformat(timespec="microseconds") + ("Z" if isinstance(data_type, TimestampType) else "")
        case DateType():
            return value.isoformat()
        case FloatType() | DoubleType() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
        case _:
            return value


def atomic(value: Any, source: DataType, target: DataType) -> Any:  # noqa: C901, PLR0911 - one per pair of kinds
    """A value of an atomic type as another, or that it does not fit."""
    if source == target:
        return value
    match source, target:
        case (_, ArrayType() | MapType() | StructType()) | (ArrayType() | MapType() | StructType(), _):
            return NO
        case StringType(), _:
            return _said(value, target)
        case _, StringType():
            return _text(value, source)
        case BooleanType(), ByteType() | ShortType() | IntegerType() | LongType():
            return int(value)
        case ByteType() | ShortType() | IntegerType() | LongType(), BooleanType():
            return bool(value) if value in {0, 1} else NO
        case (DateType() | TimestampType() | TimestampNTZType(), DateType() | TimestampType() | TimestampNTZType()):
            return _moment(value if isinstance(value, datetime) else datetime.combine(value, time()), target)
        case (FloatType() | DoubleType(), _) if isinstance(target, (FloatType, DoubleType)) and not math.isfinite(
            value
        ):
            return value
        case (FloatType(), DoubleType()) | (DoubleType(), FloatType()):
            return value if isinstance(target, DoubleType) or single(value) == value else NO
        case FloatType() | DoubleType(), _:
            return _number_of_floating(value, source, target)
        case DecimalType() | ByteType() | ShortType() | IntegerType() | LongType(), _:
            return _number(Decimal(value), target)
        case _:
            return NO


def _number_of_floating(value: float, source: DataType, target: DataType) -> Any:
    if not math.isfinite(value):
        return NO
    if type(target) in BITS:
        return _number(Decimal(value), target)
    if not isinstance(target, DecimalType) or abs(value) > LIMIT[type(source)]:
        return NO
    written = shortest(value, source)
    rounded = _rounded(written, target)
    back = None if rounded is NO else nearest(rounded, source)
    return rounded if back == value else NO


def _number(number: Decimal, target: DataType) -> Any:
    """An exact number as a whole number, a decimal, or the floating number that is written like it."""
    if type(target) in BITS:
        bits = BITS[type(target)]
        fits = number == number.to_integral_value() and -(2 ** (bits - 1)) <= number < 2 ** (bits - 1)
        return int(number) if fits else NO
    if isinstance(target, DecimalType):
        rounded = _rounded(number, target)
        return rounded if rounded == number else NO
    if isinstance(target, (FloatType, DoubleType)):
        near = nearest(number, target)
        fits = abs(number) <= LIMIT[type(target)] and shortest(near, target) == number
        return near if fits else NO
    return NO


def _rounded(number: Decimal, target: DecimalType) -> Any:
    with localcontext() as context:
        context.prec = 1000
        if number and not -400 < number.adjusted() < 400:
            return NO
        rounded = number.quantize(Decimal(1).scaleb(-target.scale), rounding="ROUND_HALF_UP")
        return rounded if abs(rounded) < Decimal(10) ** (target.precision - target.scale) else NO


def _said(text: str, target: DataType) -> Any:
    number, moment, truth = TEXTS[text]
    if isinstance(target, BinaryType):
        return text.encode()
    if isinstance(target, BooleanType):
        return NO if truth is None else truth
    if isinstance(target, TIMES):
        return NO if moment is None else _moment(moment, target)
    if isinstance(target, (FloatType, DoubleType)) and number is not None:
        if not isinstance(number, Decimal):
            return number
        near = nearest(number, target)
        return near if math.isfinite(near) and shortest(near, target) == number else NO
    return _number(number, target) if isinstance(number, Decimal) else NO


def _moment(moment: datetime, target: DataType) -> Any:
    if isinstance(target, DateType):
        return moment.date() if moment.time() == time() else NO
    return moment


def _text(value: Any, source: DataType) -> Any:  # noqa: PLR0911 - one per type
    match source:
        case BooleanType():
            return "true" if value else "false"
        case BinaryType():
            try:
                return bytes(value).decode()
            except UnicodeDecodeError:
                return NO
        case DecimalType():
            return format(value, "f")
        case TimestampType() | TimestampNTZType():
            fraction = f".{value.microsecond:06}".rstrip("0") if value.microsecond else ""
            return f"{value:%Y-%m-%d %H:%M:%S}{fraction}{'Z' if isinstance(source, TimestampType) else ''}"
        case ArrayType() | MapType() | StructType():
            return NO
        case FloatType() | DoubleType():
            return Written(value, source)
        case date():
            return value.isoformat()
        case _:
            return str(value)


class Written:
    """The text of a floating number: any that reads back as the number."""

    def __init__(self, value: float, data_type: DataType) -> None:
        """Remember the number."""
        self.value, self.data_type = value, data_type

    def is_said_by(self, text: str) -> bool:
        """Whether the text reads back as the number."""
        read = float(text)
        return same_float(single(read) if isinstance(self.data_type, FloatType) else read, self.value)


def same_float(first: float, second: float) -> bool:
    """Whether two numbers are equal, NaN being NaN."""
    return first == second or (math.isnan(first) and math.isnan(second))


def single(value: float) -> float:
    """The nearest 32-bit number; infinite beyond their range."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def nearest(number: Decimal, target: DataType) -> float:
    """The floating number of the type that is nearest."""
    value = float(number)
    return single(value) if isinstance(target, FloatType) else value


def shortest(value: float, data_type: DataType) -> Decimal:
    """The number with the fewest digits that reads back as the value."""
    if isinstance(data_type, DoubleType):
        return Decimal(repr(value))
    return next(Decimal(t) for digits in range(1, 10) if single(float(t := f"{value:.{digits}g}")) == value)
