"""Joins say what they keep."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

RIGHT = {"right", "rightouter", "right_outer"}


def careless_joins(path: str, tree: ast.Module) -> Iterator[str]:
    """Name the joins of frames without `how=`, and those that keep the right side; `sep.join(parts)` is no such join."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join"):
            continue
        if len(node.args) == 1 and not node.keywords:
            continue
        how = next((keyword.value for keyword in node.keywords if keyword.arg == "how"), None)
        if how is None:
            yield f"{path}:{node.lineno} joins without how="
        elif isinstance(how, ast.Constant) and how.value in RIGHT:
            yield f"{path}:{node.lineno} is a right join: swap the sides"


def test_every_join_says_how(library: Mapping[str, ast.Module]) -> None:
    """Each join names its kind, and none is a right join."""
    assert [found for path, tree in library.items() for found in careless_joins(path, tree)] == []


def test_careless_joins_are_found() -> None:
    """A join by default, a join by position and a right join are named; joining text is not."""
    source = "a.join(b, 'k')\na.join(b, 'k', 'left')\na.join(b, on='k', how='right')\n', '.join(a)\na.join(b, 'k', how='left')"
    assert list(careless_joins("m.py", ast.parse(source))) == [
        "m.py:1 joins without how=",
        "m.py:2 joins without how=",
        "m.py:3 is a right join: swap the sides",
    ]
