"""A seeded workload: three sessions whose transactions interleave, on the tables of `live_sources`.

The generator knows which rows each session sees and which are locked, so that no statement waits for another session.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from live_server import Server, Session, literal, name
from live_sources import SOURCES, Key, Source


@dataclass
class _Open:
    """A session, what its open transaction did to which rows (present or not), and whether one is open."""

    session: Session
    changed: dict[tuple[str, Key], bool] = field(default_factory=dict)
    working: bool = False


class Workload:
    """The sessions and what they may do next."""

    def __init__(self, server: Server, *, seed: int, sessions: int = 3) -> None:
        """Connect."""
        self._chance = random.Random(seed)  # noqa: S311  a workload, no secret
        self._sessions = [_Open(Session(server)) for _ in range(sessions)]
        self._present: set[tuple[str, Key]] = set()

    def run(self, steps: int, *, pause: float = 0.0) -> None:
        """Do as many steps, each in a random session, and end all transactions."""
        for _ in range(steps):
            self._step(self._chance.choice(self._sessions))
            time.sleep(pause)
        for session in self._sessions:
            self._end(session, keep=True)

    def close(self) -> None:
        """Disconnect."""
        for open_session in self._sessions:
            open_session.session.close()

    def _step(self, at: _Open) -> None:
        draw = self._chance.random()
        if not at.working and draw < 0.06:
            self._truncate(at)
        elif not at.working:
            self._begin(at)
        elif draw < 0.25:
            self._end(at, keep=draw > 0.04)
        elif draw < 0.3:
            before = dict(at.changed)
            at.session.run("SAVEPOINT here")
            self._change(at)
            at.session.run("ROLLBACK TO SAVEPOINT here")
            at.changed = before
        else:
            self._change(at)

    def _begin(self, at: _Open) -> None:
        at.session.run("BEGIN")
        at.working = True

    def _end(self, at: _Open, *, keep: bool) -> None:
        if not at.working:
            return
        at.session.run("COMMIT" if keep else "ROLLBACK")
        for place, present in at.changed.items() if keep else ():
            (self._present.add if present else self._present.discard)(place)
        at.changed, at.working = {}, False

    def _change(self, at: _Open) -> None:
        """One statement on rows no other session holds."""
        source = self._chance.choice(SOURCES)
        held = {place for other in self._sessions if other is not at for place in other.changed}
        free = [key for key in source.all_keys if (source.table, key) not in held]
        there = [key for key in free if at.changed.get((source.table, key), (source.table, key) in self._present)]
        gone = [key for key in free if key not in there]
        kind = self._chance.choices(["insert", "update", "delete", "move"], [30, 35, 22, 13])[0]
        if gone and (kind == "insert" or not there):
            self._insert(at, source, self._some(gone))
        elif kind == "delete" and there:
            self._delete(at, source, self._some(there))
        elif kind == "move" and there and gone:
            self._update(at, source, [self._chance.choice(there)], self._chance.choice(gone))
        elif there:
            self._update(at, source, self._some(there), None)

    def _truncate(self, at: _Open) -> None:
        """Empty a table in which no other session holds a row, fill it anew, and commit before another wants it."""
        held = {table for other in self._sessions for table, _ in other.changed}
        if free := [source for source in SOURCES if source.table not in held]:
            source = self._chance.choice(free)
            self._begin(at)
            at.session.run(f"TRUNCATE {source.table}")
            at.changed = {(source.table, key): False for key in source.all_keys}
            self._insert(at, source, self._some(source.all_keys))
            self._end(at, keep=True)

    def _some(self, keys: Sequence[Key]) -> list[Key]:
        return self._chance.sample(keys, min(len(keys), self._chance.choice([1, 1, 2, 3])))

    def _insert(self, at: _Open, source: Source, keys: Sequence[Key]) -> None:
        rows = [[*key, *(source.columns[column].draw(self._chance) for column in source.values)] for key in keys]
        values = ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
        at.session.run(f"INSERT INTO {source.table} VALUES {values}")  # nosec B608  # noqa: S608  a workload of our own
        at.changed |= {(source.table, key): True for key in keys}

    def _delete(self, at: _Open, source: Source, keys: Sequence[Key]) -> None:
        at.session.run(f"DELETE FROM {source.table} WHERE {_is_one_of(source, keys)}")  # nosec B608  # noqa: S608  as above
        at.changed |= {(source.table, key): False for key in keys}

    def _update(self, at: _Open, source: Source, keys: Sequence[Key], moved: Key | None) -> None:
        """Set some columns, or none to anything new; a key change also sets large values, unless whole rows are logged.

        Of a row whose key changes, the log leaves out the large values that stay the same, and no feed can tell them.
        """
        columns = self._chance.sample(source.values, self._chance.randint(1, min(3, len(source.values))))
        if moved and not source.whole:
            columns = sorted({*columns, *source.large})
        settings = {name(column): literal(source.columns[column].draw(self._chance)) for column in columns}
        if not moved and self._chance.random() < 0.15:
            settings = {name(column): name(column) for column in columns}
        if moved:
            settings |= {name(column): literal(part) for column, part in zip(source.keys, moved, strict=True)}
        assignments = ", ".join(f"{column} = {value}" for column, value in settings.items())
        at.session.run(f"UPDATE {source.table} SET {assignments} WHERE {_is_one_of(source, keys)}")  # nosec B608  # noqa: S608  as above
        at.changed |= {(source.table, key): moved is None for key in keys}
        if moved:
            at.changed[source.table, moved] = True


def _is_one_of(source: Source, keys: Sequence[Key]) -> str:
    columns = ", ".join(map(name, source.keys))
    rows = ", ".join(f"({', '.join(map(literal, key))})" for key in keys)
    return f"({columns}) IN ({rows})"
