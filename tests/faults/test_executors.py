"""The job on a cluster whose executors are killed: Spark does their work again, and one run is enough."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pyspark
import pytest
from fault_lake import FaultLake
from fault_process import LIMIT, kill_group, start, watching
from fault_results import SEED, Seen

from lakehouse.runtime.jars import CORE, cache_folder, find_jars, find_runtime
from lakehouse.runtime.java import find_java, java_options
from lakehouse.runtime.job import DONE
from lakehouse.runtime.session import CLASS_PATH, local_conf

KILLS = 10
"""Executors that are killed, a format."""
DEATHS = 3
"""Executors that are killed in one run: Spark gives up when one task dies for the fourth time."""


def cluster(lake: FaultLake) -> dict[str, str]:
    """Write down a cluster of two executors for spark-submit; the environment that it needs."""
    runtime = find_runtime()
    java = find_java(versions=runtime.java, wheel=runtime.java_wheel)
    settings = local_conf(
        warehouse=lake.warehouse,
        jars=find_jars(runtime, CORE, java=java),
        java_options=java_options(java, cache=cache_folder()),
        conf={"spark.master": "local-cluster[2,1,1024]", "spark.executor.memory": "1g", "spark.driver.memory": "1g"},
    )
    settings["spark.executor.extraClassPath"] = settings[CLASS_PATH]
    lake.warehouse.mkdir(exist_ok=True)
    (lake.folder / "spark.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()), "utf-8")
    return {
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "JAVA_HOME": str(java.home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,  # not the first one on the path, which may know no library
    }


def executors(group: int) -> list[int]:
    """The processes of a group that are executors."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_one = b"CoarseGrainedExecutorBackend" in (folder / "cmdline").read_bytes()
            if is_one and os.getpgid(int(folder.name)) == group:
                found.append(int(folder.name))
    return found


def run_and_kill(lake: FaultLake, chance: random.Random, environment: dict[str, str]) -> tuple[int, int]:
    """Run the job on the cluster, and now and then kill an executor: the exit code, and how many died."""
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    by = (str(submit), "--properties-file", str(lake.folder / "spark.conf"))
    child, killed = start(lake, by=by, **environment), 0
    try:
        while killed < DEATHS:
            with suppress(subprocess.TimeoutExpired):
                return child.wait(timeout=chance.uniform(2, 12)), killed
            if alive := executors(child.pid):
                os.kill(chance.choice(alive), signal.SIGKILL)
                killed += 1
        return child.wait(timeout=LIMIT), killed
    finally:
        kill_group(child)


@pytest.mark.exhaustive
def test_executors_are_killed(lake: FaultLake) -> None:
    """Batch after batch on two executors that die now and then: each run ends well, and readers saw whole batches."""
    chance = random.Random(f"{SEED} {lake.format}")  # noqa: S311 - whom to kill, and when
    environment, found = cluster(lake), list[str]()
    killed = looks = batches = 0
    while killed < KILLS and batches < KILLS:
        before = lake.feed.expected()
        lake.land()
        with watching(lake, [before, lake.feed.expected()]) as watch:
            code, dead = run_and_kill(lake, chance, environment)
        found += [*([] if code == DONE else [f"the run ended with {code}"]), *watch.wrong, *lake.differences()]
        killed, looks, batches = killed + dead, looks + watch.looks, batches + 1
    Seen(
        fault="executors die",
        caused_by=f"SIGKILL of one of two executors, every 2 to 12 seconds, {DEATHS} times a run (local-cluster)",
        seen="; ".join(found[:5]) or "every run ended well, nothing lost, nothing doubled",
        figures={"format": lake.format, "kills": killed, "runs": batches, "reader_looks": looks, "wrong": len(found)},
    ).note()
    assert found == []
    assert killed >= KILLS
