"""What is tracked runs anywhere: it names no package index and no folder of one machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

# Written apart, so that this file passes its own rule.
HOSTS = ["pypi" + ".org", "pythonhosted" + ".org", "repo1." + "maven.org", "maven" + ".apache.org", "npmjs" + ".org"]
FOLDERS = ["work", "root", "home/[a-z]+", "Users/[A-Za-z]+"]
PLACES = re.compile(rf"{'|'.join(map(re.escape, HOSTS))}|(?<![\w.:/}}$-])/(?:{'|'.join(FOLDERS)})/")


def tracked(root: Path) -> list[Path]:
    """List the files that are in the repository, or would be with the next commit."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    return [root / name for name in names if name and (root / name).is_file()]


def test_no_tracked_file_names_a_place(root: Path) -> None:
    """No address of a package index, no path of a developer's machine."""
    found = {}
    for path in tracked(root):
        places = PLACES.findall(path.read_bytes().decode("utf-8", errors="ignore"))
        if places:
            found[path.relative_to(root).as_posix()] = places
    assert found == {}


@pytest.mark.parametrize("text", ["cd " + "/work" + "/x", "https://" + HOSTS[0] + "/simple", "'" + "/home" + "/ann/x'"])
def test_places_are_found(text: str) -> None:
    """An index and a home folder are both seen."""
    assert PLACES.search(text)


@pytest.mark.parametrize("text", ["s3://bucket/work/x", "./root/x", "/opt/lakehouse", "framework/"])
def test_other_paths_are_let_be(text: str) -> None:
    """A folder of the same name elsewhere is no place of a machine."""
    assert not PLACES.search(text)
