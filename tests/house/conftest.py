"""The repository as the rules of the house see it: parsed modules by their path from the root."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

Modules = Mapping[str, ast.Module]


def parsed(root: Path, folders: tuple[str, ...]) -> dict[str, ast.Module]:
    """Parse every Python file below the folders, and say so if there is none."""
    files = sorted(path for folder in folders for path in (root / folder).rglob("*.py"))
    assert files, f"no Python files below {', '.join(folders)}"
    return {path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in files}


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def library(root: Path) -> Modules:
    """What is shipped: the package and the jobs."""
    return parsed(root, ("src", "jobs"))


@pytest.fixture(scope="session")
def suite(root: Path) -> Modules:
    """The tests."""
    return parsed(root, ("tests",))
