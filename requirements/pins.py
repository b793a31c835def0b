"""What is pinned: the exact version of each Python package, by the line of Spark it runs with."""

from __future__ import annotations

from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FILES = {"3.5": "spark35.txt", "4.1": "spark41.txt"}
"""The file of each Spark, beside this module."""


def read_pins(spark: str) -> dict[str, str]:
    """Read the pins of a Spark: versions by normalised name.

    Raises:
        ValueError: a line pins nothing, or more than one version.
    """
    text = Path(__file__).with_name(FILES[spark]).read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return dict(_pin(Requirement(line)) for line in lines if line and not line.startswith("#"))


def _pin(requirement: Requirement) -> tuple[str, str]:
    stated = list(requirement.specifier)
    if len(stated) != 1 or stated[0].operator != "==":
        msg = f"{requirement} in requirements/ is not a pin; write {requirement.name}==VERSION"
        raise ValueError(msg)
    return canonicalize_name(requirement.name), stated[0].version
