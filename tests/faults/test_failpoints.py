"""Every point a run can fail at, in process: the job fails there, is run again, and ends where one run would have.

The points are not listed: a run tells which it reaches, and while what is written. Each is a case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import get_args

import pytest
from fault_feed import Expected, Kind
from fault_lake import FaultLake, Lakes, TableFormat
from fault_results import Seen

from lakehouse.failpoints import FailOnce, Hook, InjectedFaultError, installed
from lakehouse.runtime import threads
from lakehouse.runtime.job import DONE, FAILED

FORMATS = get_args(TableFormat)
ENOUGH = 72
"""Failing runs that there are at least, a format."""


@pytest.fixture(autouse=True)
def _one_table_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The n-th time a point is reached is the same in every run only when one thread reaches it."""
    monkeypatch.setattr(threads, "WORKERS", 1)


@dataclass(kw_only=True)
class FailWhereNew:
    """A hook that fails once at every point, and at the points of the table formats once for each thing written."""

    failed: list[tuple[str, str]] = field(default_factory=list)
    step: str = ""

    def __call__(self, name: str) -> None:
        """Fail when the point is new."""
        if name.partition(".")[0] not in FORMATS:
            self.step = name
        case = (self.step, name)
        if case not in self.failed:
            self.failed.append(case)
            raise InjectedFaultError(name)


def run_with(lake: FaultLake, hook: Hook) -> int:
    """Run the job under a hook: its exit code."""
    with installed(hook):
        code, _ = lake.run()
    return code


def half_done(lake: FaultLake, states: Sequence[Expected]) -> list[str]:
    """What a reader must not see after a run that failed: a part of a batch in a target, a record twice in a log."""
    targets = ("current", "history")
    seen = {name: getattr(lake, name)() for name in targets}
    whole = {name: [[], *(getattr(state, name) for state in states)] for name in targets}
    found = [f"{name} shows a part of a batch" for name in targets if seen[name] not in whole[name]]
    for name in ("bronze", "quarantine"):
        rows = getattr(lake, name)()
        if len(set(rows)) != len(rows) or not set(rows) <= set(getattr(states[-1], name)):
            found.append(f"{name} holds a record twice, or one that never was")
    return found


def fail_everywhere(lake: FaultLake, kind: Kind) -> tuple[int, list[str]]:
    """Land one batch; every run fails one point further than the run before, until one is through."""
    states = [lake.feed.expected()]
    lake.land(kind)
    states.append(lake.feed.expected())
    hook, found = FailWhereNew(), []
    while run_with(lake, hook) == FAILED:
        found += [f"after {hook.failed[-1]}: {wrong}" for wrong in half_done(lake, states)]
    return len(hook.failed), [*found, *lake.differences()]


@pytest.mark.parametrize("table_format", FORMATS)
def test_a_run_may_fail_at_every_step_in_turn(lakes: Lakes, table_format: TableFormat) -> None:
    """The first batch, one with a truncate and one of repeats: run after run fails, nothing is lost, doubled or half there."""
    lake = lakes.new(table_format)
    found: list[str] = []
    runs = 0
    for kind in get_args(Kind):
        failed, wrong = fail_everywhere(lake, kind)
        runs, found = runs + failed, [*found, *wrong]
    note(table_format, runs, found, "one failure after the other in the same batch, one run more")
    assert found == []
    assert runs >= ENOUGH


def cases_of(lake: FaultLake, kind: Kind) -> list[tuple[str, int]]:
    """Land and apply a batch without a fault: the points that are reached, in order, each with its number."""
    reached: list[str] = []
    lake.land(kind)
    assert run_with(lake, reached.append) == DONE
    assert lake.differences() == []
    return [(name, reached[: place + 1].count(name)) for place, name in enumerate(reached)]


def fail_and_rerun(lake: FaultLake, kind: Kind, name: str, count: int) -> tuple[bool, list[str]]:
    """Land a batch, fail at one point, run once more: whether it failed, which a batch with fewer commits does not, and what is wrong."""
    states = [lake.feed.expected()]
    lake.land(kind)
    states.append(lake.feed.expected())
    hook = FailOnce(name=name, count=count)
    failed = run_with(lake, hook) == FAILED
    found = [] if failed == (hook.seen >= count) else ["the run went on after the failure, or failed without it"]
    found += half_done(lake, states)
    code, said = lake.run()
    found += [] if code == DONE else [f"the run after it ended with {code}: {said}"]
    return failed, [f"{kind} at {name}:{count}: {wrong}" for wrong in [*found, *lake.differences()]]


@pytest.mark.exhaustive
@pytest.mark.parametrize("table_format", FORMATS)
def test_one_run_more_is_enough_wherever_a_run_failed(lakes: Lakes, table_format: TableFormat) -> None:
    """Each point, each time it is reached, in a first batch and in later ones: one run more, and everything is there once."""
    lake = lakes.new(table_format)
    first = cases_of(lake, "ordinary")
    tried = [fail_and_rerun(lakes.new(table_format), "ordinary", name, count) for name, count in first]
    assert all(failed for failed, _ in tried)
    later: list[tuple[Kind, str, int]] = [
        (kind, *case) for kind in ("truncating", "repeating") for case in cases_of(lake, kind)
    ]
    tried += [fail_and_rerun(lake, kind, name, count) for kind, name, count in later]
    runs, found = sum(failed for failed, _ in tried), [one for _, wrong in tried for one in wrong]
    note(table_format, runs, found, "one failure and one run more, at each point in turn")
    assert found == []
    assert runs >= ENOUGH


def note(table_format: TableFormat, runs: int, found: Sequence[str], how: str) -> None:
    """Write down what was seen."""
    Seen(
        fault="a run fails in process",
        caused_by=f"failpoints: {how}",
        seen="; ".join(found[:5]) or "nothing lost, nothing doubled, no part of a batch",
        figures={"format": table_format, "failing_runs": runs, "wrong": len(found)},
    ).note()
