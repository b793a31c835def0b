"""Texts and numbers as pages show them."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hostile_strings import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.reports.texts import LIMIT, counted, instant, number, share, visible


@given(st.text(max_size=50) | st.sampled_from(HOSTILE))
def test_nothing_stays_invisible(text: str) -> None:
    """No control or format character is left but line feeds, tabs and joiners; the shown text can always be encoded."""
    shown = visible(text)
    shown.encode()
    assert not {one for one in shown if unicodedata.category(one) in {"Cc", "Cf", "Cs"}} - set("\n\t\u200c\u200d")


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=LIMIT))
def test_what_is_visible_stays(text: str) -> None:
    """Letters of any script, digits, punctuation and symbols are shown as they are."""
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nul\x00", "nul⟨U+0000⟩"),
        ("\u202egnp.exe", "⟨U+202E⟩gnp.exe"),
        ("a\u2066b\u2069", "a⟨U+2066⟩b⟨U+2069⟩"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("\udc80", "⟨U+DC80⟩"),
        ("line\u2028end", "line⟨U+2028⟩end"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_what_cannot_be_seen_is_named(text: str, shown: str) -> None:
    """NUL, direction overrides, zero-width characters, halves of surrogates and tags are named by number; joiners are letters."""
    assert visible(text) == shown


def test_a_long_text_is_cut() -> None:
    """A text of the limit is whole; a longer one ends with how long it is."""
    assert visible("x" * LIMIT) == "x" * LIMIT
    assert visible("x" * 1_000_000) == "x" * LIMIT + "… (1,000,000 characters)"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-0.0, "0"),
        (12, "12"),
        (1_234_567, "1,234,567"),
        (48_000.0, "48,000"),
        (-1234.5, "-1,234"),
        (1000.4, "1,000"),
        (0.5, "0.5"),
        (0.123456, "0.1235"),
        (0.99961, "0.9996"),
        (0.99996, "0.99996"),
        (0.9999999, "0.9999999"),
        (1.0000001, "1.0000001"),
        (0.00001234, "1.234e-05"),
        (1e300, "1e+300"),
        (10**30, "1,000,000,000,000,000,000,000,000,000,000"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (math.nan, "not a number"),
    ],
)
def test_numbers_for_people(value: float, shown: str) -> None:
    """Thousands are divided, four digits are shown, and a share that is not 1 never reads 1."""
    assert number(value) == shown


@given(st.floats(min_value=-999, max_value=999))
def test_no_small_number_is_rounded_to_a_whole_one(value: float) -> None:
    """Below a thousand, what reads as a whole number is one."""
    assert value.is_integer() or not float(number(value)).is_integer()


@given(st.floats())
def test_every_number_can_be_written(value: float) -> None:
    """There is a text for any float."""
    assert number(value)


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 0, "0 %"),
        (0, 9, "0 %"),
        (9, 9, "100 %"),
        (1, 8, "12.5 %"),
        (1, 100_000, "< 0.1 %"),
        (99_999, 100_000, "99.9 %"),
    ],
)
def test_shares(part: int, whole: int, shown: str) -> None:
    """All and nothing are kept apart from nearly all and nearly nothing."""
    assert share(part, whole) == shown


def test_counts() -> None:
    """One thing is singular; a plural of its own is taken."""
    assert [counted(0, "row"), counted(1, "row"), counted(2_000, "row"), counted(2, "query", "queries")] == [
        "0 rows",
        "1 row",
        "2,000 rows",
        "2 queries",
    ]


def test_instants_are_in_utc() -> None:
    """An instant of any zone is written in UTC."""
    kolkata = timezone(timedelta(hours=5, minutes=30))
    assert instant(datetime(2026, 11, 27, 3, 0, 5, tzinfo=kolkata)) == "2026-11-26 21:30:05 UTC"
    assert instant(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02 00:00:00 UTC"
