"""Texts and numbers as a page shows them: nothing invisible, nothing endless."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime

LIMIT = 500
"""Characters of one text that a page shows."""

_JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji cannot be written without them
_LAYOUT = "\n\t"


def visible(text: str) -> str:
    r"""Show control, format and line-separating characters by their numbers, and cut what is longer than `LIMIT`.

    A browser drops NUL, hides zero-width characters, and lets a direction override turn what follows it.

    >>> visible("a\x00b\u202egnp.exe")
    'a⟨U+0000⟩b⟨U+202E⟩gnp.exe'
    """
    cut = text[:LIMIT]
    shown = "".join(f"⟨U+{ord(one):04X}⟩" if _hidden(one) else one for one in cut)
    return shown if len(text) <= LIMIT else f"{shown}… ({len(text):,} characters)"


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character not in _JOINERS + _LAYOUT


def number(value: float) -> str:
    """Write a number for people: four digits, more where fewer would say a whole number that it is not.

    >>> [number(one) for one in (1234567, 0.98765, 0.999996, 1.0, 12345.678, float("nan"))]
    ['1,234,567', '0.9877', '0.999996', '1', '12,346', 'not a number']
    """
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):  # noqa: PLR2004  floats are exact below
        return f"{int(value):,}"
    if 1000 <= abs(value) < 1e15:  # noqa: PLR2004  as above
        return f"{value:,.0f}"
    return next(text for text in (f"{value:.{digits}g}" for digits in range(4, 18)) if not _is_whole(text))


def _is_whole(text: str) -> bool:
    return "e" not in text and float(text).is_integer()


def share(part: int, whole: int) -> str:
    """Write a share in percent; one that is not all or nothing never looks like it.

    >>> share(1, 3), share(1, 1_000_000), share(0, 0)
    ('33.3 %', '< 0.1 %', '0 %')
    """
    if not part:
        return "0 %"
    if part == whole:
        return "100 %"
    percent = 100 * part / whole
    return "< 0.1 %" if percent < 0.1 else f"{min(percent, 99.9):.1f} %"  # noqa: PLR2004  the digits that are shown


def counted(many: int, one: str, several: str = "") -> str:
    """Write a number of things.

    >>> counted(1, "rule"), counted(1200, "rule"), counted(0, "query", "queries")
    ('1 rule', '1,200 rules', '0 queries')
    """
    return f"{many:,} {one if many == 1 else several or one + 's'}"


def instant(moment: datetime) -> str:
    """Write an instant in UTC, to the second.

    >>> instant(datetime(2026, 11, 27, 6, 30, tzinfo=UTC))
    '2026-11-27 06:30:00 UTC'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
