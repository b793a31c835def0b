"""Files of mended records: what they hold, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.errors import ConfigError
from lakehouse.runtime.mended import Mended, read_mended

GOOD = '{"_source_file": "file:///landing/übung 1.json", "_row": 3, "_raw": "{\\"id\\": 1}", "_reason": "bad_value"}'


def test_what_was_shown_can_be_read(tmp_path: Path) -> None:
    """The columns that say where a record came from and its text; all others, and empty lines, mean nothing."""
    path = tmp_path / "mended.jsonl"
    path.write_text(f"{GOOD}\n\n", encoding="utf-8")
    assert read_mended(str(path)) == (Mended(file="file:///landing/übung 1.json", row=3, raw='{"id": 1}'),)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{GOOD}\nnonsense", "line 2 is no object with"),
        ("[1]", "line 1 is no object with"),
        (GOOD.replace("3", "true", 1), "line 1 is no object with"),
        (GOOD.replace("3", '"3"', 1), "line 1 is no object with"),
        (GOOD.replace("_raw", "raw"), "line 1 is no object with"),
        (f"{GOOD}\n{GOOD}", "line 2 names a record again"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, problem: str) -> None:
    """A record that is half there could be lost without a word."""
    path = tmp_path / "mended.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=problem):
        read_mended(str(path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The argument is named."""
    with pytest.raises(ConfigError, match=r"--replay .*gone\.jsonl: cannot be read"):
        read_mended(str(tmp_path / "gone.jsonl"))
