"""A PostgreSQL of its own: a data folder that is thrown away, a port of the loopback, and sessions by `psql`."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

BINARIES = Path("/usr/lib/postgresql/15/bin")
SETTINGS = {
    "wal_level": "logical",
    "listen_addresses": "127.0.0.1",
    "max_connections": "20",
    "fsync": "off",  # the data folder does not outlive the test
    "timezone": "UTC",
}
_START_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server: the port it listens on and the folder of its socket and log."""

    port: int
    folder: Path

    @property
    def address(self) -> Mapping[str, str]:
        """The environment that makes `psql` speak to it."""
        return {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres", "PGDATABASE": "postgres"}

    def ask(self, sql: str) -> list[str]:
        """The answer to one statement in a session of its own: one line a row."""
        with Session(self) as session:
            return session.run(sql)


class Session:
    """One connection. Statements run one after another; a transaction stays open until it is ended."""

    def __init__(self, server: Server) -> None:
        """Connect."""
        self._process = subprocess.Popen(
            [BINARIES / "psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            env=os.environ | server.address | {"PGCLIENTENCODING": "UTF8", "PGOPTIONS": "-c lock_timeout=20s"},
        )
        self._asked = 0

    def run(self, sql: str) -> list[str]:
        """Run a statement and return its rows as lines.

        Raises:
            AssertionError: the server refused it, with what the server said.
        """
        self._asked += 1
        end = f"--end of answer {self._asked}--"
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{sql};\n\\echo '{end}'\n")
        stdin.flush()
        lines: list[str] = []
        for line in stdout:
            if line.rstrip("\n") == end:
                return lines
            lines.append(line.rstrip("\n"))
        msg = f"the session ended: {' '.join(lines)}"
        raise AssertionError(msg)

    def close(self) -> None:
        """Disconnect; an open transaction is rolled back."""
        self._process.communicate(timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def literal(value: Any) -> str:
    """A value as SQL text.

    >>> literal("it's"), literal(None), literal(1.5)
    ("'it''s'", 'NULL', "'1.5'")
    """
    if value is None:
        return "NULL"
    text = "\\x" + value.hex() if isinstance(value, bytes) else str(value)
    return "'" + text.replace("'", "''") + "'"


def name(identifier: str) -> str:
    """A name as SQL text.

    >>> print(name('so "a.b" is'))
    "so ""a.b"" is"
    """
    return '"' + identifier.replace('"', '""') + '"'


@contextmanager
def running_server() -> Iterator[Server]:
    """Make a data folder, start a server on it, and in the end stop it and throw the folder away."""
    folder = Path(tempfile.mkdtemp(prefix="lakehouse-postgresql-"))
    owner = _owner()
    if owner:
        os.chown(folder, owner["user"], owner["group"])
    try:
        initdb = [
            str(BINARIES / "initdb"),
            f"--pgdata={folder / 'data'}",
            "--username=postgres",
            "--auth=trust",
            "--no-sync",
        ]
        subprocess.run(
            [*initdb, "--encoding=UTF8", "--locale=C.UTF-8"], check=True, capture_output=True, cwd=folder, **owner
        )
        server = Server(port=_free_port(), folder=folder)
        process = _start(server, owner)
        try:
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # a fast shutdown: sessions are ended
            process.wait(timeout=30)
    finally:
        shutil.rmtree(folder)


def _start(server: Server, owner: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    settings = SETTINGS | {"port": str(server.port), "unix_socket_directories": str(server.folder)}
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    log = (server.folder / "log").open("wb")
    with log:
        process = subprocess.Popen(
            [str(BINARIES / "postgres"), "-D", str(server.folder / "data"), *options],
            stdout=log,
            stderr=log,
            cwd=server.folder,
            **owner,
        )
    deadline = time.monotonic() + _START_SECONDS
    ready = [str(BINARIES / "pg_isready"), "--quiet"]
    while subprocess.run(ready, env=os.environ | server.address, check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            msg = f"PostgreSQL did not start:\n{(server.folder / 'log').read_text()}"
            raise RuntimeError(msg)
        time.sleep(0.1)
    return process


def _owner() -> dict[str, Any]:
    """Who runs the server: PostgreSQL refuses root, so then it is the account that its package made."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
