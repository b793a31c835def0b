"""Nothing is read in a way that loses records without a word."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

import pytest

LOSSY = ("dropmalformed", "ignorecorruptfiles", "ignoremissingfiles")
ALLOWED = {"src/lakehouse/runtime/preflight.py"}  # names the settings that it refuses


def lossy_reads(path: str, tree: ast.Module) -> Iterator[str]:
    """Name the places that ask Spark to leave out what it cannot read: by text, or by a keyword of `option` and its like."""
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else node.arg if isinstance(node, ast.keyword) else None
        if isinstance(text, str) and any(word in text.lower() for word in LOSSY):
            yield f"{path}:{getattr(node, 'lineno', 0)} {text}"


def test_nothing_is_read_with_losses(library: Mapping[str, ast.Module]) -> None:
    """No module of the library drops malformed records or ignores files that are corrupt or missing."""
    assert library.keys() >= ALLOWED
    assert [found for path, tree in library.items() if path not in ALLOWED for found in lossy_reads(path, tree)] == []


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("spark.read.option('mode', 'DropMalformed')", "DropMalformed"),
        ("spark.read.csv(path, mode='DROPMALFORMED')", "DROPMALFORMED"),
        ("spark.read.options(ignoreCorruptFiles=True)", "ignoreCorruptFiles"),
        ("spark.conf.set('spark.sql.files.ignoreMissingFiles', 'true')", "spark.sql.files.ignoreMissingFiles"),
    ],
)
def test_lossy_reads_are_found(source: str, text: str) -> None:
    """By option, keyword and setting, in any case of letters."""
    assert list(lossy_reads("m.py", ast.parse(source))) == [f"m.py:1 {text}"]
