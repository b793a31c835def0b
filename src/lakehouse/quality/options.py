"""What the options behind `with` say: read the same way by who checks a ruleset and by who works it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lakehouse.quality.files import ALGORITHMS, ORDER, PATTERN, RECENT, Algorithm, chooser, option_text
from lakehouse.quality.judging import RuleError
from lakehouse.quality.rules import Name, Number, OptionValue, Text

MOST_BINS = 20

Options = Mapping[str, OptionValue]


def is_set(options: Options, name: str, *, default: str = "false") -> bool:
    """Whether an option is "true".

    Raises:
        RuleError: it is neither "true" nor "false".
    """
    match options.get(name, Text(default)):
        case Text(value="true" | "false" as said) | Name(value="true" | "false" as said):
            return said == "true"
    msg = f'{name} is "true" or "false"'
    raise RuleError(msg)


def bins_of(options: Options) -> int:
    """How many bins are asked for.

    Raises:
        RuleError: no number, or none that is allowed.
    """
    option = options.get("bins", Number(Decimal(MOST_BINS)))
    value = option.value if isinstance(option, Number) else Decimal(0)
    if value != int(value) or not 0 < value <= MOST_BINS:
        msg = f"bins is a whole number from 1 to {MOST_BINS}"
        raise RuleError(msg)
    return int(value)


def algorithm_of(options: Options) -> Algorithm:
    """The algorithm of checksums.

    Raises:
        RuleError: there is no such one.
    """
    name = option_text(options, "hashAlgorithm", "SHA-256")
    for one in ALGORITHMS:
        if one == name.upper():
            return one
    msg = f"there is no hashAlgorithm {name}; there are: {', '.join(ALGORITHMS)}"
    raise RuleError(msg)


def zone_of(options: Options, *, default: tzinfo | None = None) -> tzinfo | None:
    """The zone of times of day, by its region or by its offset from UTC.

    Raises:
        RuleError: there is no such one.
    """
    if "timeZone" not in options:
        return default
    name = option_text(options, "timeZone", "UTC")
    try:
        if name.startswith(("+", "-")):
            return datetime.fromisoformat(f"2000-01-01T00:00{name}").tzinfo
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = f"there is no timeZone {name}; use a region such as Europe/Paris, UTC, or an offset such as +02:00"
        raise RuleError(msg) from None


READERS: Mapping[str, Callable[[Options], object]] = {
    **dict.fromkeys((RECENT, PATTERN, ORDER), chooser),
    **{name: partial(is_set, name=name) for name in ("failFast", "matchFileName", "rebin")},
    "bins": bins_of,
    "format": partial(option_text, name="format", default=""),
    "hashAlgorithm": algorithm_of,
    "timeZone": zone_of,
}
"""Who reads an option, by its name; each raises RuleError of what makes no sense."""


def option_value_problems(options: Options) -> list[str]:
    """What is wrong with the values of options that there are."""
    found = []
    for read in dict.fromkeys(READERS[name] for name in options):
        try:
            read(options)
        except RuleError as error:
            found.append(str(error))
    return found
