"""Nothing removes the files of a table: a commit that failed may have arrived."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

REMOVERS = {"delete", "deleteOnExit", "remove_orphan_files", "removedirs", "rmdir", "rmtree", "unlink", "truncate"}
REMOVING_SQL = ("DROP TABLE", "TRUNCATE TABLE", "REMOVE_ORPHAN_FILES")
WRITES_TABLES = ("src/lakehouse/tables/", "src/lakehouse/runtime/", "src/lakehouse/bronze/")
NO_TABLES = {"src/lakehouse/runtime/jars.py"}
"""What keeps files that are no table's."""


def removals(path: str, tree: ast.Module) -> Iterator[str]:
    """Name the calls that remove files, and the statements that do, by line."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=called)) if called in REMOVERS:
                yield f"{path}:{node.lineno} .{called}()"
            case ast.Constant(value=str(text)) if any(words in text.upper() for words in REMOVING_SQL):
                yield f"{path}:{node.lineno} {text}"
            case _:
                pass


def test_no_module_that_writes_tables_removes_files(library: Mapping[str, ast.Module]) -> None:
    """Whatever becomes of a commit, its files stay; old ones go with the formats' own maintenance, by age."""
    writing = {path: tree for path, tree in library.items() if path.startswith(WRITES_TABLES) and path not in NO_TABLES}
    assert any(path.endswith("tables/outcomes.py") for path in writing)
    assert [found for path, tree in writing.items() for found in removals(path, tree)] == []


def test_removals_are_found() -> None:
    """A call and a statement are both named with their lines."""
    source = "system.delete(path, True)\nspark.sql(f'drop table {name}')\nnames.remove(1)\n"
    assert list(removals("m.py", ast.parse(source))) == ["m.py:1 .delete()", "m.py:2 drop table "]
