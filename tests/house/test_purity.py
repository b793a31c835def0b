"""Below the tables everything is pure: no session, no action, no clock, no chance."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

import pytest

IMPURE = {"runtime", "testing", "config", "ops", "tables", "aws"}
ACTIONS = {
    "cache", "checkpoint", "collect", "createDataFrame", "foreach", "foreachPartition", "head", "isEmpty", "localCheckpoint",
    "persist", "show", "tail", "take", "toArrow", "toLocalIterator", "toPandas",
}  # fmt: skip
ACTIONS_WITHOUT_ARGUMENTS = {"count", "first"}  # F.count(column) and F.first(column) are expressions
DOORS = {"rdd", "write", "writeTo", "writeStream"}
CHANCE = {"current_date", "current_timestamp", "localtimestamp", "monotonically_increasing_id", "now", "rand", "randn",
          "shuffle", "spark_partition_id", "today", "utcnow", "uuid"}  # fmt: skip
MODULES = {"random", "secrets", "time", "uuid"}
CHANCE_IN_SQL = re.compile(rf"\b({'|'.join(sorted(CHANCE))})\s*\(", re.IGNORECASE)


def impurities(path: str, tree: ast.Module) -> Iterator[str]:
    """Name what depends on more than the arguments, by line."""
    for node in ast.walk(tree):
        name = _impurity(node)
        if name:
            yield f"{path}:{getattr(node, 'lineno', 0)} {name}"


def _impurity(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id="SparkSession") | ast.Attribute(attr="SparkSession"):
            return "SparkSession"
        case ast.Import(names=names) if found := MODULES & {name.name for name in names}:
            return f"import {', '.join(sorted(found))}"
        case ast.ImportFrom(module=str(module)) if module in MODULES:
            return f"import {module}"
        case ast.Call(func=ast.Attribute(attr=called), args=arguments, keywords=keywords):
            return _impure_call(called, arguments, without_arguments=not arguments and not keywords)
        case ast.Attribute(attr=door) if door in DOORS:
            return f".{door}"
    return None


def _impure_call(called: str, arguments: list[ast.expr], *, without_arguments: bool) -> str | None:
    if called in ACTIONS | CHANCE or (called in ACTIONS_WITHOUT_ARGUMENTS and without_arguments):
        return f".{called}()"
    if called in {"expr", "selectExpr"}:
        found = CHANCE_IN_SQL.search(" ".join(ast.unparse(argument) for argument in arguments))
        return f"{found[1]} in SQL" if found else None
    return None


def test_pure_packages_depend_on_their_arguments_alone(library: Mapping[str, ast.Module]) -> None:
    """No module below the tables opens a session, runs an action, or asks the clock or chance."""
    prefix = "src/lakehouse/"
    pure = {path: tree for path, tree in library.items() if path.startswith(prefix)}
    pure = {path: tree for path, tree in pure.items() if path.removeprefix(prefix).split("/")[0] not in IMPURE}
    assert pure
    assert [found for path, tree in pure.items() for found in impurities(path, tree)] == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("rows = df.collect()", ".collect()"),
        ("n = df.count()", ".count()"),
        ("F.current_timestamp()", ".current_timestamp()"),
        ("datetime.now(UTC)", ".now()"),
        ("F.expr('uuid()')", "uuid in SQL"),
        ("df.write.save('x')", ".write"),
        ("import random", "import random"),
        ("def f(spark: SparkSession): ...", "SparkSession"),
    ],
)
def test_impurities_are_found(source: str, name: str) -> None:
    """Each kind of impurity is named with its line."""
    assert list(impurities("m.py", ast.parse(source))) == [f"m.py:1 {name}"]


@pytest.mark.parametrize("source", ["F.count(F.lit(1))", "F.first('a', ignorenulls=True)", "', '.join(names)"])
def test_expressions_are_pure(source: str) -> None:
    """Aggregates that share a name with an action are expressions."""
    assert list(impurities("m.py", ast.parse(source))) == []
