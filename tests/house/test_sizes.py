"""Small modules, small functions, thin jobs."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

MODULE, FUNCTION, JOB = 350, 40, 60
Function = ast.FunctionDef | ast.AsyncFunctionDef


def long_functions(path: str, tree: ast.Module, limit: int) -> Iterator[str]:
    """Name the functions whose body without docstring is longer than the limit, nested ones included."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            if lines > limit:
                yield f"{path}:{node.lineno} {node.name} has {lines} lines"


def long_files(root: Path, pattern: str, limit: int) -> list[str]:
    """Name the files that are longer than the limit."""
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in root.glob(pattern)}
    assert sizes, f"no files match {pattern}"
    return [f"{path.relative_to(root)} has {lines} lines" for path, lines in sizes.items() if lines > limit]


def test_modules_are_small(root: Path) -> None:
    """No module of the package is longer than 350 lines."""
    assert long_files(root, "src/**/*.py", MODULE) == []


def test_jobs_are_thin(root: Path) -> None:
    """No job is longer than 60 lines: logic lives in the package."""
    assert long_files(root, "jobs/*.py", JOB) == []


def test_functions_are_small(library: Mapping[str, ast.Module]) -> None:
    """No function is longer than 40 lines, its docstring not counted."""
    assert [found for path, tree in library.items() for found in long_functions(path, tree, FUNCTION)] == []


def test_a_long_function_is_found() -> None:
    """The rule counts lines of code, not of docstring."""
    source = 'def documented():\n    """One.\n\n    Two.\n    """\n    a = 1\n    return a\n'
    assert list(long_functions("m.py", ast.parse(source), 2)) == []
    assert list(long_functions("m.py", ast.parse(source), 1)) == ["m.py:1 documented has 2 lines"]
