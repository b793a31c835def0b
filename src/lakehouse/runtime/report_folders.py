"""The folder in which the reports of a job are: on this machine, or wherever Hadoop's file systems reach."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from lakehouse.runtime.landing import canonical, fetch, local_path
from lakehouse.tables.jvm import java_causes, java_packages


class ReportFolder(Protocol):
    """A folder of small texts in UTF-8."""

    def names(self) -> list[str]:
        """The names of what is in it, in their order; none when there is no folder yet."""
        ...

    def read(self, name: str) -> str | None:
        """A text; None when it is gone, or is no UTF-8."""
        ...

    def write(self, name: str, text: str) -> str:
        """Put a text there, in place of the one of that name, and say where it is."""
        ...


def open_folder(at: str, job: str, spark: Callable[[], SparkSession]) -> ReportFolder:
    """The folder of the reports of a job.

    Args:
        at: the folder of all reports: a path of this machine, or an address.
        job: its name, which becomes the name of its folder.
        spark: opens the session, which an address needs and a path does not.
    """
    path = local_path(canonical(at)) if at.startswith("file:") else None if "://" in at else at
    if path is not None:
        return LocalFolder(folder=Path(path).expanduser().resolve() / plain_name(job))
    return HadoopFolder(spark=spark(), folder=f"{at.rstrip('/')}/{plain_name(job)}")


def plain_name(text: str) -> str:
    """A text as the name of a file or a folder: letters that mean something to a file system or in an address are escaped.

    >>> plain_name("../a b"), plain_name("jr_42")
    ('%2E.%2Fa%20b', 'jr_42')
    """
    quoted = quote(text, safe="")
    return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFolder:
    """A folder of this machine."""

    folder: Path

    def names(self) -> list[str]:
        """The names of what is in it, in their order; none when there is no folder yet."""
        return sorted(one.name for one in self.folder.iterdir()) if self.folder.is_dir() else []

    def read(self, name: str) -> str | None:
        """A text; None when it is gone, or is no UTF-8."""
        return _read(self.folder / name)

    def write(self, name: str, text: str) -> str:
        """Put a text there, in place of the one of that name, and say where it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        # Beside its place, and renamed: whoever looks meanwhile sees all of it, or what was there before.
        new = self.folder / f".new-{name}"
        new.write_text(text, encoding="utf-8", newline="")
        new.replace(path)
        return str(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class HadoopFolder:
    """A folder that Hadoop reaches. Object stores show an object when it is whole."""

    spark: SparkSession
    folder: str

    def names(self) -> list[str]:
        """The names of what is in it, in their order; none when there is no folder yet."""
        folder, system = self._place()
        try:
            return sorted(str(status.getPath().getName()) for status in system.listStatus(folder))
        except Py4JJavaError as error:
            if "java.io.FileNotFoundException" not in java_causes(error):
                raise
            return []

    def read(self, name: str) -> str | None:
        """A text; None when it is gone, or is no UTF-8."""
        path, _ = self._place(name)
        with tempfile.TemporaryDirectory() as folder:
            copy = fetch(self.spark, path.toUri().toString(), Path(folder))
            return None if copy is None else _read(Path(copy))

    def write(self, name: str, text: str) -> str:
        """Put a text there, in place of the one of that name, and say where it is."""
        path, system = self._place(name)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "file"
            copy.write_text(text, encoding="utf-8", newline="")
            source = java_packages(self.spark).org.apache.hadoop.fs.Path(copy.as_uri())
            system.copyFromLocalFile(False, True, source, path)
        return f"{self.folder}/{name}"

    def _place(self, name: str = "") -> tuple[Any, Any]:
        path_of = java_packages(self.spark).org.apache.hadoop.fs.Path
        path = path_of(path_of(self.folder), name) if name else path_of(self.folder)
        return path, path.getFileSystem(self.spark._jsc.hadoopConfiguration())  # noqa: SLF001 - there is no public way


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
