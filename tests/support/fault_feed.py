"""The feed of the fault rig: small batches of wal2json messages, and what the tables must be after each of them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from lakehouse.testing.folding import Event, fold_events

Kind = Literal["ordinary", "truncating", "repeating"]
Record = tuple[str, int, str]
"""A record as bronze and quarantine know it: file, row, text."""

TABLE = "app.items"
Row = TypeVar("Row", bound=tuple[Any, ...])


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the tables hold; `tombstones` are bounds, the last delete of a key and the last delete or truncate."""

    current: list[tuple[Any, ...]]
    history: list[tuple[Any, ...]]
    bronze: list[Record]
    quarantine: list[Record]
    tombstones: dict[int, tuple[int, int]]


@dataclass(kw_only=True)
class Feed:
    """Makes batches that hold every kind of change, and remembers them all. The same seed makes the same feed."""

    seed: int
    batches: int = 0
    position: int = 100
    events: list[Event] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    bronze: list[Record] = field(default_factory=list)
    quarantine: list[Record] = field(default_factory=list)

    def next_batch(self, kind: Kind = "ordinary") -> dict[str, str]:
        """The files of another batch, by name: new, changed, unchanged, deleted and late rows, and two that are none."""
        self.batches += 1
        chance = random.Random(self.seed * 1_000 + self.batches)  # noqa: S311  test data
        lines = (
            self._repeated(chance) if kind == "repeating" else self._changes(chance, truncating=kind == "truncating")
        )
        half = len(lines) // 2
        name = f"{self.batches:06d}"
        return dict(self._file(f"{name}-{part}.json", some) for part, some in enumerate((lines[:half], lines[half:])))

    def expected(self) -> Expected:
        """What the tables hold once every batch so far is applied."""
        return expected_after(self.events, self.bronze, self.quarantine)

    def _changes(self, chance: random.Random, *, truncating: bool) -> list[str]:
        old = self.batches - 1 or self.batches
        some, other = 1 + chance.randrange(old), 1 + chance.randrange(old)
        lines = [
            self._upsert(self.batches, f"name {self.batches}"),
            self._upsert(some, f"changed in {self.batches}"),
            self._upsert(some, f"changed in {self.batches}"),
            self._delete(other),
            self._upsert(other, "late", at=self.position - 5),
            self._upsert(self.batches + 1_000, chance.choice([None, "x", "y"])),
            self._bad(),
            f"no message, batch {self.batches}",
        ]
        if truncating:
            lines.insert(4, self._truncate())
        return lines

    def _repeated(self, chance: random.Random) -> list[str]:
        """Messages that came before, in another order: no table changes."""
        return chance.sample(self.said, k=min(5, len(self.said)))

    def _file(self, name: str, lines: Sequence[str]) -> tuple[str, str]:
        for row, line in enumerate(lines, start=1):
            self.bronze.append((name, row, line))
            if "lots" in line or line.startswith("no message"):
                self.quarantine.append((name, row, line))
        return name, "".join(f"{line}\n" for line in lines)

    def _upsert(self, key: int, name: str | None, *, at: int | None = None) -> str:
        event = Event(key=key, sequence=at or self._place(), op="upsert", values={"name": name})
        cells = [cell("id", key), cell("name", name)]
        return self._say(event, message("U", event.sequence, columns=cells, identity=cells[:1]))

    def _delete(self, key: int) -> str:
        event = Event(key=key, sequence=self._place(), op="delete")
        return self._say(event, message("D", event.sequence, identity=[cell("id", key)]))

    def _truncate(self) -> str:
        event = Event(key=None, sequence=self._place(), op="truncate")
        return self._say(event, message("T", event.sequence))

    def _bad(self) -> str:
        return message("I", self._place(), columns=[cell("id", "lots"), cell("name", "bad")])

    def _say(self, event: Event, line: str) -> str:
        self.events.append(event)
        self.said.append(line)
        return line

    def _place(self) -> int:
        self.position += 10
        return self.position


def expected_after(events: Sequence[Event], bronze: Sequence[Record], quarantine: Sequence[Record]) -> Expected:
    """What the tables hold once these events are applied: the oracle's answer."""
    versions = fold_events(events, columns=["name"])
    history = [(one.key, one.values["name"], one.valid_from, one.valid_to) for one in versions]
    truncates = [event.sequence for event in events if event.op == "truncate"]
    deletes: dict[int, int] = {}
    for event in events:
        if event.op == "delete" and isinstance(event.key, int):
            deletes[event.key] = max(event.sequence, deletes.get(event.key, 0))
    return Expected(
        current=in_order([(one.key, one.values["name"], one.sequence) for one in versions if one.valid_to is None]),
        history=in_order(history),
        bronze=sorted(bronze),
        quarantine=sorted(quarantine),
        tombstones={key: (last, max([last, *truncates])) for key, last in deletes.items()},
    )


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Rows in one order, nulls and all."""
    return sorted(rows, key=repr)


def cell(name: str, value: object) -> dict[str, object]:
    """A column of a message."""
    return {"name": name, "type": "text" if name == "name" else "bigint", "value": value}


def message(action: str, position: int, **parts: object) -> str:
    """A message of wal2json, format version 2."""
    schema, _, table = TABLE.partition(".")
    return json.dumps({"action": action, "lsn": f"0/{position:X}", "schema": schema, "table": table, **parts})
