"""The manifest: which files were loaded, in which batch, so that a rerun takes only new ones. Plain data, no Spark."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from pyspark.sql.types import LongType, StringType, StructField, StructType, TimestampType

from lakehouse.cdc.feeds.folders import table_of

SCHEMA = StructType(
    [
        StructField("file", StringType()),
        StructField("size", LongType()),
        StructField("modified_at", TimestampType()),
        StructField("batch", LongType()),
        StructField("loaded_at", TimestampType()),
        StructField("run_id", StringType()),
        StructField("duplicate_of", StringType()),
        StructField("hash", StringType()),
        StructField("records", LongType()),
        StructField("reason", StringType()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedFile:
    """A file in the landing folder. `modified_at` is in milliseconds since the epoch, `size` in bytes."""

    file: str
    size: int
    modified_at: int

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.file.rsplit("/", 1)[-1]

    @property
    def table(self) -> tuple[str, str]:
        """The schema and the table that the folders name, see `lakehouse.cdc.feeds.folders`."""
        return table_of(self.file)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFile:
    """A line of the manifest.

    Attributes:
        landed: the file as it was then.
        batch: the batch it was loaded with, or planned beside.
        loaded_at: when.
        run_id: by which run.
        duplicate_of: the file whose content it repeats; such a file has no rows in bronze.
        hash: SHA-256 of its bytes; None when they could not be read.
        records: how many the check before the load counted; None when it did not.
        reason: why it was refused; None when it was not. Such a file has no rows in bronze either.
    """

    landed: LandedFile
    batch: int
    loaded_at: datetime
    run_id: str
    duplicate_of: str | None = None
    hash: str | None = None
    records: int | None = None
    reason: str | None = None

    @property
    def has_rows(self) -> bool:
        """Whether bronze holds its records."""
        return self.duplicate_of is None and self.reason is None


def unseen(landed: Iterable[LandedFile], manifest: Iterable[LoadedFile]) -> list[LandedFile]:
    """The files that the manifest does not know as they are now, in the order of their paths.

    A file that was overwritten (other size or time) is unseen again, and so is one that was refused and has changed since.
    """
    known = {entry.landed for entry in manifest}
    return sorted((file for file in landed if file not in known), key=lambda file: file.file)


def repeats(new: Iterable[LoadedFile], manifest: Iterable[LoadedFile], *, by_folder: bool) -> list[LoadedFile]:
    """The new lines in path order, those that repeat the bytes of another file marked so.

    A loaded file is repeated before another new one is. Refused files repeat none, and neither do those without bytes, nor
    those whose bytes nobody has read.

    Args:
        new: lines of files that are to be loaded or were refused.
        manifest: the lines there are.
        by_folder: whether the folders say whose rows a file holds; then files of other folders are others.
    """
    first_with: dict[tuple[str | None, str], str] = {}
    for entry in sorted(manifest, key=_path, reverse=True):
        if entry.has_rows:
            first_with[_content(entry, by_folder=by_folder)] = entry.landed.file
    marked = []
    for entry in sorted(new, key=_path):
        original = None
        if entry.reason is None and entry.hash is not None and entry.landed.size:
            content = _content(entry, by_folder=by_folder)
            original = first_with.get(content)
            first_with.setdefault(content, entry.landed.file)
        marked.append(replace(entry, duplicate_of=original))
    return marked


def has_other_content(entry: LoadedFile, manifest: Iterable[LoadedFile]) -> bool:
    """Whether a file of this name is loaded already, and was always another one; an unread file counts as another."""
    before = [known for known in manifest if known.reason is None and known.landed.file == entry.landed.file]
    return bool(before) and all(known.hash != entry.hash or entry.hash is None for known in before)


def _path(entry: LoadedFile) -> str:
    return entry.landed.file


def _content(entry: LoadedFile, *, by_folder: bool) -> tuple[str | None, str]:
    return entry.hash, ".".join(entry.landed.table) if by_folder else ""
