"""The job as a process, killed by SIGKILL: at the system call that makes a commit, and at any time at all."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import get_args

import pytest
from fault_feed import Expected
from fault_lake import FaultLake, TableFormat
from fault_process import SystemCall, kill_after, kill_entering, run, watching
from fault_results import SEED, Seen

from lakehouse.runtime.job import DONE, FAILED

FORMATS = get_args(TableFormat)
TABLES = ("bronze__files", "bronze", "quarantine", "items__tombstones", "items", "items_history")


KILLS = 28
"""Kills at a commit, a format, that the whole rig makes."""
FEW = {"delta": slice(1, None, 3), "iceberg": slice(1, None, 4)}
"""The aims of the daily share, each of which is one start of Java."""


def aims(lake: FaultLake) -> list[SystemCall]:
    """Where a run dies: before and after the next commit to each Delta table, or at each of the first writes of the Iceberg catalog.

    Before it renames a version into its place, Delta looks whether it is there; after that it reads it. SQLite opens a
    journal before a write, and removes it to commit.
    """
    if lake.format == "delta":
        logs = [lake.warehouse / lake.zone / table / "_delta_log" for table in TABLES]
        files = [log / f"{next_version(log):020d}.json" for log in logs]
        return [SystemCall(name=name, file=file) for file in files for name in ("%%stat", "openat")]
    journal = lake.warehouse / "catalog.db-journal"
    return [SystemCall(name=name, file=journal, count=count) for name in ("openat", "unlink") for count in range(1, 9)]


def next_version(log: Path) -> int:
    """The version that the next data commit makes: the one after the newest, or after that of the empty table."""
    return max([0, *(int(file.stem) for file in log.glob("*[0-9].json"))]) + 1


def land(lake: FaultLake) -> list[Expected]:
    """Land a batch: what the tables hold before it and after it."""
    before = lake.feed.expected()
    lake.land()
    return [before, lake.feed.expected()]


def rerun(lake: FaultLake) -> list[str]:
    """Run once more: what is wrong then."""
    code = run(lake)
    return [*([] if code == DONE else [f"the last run ended with {code}"]), *lake.differences()]


def test_a_process_is_killed_at_one_commit_after_the_other(lake: FaultLake) -> None:
    """Run after run of the first batch dies at another commit; the last one ends well, and nothing is lost or doubled."""
    states, killed = land(lake), 0
    with watching(lake, states) as watch:
        for aim in aims(lake)[FEW[lake.format]]:
            killed += kill_entering(lake, aim)
        found = [*rerun(lake), *watch.wrong]
    note(lake, "SIGKILL by strace as a commit is made, run after run", killed, found, looks=watch.looks)
    assert found == []
    assert killed >= 4


@pytest.mark.exhaustive
def test_one_run_more_is_enough_after_a_kill_at_any_commit(lake: FaultLake) -> None:
    """Each commit of several batches: killed there, run once more, everything is there once and was never there in part."""
    found: list[str] = []
    killed = looks = batches = 0
    while killed < KILLS and batches < 2 * KILLS:
        states = land(lake)
        choice = aims(lake)
        with watching(lake, states) as watch:
            killed += kill_entering(lake, choice[batches % len(choice)])
            found += rerun(lake)
        found, looks, batches = [*found, *watch.wrong], looks + watch.looks, batches + 1
    note(lake, "SIGKILL by strace as a commit is made, one run more", killed, found, looks=looks)
    assert found == []
    assert killed == KILLS


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of 32 MB in a folder."""
    folder.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", str(folder)], check=True)


@pytest.mark.exhaustive
def test_the_disk_is_full(lake: FaultLake) -> None:
    """No space for the tables, or next to none: the run fails, and with space again one run makes everything right."""
    found: list[str] = []
    failed = 0
    with small_disk(lake.warehouse):
        land(lake)
        found += rerun(lake)
        for room in (0, 16_384, 65_536, 262_144):
            states = land(lake)
            ballast = lake.warehouse / "ballast"
            ballast.write_bytes(bytes(max(0, shutil.disk_usage(lake.warehouse).free - room)))
            with watching(lake, states) as watch:
                failed += run(lake) != DONE
                ballast.unlink()
                found += rerun(lake)
            found += watch.wrong
    note(lake, "a full disk (tmpfs of 32 MB)", failed, found, looks=0)
    assert found == []
    assert failed >= 1


@pytest.mark.exhaustive
def test_the_clock_goes_back(lake: FaultLake) -> None:
    """A run, one whose clock is two hours behind, one two hours ahead: the order of events decides, not the clock's.

    Iceberg takes no commit that is more than a minute older than the one before it: that run fails, and the next makes up for it.
    """
    found: list[str] = []
    for under in ((), ("faketime", "-f", "-2h"), ("faketime", "-f", "+2h")):
        land(lake)
        expected = FAILED if lake.format == "iceberg" and "-2h" in under else DONE
        code = run(lake, under=under)
        found += [] if code == expected else [f"{under} ended with {code}"]
        found += lake.differences() if expected == DONE else []
    note(lake, "faketime: two hours back, then two hours ahead", 0, found, looks=0)
    assert found == []


def kill_at_random(lake: FaultLake, rounds: int, *, nested: int = 1, part: str = "") -> tuple[int, int, list[str]]:
    """Land a batch, kill runs of it at random times, run once more; as often as told: kills, looks, and what was wrong."""
    chance = random.Random(f"{SEED} {lake.format}{part}")  # noqa: S311 - when to kill
    lake.land()
    started = monotonic()
    found = rerun(lake)
    whole_run = monotonic() - started
    kills = looks = 0
    for _ in range(rounds):
        states = land(lake)
        with watching(lake, states) as watch:
            kills += sum(kill_after(lake, chance.uniform(0, whole_run)) for _ in range(nested))
            found += rerun(lake)
        found, looks = [*found, *watch.wrong], looks + watch.looks
    return kills, looks, found


def test_a_process_is_killed_at_some_time(lake: FaultLake) -> None:
    """Killed at a random time, twice in the same batch; one run more makes everything right."""
    kills, looks, found = kill_at_random(lake, rounds=1, nested=2)
    note(lake, "SIGKILL at a random time, two runs of a batch", kills, found, looks=looks)
    assert found == []


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("rounds", "nested", "part"), [(25, 1, " 1"), (25, 1, " 2"), (25, 1, " 3"), (25, 1, " 4"), (4, 5, "")]
)
def test_a_process_is_killed_at_any_time(lake: FaultLake, rounds: int, nested: int, part: str) -> None:
    """A hundred batches killed at random times, and some of them five times running: each needs one run more."""
    kills, looks, found = kill_at_random(lake, rounds, nested=nested, part=part)
    note(lake, f"SIGKILL at a random time, {nested} of a batch{part}", kills, found, looks=looks)
    assert found == []
    assert kills > rounds * nested // 2


def note(lake: FaultLake, how: str, kills: int, found: Sequence[str], *, looks: int) -> None:
    """Write down what was seen."""
    Seen(
        fault="the process meets a fault",
        caused_by=how,
        seen="; ".join(found[:5]) or "nothing lost, nothing doubled, no part of a batch seen by a reader",
        figures={"format": lake.format, "failed_runs": kills, "reader_looks": looks, "wrong": len(found)},
    ).note()
