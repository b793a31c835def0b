"""The layers hold, and the list of pure packages is complete."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

IMPURE = {"runtime", "testing", "config", "ops", "tables", "aws"}


def test_the_layers_hold(root: Path) -> None:
    """No module imports from a layer above its own, and pure ones import nothing that reaches out of Spark."""
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", command, "--no-cache", "--no-logo"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_pure_package_is_held_to_it(root: Path) -> None:
    """The contract on pure packages lists all that are not named impure, so a new one cannot slip past."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (pure,) = [contract for contract in contracts if contract["name"].startswith("Below tables everything is pure")]
    package = root / "src" / "lakehouse"
    names = {path.parent.name for path in package.glob("*/__init__.py")}
    names |= {path.stem for path in package.glob("*.py") if path.stem != "__init__"}
    assert set(pure["source_modules"]) == {f"lakehouse.{name}" for name in names - IMPURE}
