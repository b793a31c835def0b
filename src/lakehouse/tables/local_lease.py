"""The lease on a table in a local folder: a lock file beside it, which the system frees when the process ends."""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import LeaseError


@dataclass(slots=True, kw_only=True)
class LocalLease:
    """An exclusive lock on `.<table>.lock`, whose content is the fencing number. The file stays: removing it would race."""

    folder: Path
    patience: float = 600.0
    seconds: float | None = None
    _file: int | None = None

    def acquire(self) -> int:
        """Wait for the lock.

        Raises:
            LeaseError: another process held it for longer than patience lasts, or the file cannot be written.
        """
        path = self.folder.parent / f".{self.folder.name}.lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            msg = f"{path} cannot be written ({error.strerror}); whoever writes the table has to be able to lock it"
            raise LeaseError(msg) from error
        until = time.monotonic() + self.patience
        while not _is_locked(self._file):
            if time.monotonic() > until:
                os.close(self._file)
                self._file = None
                msg = f"another process held {path} for {self.patience:g} seconds; see whether it is still at work"
                raise LeaseError(msg)
            time.sleep(0.05)
        fence = int(os.pread(self._file, 32, 0) or b"0") + 1
        os.pwrite(self._file, str(fence).encode(), 0)
        return fence

    def renew(self) -> None:
        """Nothing to do: a process that stands still keeps its lock, and the others wait."""

    def release(self) -> None:
        """Free the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
