"""A real PostgreSQL, captured by the real Debezium and by wal2json, and the lake that the job makes of it.

While a workload runs, files are captured and merged half by half and in no order; the engine dies and is started again.
Whenever the server rests, the lake must hold what the server holds.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_course import ENGINE, SLOT, Course
from live_engine import Engine
from live_lake import Lake
from live_rows import differences, without_specials
from live_server import running_server
from live_sources import SOURCES, Source
from live_workload import Workload
from pyspark.sql import SparkSession

KEPT = {ENGINE: ("current_iceberg", "history_delta"), SLOT: ("current_delta", "history_iceberg")}
"""What is kept of each feed, by the ending of the table's name: how it is written, and the format."""

SPECIALS = ("NAN", "POSITIVE_INFINITY", "NEGATIVE_INFINITY")
"""What Debezium calls a numeric that is no number or infinite."""

CURRENT = [(feed, output) for feed, outputs in KEPT.items() for output in outputs if output.startswith("current")]
HISTORIES = [(feed, output) for feed, outputs in KEPT.items() for output in outputs if output.startswith("history")]


@pytest.fixture(scope="module")
def course(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """Four rounds: the engine starts with a snapshot under load, dies and goes on, is stopped and goes on."""
    parts = ("engine", "jobs", *(f"{feed}_{part}" for feed in (ENGINE, SLOT) for part in ("captured", "landing")))
    folders = {part: tmp_path_factory.mktemp(part) for part in parts}
    captured = {feed: folders[f"{feed}_captured"] for feed in (ENGINE, SLOT)}
    lakes = {feed: new_lake(spark, feed, folders) for feed in (ENGINE, SLOT)}
    tables = [source.table for source in SOURCES]
    chance = random.Random(15)  # noqa: S311  which files come first
    with running_server() as server:
        engine = Engine(server=server, folder=folders["engine"], landing=captured[ENGINE], tables=tables)
        course = Course(server=server, engine=engine, captured=captured, lakes=lakes, chance=chance)
        workload = Workload(server, seed=15)
        course.prepare(workload)
        try:
            for meanwhile, first in zip(
                (engine.start, engine.crash, engine.restart, engine.crash), (ENGINE, SLOT) * 2, strict=True
            ):
                course.advance(workload, meanwhile, first)
            yield course
        finally:
            workload.close()
            engine.stop()


def new_lake(spark: SparkSession, feed: str, folders: dict[str, Path]) -> Lake:
    """The lake of a feed."""
    return Lake(spark=spark, feed=feed, outputs=KEPT[feed], folder=folders["jobs"], landing=folders[f"{feed}_landing"])


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.table)
@pytest.mark.parametrize(("feed", "output"), CURRENT)
def test_current_tables_are_the_servers(course: Course, feed: str, output: str, source: Source) -> None:
    """At every checkpoint the current table holds the rows that the server selects."""
    for number, checkpoint in enumerate(course.checkpoints):
        wanted = checkpoint.server[source.table]
        wanted = without_specials(wanted, source) if feed == SLOT else wanted
        assert differences(checkpoint.lake[feed, output, source.table], wanted, source) == [], number
        assert wanted


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.table)
@pytest.mark.parametrize(("feed", "output"), HISTORIES)
def test_histories_remember_every_checkpoint(course: Course, feed: str, output: str, source: Source) -> None:
    """As of the position of each checkpoint, the history holds the rows that the server had then."""
    positions = [checkpoint.position for checkpoint in course.checkpoints]
    found = course.lakes[feed].history_at(output, source, positions)
    for number, (rows, checkpoint) in enumerate(zip(found, course.checkpoints, strict=True)):
        wanted = checkpoint.server[source.table]
        wanted = without_specials(wanted, source) if feed == SLOT else wanted
        assert differences(rows, wanted, source) == [], number


def test_nothing_was_set_aside(course: Course) -> None:
    """No record of either feed was quarantined, and what was skipped carries no row."""
    skipped: dict[str, set[str]] = {ENGINE: set(), SLOT: set()}
    for feed, report in course.reports:
        assert report["quarantined"] == {}
        skipped[feed] |= report["skipped"].keys()
    assert skipped == {ENGINE: {"message", "tombstone"}, SLOT: {"message", "transaction"}}


def test_the_course_was_hard(course: Course) -> None:
    """Changes came twice, large values were left out, keys moved, tables were truncated, and each changed all the time."""
    landed = course.landed()
    assert len(set(landed)) < len(landed), "the engine that died delivers its last batch again"
    assert any("__debezium_unavailable_value" in change for change in landed)
    operations = Counter(json.loads(change)[1] for change in set(landed))
    assert operations["t"] > len(SOURCES)
    assert all(f'"ceiling": "{special}"' in "".join(landed) for special in SPECIALS)
    positions = Counter(json.loads(change)[0] for change in set(landed))
    assert max(positions.values()) == 2, "a key change is a delete and a create at one position"
    for before, after in zip(course.checkpoints, course.checkpoints[1:], strict=False):
        assert before.position < after.position
        assert all(before.server[source.table] != after.server[source.table] for source in SOURCES)
