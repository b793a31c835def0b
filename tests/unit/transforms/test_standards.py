"""Texts in the one form that can be compared."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.errors import ConfigError
from lakehouse.transforms import composed_text, standard_country, standard_email, standard_phone, tidy_text

TIDY = {
    "  a \t b\n": "a b",
    "a\u00a0\u2003b": "a b",
    "\ufeffa\u200bb\u00a0": "ab",
    "\u3000": "",
    "": "",
    "é": "é",
    None: None,
}
EMAILS = {
    " Ada.Lovelace@Example.ORG\u00a0": "ada.lovelace@example.org", "a+b@x.io": "a+b@x.io", "a@b": None, "a b@x.io": None,
    "a@x..io": None, "a@x.io, b@x.io": None, "@x.io": None, "": None, None: None,
}  # fmt: skip
PHONES = {
    "+49 30 1234567": "+49301234567", "0049 (0)30/123 45-67": "+49301234567", "(030) 123.4567": "+49301234567",
    "+49 (0)30 1234567": "+49301234567", "030\u00a01234567": "+49301234567", "+1 (555) 010-9999": "+15550109999",
    "+1 555 0": None, "call me": None, "030 1234567 ext 5": None, "+49 30 1234567 1234567": None, "": None, None: None,
}  # fmt: skip
NAMES = {"Germany": "DE", "Deutschland": "DE", "UK": "GB"}
COUNTRIES = {
    "DE": "DE", " de ": "DE", "germany": "DE", "DEUTSCHLAND\u00a0": "DE", "uk": "GB", "gb": "GB", "FR": None, "": None, None: None,
}  # fmt: skip


def test_texts_have_one_form(spark: SparkSession) -> None:
    """What people write of one thing becomes one text, and what is no such thing becomes null."""
    rows = [(kind, text) for kind, cases in enumerate((TIDY, EMAILS, PHONES, COUNTRIES)) for text in cases]
    text = F.col("text")
    phone, country = standard_phone(text, country_code="49"), standard_country(text, NAMES)
    made = (tidy_text(text), standard_email(text), phone, country)
    found: tuple[dict[str | None, str | None], ...] = ({}, {}, {}, {})
    for row in spark.createDataFrame(rows, "kind int, text string").select("kind", "text", *made).collect():
        found[row.kind][row.text] = row[2 + row.kind]
    assert found == (TIDY, EMAILS, PHONES, COUNTRIES)


def test_letters_and_their_accents_become_one(spark: SparkSession) -> None:
    """As Unicode's own database composes them, for every letter that it says something of, alone and behind a letter."""
    odd = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.decomposition(chr(code)) and not 0xD800 <= code < 0xE000
    ]
    texts = [one for letter in odd for one in (letter, unicodedata.normalize("NFD", letter), f"a{letter}\u0301")]
    texts += ["", "plain", "e\u0301\u0323", "\u1100\u1161\u11a8", "q\u0307\u0323"]
    frame = spark.createDataFrame([*enumerate(texts), (-1, None)], "id int, text string")
    found = {row.id: row.made for row in frame.select("id", composed_text(F.col("text")).alias("made")).collect()}
    assert found == {-1: None} | {number: unicodedata.normalize("NFC", text) for number, text in enumerate(texts)}


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(("country_code", "trunk_prefix"), [("+49", "0"), ("049", "0"), ("49", "(0)")])
def test_a_code_that_is_no_number_is_refused(country_code: str, trunk_prefix: str) -> None:
    """The error says how to write it."""
    with pytest.raises(ConfigError, match="write digits"):
        standard_phone(F.lit("1"), country_code=country_code, trunk_prefix=trunk_prefix)


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(
    ("names", "said"),
    [({"Germany": "GER"}, "two capital letters"), ({"de": "AT", "Germany": "DE"}, "stands for DE and for AT")],
)
def test_countries_that_cannot_be_told_apart_are_refused(names: dict[str, str], said: str) -> None:
    """The error names the code or the spelling."""
    with pytest.raises(ConfigError, match=said):
        standard_country(F.lit("x"), names)


def test_no_countries_are_none(spark: SparkSession) -> None:
    """Where there are no countries no text is one."""
    assert spark.range(1).select(standard_country(F.lit("DE"), {}).alias("code")).collect()[0].code is None
