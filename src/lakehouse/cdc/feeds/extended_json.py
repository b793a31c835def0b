"""MongoDB's extended JSON as plain JSON: each typed wrapper becomes the value that it holds.

| wrapper | becomes |
|---|---|
| `$oid`, `$symbol`, `$uuid` | text |
| `$numberInt`, `$numberLong` | a number |
| `$numberDouble` | a number; the texts NaN, Infinity, -Infinity |
| `$numberDecimal` | text, so that no digit is lost |
| `$date`: ISO text, milliseconds (canonical), a bare number (strict mode) | ISO text in UTC, one form for all |
| `$binary` (and its older form with `$type`) | base64; a UUID (subtype 4) its text |
| `$timestamp` | its object `{"t": seconds, "i": ordinal}` |
| `$undefined` | null |

What has no plain value (`$regularExpression`, `$code`, `$minKey` ...) stays as it is.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.cdc.json_text import bind
from lakehouse.transforms.decoding import wall_clock

# JSON has no raw control characters, so these can mark what is found.
_EDGE, _WITHIN = "\u0001", "\u0002"
_TEXT = r'"((?:[^"\\]++|\\.)*+)"'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]++)?+"
# A wrapper cannot begin inside a string: there its quotes have backslashes before them.
_SCALAR = (
    r'\{\s*+"\$(oid|symbol|uuid|numberInt|numberLong|numberDouble|numberDecimal|date)"\s*+:\s*+'
    rf'(?:{_TEXT}|(-?[0-9]++)|\{{\s*+"\$numberLong"\s*+:\s*+"(-?[0-9]++)"\s*+\}})\s*+\}}'
)
_BINARY = (
    r'\{\s*+"\$binary"\s*+:\s*+(?:'
    r'\{\s*+"base64"\s*+:\s*+"([^"\\]*+)"\s*+,\s*+"subType"\s*+:\s*+"([0-9A-Fa-f]{1,2})"\s*+\}'
    r'|"([^"\\]*+)"\s*+,\s*+"\$type"\s*+:\s*+"([0-9A-Fa-f]{1,2})"'
    r")\s*+\}"
)
_TIMESTAMP = r'\{\s*+"\$timestamp"\s*+:\s*+(\{[^{}"]*+"[ti]"[^{}"]*+"[ti]"[^{}"]*+\})\s*+\}'
_UNDEFINED = r'\{\s*+"\$undefined"\s*+:\s*+true\s*+\}'
_UUID = r"^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$"
_FIRST_MILLISECOND, _LAST_MILLISECOND = -62_135_596_800_000, 253_402_300_799_999  # of the years 1 and 9999


def plain_json(text: Column) -> Column:
    """The same JSON without wrappers; text that is no JSON stays none, null stays null."""
    mark = f"{_EDGE}%s{_WITHIN}%s{_EDGE}"
    marked = F.regexp_replace(text, _TIMESTAMP, "$1")
    marked = F.regexp_replace(marked, _UNDEFINED, "null")
    marked = F.regexp_replace(marked, _BINARY, mark % ("binary$2$4", "$1$3"))
    marked = F.regexp_replace(marked, _SCALAR, mark % ("$1", "$2$3$4"))
    parts = F.transform(
        F.split(marked, _EDGE), lambda part: F.when(part.contains(_WITHIN), _plain(part)).otherwise(part)
    )
    return F.when(text.rlike(f"[{_EDGE}{_WITHIN}]"), text).otherwise(F.array_join(parts, ""))


def uuid_bytes(text: Column) -> Column:
    """Base64 of the bytes that a UUID's text stands for; other text as it is."""
    return F.when(text.rlike(_UUID), F.base64(F.unhex(F.translate(text, "-", "")))).otherwise(text)


def _plain(part: Column) -> Column:
    def value(split: Column) -> Column:
        kind, held = split[0], split[1]
        number = kind.isin("numberInt", "numberLong", "numberDouble") & held.rlike(f"^{_NUMBER}$")
        plain = (
            F.when(kind == "date", F.when(held.rlike(r"^-?\d{1,15}$"), _instant(held.cast("bigint"))).otherwise(held))
            .when(kind.isin("binary04", "binary4"), bind(F.lower(F.hex(F.try_to_binary(held, F.lit("base64")))), _uuid))
            .otherwise(held)
        )
        return F.when(number, held).otherwise(F.concat(F.lit('"'), F.coalesce(plain, held), F.lit('"')))

    return bind(F.split(part, _WITHIN), value)


def _instant(millis: Column) -> Column:
    """ISO text as the relaxed form has it: milliseconds only where there are any; null outside of the years 1 to 9999."""
    known = F.when(millis.between(_FIRST_MILLISECOND, _LAST_MILLISECOND), millis)
    fraction = F.pmod(known, F.lit(1000))
    seconds = F.replace(wall_clock((known - fraction) * 1000).cast("string"), F.lit(" "), F.lit("T"))
    within = F.when(fraction != 0, F.concat(F.lit("."), F.lpad(fraction.cast("string"), 3, "0"))).otherwise("")
    return F.concat(seconds, within, F.lit("Z"))


def _uuid(digits: Column) -> Column:
    groups = (digits.substr(start, size) for start, size in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12)))
    return F.when(F.length(digits) == 32, F.concat_ws("-", *groups))  # noqa: PLR2004 - 16 bytes
