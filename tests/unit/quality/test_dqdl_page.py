"""The page on DQDL tells what the table of rule types says."""

from __future__ import annotations

from pathlib import Path

from lakehouse.quality.rule_types import RULE_TYPES, RuleType

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "dqdl.md"


def row(one: RuleType) -> str:
    """The row of a rule type."""
    parameters = [f"{kind}?" if place >= one.least else kind for place, kind in enumerate(one.parameters)]
    kinds = ", ".join(sorted(one.kinds)) + (" or nothing" if one.kinds and not one.condition else "")
    cells = [
        f"`{one.name}`",
        ", ".join(parameters) + (" ..." if one.more else ""),
        kinds,
        "yes" if one.rows else "",
        "yes" if one.threshold else "",
        "yes" if one.where else "",
        "yes" if one.dynamic else "",
        "only" if not one.rule else "yes" if one.analyzer else "",
        ", ".join(f"`{option}`" for option in one.options),
    ]
    return f"| {' | '.join(cells)} |"


def test_the_page_lists_every_rule_type() -> None:
    """Each has its row, in order, and no other row is there."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("| `") and line.count("|") == 10] == list(
        map(row, RULE_TYPES.values())
    )
