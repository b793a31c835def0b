"""Tests say what they hold the code to, and none is left out."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

LEFT_OUT = {"skip", "skipif", "xfail", "importorskip"}


def all_tests(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Find the test functions, those in classes included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def faults(path: str, tree: ast.Module) -> Iterator[str]:
    """Name the tests without a sentence to their name, and whatever leaves tests out."""
    for test in all_tests(tree):
        summary = (ast.get_docstring(test) or "").partition("\n\n")[0]
        if not summary.endswith("."):
            yield f"{path}:{test.lineno} {test.name} does not state its behaviour"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in LEFT_OUT and ast.unparse(node).startswith("pytest."):
            yield f"{path}:{node.lineno} uses {ast.unparse(node)}"


def test_every_test_states_its_behaviour(suite: Mapping[str, ast.Module]) -> None:
    """Each test has a sentence as docstring, and none is skipped or expected to fail."""
    named = {path: tree for path, tree in suite.items() if path.rpartition("/")[2].startswith("test_")}
    assert named
    assert [found for path, tree in named.items() for found in faults(path, tree)] == []


def test_faults_are_found() -> None:
    """A missing sentence and a skip are both named."""
    source = "@pytest.mark.skip\ndef test_a(): ...\n\ndef test_b():\n    '''It works.'''\n"
    assert list(faults("t.py", ast.parse(source))) == [
        "t.py:2 test_a does not state its behaviour",
        "t.py:1 uses pytest.mark.skip",
    ]
