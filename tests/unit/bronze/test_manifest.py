"""The manifest: which files are new, which repeat others, and which changed under their name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from lakehouse.bronze.manifest import LandedFile, LoadedFile, has_other_content, repeats, unseen

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def line(path: str, content: str | None, *, size: int = 1, reason: str | None = None) -> LoadedFile:
    """A line of the manifest."""
    landed = LandedFile(file=f"file:///landing/{path}", size=size, modified_at=1000)
    return LoadedFile(landed=landed, batch=1, loaded_at=NOW, run_id="r", hash=content, reason=reason)


def marked(new: list[LoadedFile], known: list[LoadedFile], *, by_folder: bool = True) -> dict[str, str | None]:
    """Which file each new one repeats."""
    found = repeats(new, known, by_folder=by_folder)
    return {entry.landed.name: entry.duplicate_of and entry.duplicate_of.rpartition("/")[2] for entry in found}


def test_a_file_is_new_until_its_line_is_there_and_when_it_changes() -> None:
    """Known by path, size and time, refused files too; any of the three makes it new."""
    known = [line("app/items/a", "x"), line("app/items/b", None, reason="gone")]
    landed = [entry.landed for entry in known]
    assert unseen(landed, known) == []
    grown, touched = replace(landed[0], size=2), replace(landed[1], modified_at=2000)
    assert unseen([touched, grown], known) == [grown, touched]


def test_files_repeat_what_is_loaded_and_then_each_other() -> None:
    """The first by path stays; what was refused, has no bytes or was not read repeats nothing and is not repeated."""
    known = [line("app/items/old", "x"), line("app/items/odd", "r", reason="corrupt")]
    new = [
        line("app/items/b", "y"),
        line("app/items/a", "y"),
        line("app/items/c", "x"),
        line("app/items/old", "x"),
        line("app/items/d", "r"),
        line("app/items/e", "e", size=0),
        line("app/items/f", "e", size=0),
        line("app/items/g", "y", reason="changed"),
        line("app/items/h", None),
        line("app/items/i", None),
    ]
    repeated = {name: original for name, original in marked(new, known).items() if original}
    assert repeated == {"b": "a", "c": "old", "old": "old"}


def test_equal_files_of_two_tables_are_two_files() -> None:
    """Where folders name the table, the same bytes elsewhere are other rows; where they do not, they came again."""
    new = [line("app/items/a", "x"), line("app/notes/b", "x")]
    assert marked(new, []) == {"a": None, "b": None}
    assert marked(new, [], by_folder=False) == {"a": None, "b": "a"}


def test_a_name_with_other_content_is_told_from_a_touched_file() -> None:
    """Only a loaded file of the name counts, and content it had at any time is known."""
    known = [line("a", "x"), line("a", "y"), line("b", "x", reason="truncated"), line("c", None)]
    assert [has_other_content(line("a", content), known) for content in ("x", "y", "z")] == [False, False, True]
    assert [has_other_content(line(name, "x"), known) for name in ("b", "c", "d")] == [False, True, False]
