"""The job started twice at once, as processes: whoever ends well has told the truth, and the tables hold each batch once."""

from __future__ import annotations

import pytest
from fault_lake import FaultLake
from fault_process import LIMIT, kill_group, run, start, watching
from fault_results import Seen

from lakehouse.runtime.job import DONE


def run_twice(lake: FaultLake) -> list[int]:
    """Start two runs at once: their exit codes."""
    children = [start(lake), start(lake)]
    try:
        return [child.wait(timeout=LIMIT) for child in children]
    finally:
        for child in children:
            kill_group(child)


def start_twice(lake: FaultLake, batches: int) -> None:
    """Land a batch and start the job twice, as often as told; a run after each makes up for the runs that failed."""
    found: list[str] = []
    failed = looks = 0
    for _ in range(batches):
        before = lake.feed.expected()
        lake.land()
        with watching(lake, [before, lake.feed.expected()]) as watch:
            codes = run_twice(lake)
            if DONE in codes:
                found += lake.differences()
            else:
                found += [] if run(lake) == DONE else ["the run after them failed"]
        failed, looks = failed + sum(code != DONE for code in codes), looks + watch.looks
        found += [*watch.wrong, *lake.differences()]
    Seen(
        fault="two runs at once",
        caused_by="the job is started twice at the same moment, as two processes",
        seen="; ".join(found[:5]) or "nothing lost, nothing doubled, no part of a batch seen by a reader",
        figures={
            "format": lake.format, "batches": batches, "failed_runs": failed, "reader_looks": looks, "wrong": len(found),
        },
    ).note()  # fmt: skip
    assert found == []


def test_a_job_is_started_twice(lake: FaultLake) -> None:
    """The first batch of all, by two runs that both have to make every table."""
    start_twice(lake, batches=1)


@pytest.mark.exhaustive
def test_a_job_is_started_twice_time_and_again(lake: FaultLake) -> None:
    """Batch after batch."""
    start_twice(lake, batches=10)
