"""The manifest: which files were loaded, in which batch, so that a rerun takes only new ones. Plain data, no Spark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pyspark.sql.types import LongType, StringType, StructField, StructType, TimestampType

SCHEMA = StructType(
    [
        StructField("file", StringType()),
        StructField("size", LongType()),
        StructField("modified_at", TimestampType()),
        StructField("batch", LongType()),
        StructField("loaded_at", TimestampType()),
        StructField("run_id", StringType()),
        StructField("duplicate_of", StringType()),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFile:
    """A line of the manifest. `duplicate_of` names the file whose content it repeats; such a file has no rows in bronze."""

    landed: LandedFile
    batch: int
    loaded_at: datetime
    run_id: str
    duplicate_of: str | None = None


def unseen(landed: Iterable[LandedFile], manifest: Iterable[LoadedFile]) -> list[LandedFile]:
    """The files that the manifest does not know as they are now, in the order of their paths.

    A file that was overwritten (other size or time) is unseen again: its rows are new until they prove to be the same.
    """
    known = {entry.landed for entry in manifest}
    return sorted((file for file in landed if file not in known), key=lambda file: file.file)


def suspects(new: Sequence[LandedFile], manifest: Sequence[LoadedFile]) -> tuple[list[LandedFile], list[str]]:
    """New files that may repeat the content of another one (same size), and the loaded files to compare them with.

    Only these need their content looked at; a size nobody else has cannot be a repetition.
    """
    loaded = [entry.landed for entry in manifest if entry.duplicate_of is None]
    sizes = [file.size for file in [*new, *loaded] if file.size]
    repeated = {size for size in sizes if sizes.count(size) > 1}
    possible = [file for file in new if file.size in repeated]
    wanted = {file.size for file in possible}
    return possible, sorted({file.file for file in loaded if file.size in wanted})


def duplicates(
    possible: Sequence[LandedFile], new: Mapping[str, object], loaded: Mapping[str, object]
) -> dict[LandedFile, str]:
    """Which files repeat another one: by fingerprint, first against what is loaded, then among themselves in path order."""
    first_with = {print_: file for file, print_ in sorted(loaded.items(), reverse=True)}
    found: dict[LandedFile, str] = {}
    for file in sorted(possible, key=lambda file: file.file):
        print_ = new.get(file.file)
        if print_ is None:
            continue
        if print_ in first_with:
            found[file] = first_with[print_]
        else:
            first_with[print_] = file.file
    return found
