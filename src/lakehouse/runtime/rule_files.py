"""The files that rules of a ruleset speak of: listed once for each path, and read as streams, wherever Hadoop's file systems reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from urllib.parse import unquote

from pyspark.sql import SparkSession

from lakehouse.bronze.manifest import LandedFile
from lakehouse.errors import ConfigError
from lakehouse.quality.files import Algorithm, FileFacts
from lakehouse.quality.judging import RuleError
from lakehouse.runtime.landing import hadoop_path, list_landed
from lakehouse.tables.jvm import FAILURES, java_causes, java_packages

CHUNK = 1 << 20
"""How many bytes of a file are held at a time."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def file_lister(spark: SparkSession, default: str | None) -> Callable[[str | None], Sequence[FileFacts]]:
    """Lists the files at or below a path in the order of their paths, hidden ones left out; each path and checksum once.

    Args:
        spark: the session.
        default: where to look if no path is named; None: nobody said.
    """

    @cache
    def files(path: str | None) -> Sequence[FileFacts]:
        folder = default if path is None else path
        if folder is None:
            msg = "it names no path: name one, or say by files= where the frame was read from"
            raise RuleError(msg)
        try:
            landed = list_landed(spark, folder).files
        except ConfigError:
            msg = f"there is neither a file nor a folder {folder}"
            raise RuleError(msg) from None
        except FAILURES as error:
            msg = f"{folder} cannot be listed: {_cause(error)}"
            raise RuleError(msg) from None
        return [_facts(spark, file) for file in landed]

    return files


def _facts(spark: SparkSession, file: LandedFile) -> FileFacts:
    return FileFacts(
        path=unquote(file.file),
        size=file.size,
        modified_at=EPOCH + timedelta(milliseconds=file.modified_at),
        digest=cache(partial(_digest, spark, file.file)),
    )


def _digest(spark: SparkSession, address: str, algorithm: Algorithm) -> str:
    """The checksum of a file, in the JVM: its bytes never come to Python."""
    jvm, path = java_packages(spark), hadoop_path(spark, address)
    digest = jvm.java.security.MessageDigest.getInstance(algorithm)
    try:
        system = path.getFileSystem(spark._jsc.hadoopConfiguration())  # noqa: SLF001 - Hadoop has no Python API
        stream = jvm.java.security.DigestInputStream(system.open(path), digest)
        jvm.org.apache.hadoop.io.IOUtils.copyBytes(stream, jvm.java.io.OutputStream.nullOutputStream(), CHUNK, True)
    except FAILURES as error:
        msg = f"a file cannot be read: {_cause(error)}"
        raise RuleError(msg) from None
    return bytes(digest.digest()).hex()


def _cause(error: Exception) -> str:
    """What keeps Hadoop from a file by its kind alone, since messages may name files."""
    return (java_causes(error) or [type(error).__name__])[-1].rpartition(".")[2]
