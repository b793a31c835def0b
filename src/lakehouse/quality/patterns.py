"""Regular expressions of Java, guarded: those that could take for ever are refused.

Java tries one way after the other. A repetition without bound of what holds another repetition, or alternatives that may
begin alike, can share out a text in exponentially many ways: `(a+)+b` on thirty times `a` runs for minutes. Such patterns are
refused unless the inner or the outer one gives nothing back, which is written with a `+` behind it (`a++`) or as `(?>...)`. So
are references back to a group, and bounded repetitions of each other beyond MOST_WAYS and MOST_REPETITIONS. What is left takes
at most about MOST_WAYS * n^k steps for a text of n characters, k being its repetitions: a power of n, and never 2^n.

Java also goes deeper with each repetition of a group that has alternatives or several lengths: `(a|b)*` on some thousand
characters overflows the stack, at which Spark ends the whole process, whatever else it was doing. `longest_text` says how long a
text may be for such a pattern. A repetition that gives nothing back, `(a|b)*+`, is a loop and takes any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import inf

from lakehouse.quality.judging import RuleError

TOKENS = re.compile(
    r"\\Q.*?(?:\\E|\Z)|\\[pPx]\{[^}]*\}|\\k<[^>]*>|\\.|\[|\]|\(\?(?:>|<?[=!]|<[A-Za-z]\w*>|[a-zA-Z-]*[:)])|\(|\)|\||"
    r"(?:[*+?]|\{\d+(?:,\d*)?\})[+?]?|.",
    re.DOTALL,
)
MOST_WAYS = 10**6
"""In how many ways small repetitions (`a?`, `a{1,3}`) may share out a text between them."""

MOST_REPETITIONS = 10
"""How many large repetitions (`a*`, `a{0,99}`) there may be, those that are repeated counted each time."""

MOST_FRAMES = 500
"""How deep repeated groups may lead. A stack of a megabyte, which tasks have, was seen to hold more than 1,000."""

ADVICE = "let the repetition of the group give nothing back, (a+b)++ for (a+b)+"

UNEQUAL = re.compile(r"\.|\\[DHNPRSVWXp].*|\[.*(?:\^|\\[DHPSVWpx]|[\U00010000-\U0010ffff]).*", re.DOTALL)
"""One character of Unicode that may be one or two of Java's; the second kind is counted as an eighth of a group, as measured."""

SMALL = 8
REPEATS = re.compile(r"(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})([+?]?)")


@dataclass(slots=True)
class _Group:
    """A group that is being read: how its alternatives begin, and what it can give back."""

    opened: str
    begins: list[str] = field(default_factory=lambda: [""])
    ways: int = 1
    repetitions: int = 0
    uneven: bool = False
    frames: float = 0

    def read(self, piece: str) -> None:
        """Note how the alternative that is being read begins, and what it is."""
        self.begins[-1] = self.begins[-1] or piece
        self.uneven = self.uneven or UNEQUAL.fullmatch(piece) is not None

    def hold(self, inner: _Group) -> None:
        """Take in a group that is there once."""
        self.add(inner.ways, inner.repetitions)
        self.uneven = self.uneven or inner.uneven
        self.frames += inner.frames

    def add(self, ways: int, repetitions: int) -> None:
        """Add what a part of it can give back."""
        self.ways *= ways
        self.repetitions += repetitions
        if self.ways > MOST_WAYS or self.repetitions > MOST_REPETITIONS:
            msg = (
                "the pattern has too many repetitions, which can take for ever: let some give nothing back, a++ for a+"
            )
            raise RuleError(msg)

    def branches(self) -> int:
        """How many of its alternatives may begin alike; 1: each begins with a letter or digit of its own."""
        begins = {one.lower() for one in self.begins if len(one) == 1 and one.isalnum()}
        return 1 if len(begins) == len(self.begins) or len(self.begins) == 1 else len(self.begins)


def whole_match(pattern: str) -> str:
    r"""The pattern that a whole text matches where the given one matches all of it.

    Raises:
        RuleError: it could take for ever.

    >>> whole_match("a|b")
    '\\A(?:a|b)\\z'
    """
    require_bounded(pattern)
    return rf"\A(?:{pattern})\z"


def require_bounded(pattern: str) -> None:
    """Fail when a pattern could take for ever.

    Raises:
        RuleError: it could.
    """
    _read_all(pattern)


def longest_text(pattern: str) -> int | None:
    """Of how many characters a text may be so that Java's stack holds what the pattern tries; None: of any number.

    Raises:
        RuleError: the pattern could take for ever.

    >>> longest_text("(foo|bar)+"), longest_text("(foo|bar)++")
    (500, None)
    """
    if _read_all(pattern).frames <= MOST_FRAMES:
        return None
    return MOST_FRAMES // max(1, pattern.count("("))


def too_long(longest: int) -> str:
    """Why a text of more characters than that is not matched; nothing of the text is in it."""
    return (
        "the pattern repeats a group of alternatives or of several lengths, for which a text may have "
        f"{longest} characters: {ADVICE}"
    )


def _read_all(pattern: str) -> _Group:
    """A pattern as a group."""
    groups = [_Group("")]
    closed: _Group | None = None
    before = ""
    for piece in _tokens(pattern):
        if re.match(r"\\[1-9]|\\k<|\(\?[a-wyz]*x", piece):
            msg = "the pattern refers back to a group, or has comments, so that nobody can say how long it takes"
            raise RuleError(msg)
        repeat = REPEATS.fullmatch(piece)
        if repeat is None:
            if closed is not None:
                groups[-1].hold(closed)
            closed = _read(groups, piece)
        else:
            _repeat(groups[-1], closed or _one(before), repeat)
            closed = None
        before = piece
    if closed is not None:
        groups[-1].hold(closed)
    return groups[0]


def _tokens(pattern: str) -> Iterator[str]:
    """The tokens of a pattern; a class of characters is one."""
    depth, held = 0, ""
    for piece in TOKENS.findall(pattern):
        if piece == "[" or (depth and piece == "]"):
            depth += 1 if piece == "[" else -1
        held += piece
        if not depth:
            yield held
            held = ""
    if held:
        yield held


def _read(groups: list[_Group], piece: str) -> _Group | None:
    """Take one piece in; the group that it closed."""
    if piece.startswith("(") and not piece.endswith(")"):
        groups[-1].read(piece)
        groups.append(_Group(piece))
    elif piece == ")" and len(groups) > 1:
        closed = groups.pop()
        closed.frames += 1
        return replace(_one(""), uneven=closed.uneven, frames=closed.frames) if closed.opened == "(?>" else closed
    elif piece == "|":
        groups[-1].begins.append("")
        groups[-1].uneven = True
    else:
        groups[-1].read(piece)
    return None


def _repeat(around: _Group, inner: _Group, repeat: re.Match[str]) -> None:
    """Take in the repetition of a group; one character is a group that cannot give back."""
    least, most = _bounds(repeat)
    around.uneven = around.uneven or inner.uneven or least != most
    if repeat[0].endswith("+") and repeat[0] != "+":
        around.frames += inner.frames
        return
    ways = inner.ways * inner.branches()
    if most is None:
        if ways > 1 or inner.repetitions:
            msg = f"the pattern repeats what can be shared out in several ways, which can take for ever: {ADVICE}"
            raise RuleError(msg)
        around.add(1, 1)
        around.frames += inner.frames * (inf if inner.uneven and inner.frames >= 1 else 1)
        return
    around.frames += inner.frames * (most if inner.uneven else 1)
    times = most - least + 1
    around.add(min(ways, MOST_WAYS + 1) ** min(most, SMALL * SMALL), inner.repetitions * most)
    around.add(times if times <= SMALL else 1, 0 if times <= SMALL else 1)


def _one(character: str) -> _Group:
    """One character as a group; without bound Java repeats it in a loop."""
    uneven = UNEQUAL.fullmatch(character) is not None
    return _Group("", uneven=uneven, frames=1 / 8 if uneven else 0)


def _bounds(repeat: re.Match[str]) -> tuple[int, int | None]:
    """How often at least and at most; None: without bound."""
    least, comma, most, _ = repeat.groups()
    if least is None:
        return (0, 1) if repeat[0].startswith("?") else (0, None)
    return int(least), int(least) if comma is None else int(most) if most else None
