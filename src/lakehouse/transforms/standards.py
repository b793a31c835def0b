"""Texts in the one form that can be compared: columns in, columns out, null where there is no such form.

The column they are made of stays beside them, so nothing is lost: `df.withColumn("email_standard", standard_email(F.col("email")))`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from lakehouse.errors import ConfigError

_MAYBE_APART = (
    r"[\p{M}\u0374\u037E\u0387\u0958-\u0A5E\u0B5C\u0B5D\u0F43-\u0F69\u1100-\u11FF\u1F71-\u1FFD\u2000\u2001\u2126-\u212B\u2329\u232A\u2ADC"
    r"\uF900-\uFB4E\x{1D15E}-\x{1D1C0}\x{2F800}-\x{2FA1D}]"
)
"""Marks that may go together with the letter before them, parts of Hangul, and letters that stand for others."""
_INVISIBLE = r"[\u200B\u2060\uFEFF]"  # not the joiners, which change how letters are read
_BLANKS = r"[\p{Z}\s\u0085]+"
# As the HTML standard has it for e-mail fields, with at least one point in the domain.
_EMAIL = (
    r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]{2,63}$"
)
_PHONE = r"^(?:\+|00)?[0-9 ()./-]+$"
_E164 = r"^\+[1-9][0-9]{6,14}$"


def tidy_text(text: Column) -> Column:
    """The text with one blank for any white space of Unicode, the no-break space among it, and none at its ends.

    Zero-width spaces and byte order marks go. Null stays null, and a text of blanks alone becomes empty.
    """
    return F.trim(F.regexp_replace(F.regexp_replace(text, _INVISIBLE, ""), _BLANKS, " "))


def composed_text(text: Column) -> Column:
    """The text in Unicode's normal form C, in which an accent and its letter are one: `e` and U+0301 become `é`. Null stays null.

    Spark has no expression for it, so texts that may not be in this form already go through Python, and no others.
    """
    made = F.udf(_composed, StringType(), useArrow=False)(F.when(text.rlike(_MAYBE_APART), text))
    return F.coalesce(made, text)


def _composed(text: str | None) -> str | None:
    return None if text is None else unicodedata.normalize("NFC", text)


def standard_email(text: Column) -> Column:
    """An e-mail address in small letters; null for what is none. Mail to both spellings goes to one person."""
    tidy = tidy_text(text)
    return F.when(tidy.rlike(_EMAIL), F.lower(tidy))


def standard_phone(text: Column, *, country_code: str | Column, trunk_prefix: str = "0") -> Column:
    """A phone number in the form of E.164 (`+493012345`); null for what is none.

    Brackets, points, dashes, slashes and blanks go, and so does a trunk prefix in brackets behind a country code. Whether
    the number is given to anyone, or of the right length in its country, is not looked at: 7 to 15 digits are a number.

    Args:
        text: the number as people write it.
        country_code: of numbers that name none: digits, such as `49`. Where a column of them is null, such numbers are none.
        trunk_prefix: what national numbers begin with and international ones leave out; empty where there is none.

    Raises:
        ConfigError: one of the two is no number.
    """
    if (isinstance(country_code, str) and not re.fullmatch(r"[1-9]\d{0,2}", country_code)) or not re.fullmatch(
        r"\d*", trunk_prefix
    ):
        msg = f"country code {country_code!r} or trunk prefix {trunk_prefix!r} is no number; write digits, such as '49' and '0'"
        raise ConfigError(msg)
    tidy = tidy_text(text)
    international = F.regexp_replace(F.regexp_replace(tidy, r"^(?:\+|00)", "+"), r"^(\+[^(]*)\(0\)", "$1")
    national = F.concat(
        F.lit("+"), F.lit(country_code), F.regexp_replace(F.regexp_replace(tidy, "[^0-9]", ""), f"^{trunk_prefix}", "")
    )
    number = F.when(tidy.rlike(r"^(?:\+|00)"), F.regexp_replace(international, "[^0-9+]", "")).otherwise(national)
    return F.when(tidy.rlike(_PHONE) & number.rlike(_E164), number)


def standard_country(text: Column, names: Mapping[str, str]) -> Column:
    """The code of a country that is written as its code or by a name, in any case; null for what is neither.

    >>> spark.range(1).select(standard_country(F.lit(" germany"), {"Germany": "DE", "UK": "GB"}).alias("code")).head().code
    'DE'

    Args:
        text: the country as people write it.
        names: the countries that there are: how they may be written, and their codes. The codes themselves need no mention.

    Raises:
        ConfigError: a code is not two letters, or one spelling means two countries.
    """
    if odd := sorted(code for code in set(names.values()) if not re.fullmatch("[A-Z]{2}", code)):
        msg = f"{odd[0]!r} is no code of a country; write two capital letters (ISO 3166-1 alpha-2)"
        raise ConfigError(msg)
    meant: dict[str, str] = {}
    for spelling, code in [*((code, code) for code in names.values()), *names.items()]:
        folded = spelling.strip().lower()
        if meant.setdefault(folded, code) != code:
            msg = f"{spelling!r} stands for {meant[folded]} and for {code}; leave one out"
            raise ConfigError(msg)
    if not meant:
        return F.lit(None).cast("string")
    pairs = [F.lit(part) for pair in meant.items() for part in pair]
    return F.create_map(*pairs)[F.lower(tidy_text(text))]
