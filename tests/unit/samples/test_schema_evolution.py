"""The sample of the job `schema_evolution` is as its maker makes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SAMPLE = Path(__file__).parents[3] / "data" / "samples" / "schema_evolution"


def files(folder: Path) -> dict[str, str]:
    """The texts of the files that the maker writes, by path."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for part in ("landing", "expected")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    }


def test_the_sample_is_as_made(tmp_path: Path) -> None:
    """Made anew it has the same files, letter by letter."""
    subprocess.run([sys.executable, str(SAMPLE / "make_customer_events.py"), str(tmp_path)], check=True)
    assert files(tmp_path) == files(SAMPLE)
    assert len(files(SAMPLE)) == 4
