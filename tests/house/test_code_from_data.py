"""Code is never made of data, and what silences a scanner says why."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

RUNS_TEXT = {"__import__", "compile", "eval", "exec", "os.popen", "os.system", "subprocess.getoutput"}
LOADS_CODE = {"yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load"}
MODULES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
SUPPRESSION = re.compile(r"#\s*nosec(?!rets)")
REASONED = re.compile(r"# nosec B\d{3}(, B\d{3})*  # (noqa: S\d{3}\s+(- )?)?\w+ \w+")


def dangers(path: str, tree: ast.Module) -> Iterator[str]:
    """Name what runs text as code, loads objects, or hands a command to a shell, by line."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=func) if ast.unparse(func) in RUNS_TEXT | LOADS_CODE:
                yield f"{path}:{node.lineno} {ast.unparse(func)}()"
            case ast.Call(keywords=keywords):
                shells = [one for one in keywords if one.arg == "shell" and ast.unparse(one.value) != "False"]
                yield from (f"{path}:{node.lineno} {ast.unparse(one)}" for one in shells)
            case ast.Import(names=names) if found := MODULES & {name.name.split(".")[0] for name in names}:
                yield f"{path}:{node.lineno} import {', '.join(sorted(found))}"
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in MODULES:
                yield f"{path}:{node.lineno} import {module}"
            case _:
                pass


def test_nothing_shipped_makes_code_of_data(library: Mapping[str, ast.Module]) -> None:
    """No eval or exec, no pickles, no YAML with tags, no shell: there is no allowed place."""
    assert [found for path, tree in library.items() for found in dangers(path, tree)] == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("eval(text)", "eval()"),
        ("yaml.load(text, Loader=loader)", "yaml.load()"),
        ("subprocess.run(text, shell=True)", "shell=True"),
        ("import pickle", "import pickle"),
        ("from pickle import loads", "import pickle"),
    ],
)
def test_dangers_are_found(source: str, name: str) -> None:
    """Each kind is named with its line."""
    assert list(dangers("m.py", ast.parse(source))) == [f"m.py:1 {name}"]


def test_safe_relatives_are_let_be() -> None:
    """A compiled pattern, safe YAML and a command without a shell are no danger."""
    source = "re.compile(text)\nyaml.safe_load(text)\nsubprocess.run(parts, shell=False)\n"
    assert list(dangers("m.py", ast.parse(source))) == []


def unreasoned(text: str) -> list[str]:
    """The lines that silence bandit without the code of the finding and a reason."""
    return [line.strip() for line in text.splitlines() if SUPPRESSION.search(line) and not REASONED.search(line)]


def test_each_suppression_has_a_code_and_a_reason(root: Path) -> None:
    """Nobody silences bandit wholesale."""
    files = [path for folder in ("src", "jobs", "tests") for path in (root / folder).rglob("*.py")]
    own = Path(__file__).name
    found = {path: unreasoned(path.read_text(encoding="utf-8")) for path in files if path.name != own}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_suppressions_without_a_reason_are_found() -> None:
    """Silence without a code, or with a code alone, is named."""
    good = "a()  # nosec B608  # every name is quoted\nb()  # nosec B608  # noqa: S608 - names of our own"
    assert unreasoned(f"{good}\nc()  # nosec\nd()  # nosec B608\ne()  # nosec B608  # noqa: S608") == [
        "c()  # nosec",
        "d()  # nosec B608",
        "e()  # nosec B608  # noqa: S608",
    ]
