"""Files as rules see them, and which of them a rule looks at.

Source: AWS Glue Developer Guide, the tags of "FileFreshness", "FileMatch", "FileSize" and "FileUniqueness".
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from lakehouse.quality.judging import RuleError
from lakehouse.quality.patterns import require_bounded
from lakehouse.quality.rules import Name, Number, OptionValue, Text

Algorithm = Literal["MD5", "SHA-1", "SHA-256"]
ALGORITHMS: tuple[Algorithm, ...] = ("MD5", "SHA-1", "SHA-256")

RECENT, PATTERN, ORDER = "recentFiles", "uriRegex", "filterOrder"

Choose = Callable[[Sequence["FileFacts"]], Sequence["FileFacts"]]
"""Takes some of the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What is known of a file.

    Attributes:
        path: its whole address, as people write it.
        size: in bytes.
        modified_at: when it was last written, with a zone.
        digest: the checksum of its bytes, in small hexadecimal digits. It reads the file, and raises RuleError if it cannot.
    """

    path: str
    size: int
    modified_at: datetime
    digest: Callable[[Algorithm], str] = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]


def chooser(options: Mapping[str, OptionValue]) -> Choose:
    """What `recentFiles` and `uriRegex` leave, the one applied to what the other left, in the order of `filterOrder`.

    Raises:
        RuleError: an option makes no sense.
    """
    filters: dict[str, Choose] = {}
    if RECENT in options:
        filters[RECENT] = _newest(options[RECENT])
    if PATTERN in options:
        filters[PATTERN] = _matching(options[PATTERN])
    ordered = [filters[name] for name in _order(options.get(ORDER, ()), tuple(filters))]

    def choose(files: Sequence[FileFacts]) -> Sequence[FileFacts]:
        for apply in ordered:
            files = apply(files)
        return files

    return choose


def option_text(options: Mapping[str, OptionValue], name: str, default: str) -> str:
    """An option that is a text.

    Raises:
        RuleError: it is none.
    """
    match options.get(name, Text(default)):
        case Text(value=said) | Name(value=said):
            return said
    msg = f"{name} is a text in quotes"
    raise RuleError(msg)


def _newest(value: OptionValue) -> Choose:
    """The newest files; of those of one instant the first by path."""
    match value:
        case Number(value=number) if number == number.to_integral_value() and number >= 1:
            return lambda files: sorted(files, key=lambda file: (-file.modified_at.timestamp(), file.path))[
                : int(number)
            ]
    msg = f"{RECENT} is a whole number from 1"
    raise RuleError(msg)


def _matching(value: OptionValue) -> Choose:
    """The files whose path has the pattern anywhere; one that begins with `(?!` is asked of the whole path, as AWS has it."""
    pattern = option_text({PATTERN: value}, PATTERN, "")
    require_bounded(pattern)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of what Java would read in another way
            compiled = re.compile(pattern, re.ASCII)
    except (re.error, FutureWarning):
        msg = f"{PATTERN} is no regular expression, or has what Java alone knows"
        raise RuleError(msg) from None
    found = compiled.match if pattern.startswith("(?!") else compiled.search
    return lambda files: [file for file in files if found(file.path)]


def _order(value: OptionValue, there: tuple[str, ...]) -> tuple[str, ...]:
    """The filters that are there, those that `filterOrder` names first."""
    named = value if isinstance(value, tuple) else (option_text({ORDER: value}, ORDER, ""),)
    if len(set(named)) < len(named) or not set(named) <= set(there):
        msg = f"{ORDER} lists each of {RECENT} and {PATTERN} once, and those alone that the rule has"
        raise RuleError(msg)
    return (*named, *(name for name in there if name not in named))
