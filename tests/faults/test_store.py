"""Tables in an object store that throttles, fails and loses answers: the job gets through or fails, and a rerun mends it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest
from fault_lake import TableFormat
from fault_proxy import Proxy, Rule
from fault_results import Seen
from fault_store import StoreLake
from pyspark.sql import SparkSession

from lakehouse.runtime.job import DONE

COMMITS = r"/_delta_log/\d{20}\.json|\.metadata\.json"
SLOW = Rule(mishap="slow down", share=0.2)
MIXED = (
    SLOW,
    Rule(mishap="error", share=0.1),
    Rule(mishap="break before", share=0.025),
    Rule(mishap="break after", share=0.025),
)
MIXES: dict[str, tuple[Rule, ...]] = {
    "20 % slow down": (SLOW,),
    "30 % internal errors": (Rule(mishap="error", share=0.3),),
    "10 % broken off before": (Rule(mishap="break before", share=0.1),),
    "10 % broken off after": (Rule(mishap="break after", share=0.1),),
    "1 % stalled": (Rule(mishap="stall", share=0.01),),
    "10 % of reads truncated": (Rule(mishap="truncate", method="GET", share=0.1),),
    "half of the writes slow down": (Rule(mishap="slow down", method="PUT", share=0.5),),
    "all of it": (*MIXED, Rule(mishap="truncate", method="GET", share=0.02)),
}


@pytest.fixture(params=get_args(TableFormat))
def lake(request: pytest.FixtureRequest, spark: SparkSession, tmp_path: Path) -> StoreLake:
    """A lake in the store."""
    zone = f"store_{tmp_path.name}"
    return StoreLake(folder=tmp_path, warehouse=tmp_path, zone=zone, format=request.param, spark=spark)


def try_under(lake: StoreLake, store: Proxy, rules: Sequence[Rule]) -> tuple[bool, list[str]]:
    """Land a batch, run the job under the rules, and again without them: whether the first run got through, what is wrong."""
    lake.land()
    store.rules = rules
    try:
        code, _ = lake.run()
    finally:
        store.rules = ()
    again, said = lake.run()
    found = [] if again == DONE else [f"the run without faults ended with {said}"]
    return code == DONE, [*found, *lake.differences()]


def note(lake: StoreLake, how: str, found: Sequence[str], **figures: object) -> None:
    """Write down what was seen."""
    Seen(
        fault="the object store misbehaves",
        caused_by=how,
        seen="; ".join(found[:5]) or "nothing lost, nothing doubled after one run more",
        figures={"format": lake.format, **figures, "wrong": len(found)},
    ).note()


def test_a_store_with_a_bad_day(lake: StoreLake, store: Proxy) -> None:
    """A fifth throttled, a tenth failing, a twentieth broken off: the run gets through or fails, and one more is enough."""
    before = store.requests
    through, found = try_under(lake, store, MIXED)
    note(lake, "20 % SlowDown, 10 % 500, 5 % resets", found, got_through=through, requests=store.requests - before)
    assert found == []
    assert {"slow down", "error"} <= set(store.hits)


def test_the_answer_to_every_commit_is_lost(lake: StoreLake, store: Proxy) -> None:
    """The store takes each commit and its answer never arrives: it is found committed, and nothing is there twice."""
    lost = Rule(mishap="break after", method="PUT", path=COMMITS, once_a_path=True)
    found: list[str] = []
    through = 0
    for _ in range(2):
        got_through, wrong = try_under(lake, store, [lost])
        through, found = through + got_through, [*found, *wrong]
    note(lake, "the answer to the PUT of a commit is lost, each once", found, lost=len(lost.hit), got_through=through)
    assert found == []
    assert len(lost.hit) >= 20


@pytest.mark.exhaustive
@pytest.mark.parametrize("mix", MIXES)
def test_every_mix_of_mishaps(lake: StoreLake, store: Proxy, mix: str) -> None:
    """Three batches under each mix: whatever became of the run, one without faults makes the tables right."""
    found: list[str] = []
    through = 0
    for _ in range(3):
        got_through, wrong = try_under(lake, store, MIXES[mix])
        through, found = through + got_through, [*found, *wrong]
    note(lake, mix, found, batches=3, got_through=through)
    assert found == []
