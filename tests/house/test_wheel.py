"""The wheel is what its sources are, and nothing else."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

SOURCES = ("pyproject.toml", "README.md", "LICENSE", "src", "configs", "jobs")


def copied(root: Path, into: Path) -> Path:
    """Copy what the wheel is built from; every file is new, and one has other rights."""
    into.mkdir()
    for name in SOURCES:
        source = root / name
        if source.is_dir():
            shutil.copytree(
                source, into / name, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copyfile(source, into / name)
    return into


def digest_of_wheel(source: Path) -> str:
    """Build the wheel without an own environment, and so without a network, and hash it."""
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(source / "built"),
        str(source),
    ]
    subprocess.run(command, check=True, capture_output=True)
    [wheel] = (source / "built").glob("*.whl")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_two_builds_give_the_same_wheel(root: Path, tmp_path: Path) -> None:
    """Neither the time, nor the folder, nor the rights of files show in the wheel; one more line does."""
    first, second = copied(root, tmp_path / "first"), copied(root, tmp_path / "second")
    (second / "src" / "lakehouse" / "errors.py").chmod(0o600)
    built = digest_of_wheel(first)
    assert digest_of_wheel(second) == built
    with (second / "jobs" / "cdc_to_warehouse.py").open("a") as job:
        job.write("# changed\n")
    shutil.rmtree(second / "built")
    assert digest_of_wheel(second) != built
