"""The checking process: what it knows, what ends it, and that the next file is none the worse."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse.errors import PreflightError
from lakehouse.runtime.checks import checker as module
from lakehouse.runtime.checks.checker import FileChecker
from lakehouse.runtime.checks.content import judge
from lakehouse.runtime.checks.orders import Order, Rules, Verdict

HOSTILE_CHILD = """
import os, signal, sys, time
from lakehouse.runtime.checks.content import judge
from lakehouse.runtime.checks.orders import Order
for line in sys.stdin:
    order = Order.from_json(line)
    if "stuck" in order.name:
        time.sleep(60)
    if "crash" in order.name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "busy" in order.name:
        os.kill(os.getpid(), signal.SIGXCPU)
    print(judge(order).to_json(), flush=True)
"""


def order(path: Path, name: str = "file.json", **changes: object) -> Order:
    """The order to check a file as it is now."""
    rules = Rules(kind="json", file_seconds=1)
    found = Order(path=str(path), name=name, size=path.stat().st_size, root=str(path.parent), rules=rules)
    return replace(found, **changes)  # type: ignore[arg-type]  # any field


def test_the_process_knows_no_spark() -> None:
    """It starts in a moment and holds nothing that hostile bytes could reach."""
    code = "import sys, lakehouse.runtime.checks.child; print(sorted({'pyspark', 'py4j', 'pydantic', 'yaml'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "[]\n"


def test_orders_and_verdicts_travel_unchanged(tmp_path: Path) -> None:
    """Names with line breaks, quotes and letters of any kind, and the bytes of a name that is no text."""
    sent = Order(
        path=str(tmp_path / 'a\nb"\udcff'), name="日本\u2028😀", size=1, columns=("a.b", "`"), rules=Rules(kind="csv")
    )
    assert Order.from_json(sent.to_json()) == sent
    assert "\n" not in sent.to_json()
    verdict = Verdict(hash="ab", records=3, reason="x", detail="\n")
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_a_verdict_of_the_process_is_that_of_the_function(tmp_path: Path) -> None:
    """One process looks at many files: records, the hash of the bytes, and the reason of a refusal."""
    good, bad = tmp_path / "good\n*.json", tmp_path / "bad"
    good.write_bytes(b"{}\n{}\n")
    bad.write_bytes(b"\xff\n")
    with FileChecker() as checker:
        found = [checker.check(order(path)) for path in (good, bad)]
    assert found[0] == Verdict(hash=hashlib.sha256(b"{}\n{}\n").hexdigest(), records=2)
    assert (found[1].reason, found[1].hash) == ("encoding", hashlib.sha256(b"\xff\n").hexdigest())


def test_a_file_that_ends_the_process_is_refused_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stuck, crashed or out of processor time: each by its reason, and every other file gets its own verdict."""
    path = tmp_path / "file"
    path.write_bytes(b"{}\n")
    started = []

    def start() -> subprocess.Popen[str]:
        started.append(1)
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, "-c", HOSTILE_CHILD], stdin=pipe, stdout=pipe, text=True, env=os.environ
        )

    monkeypatch.setattr(module, "_started", start)
    names = ["one", "stuck", "two", "crash", "three", "busy", "four"]
    with FileChecker() as checker:
        patient = Rules(kind="json", file_seconds=30)
        found = [
            checker.check(order(path, name) if name == "stuck" else order(path, name, rules=patient)) for name in names
        ]
    assert [verdict.reason for verdict in found] == [None, "over_limit", None, "crashed", None, "over_limit", None]
    assert "limits.file_seconds is 1" in str(found[1].detail)
    assert len(started) == 4


def test_what_is_no_finished_file_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A file that grew since the listing, one that is gone, a pipe, and a link that leads elsewhere; one within is well."""
    folder = tmp_path / "landing"
    folder.mkdir()
    file, pipe, out, within = (folder / name for name in ("file", "pipe", "out", "within"))
    file.write_bytes(b"{}\n")
    os.mkfifo(pipe)
    (tmp_path / "secret").write_bytes(b"{}\n")
    out.symlink_to(tmp_path / "secret")
    within.symlink_to(file)
    assert judge(order(file, size=1)).reason == "still_being_written"
    assert judge(replace(order(file), path=str(folder / "gone"))).reason == "gone"
    assert judge(order(pipe)).reason == "not_a_file"
    assert judge(order(out)).reason == "outside"
    assert judge(order(folder / ".." / "secret", root=str(folder))).reason == "outside"
    assert judge(order(within)).records == 1


def test_a_process_that_does_not_start_is_no_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library cannot be found, the job ends with what has to be mended, and no file is refused for it."""
    path = tmp_path / "file"
    path.write_bytes(b"{}\n")
    monkeypatch.setattr(module, "CHILD", "lakehouse.runtime.checks.nothing")
    with FileChecker() as checker, pytest.raises(PreflightError, match="does not start"):
        checker.check(order(path))
