"""Twelve small change feeds and the history that each must come to, as data; no Spark, no tool.

Every case starts with a table in which key 1 is `A` and key 2 is `B`, both since 1, and then gets its batches one by one.
A change says: from `at` on the row `key` has this `name` (op `U`), or is gone (op `D`). Ten cases have one right
history. The last two, a change without a key and two different changes at one moment, have none: there the question
is whether the tool says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol


class Change(NamedTuple):
    """One row of a feed."""

    key: int | None
    name: str | None
    at: int
    op: Literal["U", "D"] = "U"


class Span(NamedTuple):
    """What a key was from `start` (inclusive) to `end` (exclusive; None = still)."""

    name: str | None
    start: int
    end: int | None


History = Mapping[int | None, Sequence[Span]]
"""The spans of each key, in the order of their start; keys without any are left out."""


START = (Change(1, "A", 1), Change(2, "B", 1))
"""The rows every table has before the first batch."""

UNTOUCHED: History = {1: [Span("A", 1, None)], 2: [Span("B", 1, None)]}
"""What `START` says."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Batches and the right answer.

    Attributes:
        name: what happens.
        batches: delivered in this order.
        right: the spans of the keys that change; the others stay as they were.
        must_tell: what the tool has to say, because no history is right by itself.
    """

    name: str
    batches: Sequence[Sequence[Change]]
    right: History = field(default_factory=dict)
    must_tell: Literal["null key", "tie"] | None = None

    @property
    def history(self) -> History:
        """The right answer for all keys; what there was before where none is right."""
        return {**UNTOUCHED, **self.right}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a tool made of a case.

    Attributes:
        history: the rows of its table; zero-width helper rows that no reader sees may be left out.
        told: what it said of the rows it did not apply, by kind and number (`{"missing_key": 2}`).
        error: the kind of error it raised, and None when it raised none.
    """

    history: History
    told: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None


class Contender(Protocol):
    """A tool under test. For another tool write one of these, and name it to the command."""

    @property
    def name(self) -> str:
        """What it is called in the table."""
        ...

    def answer(self, cases: Sequence[Case]) -> Mapping[str, Answer]:
        """Give each case a table that starts with `START`, then its batches one by one, and say what came out."""
        ...


CASES = (
    Case(
        name="one update at 5",
        batches=[[Change(1, "A2", 5)]],
        right={1: [Span("A", 1, 5), Span("A2", 5, None)]},
    ),
    Case(
        name="the same batch twice",
        batches=[[Change(1, "A2", 5)], [Change(1, "A2", 5)]],
        right={1: [Span("A", 1, 5), Span("A2", 5, None)]},
    ),
    Case(
        name="5 and 7 in one batch",
        batches=[[Change(1, "A2", 5), Change(1, "A3", 7)]],
        right={1: [Span("A", 1, 5), Span("A2", 5, 7), Span("A3", 7, None)]},
    ),
    Case(
        name="late: 9, then 5",
        batches=[[Change(1, "A9", 9)], [Change(1, "A5", 5)]],
        right={1: [Span("A", 1, 5), Span("A5", 5, 9), Span("A9", 9, None)]},
    ),
    Case(
        name="stale: 9, then the first row again",
        batches=[[Change(1, "A9", 9)], [Change(1, "A", 1)]],
        right={1: [Span("A", 1, 9), Span("A9", 9, None)]},
    ),
    Case(
        name="delete at 5",
        batches=[[Change(1, None, 5, "D")]],
        right={1: [Span("A", 1, 5)]},
    ),
    Case(
        name="value to null",
        batches=[[Change(1, None, 5)]],
        right={1: [Span("A", 1, 5), Span(None, 5, None)]},
    ),
    Case(
        name="null to value",
        batches=[[Change(1, None, 5)], [Change(1, "C", 6)]],
        right={1: [Span("A", 1, 5), Span(None, 5, 6), Span("C", 6, None)]},
    ),
    Case(
        name="A to B to A",
        batches=[[Change(1, "B", 5)], [Change(1, "A", 7)]],
        right={1: [Span("A", 1, 5), Span("B", 5, 7), Span("A", 7, None)]},
    ),
    Case(
        name="a new key, twice in one batch",
        batches=[[Change(3, "N1", 5), Change(3, "N2", 7)]],
        right={3: [Span("N1", 5, 7), Span("N2", 7, None)]},
    ),
    Case(
        name="null key, sent twice",
        batches=[[Change(None, "X", 5)], [Change(None, "X", 5)]],
        must_tell="null key",
    ),
    Case(
        name="tie: P and Q, both at 5",
        batches=[[Change(1, "P", 5), Change(1, "Q", 5)]],
        must_tell="tie",
    ),
)


def is_right(case: Case, answer: Answer) -> bool:
    """Whether the answer is right; of a case without a right history, whether the tool told and did no damage.

    A tool tells by an error that leaves the table as it was, or by counting what it did not apply. Of a tie it may keep
    either change, but one.
    """
    if not case.must_tell:
        return answer.error is None and answer.history == case.history
    kept = [case.history]
    if case.must_tell == "tie" and not answer.error:
        kept = [{**case.history, 1: [Span("A", 1, 5), Span(name, 5, None)]} for name in ("P", "Q")]
    return bool(answer.told or answer.error) and answer.history in kept


def describe(case: Case, answer: Answer) -> str:
    """What came out, in the words of a table's cell: `right`, what the tool told, the rows where they are wrong."""
    told = answer.error or ", ".join(f"{number} {kind}" for kind, number in answer.told.items())
    if is_right(case, answer):
        return f"told: {told}" if case.must_tell else "right"
    touched = [spans for key, spans in answer.history.items() if spans != UNTOUCHED.get(key)]
    rows = " ".join(f"{span.name or 'null'}[{span.start},{span.end or ''})" for spans in touched for span in spans)
    return "; ".join(filter(None, [told, rows or "no change"]))


def scores(answers: Mapping[str, Answer]) -> tuple[int, int]:
    """How many of the ten cases with a right history are right, and of the other two told."""
    rights = [case for case in CASES if is_right(case, answers[case.name])]
    told = sum(case.must_tell is not None for case in rights)
    return len(rights) - told, told
