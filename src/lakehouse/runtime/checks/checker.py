"""Starts the checking process, asks it about files, and puts an end to it when it does not answer."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from types import TracebackType
from typing import IO, Self

from lakehouse.errors import PreflightError
from lakehouse.runtime.checks.orders import CRASHED, READY, Order, Verdict

CHILD = "lakehouse.runtime.checks.child"
_START = 30  # seconds that a process may take to start
_KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


class FileChecker:
    """One process for many files; a file that ends it is refused, and a fresh one goes on. Use it in a `with`."""

    def __init__(self) -> None:
        """Start nothing yet: there may be nothing to check."""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """The checker itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the process."""
        self._end()

    def check(self, order: Order) -> Verdict:
        """The verdict on a file, within the seconds that its rules give it.

        Raises:
            PreflightError: the process does not even start, which is no fault of the file.
        """
        process = self._process or _started()
        self._process = process
        seconds = order.rules.seconds(order.size)
        answer = _asked(process, order, seconds)
        if answer:
            return Verdict.from_json(answer)
        if answer is None:
            process.kill()
        code = self._end()
        if answer is None or code == -signal.SIGXCPU:
            refused = order.rules.beyond(limit="file_seconds", what=f"no answer after {seconds} s")
            return Verdict(reason=refused.reason, detail=refused.detail)
        return Verdict(reason=CRASHED, detail=f"reading it ended the checking process (exit code {code})")

    def _end(self) -> int | None:
        """End the process and return its exit code."""
        process, self._process = self._process, None
        return None if process is None else _ended(process)


def _started() -> subprocess.Popen[str]:
    """A fresh process with this one's modules, and without its secrets."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONUTF8": "1",
        # One plain allocator and few arenas: others reserve address space in advance, which is limited here.
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": "1",
    }
    process = subprocess.Popen(  # noqa: S603 - runs this Python on a module of this package
        [sys.executable, "-m", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
        encoding="utf-8",
    )
    if process.stdout is None or _answer(process.stdout, _START) != READY:
        msg = (
            f"the process that checks landed files does not start (exit code {_ended(process)}): "
            f"{sys.executable} -m {CHILD} has to run on the driver; the library has to be on its path"
        )
        raise PreflightError(msg)
    return process


def _ended(process: subprocess.Popen[str]) -> int:
    """The exit code of a process that gets no more orders: it ends by itself, or did before; a stuck one is killed."""
    for stream in (process.stdin, process.stdout):
        _closed(stream)
    try:
        return process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _asked(process: subprocess.Popen[str], order: Order, seconds: float) -> str | None:
    """The answer; empty when the process ended, None when there was none in time."""
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        return ""
    try:
        stdin.write(order.to_json() + "\n")
        stdin.flush()
    except BrokenPipeError:
        return ""
    return _answer(stdout, seconds)


def _answer(stream: IO[str], seconds: float) -> str | None:
    """The next line; None when there is none in time."""
    ready, _, _ = select.select([stream], [], [], seconds)
    return stream.readline() if ready else None


def _closed(stream: IO[str] | None) -> None:
    if stream is not None:
        try:
            stream.close()
        except BrokenPipeError:
            return
