"""The failpoints: each declared one is in the code where its name says, and there is no other."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping

from lakehouse.failpoints import POINTS


def reached(path: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The module and the argument of each call of `reach`."""
    module = path.rpartition("/")[2].removesuffix(".py")
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="reach") | ast.Attribute(attr="reach"), args=[argument], keywords=[]):
                yield module, ast.literal_eval(argument)


def test_every_failpoint_is_reached_where_its_name_says(library: Mapping[str, ast.Module]) -> None:
    """A point `module.step` is reached in one place of that module, and no other point is reached anywhere."""
    calls = [call for path, tree in library.items() for call in reached(path, tree)]
    assert Counter(calls) == Counter((name.partition(".")[0], name) for name in POINTS)


def test_calls_are_found() -> None:
    """A call is found with its module, a method of the same name is one as well."""
    tree = ast.parse("reach('a.b')\nfailpoints.reach('a.c')\n")
    assert list(reached("src/x/a.py", tree)) == [("a", "a.b"), ("a", "a.c")]
