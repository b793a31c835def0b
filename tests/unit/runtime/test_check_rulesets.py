"""`lakehouse check` reads rulesets too, without Spark."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.runtime.command_line import main
from lakehouse.runtime.job import BAD_USAGE, DONE


def checked(capsys: pytest.CaptureFixture[str], *paths: Path) -> tuple[int, list[str], list[str]]:
    """The exit code, and the lines of output and of errors."""
    code = main(["check", *map(str, paths)])
    printed = capsys.readouterr()
    return code, printed.out.splitlines(), printed.err.splitlines()


@pytest.fixture
def fine(tmp_path: Path) -> Path:
    """A ruleset nothing is wrong with."""
    path = tmp_path / "fine.dqdl"
    path.write_text('# größe\nRules = [IsComplete "größe"]\n', encoding="utf-8")
    return path


def test_a_ruleset_that_is_fine_is_said_to_be(
    fine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line of output, exit code 0, and no session is asked for."""
    monkeypatch.setattr(SparkSession.Builder, "getOrCreate", None)
    assert checked(capsys, fine) == (DONE, [f"{fine}: fine"], [])


def test_all_problems_of_all_files_are_shown(fine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each problem, the others of the file and the other files after it included."""
    wrong, broken = fine.with_name("wrong.dqdl"), fine.with_name("broken.dqdl")
    wrong.write_text('Rules = [\n    IsComplet "a",\n    RowCount\n]\n', encoding="utf-8")
    broken.write_text("Rules = [RowCount > ]\n", encoding="utf-8")
    code, out, err = checked(capsys, wrong, broken, fine)
    assert code == BAD_USAGE
    assert out == [f"{fine}: fine"]
    assert err == [
        f"{wrong}: line 2, column 5: there is no rule type IsComplet; did you mean IsComplete?",
        f"{wrong}: line 3, column 5: RowCount needs a condition, such as > 0",
        f'{broken}: line 1, column 21: expected a value, not "]"',
        "    Rules = [RowCount > ]",
        "                        ^",
    ]


@pytest.mark.parametrize("content", [None, b'Rules = [IsComplete "gr\xf6\xdfe"]'], ids=["missing", "latin-1"])
def test_a_file_that_is_no_text_is_named(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is missing, or of another encoding, is an error with its name."""
    path = tmp_path / "a.dqdl"
    if content is not None:
        path.write_bytes(content)
    code, out, err = checked(capsys, path)
    assert (code, out) == (BAD_USAGE, [])
    assert err[0].startswith(f"{path}: cannot be read as text in UTF-8: ")
