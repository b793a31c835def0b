"""Which stores tell two committing writers of a Delta table apart by themselves, and what is done about the others.

| store | two commits at once |
|---|---|
| local folders | both may win: a lock file beside the table keeps processes apart |
| S3 | both may win: a lease, or Delta's own DynamoDB log store |
| any other (HDFS, ADLS, GCS) | the store refuses one of them |

An Iceberg catalog swaps the metadata atomically; its tables need none of this.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pyspark.sql import SparkSession

from lakehouse.errors import ConfigError
from lakehouse.tables.commits import commit_failures
from lakehouse.tables.delta_log import read_state
from lakehouse.tables.delta_places import is_delta_name, qualified
from lakehouse.tables.leases import Lease, Leases, held
from lakehouse.tables.local_lease import LocalLease
from lakehouse.tables.protocol import TableRef

_S3 = frozenset({"s3", "s3a", "s3n"})
_ARBITRATES = "S3DynamoDBLogStore"


@contextmanager
def committing(spark: SparkSession, ref: TableRef, target: str, leases: Leases | None) -> Iterator[int | None]:
    """Run one statement against a Delta table, alone where its store needs that; yields the fencing number, if any.

    Raises:
        ConfigError: the table is on S3, where nothing keeps two writers apart.
        LeaseError: the right to commit was not to be had.
        CommitError: as `lakehouse.tables.commits.commit_failures` says.
    """
    folder = _folder(spark, ref, target)
    makes = None if folder is None else leases_for(folder, leases, log_store=_log_store(spark, folder))
    with commit_failures(ref.identifier):
        if folder is None or makes is None:
            yield None
        else:
            with held(folder, makes) as fence:
                yield fence


def leases_for(folder: str, leases: Leases | None, *, log_store: str) -> Leases | None:
    """What makes the leases of a folder's table; None: its store needs none.

    Args:
        folder: where the table lies, with its scheme.
        leases: those of the configuration.
        log_store: the class of Delta's log store that is configured for the scheme; may be empty.

    Raises:
        ConfigError: the table is on S3, where nothing keeps two writers apart.
    """
    scheme = urlsplit(folder).scheme
    if scheme in {"", "file"}:
        return leases or _local
    if scheme not in _S3 or log_store.endswith(_ARBITRATES):
        return None
    if leases is None:
        msg = (
            f"{folder} is a Delta table on S3, where two writers at once may overwrite each other's commits. Set lease: in "
            "the configuration (s3://bucket/folder or dynamodb://table), or Delta's DynamoDB log store "
            f"(spark.delta.logStore.{scheme}.impl=io.delta.storage.{_ARBITRATES})"
        )
        raise ConfigError(msg)
    return leases


def _local(folder: str) -> Lease:
    return LocalLease(folder=Path(unquote(urlsplit(folder).path)))


def _folder(spark: SparkSession, ref: TableRef, target: str) -> str | None:
    """Where the table lies; None: it has a name and is not there yet, so the catalog decides who makes it."""
    if ref.path is not None:
        return qualified(spark, ref.path)
    return read_state(spark, ref, target).folder if is_delta_name(spark, target) else None


def _log_store(spark: SparkSession, folder: str) -> str:
    key = f"spark.delta.logStore.{urlsplit(folder).scheme}.impl"
    return str(spark.conf.get(key, None) or spark.conf.get("spark.delta.logStore.class", None) or "")
