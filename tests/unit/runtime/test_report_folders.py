"""Folders of reports: on this machine, and where only Hadoop reaches."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from lakehouse.runtime.report_folders import HadoopFolder, LocalFolder, ReportFolder, open_folder

TEXT = 'line\r\nж "日本" 😀\n\x00'


@pytest.fixture(params=["local", "hadoop"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> ReportFolder:
    """A folder that is not there yet, of either kind."""
    if request.param == "local":
        return LocalFolder(folder=tmp_path / "a" / "shop")
    spark: SparkSession = request.getfixturevalue("spark")
    return HadoopFolder(spark=spark, folder=f"{tmp_path.as_uri()}/a/shop")


def test_texts_come_back_as_they_were(folder: ReportFolder, tmp_path: Path) -> None:
    """The first text makes the folder; names are in order; a text replaces the one of its name, line ends are kept."""
    assert folder.names() == []
    assert folder.read("a.json") is None
    address = folder.write("b%2Fc.html", TEXT)
    folder.write("a.json", "before")
    folder.write("a.json", TEXT)
    assert address.endswith("/a/shop/b%2Fc.html")
    assert [name for name in folder.names() if not name.startswith(".")] == ["a.json", "b%2Fc.html"]
    assert (tmp_path / "a" / "shop" / "a.json").read_bytes() == TEXT.encode()
    assert [folder.read(name) for name in ("a.json", "b%2Fc.html")] == [TEXT, TEXT]


def test_what_is_no_text_is_none(folder: ReportFolder, tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are nobody's report."""
    folder.write("a.json", "")
    (tmp_path / "a" / "shop" / "b.json").write_bytes(b"\xff")
    assert (folder.read("a.json"), folder.read("b.json")) == ("", None)


@pytest.mark.parametrize(
    ("at", "folder"),
    [
        ("/reports", "/reports/shop"),
        ("/reports/", "/reports/shop"),
        ("file:/reports", "/reports/shop"),
        ("file:///my%20reports", "/my reports/shop"),
        ("reports", f"{Path.cwd()}/reports/shop"),
        ("~/reports", f"{Path.home()}/reports/shop"),
    ],
)
def test_paths_are_of_this_machine(at: str, folder: str) -> None:
    """A path, and an address of a file, need no session."""
    assert open_folder(at, "shop", lambda: pytest.fail("no session is needed")) == LocalFolder(folder=Path(folder))


def test_other_addresses_are_of_hadoop() -> None:
    """An object store has the folder of the job below the one of all reports."""
    session = cast("Any", object())
    opened = open_folder("s3://bucket/reports/", "a b", lambda: session)
    assert opened == HadoopFolder(spark=session, folder="s3://bucket/reports/a%20b")
