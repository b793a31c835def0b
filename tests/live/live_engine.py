"""Debezium's engine in a process of its own, and its jars."""

from __future__ import annotations

import base64
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyspark
from live_server import Server

from lakehouse.runtime.jars import cache_folder
from lakehouse.runtime.java import find_java, java_options

VERSION = "3.6.3.Final"
MODULES = {
    "io.debezium:debezium-embedded": VERSION,
    "io.debezium:debezium-connector-postgres": VERSION,
    "org.slf4j:slf4j-simple": "1.7.36",  # the version of the interface that Kafka Connect brings
}
PROGRAM = Path(__file__).with_name("Engine.java")
JAVA = range(17, 26)
LOGGING = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")
_WAIT_SECONDS = 90

_IVY = """\
<ivy-module version="2.0">
  <info organisation="lakehouse" module="live"/>
  <configurations><conf name="default"/></configurations>
  <dependencies>{}</dependencies>
</ivy-module>
"""


@dataclass(kw_only=True)
class Engine:
    """An engine that writes what it captures into `landing`; its offsets are in `folder`, for the next start."""

    server: Server
    folder: Path
    landing: Path
    tables: Sequence[str]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it where it ended, or with a snapshot, and wait for its first file."""
        settings = self.folder / "engine.properties"
        settings.write_text("".join(f"{key}={value}\n" for key, value in self._settings().items()))
        java = find_java(versions=JAVA, wheel=False).home / "bin" / "java"
        before = set(self.landing.glob("*.jsonl"))
        command = [
            str(java),
            "-Xmx256m",
            *LOGGING,
            "-cp",
            str(fetch_jars() / "*"),
            *map(str, (PROGRAM, settings, self.landing)),
        ]
        with (self.folder / "engine.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        self._wait("its first file", lambda: bool(set(self.landing.glob("*.jsonl")) - before))

    def stop(self) -> None:
        """End it in good order."""
        if self._process:
            self._process.communicate(timeout=60)
            self._process = None

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def crash(self) -> None:
        """Let it die between a file and its acknowledgement, and start it again."""
        assert self._process is not None
        assert self._process.stdin is not None
        with self._process.stdin as stdin:
            stdin.write(b"die\n")
            stdin.flush()
            self._process.wait(timeout=60)
        self.start()

    def wait_for(self, mark: str) -> None:
        """Wait until a logical message has landed, and with it everything the server committed before."""
        content = base64.b64encode(mark.encode())
        seen: set[Path] = set()

        def landed() -> bool:
            new = set(self.landing.glob("*.jsonl")) - seen
            seen.update(new)
            return any(content in path.read_bytes() for path in new)

        self._wait(mark, landed)

    def _wait(self, what: str, landed: Callable[[], bool]) -> None:
        """Look ten times a second.

        Raises:
            AssertionError: the engine ended, or took too long; quotes its log.
        """
        deadline = time.monotonic() + _WAIT_SECONDS
        while not landed():
            log = (self.folder / "engine.log").read_text()[-4000:]
            assert self._process is not None
            assert self._process.poll() is None, f"the engine ended before {what} landed:\n{log}"
            assert time.monotonic() < deadline, f"{what} has not landed:\n{log}"
            time.sleep(0.1)

    def _settings(self) -> dict[str, str]:
        return {
            "name": "live",
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "plugin.name": "pgoutput",
            "topic.prefix": "live",
            "database.hostname": "127.0.0.1",
            "database.port": str(self.server.port),
            "database.user": "postgres",
            "database.password": "none",  # pragma: allowlist secret - the server trusts whoever is on this machine
            "database.dbname": "postgres",
            "table.include.list": ",".join(self.tables),
            "publication.autocreate.mode": "filtered",
            "skipped.operations": "none",  # truncates, by default
            "decimal.handling.mode": "string",  # the others have no word for a numeric that is NaN or infinite
            "slot.name": "debezium",
            "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore",
            "offset.storage.file.filename": str(self.folder / "offsets"),
            "offset.flush.interval.ms": "0",  # with every batch
            "poll.interval.ms": "100",
        }


def fetch_jars() -> Path:
    """The folder of Debezium's jars, filled once on this machine by the Ivy that Spark brings.

    Raises:
        RuntimeError: they could not be fetched; quotes Ivy.
    """
    folder = cache_folder() / f"debezium-{VERSION}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder.parent) as work:
        said = _resolve(Path(work))
        fetched = Path(work, "jars")
        if not fetched.is_dir():
            msg = f"could not fetch Debezium {VERSION}; Ivy said:\n{said[-2000:]}"
            raise RuntimeError(msg)
        if not folder.is_dir():  # another process may have been faster
            fetched.replace(folder)
    return folder


def _resolve(work: Path) -> str:
    """Let Ivy put the modules and all they need into `jars`; no folder of that name when one is not to be had."""
    wanted = ""
    for module, version in MODULES.items():
        group, artifact = module.split(":")
        wanted += f'<dependency org="{group}" name="{artifact}" rev="{version}" conf="default"/>'
    (work / "ivy.xml").write_text(_IVY.format(wanted), encoding="utf-8")
    java = find_java(versions=JAVA, wheel=False)
    (ivy,) = (Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar")
    command = [str(java.home / "bin" / "java"), *java_options(java, cache=cache_folder()), "-jar", str(ivy)]
    command += ["-cache", str(work / "ivy"), "-ivy", str(work / "ivy.xml"), "-confs", "default"]
    command += [
        "-types",
        "jar",
        "bundle",
        "-retrieve",
        str(work / "jars" / "[organisation]_[artifact]-[revision].[ext]"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
