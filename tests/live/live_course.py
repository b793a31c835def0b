"""The course of the live test: a workload runs, two feeds are captured and merged, and at checkpoints all is compared."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from live_engine import Engine
from live_lake import Lake
from live_rows import Rows, by_key, typed
from live_server import Server, Session, literal, name
from live_sources import SOURCES, Source
from live_workload import Workload

ENGINE, SLOT = "debezium", "wal2json"
"""The feeds; the second is also the name of its slot and of the plugin behind it."""

TAKE = f"""
    SELECT json_build_object('lsn', lsn, 'xid', xid, 'data', data)
    FROM pg_logical_slot_get_changes('{SLOT}', NULL, NULL, 'format-version', '2', 'include-timestamp', 'on')
"""  # nosec B608  # noqa: S608  names of our own

STEPS = 150
PAUSE = 0.08  # seconds between the steps; together longer than the engine takes to start
FILE_LINES = 40


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A moment when nothing was under way: its position in the log, what the server had, and what the lake had."""

    position: int
    server: Mapping[str, Rows]
    lake: Mapping[tuple[str, str, str], Rows]


@dataclass(kw_only=True)
class Course:
    """One server, its two feeds and the lakes they fill.

    Attributes:
        captured: the folders that the feeds are captured into.
        chance: decides which files come first.
        reports: the feed and what the job said, for every run.
    """

    server: Server
    engine: Engine
    captured: Mapping[str, Path]
    lakes: Mapping[str, Lake]
    chance: random.Random
    checkpoints: list[Checkpoint] = field(default_factory=list)
    reports: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def prepare(self, workload: Workload) -> None:
        """Make the tables and a slot that sees everything, and give them rows before the engine looks."""
        with Session(self.server) as session:
            session.run("CREATE SCHEMA live")
            for source in SOURCES:
                for statement in source.create():
                    session.run(statement)
            session.run(f"SELECT pg_create_logical_replication_slot('{SLOT}', 'wal2json')")
        workload.run(STEPS)

    def advance(self, workload: Workload, meanwhile: Callable[[], None], first: str) -> None:
        """Let the workload run while the feeds are captured; then wait until all is merged, and look at both sides.

        Half of the files that one feed captured are merged while the workload runs, in no order, so that the other half
        comes late.

        Args:
            workload: what runs.
            meanwhile: what happens to the engine.
            first: the feed that is merged twice.
        """
        with ThreadPoolExecutor(max_workers=1) as pool:
            running = pool.submit(workload.run, STEPS, pause=PAUSE)
            meanwhile()
            self._capture()
            self._deliver(first, share=0.5)
            running.result()
        position = self._settle(f"checkpoint {len(self.checkpoints)}")
        for feed in self.lakes:
            self._deliver(feed, share=1.0)
        self.checkpoints.append(
            Checkpoint(
                position=position,
                server={source.table: self._select(source) for source in SOURCES},
                lake={
                    (feed, output, source.table): lake.current(output, source)
                    for feed, lake in self.lakes.items()
                    for output in lake.outputs
                    if output.startswith("current")
                    for source in SOURCES
                },
            )
        )

    def landed(self) -> list[str]:
        """The changes that the engine landed, each as what identifies it: its record without the time of its capture."""
        found = []
        for path in sorted(self.lakes[ENGINE].landing.iterdir()):
            for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
                value = json.loads(json.loads(line)["value"] or "{}").get("payload", {})
                if value.get("op") in ("c", "u", "d", "t"):
                    parts = [value["source"]["lsn"], value["op"], value.get("before"), value.get("after")]
                    found.append(json.dumps(parts, ensure_ascii=False))
        return found

    def _settle(self, mark: str) -> int:
        """Say something in the log, wait until both feeds have passed it, and return its position."""
        (answer,) = self.server.ask(f"SELECT pg_logical_emit_message(true, 'live', {literal(mark)}) - '0/0'::pg_lsn")
        self.engine.wait_for(mark)
        self._capture()
        return int(answer)

    def _capture(self) -> None:
        """Write what the slot has to files of some lines, one a change."""
        lines = self.server.ask(TAKE)
        files = len(list(self.captured[SLOT].iterdir()))
        for number, start in enumerate(range(0, len(lines), FILE_LINES), start=files):
            text = "".join(f"{line}\n" for line in lines[start : start + FILE_LINES])
            (self.captured[SLOT] / f"{number:05}.jsonl").write_text(text, encoding="utf-8")

    def _deliver(self, feed: str, *, share: float) -> None:
        """Put a share of the captured files that wait, drawn at random, into the landing folder, and run the job."""
        landing = self.lakes[feed].landing
        there = {path.name for path in landing.iterdir()}
        waiting = sorted(path for path in self.captured[feed].glob("*.jsonl") if path.name not in there)
        for path in self.chance.sample(waiting, round(len(waiting) * share)):
            (landing / path.name).hardlink_to(path)
        self.reports.append((feed, self.lakes[feed].run()))

    def _select(self, source: Source) -> Rows:
        """All rows of a table of the server."""
        columns = ", ".join(f"{_exactly(source, column)} AS {name(column)}" for column in source.columns)
        lines = self.server.ask(f"SELECT row_to_json(r) FROM (SELECT {columns} FROM {source.table}) r")  # nosec B608  # noqa: S608  our own
        told = [json.loads(line, parse_float=str) for line in lines]
        return by_key([[typed(row[n], c.contract) for n, c in source.columns.items()] for row in told], source)


def _exactly(source: Source, column: str) -> str:
    """A column, as text where JSON would change it."""
    plain = source.columns[column].server in ("bigint", "integer", "smallint", "boolean")
    return name(column) if plain else f"{name(column)}::text"
