"""The job as a process of its own that can be killed, and readers that watch its tables meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

from fault_feed import Expected
from fault_lake import FaultLake, Rows
from spark_settings import INTERPRETED

ROOT = Path(__file__).parents[2]
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""A run of seconds is over before the optimizing compiler pays."""
TINY = {
    "spark.default.parallelism": "2",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
    **INTERPRETED,
}
"""Settings for tables of a dozen rows."""
LIMIT = 600
"""Seconds after which a run hangs."""
HELD = 0.5
"""Seconds that strace holds a system call for."""
PAUSE = 0.2
"""Seconds between two looks of a reader, at least."""
SHARE = 3
"""A reader rests so many times as long as it looked: a table of many versions must not take the processors from the run."""


def start(
    lake: FaultLake, *, under: Sequence[str] = (), by: Sequence[str] = (sys.executable,), **environment: str
) -> subprocess.Popen[bytes]:
    """Start the job in a process group of its own, `under` another program or `by` another one than Python if need be."""
    defaults = lake.folder / "spark" / "spark-defaults.conf"
    defaults.parent.mkdir(parents=True, exist_ok=True)
    defaults.write_text("".join(f"{key} {value}\n" for key, value in TINY.items()), encoding="utf-8")
    with (lake.folder / "job.log").open("ab") as log:
        return subprocess.Popen(
            [*under, *by, str(ROOT / "jobs" / "cdc_to_warehouse.py"), *lake.arguments()],
            stdout=log,
            stderr=log,
            env={**os.environ, "JAVA_TOOL_OPTIONS": QUICK, "SPARK_CONF_DIR": str(defaults.parent), **environment},
            start_new_session=True,
        )


def run(lake: FaultLake, *, under: Sequence[str] = (), **environment: str) -> int:
    """Run the job to its end, whichever: its exit code, negative when a signal ended it. Nothing of it is left then."""
    child = start(lake, under=under, **environment)
    try:
        return child.wait(timeout=LIMIT)
    finally:
        kill_group(child)


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the process, its JVM and its Python workers, at once."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        child.wait()


def kill_after(lake: FaultLake, seconds: float) -> bool:
    """Start the job and kill its group after so many seconds; whether it was still at work."""
    child = start(lake)
    try:
        child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        kill_group(child)
        return True
    return False


@dataclass(frozen=True, kw_only=True)
class SystemCall:
    """A system call on a file: its name, or strace's name of several, and the how-manieth of them in a run."""

    name: str
    file: Path
    count: int = 1


def kill_entering(lake: FaultLake, call: SystemCall) -> bool:
    """Start the job and kill its group as it enters a system call; whether it did.

    strace holds whoever enters one. It could send the signal itself, but has to stop at every system call of the JVM for that,
    not at those alone, which makes a run more than twice as long.
    """
    calls = lake.folder / "calls"
    calls.unlink(missing_ok=True)
    held = f"inject={call.name}:delay_enter={HELD}s"
    traced = ("-P", str(call.file), "-e", f"trace={call.name}", "-e", "signal=none", "-e", held)
    child = start(lake, under=("strace", "-f", "-DD", "-qq", "--seccomp-bpf", "-o", str(calls), *traced))
    until = monotonic() + LIMIT
    try:
        while child.poll() is None:
            if monotonic() > until:
                raise subprocess.TimeoutExpired(child.args, LIMIT)
            if calls.exists() and calls.read_text(encoding="utf-8").count(str(call.file)) >= call.count:
                return True
            sleep(HELD / 50)
        return False
    finally:
        kill_group(child)  # strace is not in it, and has let go of nobody


@dataclass(kw_only=True)
class Watch:
    """What a reader that polled all the time saw: how often it looked, and what was no whole batch."""

    looks: int = 0
    wrong: list[str] = field(default_factory=list)
    error: BaseException | None = None


@contextmanager
def watching(lake: FaultLake, states: Sequence[Expected]) -> Iterator[Watch]:
    """Read both targets over and over in the block; each must be one of the states, or not be there yet."""
    whole: dict[str, list[Rows]] = {
        name: [[], *(getattr(state, name) for state in states)] for name in ("current", "history")
    }
    watch, done = Watch(), threading.Event()

    def look() -> None:
        pause = PAUSE
        while not done.wait(pause):
            began = monotonic()
            for name, allowed in whole.items():
                if getattr(lake, name)() not in allowed:
                    watch.wrong.append(f"{name} showed a part of a batch")
            watch.looks += 1
            pause = max(PAUSE, SHARE * (monotonic() - began))

    def look_or_say_why() -> None:
        try:
            look()
        except Exception as error:  # noqa: BLE001 - raised again where the block ends
            watch.error = error

    reader = threading.Thread(target=look_or_say_why)
    reader.start()
    try:
        yield watch
    finally:
        done.set()
        reader.join()
    if watch.error is not None:
        raise watch.error
