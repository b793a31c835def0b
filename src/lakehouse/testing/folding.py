"""The fold in plain Python: what a set of change events means, in a form a person can check by reading.

This is the oracle. `lakehouse.cdc` does the same in Spark and `lakehouse.tables` does it on tables; tests hold them to it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Literal

Values = dict[str, Any]
Wins = Literal["delete", "upsert"]
"""The operation that is kept where a delete and an upsert have one (key, sequence)."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One change of one row. `provided` names the columns it carries; None = all of them.

    A truncate is of the whole table: its key does not matter.
    """

    key: Hashable
    sequence: Any
    op: str
    values: Values = field(default_factory=dict)
    provided: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Version:
    """What was true from `valid_from` (inclusive) to `valid_to` (exclusive; None = still)."""

    key: Hashable
    values: Values
    valid_from: Any
    valid_to: Any
    sequence: Any


@dataclass(frozen=True, kw_only=True)
class Row:
    """A key's row where deleted rows are kept: the values of its last upsert (None: it had none), and whether it is deleted."""

    key: Hashable
    values: Values | None
    sequence: Any
    deleted: bool


def fold_events(
    events: Iterable[Event],
    *,
    columns: Sequence[str],
    track: Sequence[str] | None = None,
    ignore_nulls: Sequence[str] = (),
    rank: Callable[[Event], Any] = lambda event: repr(sorted(event.values.items())),
    wins: Wins = "delete",
) -> list[Version]:
    """All versions of all keys; those with `valid_to` None are the current table.

    A truncate deletes every key that has an older event, and gives way to an event at its own sequence.

    Args:
        events: in any order, repeats welcome.
        columns: the columns that are not keys.
        track: columns whose change opens a new version; None = all.
        ignore_nulls: columns in which a null means "unchanged".
        rank: total order among different upserts of one (key, sequence): the largest is kept.
        wins: whether a delete at their place beats them all, or gives way to any of them.
    """
    found: list[Version] = []
    for group in _by_key(events, rank, wins, lambda event: (event.key, event.sequence)):
        found += _fold_key(group, columns, columns if track is None else track, ignore_nulls)
    return found


def fold_rows(
    events: Iterable[Event],
    *,
    columns: Sequence[str],
    ignore_nulls: Sequence[str] = (),
    rank: Callable[[Event], Any] = lambda event: repr(sorted(event.values.items())),
    wins: Wins = "delete",
) -> list[Row]:
    """The row of every key where deleted rows are kept (soft deletes): what its last upsert made of it, and the flag.

    An upsert that lost against a delete at its own sequence is still what the deleted row shows.
    """
    rows: list[Row] = []
    apart = wins == "delete"
    for group in _by_key(events, rank, wins, lambda event: (event.key, event.sequence, apart and event.op == "delete")):
        values: Values | None = None
        before: Values = dict.fromkeys(columns)
        for event in group:
            if event.op == "upsert":
                values = {c: event.values.get(c) if _carries(event, c, ignore_nulls) else before[c] for c in columns}
            before = values if values and event.op == "upsert" else dict.fromkeys(columns)
        last = group[-1]
        rows.append(Row(key=last.key, values=values, sequence=last.sequence, deleted=last.op == "delete"))
    return rows


def _by_key(
    events: Iterable[Event], rank: Callable[[Event], Any], wins: Wins, place: Callable[[Event], Hashable]
) -> Iterator[list[Event]]:
    """The events of each key in order, one for each place, and the deletes that truncates mean for it."""
    kept: dict[Hashable, Event] = {}
    truncates: set[Any] = set()
    for event in events:
        if event.op == "truncate":
            truncates.add(event.sequence)
        elif place(event) not in kept or _beats(event, kept[place(event)], rank, wins):
            kept[place(event)] = event
    ordered = sorted(kept.values(), key=lambda event: (repr(event.key), event.sequence, event.op == "delete"))
    for key, group in groupby(ordered, key=lambda event: event.key):
        own = list(group)
        taken = {event.sequence for event in own}
        meant = [Event(key=key, sequence=t, op="delete") for t in truncates - taken if t > own[0].sequence]
        yield sorted([*own, *meant], key=lambda event: (event.sequence, event.op == "delete"))


def _beats(new: Event, old: Event, rank: Callable[[Event], Any], wins: Wins) -> bool:
    if (new.op == "delete") != (old.op == "delete"):
        return new.op == wins
    return new.op != "delete" and bool(rank(new) > rank(old))


def _fold_key(
    events: list[Event], columns: Sequence[str], track: Sequence[str], ignore_nulls: Sequence[str]
) -> list[Version]:
    versions: list[Version] = []
    run: Version | None = None
    for event in events:
        if event.op == "delete":
            if run:
                versions.append(replace(run, valid_to=event.sequence))
            run = None
            continue
        before = run.values if run else dict.fromkeys(columns)
        values = {c: event.values.get(c) if _carries(event, c, ignore_nulls) else before[c] for c in columns}
        if run and all(values[c] == run.values[c] for c in track):
            run = replace(run, values=values, sequence=event.sequence)
            continue
        if run:
            versions.append(replace(run, valid_to=event.sequence))
        run = Version(key=event.key, values=values, valid_from=event.sequence, valid_to=None, sequence=event.sequence)
    return [*versions, run] if run else versions


def _carries(event: Event, column: str, ignore_nulls: Sequence[str]) -> bool:
    provided = event.provided is None or column in event.provided
    return provided and not (column in ignore_nulls and event.values.get(column) is None)
