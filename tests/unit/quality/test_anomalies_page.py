"""The page on anomalies and drift tells the parameters and thresholds that the code has."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from lakehouse.quality.anomalies import STRATEGIES
from lakehouse.quality.drift import Thresholds

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "anomalies-and-drift.md"


def parameter(field: Field[Any]) -> str:
    """A parameter with its default, as one writes it."""
    return field.name if field.default is MISSING else f"{field.name}={field.default}"


def test_the_page_lists_every_strategy() -> None:
    """With its parameters in order, once."""
    text = PAGE.read_text(encoding="utf-8")
    for strategy in {*STRATEGIES.values()}:
        assert isinstance(strategy, type)
        written = f"| `{strategy.__name__}({', '.join(parameter(field) for field in fields(strategy))})` |"
        assert text.count(written) == 1, written


def test_the_page_lists_every_threshold() -> None:
    """With what it is when nothing else is said."""
    rows = [
        line.strip("| ").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    told = {cells[0].strip(" `"): cells[-1].strip() for cells in rows}
    assert {field.name: told[field.name] for field in fields(Thresholds) if field.name != "rows"} == {
        field.name: f"{field.default:g}" for field in fields(Thresholds) if field.name != "rows"
    }
    assert f"`rows` ({Thresholds().rows})" in PAGE.read_text(encoding="utf-8")
