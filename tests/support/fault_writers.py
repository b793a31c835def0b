"""Two writers on one table: one is held at a failpoint while the other does all of its work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lakehouse.failpoints import installed
from lakehouse.testing.folding import Event

LIMIT = 300
"""Seconds after which a writer hangs."""


@dataclass(frozen=True, kw_only=True)
class Writer:
    """What a writer does, and the events it brings into the table."""

    name: str
    do: Callable[[], object]
    events: Sequence[Event] = ()


@dataclass(kw_only=True)
class Race:
    """How two writers fared: the error that each ended with, None where its work was acknowledged."""

    held: bool = False
    errors: dict[str, Exception | None] = field(default_factory=dict)

    def failed(self, *writers: Writer) -> list[Writer]:
        """The writers whose work was not acknowledged."""
        return [writer for writer in writers if self.errors[writer.name] is not None]


def race(first: Writer, second: Writer, *, point: str) -> Race:
    """Let `first` work up to a failpoint, then `second` to its end, then `first` to its end."""
    result = Race()
    reached, go_on = threading.Event(), threading.Event()

    def work(writer: Writer) -> None:
        try:
            writer.do()
        except Exception as error:  # noqa: BLE001 - how a writer fails is what is looked at
            result.errors[writer.name] = error
        else:
            result.errors[writer.name] = None

    def work_and_say_so() -> None:
        work(first)
        reached.set()

    thread = threading.Thread(target=work_and_say_so)

    def hold(name: str) -> None:
        if threading.current_thread() is thread and name == point and not result.held:
            result.held = True
            reached.set()
            go_on.wait(LIMIT)

    with installed(hold):
        thread.start()
        reached.wait(LIMIT)
        work(second)
        go_on.set()
        thread.join(LIMIT)
    return result
