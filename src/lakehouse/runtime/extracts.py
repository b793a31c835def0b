"""Full extracts in a landing folder: which snapshots there are, which are whole, and their way into the tables.

A snapshot is all files whose paths name one version. It is taken when it is complete: when its folder holds the marker that
its writer puts there last (Spark, Glue and EMR write `_SUCCESS`), or else when none of its files has changed for some
minutes. Snapshots are applied in the order of their versions, each to every target that has not seen it or a newer one. An
incomplete one is left out and named; when it is completed after a newer one was applied, it comes too late.

There is no bronze table: the landing folder holds what one would, and a target says itself how far it has come. A row that
cannot be understood makes the whole snapshot fail, since a row that was set aside would look like one that was deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession

from lakehouse.bronze.manifest import LandedFile
from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.parsing import SNAPSHOT, parse_changes
from lakehouse.columns import DETAIL, ORIGIN, REASON
from lakehouse.config.models import Contract, Input, Snapshots
from lakehouse.errors import ConfigError, InvalidChangesError
from lakehouse.runtime import landing
from lakehouse.runtime.ingestion import read_records
from lakehouse.runtime.quarantine import account_for

Version = date | datetime | int

_PLACES = re.compile(r"(\*\*|\*|\{schema\}|\{table\}|\{version\})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """One snapshot of one source table: its files, and the addresses of the folders that its version names."""

    version: Version
    files: tuple[LandedFile, ...]
    folders: tuple[str, ...]

    def is_newer(self, newest: object) -> bool:
        """Whether it is above what a table has seen; a sequence of another type is left for the merge to refuse."""
        seen = newest.astimezone(UTC) if isinstance(newest, datetime) else newest
        return type(seen) is not type(self.version) or bool(self.version > seen)  # type: ignore[operator]  # of one type

    def is_complete(self, spark: SparkSession, snapshots: Snapshots, now: datetime) -> bool:
        """Whether all its files are there."""
        if snapshots.quiet_minutes is None:
            return all(landing.is_there(spark, f"{folder}/{snapshots.marker}") for folder in self.folders)
        newest = datetime.fromtimestamp(max(file.modified_at for file in self.files) / 1000, tz=UTC)
        return now - newest >= timedelta(minutes=snapshots.quiet_minutes)


def find_extracts(
    root: str, landed: Sequence[LandedFile], tables: Iterable[str], snapshots: Snapshots
) -> dict[str, list[Extract]]:
    """The snapshots of each table, oldest first. Files that the layout does not fit belong to none.

    Args:
        root: the address of the landing folder.
        landed: the files below it.
        tables: the source tables, `schema.table`.
        snapshots: how the files lie.

    Raises:
        ConfigError: there are files, and none is a snapshot's; or a version is none.
    """
    found = {table: _extracts_of(table, root, landed, snapshots) for table in tables}
    if landed and not any(found.values()):
        msg = (
            f"none of the {len(landed)} files below {root} fits snapshots.layout {snapshots.layout!r} for the tables "
            f"{', '.join(found)}"
        )
        raise ConfigError(msg)
    return found


def _extracts_of(table: str, root: str, landed: Sequence[LandedFile], snapshots: Snapshots) -> list[Extract]:
    pattern = _pattern(snapshots.layout, table)
    found: dict[Version, list[tuple[LandedFile, str]]] = {}
    for file in landed:
        below = file.file.removeprefix(root).lstrip("/")
        if match := pattern.fullmatch(unquote(below)):
            depth = match.string.count("/", 0, match.start("version")) + 1
            folder = "/".join([root, *below.split("/")[:depth]])
            found.setdefault(snapshots.parse_version(match["version"]), []).append((file, folder))
    return [
        Extract(
            version=version,
            files=tuple(file for file, _ in found[version]),
            folders=tuple(sorted({folder for _, folder in found[version]})),
        )
        for version in sorted(found)
    ]


def _pattern(layout: str, table: str) -> re.Pattern[str]:
    """The layout for one table, so that a name with the layout's own separators is not taken apart."""
    schema, _, plain = table.rpartition(".")
    meant = {
        "**": ".+",
        "*": "[^/]*",
        "{schema}": re.escape(schema),
        "{table}": re.escape(plain),
        "{version}": "(?P<version>[^/]+?)",
    }
    return re.compile("".join(meant.get(part, re.escape(part)) for part in _PLACES.split(layout)), re.DOTALL)


def read_extract(
    spark: SparkSession, source: Input, table: str, contract: Contract, extract: Extract
) -> tuple[DataFrame, int]:
    """The rows of a snapshot as upserts at its version, worked out once, and how many there are.

    Raises:
        InvalidChangesError: rows that cannot be understood; says how many, why, and where the first is.
        IncompatibleSchemaError: typed files do not agree on their columns.
        MissingColumnsError: typed files lack columns of the contract.
    """
    where = f"the snapshot {extract.version} of {table}"
    records = read_records(spark, source, extract.files, where=where)
    form = {} if source.is_typed else {"form": source.files}
    options: dict[str, Any] = {**form, **source.options, "version": extract.version}
    parsed = parse_changes(
        records,
        feed=SNAPSHOT,
        schema=contract.schema_,
        keys=contract.keys,
        required=contract.required,
        **options,
    )
    settled = ParsedChanges(rows=parsed.rows.localCheckpoint(eager=False))
    account = account_for(settled)
    if account.rejected:
        first = settled.rejected.orderBy(f"{ORIGIN}.file", f"{ORIGIN}.row").select(REASON, DETAIL, f"{ORIGIN}.*").head()
        listed = ", ".join(f"{number} {reason}" for reason, number in sorted(account.rejected.items()))
        place = f"; the first is row {first['row']} of {first['file']}: {first[DETAIL]}" if first else ""
        msg = f"{where} holds rows that cannot be read: {listed}{place}. Mend the extract; nothing of it was written."
        raise InvalidChangesError(msg)
    return settled.changes, account.understood
