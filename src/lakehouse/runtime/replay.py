"""Records out of quarantine, mended, back into the landing folder: from there they are loaded like any other, once.

A replay is a file beside the one that a record came in, named after its own content. A run that dies writes the same file
again, and a replay that is asked for twice is no second file. Quarantine keeps what it has, and a row more for each record that
was replayed: reason `replayed`, and the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.changes import TOO_LATE
from lakehouse.cdc.parsing import DMS_TRANSACTIONS
from lakehouse.columns import DETAIL, FILE, HEADER, RAW, REASON, ROW, TABLE
from lakehouse.config.models import FORMATS, Input
from lakehouse.errors import ConfigError
from lakehouse.failpoints import reach
from lakehouse.runtime import landing
from lakehouse.runtime.mended import Mended
from lakehouse.runtime.planning import Job, named
from lakehouse.runtime.quarantine import REPLAYED, Quarantine

SHOWN = (TABLE, REASON, DETAIL, FILE, ROW, RAW)
PLACES = f"{FILE} string, {ROW} bigint"
Place = tuple[str, int]
"""A record: its file and its row there."""
BY_POSITION = frozenset({"dms-s3", DMS_TRANSACTIONS})
"""Feeds whose files say by their names and rows in which order changes were made; a record in another file is another change."""


def open_rows(quarantine: DataFrame) -> DataFrame:
    """The records in quarantine that can be replayed and were not: the columns `SHOWN`.

    Not among them are files that were refused as a whole, and changes that came too late.
    """
    rows = quarantine.where(F.col(ROW).isNotNull())
    done = rows.where(F.col(REASON) == REPLAYED).select(FILE, ROW)
    return (
        rows.where(~F.col(REASON).isin(TOO_LATE, REPLAYED)).join(done, on=[FILE, ROW], how="left_anti").select(*SHOWN)
    )


def replay(job: Job, mended: Sequence[Mended], quarantine: Quarantine) -> int:
    """Put mended records beside the files that they came in, and note it in quarantine: how many were not replayed before.

    Raises:
        ConfigError: a record is not in quarantine, or cannot be replayed; nothing was written.
    """
    texts = {(one.file, one.row): one.raw for one in mended}
    wanted = job.spark.createDataFrame([*texts], PLACES)
    rows = quarantine.table.read().join(F.broadcast(wanted), on=[FILE, ROW], how="left_semi")
    there = rows.groupBy(FILE, ROW).agg(
        F.first(TABLE, ignorenulls=True).alias(TABLE), F.max(F.col(REASON) == REPLAYED).alias("done")
    )
    known = {(row[FILE], row[ROW]): row for row in there.collect()}
    if unknown := sorted(texts.keys() - known.keys()):
        msg = f"--replay: {len(unknown)} records are not in {job.config.quarantine}; the first is row {unknown[0][1]} of {unknown[0][0]}"
        raise ConfigError(msg)
    new = {place: texts[place] for place, row in known.items() if not row["done"]}
    tables = {place: known[place][TABLE] for place in new}
    for made in _files(job, new, tables):
        landing.write_once(job.spark, made.address, made.content)
        reach("replay.landed")
        quarantine.note_replayed(made.places, into=made.address)
    return len(new)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file to come: its address and bytes, and the records in it by file and row."""

    address: str
    content: bytes
    places: Sequence[tuple[str, int]]


def _files(job: Job, texts: Mapping[Place, str], tables: Mapping[Place, str | None]) -> list[_File]:
    """The files that records go into: one for each folder, and for each header that records of it have."""
    inputs = {landing.address(job.spark, one.path) + "/": one for one in job.config.inputs.values()}
    groups: dict[tuple[str, str | None], list[Place]] = {}
    sources: dict[str, Input] = {}
    for place in sorted(texts):
        folder = place[0].rpartition("/")[0]
        if folder not in sources:
            sources[folder] = _replayable(inputs, place[0])
        groups.setdefault((folder, None), []).append(place)
    for (folder, _), places in [*groups.items()]:
        source = sources[folder]
        if source.files == "csv" and source.header:
            del groups[folder, None]
            for place, header in _headers(job, source, places, tables).items():
                groups.setdefault((folder, header), []).append(place)
    return [
        _file(sources[folder], folder, header, {place: texts[place] for place in places})
        for (folder, header), places in groups.items()
    ]


def _replayable(inputs: Mapping[str, Input], file: str) -> Input:
    """The input that a file came by.

    Raises:
        ConfigError: there is none, or its records cannot be replayed.
    """
    source = next((one for folder, one in inputs.items() if file.startswith(folder)), None)
    if source is None:
        msg = f"--replay: {file} lies below no input of the job"
        raise ConfigError(msg)
    if source.is_typed or source.feed in BY_POSITION:
        why = (
            f"{FORMATS[source.files]} files"
            if source.is_typed
            else f"feed {source.feed}, whose order is that of its files,"
        )
        msg = f"--replay: records of {why} are mended at their source; {file} holds such"
        raise ConfigError(msg)
    return source


def _headers(job: Job, source: Input, places: Sequence[Place], tables: Mapping[Place, str | None]) -> dict[Place, str]:
    """The header of the file that each record came in, which bronze has."""
    found: dict[Place, str] = {}
    for bronze in sorted({named(source.bronze, tables[place] or "") for place in places}):
        wanted = job.spark.createDataFrame(list(places), PLACES)
        rows = job.table(bronze).read().join(F.broadcast(wanted), on=[FILE, ROW], how="left_semi")
        found |= {(row[FILE], row[ROW]): row[HEADER] for row in rows.select(FILE, ROW, HEADER).distinct().collect()}
    return {place: found[place] for place in places}


def _file(source: Input, folder: str, header: str | None, texts: Mapping[Place, str]) -> _File:
    records = list(texts.values())
    if source.files == "json" and any("\n" in one for one in records):
        msg = f"--replay: a record for {folder} has a line break between its fields; a record of JSON is one line"
        raise ConfigError(msg)
    if source.files == "document":
        text = "[" + ",\n".join(records) + "]\n"
    else:
        text = "".join(f"{one}\n" for one in ([] if header is None else [header]) + records)
    try:
        content = text.encode(source.encoding)
    except UnicodeEncodeError as error:
        msg = f"--replay: a record for {folder} has letters that {source.encoding} has not"
        raise ConfigError(msg) from error
    name = f"replayed-{hashlib.sha256(content).hexdigest()[:32]}.{'csv' if source.files == 'csv' else 'json'}"
    return _File(address=f"{folder}/{name}", content=content, places=list(texts))
