"""The Dockerfile, as far as it can be read without an engine."""

from __future__ import annotations

import tomllib
from pathlib import Path


def test_what_the_wheel_includes_is_copied_into_the_image(root: Path) -> None:
    """Every folder that the wheel takes in by force is there when the image builds the wheel."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    copied = [line.split()[1:-1] for line in (root / "Dockerfile").read_text().splitlines() if line.startswith("COPY ")]
    assert set(included) <= {source for sources in copied for source in sources}
