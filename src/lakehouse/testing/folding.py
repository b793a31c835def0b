"""The fold in plain Python: what a set of change events means, in a form a person can check by reading.

This is the oracle. `lakehouse.cdc` does the same in Spark and `lakehouse.tables` does it on tables; tests hold them to it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

Values = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One change of one row. `provided` names the columns it carries; None = all of them."""

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


def fold_events(
    events: Iterable[Event],
    *,
    columns: Sequence[str],
    track: Sequence[str] | None = None,
    ignore_nulls: Sequence[str] = (),
    rank: Callable[[Event], Any] = lambda event: repr(sorted(event.values.items())),
) -> list[Version]:
    """All versions of all keys; those with `valid_to` None are the current table.

    Args:
        events: in any order, repeats welcome.
        columns: the columns that are not keys.
        track: columns whose change opens a new version; None = all.
        ignore_nulls: columns in which a null means "unchanged".
        rank: total order among different upserts of one (key, sequence): the largest is kept. A delete beats them all.
    """
    kept: dict[tuple[Hashable, Any], Event] = {}
    for event in events:
        place = (event.key, event.sequence)
        if place not in kept or _beats(event, kept[place], rank):
            kept[place] = event
    ordered = sorted(kept.values(), key=lambda event: (repr(event.key), event.sequence))
    found: list[Version] = []
    for _, group in groupby(ordered, key=lambda event: event.key):
        found += _fold_key(list(group), columns, columns if track is None else track, ignore_nulls)
    return found


def _beats(new: Event, old: Event, rank: Callable[[Event], Any]) -> bool:
    if (new.op == "delete") != (old.op == "delete"):
        return new.op == "delete"
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
