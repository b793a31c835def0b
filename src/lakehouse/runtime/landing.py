"""The landing folder: which files are there, and their records as frames. Works wherever Hadoop's file systems reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from py4j.protocol import Py4JJavaError
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from lakehouse.bronze.encodings import decoded
from lakehouse.bronze.manifest import LandedFile
from lakehouse.columns import FILE, RAW
from lakehouse.errors import ConfigError
from lakehouse.tables.jvm import java_causes

_MARK = "\ufeff"
_REST = (1 << 31) - 1
_GLOB = str.maketrans({letter: f"\\{letter}" for letter in "\\{}[]*?,"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What lies below a folder: the files in the order of their paths, and how many are hidden.

    Hidden are, as for Spark, names (of a file or a folder) that begin with `_` or `.`, and those of copies on their way.
    """

    files: list[LandedFile]
    hidden: int = 0


def list_landed(spark: SparkSession, folder: str) -> Landed:
    """Every file below a folder.

    Raises:
        ConfigError: there is no such folder.
    """
    path, system = _on_file_system(spark, folder)
    if not system.exists(path):
        msg = f"there is no landing folder {folder}; create it, or mend the input's path"
        raise ConfigError(msg)
    base = system.makeQualified(path).toUri().getPath()
    found, hidden = [], 0
    for status in _files_below(system, path):
        below = status.getPath().toUri().getPath()[len(base) :]
        if is_hidden(below):
            hidden += 1
            continue
        found.append(_landed(status))
    return Landed(files=sorted(found, key=lambda file: file.file), hidden=hidden)


def _files_below(system: Any, folder: Any) -> Iterator[Any]:
    """The status of every file below a folder.

    A store lists all of them at once. On a local disk that would start a process for each file, which tells who may read it.
    """
    if system.getUri().getScheme() != "file":
        statuses = system.listFiles(folder, True)
        while statuses.hasNext():
            yield statuses.next()
        return
    folders = [folder]
    while folders:
        for status in system.listStatus(folders.pop()):
            if status.isDirectory():
                folders.append(status.getPath())
            else:
                yield status


def is_hidden(below: str) -> bool:
    """Whether a path below a landing folder is one that Spark does not look at, or of a copy on its way.

    >>> is_hidden("2026/_SUCCESS"), is_hidden("2026/orders.json")
    (True, False)
    """
    return below.endswith("._COPYING_") or any(part.startswith(("_", ".")) for part in below.split("/"))


def find_files(spark: SparkSession, addresses: Iterable[str]) -> list[LandedFile]:
    """The files that are at some addresses, in their order; what is not there, or is a folder, is left out."""
    found = []
    for uri in addresses:
        path = hadoop_path(spark, uri)
        try:
            status = path.getFileSystem(spark._jsc.hadoopConfiguration()).getFileStatus(path)  # noqa: SLF001 - as below
        except Py4JJavaError as error:
            if "java.io.FileNotFoundException" not in java_causes(error):
                raise
            continue
        if status.isFile():
            found.append(_landed(status))
    return found


def _landed(status: Any) -> LandedFile:
    uri = canonical(status.getPath().toUri().toString())
    return LandedFile(file=uri, size=status.getLen(), modified_at=status.getModificationTime())


def obstacle(file: LandedFile) -> str | None:
    """What in its name keeps Hadoop from opening a file, or None. One such file would fail the read of all others.

    A colon ends the scheme of a URI: Hadoop trips over one in the name of a local file, whose checksum it looks for, and
    anywhere in a path that it takes for a pattern.
    """
    path = unquote(file.file.partition("://")[2])
    if ":" not in path:
        return None
    if file.file.startswith("file:") and ":" in unquote(file.name):
        return "its name has a colon, which Hadoop does not open on a local disk; rename it"
    if path.translate(_GLOB) != path:
        return "its path has a colon and a letter of patterns (one of \\ { } [ ] * ? ,), which Hadoop does not open; rename it"
    return None


def local_path(uri: str) -> str | None:
    """Where a file lies on this machine, by its address; None when it lies elsewhere."""
    return unquote(uri.removeprefix("file://")) if uri.startswith("file:///") else None


def fetch(spark: SparkSession, uri: str, folder: Path) -> str | None:
    """Copy a file from wherever it lies into a folder of this machine, and say where it is now; None when it is gone.

    The copy is of the bytes as they lie there, and replaces the one before it.
    """
    copy = folder / "file"
    source = hadoop_path(spark, uri)
    target = _jvm(spark).org.apache.hadoop.fs.Path(copy.as_uri())
    system = source.getFileSystem(spark._jsc.hadoopConfiguration())  # noqa: SLF001 - as below
    try:
        system.copyToLocalFile(False, source, target, True)
    except Py4JJavaError as error:
        if "java.io.FileNotFoundException" not in java_causes(error):
            raise
        return None
    return str(copy)


def address(spark: SparkSession, folder: str) -> str:
    """The folder as the addresses of the files in it begin, without a slash at the end."""
    path, system = _on_file_system(spark, folder)
    return canonical(system.makeQualified(path).toUri().toString()).rstrip("/")


def is_there(spark: SparkSession, address: str) -> bool:
    """Whether there is a file at an address, a hidden one too."""
    path = hadoop_path(spark, address)
    return bool(path.getFileSystem(spark._jsc.hadoopConfiguration()).exists(path))  # noqa: SLF001 - as below


def read_text(spark: SparkSession, path: str) -> str:
    """The content of one small text file, anywhere.

    Raises:
        ConfigError: there is no such file.
    """
    file, system = _on_file_system(spark, path)
    if not system.exists(file):
        msg = f"there is no file {path}"
        raise ConfigError(msg)
    rows = spark.read.text(literal_path(spark, path), wholetext=True).collect()
    return rows[0].value if rows else ""


def write_once(spark: SparkSession, uri: str, content: bytes) -> None:
    """Write a small file whose name says its content, unless it is there. Nobody sees a part of it.

    Args:
        spark: the session.
        uri: the address of the file; until it is whole its name has an underscore before it, which hides it.
        content: its bytes.
    """
    path = hadoop_path(spark, uri)
    system = path.getFileSystem(spark._jsc.hadoopConfiguration())  # noqa: SLF001 - as below
    if system.exists(path):
        return
    folder, _, name = uri.rpartition("/")
    unfinished = hadoop_path(spark, f"{folder}/_{name}")
    stream = system.create(unfinished, True)
    stream.write(bytearray(content))
    stream.close()
    system.rename(unfinished, path)


def text_lines(spark: SparkSession, files: Sequence[LandedFile], *, encoding: str = "utf-8") -> DataFrame:
    """The lines of text files, numbered from 1 within each: `_raw`, `_source_file`, `_line`.

    Lines end with a line feed alone, so that a carriage return inside a quoted field stays what it was.

    Args:
        spark: the session.
        files: at least one.
        encoding: as `lakehouse.bronze.encodings` has it.
    """
    paths = [literal_path(spark, file.file) for file in files]
    lines = spark.read.text(paths, lineSep="\n")
    # Within one read a file's splits are in the order of their offsets, and rows within a split in theirs.
    placed = lines.select(
        decoded(F.col("value"), encoding).alias(RAW),
        file_column().alias(FILE),
        F.col("_metadata.file_block_start").alias("__lh_block"),
        F.monotonically_increasing_id().alias("__lh_id"),
    )
    order = Window.partitionBy(FILE).orderBy("__lh_block", "__lh_id")
    return placed.select(RAW, FILE, F.row_number().over(order).cast("bigint").alias("_line"))


def text_documents(spark: SparkSession, files: Sequence[LandedFile], *, encoding: str = "utf-8") -> DataFrame:
    """The whole text of each file that has more than blanks: `_raw`, `_source_file`, `_line` (1).

    A mark of UTF-8 at the beginning is left out, as it is of lines.

    Args:
        spark: the session.
        files: at least one.
        encoding: as `lakehouse.bronze.encodings` has it.
    """
    whole = spark.read.text([literal_path(spark, file.file) for file in files], wholetext=True)
    text = F.when(F.col("value").startswith(_MARK), F.substring("value", 2, _REST)).otherwise(F.col("value"))
    documents = whole.select(decoded(text, encoding).alias(RAW), file_column().alias(FILE))
    return documents.where(F.col(RAW).rlike(r"[^ \t\n\r]")).select("*", F.lit(1).cast("bigint").alias("_line"))


def file_column() -> Column:
    """The address of the file that a row was read from, in the spelling of `canonical`."""
    return F.regexp_replace(F.col("_metadata.file_path"), "^file:/+", "file:///")


def literal_path(spark: SparkSession, uri: str) -> str:
    """A path that Spark takes literally: no percent-encoding, glob letters escaped."""
    path = hadoop_path(spark, uri).toString() if ":" in uri else uri
    return str(path).translate(_GLOB)


def hadoop_path(spark: SparkSession, uri: str) -> Any:
    """The address of a file as Hadoop's own."""
    return _jvm(spark).org.apache.hadoop.fs.Path(_jvm(spark).java.net.URI(uri))


def _jvm(spark: SparkSession) -> Any:
    """The JVM behind the session; Hadoop's file systems have no public Python API."""
    return spark._jvm  # noqa: SLF001


def canonical(uri: str) -> str:
    """One spelling of a file's address; Hadoop writes local ones with one slash or with three."""
    return "file:///" + uri.removeprefix("file:").lstrip("/") if uri.startswith("file:") else uri


def _on_file_system(spark: SparkSession, folder: str) -> tuple[Any, Any]:
    """A Hadoop path and its file system; there is no public Python API for them."""
    path = _jvm(spark).org.apache.hadoop.fs.Path(folder)
    return path, path.getFileSystem(spark._jsc.hadoopConfiguration())  # noqa: SLF001
