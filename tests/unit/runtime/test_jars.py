"""The table of jars, and where their files are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.errors import ConfigError
from lakehouse.runtime import jars
from lakehouse.runtime.jars import CORE, JARS_FOLDER, Runtime, cache_folder, fetch_jars, find_jars, find_runtime
from lakehouse.runtime.java import Java

NO_JAVA = Java(home=Path("/nowhere"), version=17)


def fill(folder: Path, runtime: Runtime) -> None:
    """Put an empty file into the folder for each jar of the core."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in runtime.files(CORE):
        (folder / name).touch()


def test_the_files_of_spark_3_5_are_known() -> None:
    """The core of Spark 3.5 is Delta with its storage jar, Iceberg, Avro and SQLite, named as the resolver names files."""
    assert find_runtime("3.5.6").files(["core"]) == (
        "io.delta_delta-spark_2.12-3.3.2.jar",
        "org.apache.iceberg_iceberg-spark-runtime-3.5_2.12-1.10.0.jar",
        "org.apache.spark_spark-avro_2.12-3.5.6.jar",
        "org.xerial_sqlite-jdbc-3.50.3.0.jar",
        "io.delta_delta-storage-3.3.2.jar",
    )


def test_deequ_is_for_spark_3_5_alone() -> None:
    """Deequ comes with the parser of rulesets that is to be had; on Spark 4.1 the error names the Spark that has it."""
    assert find_runtime("3.5.6").files(["deequ"]) == (
        "com.amazon.deequ_deequ-2.1.0-spark-3.5.jar",
        "software.amazon.glue_dqdl-1.0.0.jar",
    )
    with pytest.raises(ConfigError, match=r"there are no jars for deequ on Spark 4\.1, only on Spark 3\.5"):
        find_runtime("4.1.1").files(["deequ"])


def test_what_stands_in_for_another_version_is_asked_for_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver leaves the version out that a jar names, and is asked for the one in its place by itself."""
    runtime, asked = find_runtime("3.5.6"), []

    def submitted(packages: list[str], excluded: list[str], *, work: Path, java: Java) -> str:
        asked.append((packages, "software.amazon.glue:dqdl" in excluded, java is NO_JAVA))
        folder = work / "ivy" / "jars"
        folder.mkdir(parents=True, exist_ok=True)
        for coordinate in packages:
            (folder / jars.file_name(coordinate)).touch()
        return ""

    monkeypatch.setattr(jars, "_submitted", submitted)
    fetch_jars(runtime, ["deequ"], into=tmp_path, java=NO_JAVA)
    assert asked == [
        (["com.amazon.deequ:deequ:2.1.0-spark-3.5"], True, True),
        (["software.amazon.glue:dqdl:1.0.0"], False, True),
    ]
    assert {path.name for path in tmp_path.iterdir()} == set(runtime.files(["deequ"]))


def test_patch_releases_share_a_runtime() -> None:
    """Only the first two numbers of a Spark version choose."""
    assert find_runtime("4.1.1") is find_runtime("4.1.9")


def test_an_unknown_spark_is_refused_with_the_known_ones() -> None:
    """The error lists what is supported."""
    with pytest.raises(ConfigError, match=r"Spark 4\.0\.1 is not supported; install pyspark 3\.5\.\* or 4\.1\.\*"):
        find_runtime("4.0.1")


def test_a_named_folder_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With LAKEHOUSE_JARS nothing is fetched, so no Java is needed to find the files."""
    runtime = find_runtime()
    fill(tmp_path, runtime)
    monkeypatch.setenv(JARS_FOLDER, str(tmp_path))
    found = find_jars(runtime, CORE, java=NO_JAVA)
    assert [path.parent for path in found] == [tmp_path] * len(runtime.files(CORE))


def test_a_named_folder_that_lacks_a_jar_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names folder, variable and file; nothing is fetched behind the caller's back."""
    runtime = find_runtime()
    fill(tmp_path, runtime)
    lost = runtime.files(CORE)[0]
    (tmp_path / lost).unlink()
    monkeypatch.setenv(JARS_FOLDER, str(tmp_path))
    with pytest.raises(ConfigError, match=f"{JARS_FOLDER} lacks {lost};"):
        find_jars(runtime, CORE, java=NO_JAVA)


def test_a_full_cache_is_used_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Once everything is there no resolver runs and nothing is said."""
    runtime = find_runtime()
    monkeypatch.delenv(JARS_FOLDER, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fill(cache_folder() / f"jars-{runtime.spark}", runtime)
    assert all(path.is_relative_to(tmp_path) for path in find_jars(runtime, CORE, java=NO_JAVA))
    assert capfd.readouterr().err == ""


def test_fetched_files_arrive_and_leave_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The folder holds the jars and none of the resolver's own files, and one line says what took the time."""
    runtime = find_runtime()

    def resolve(_: Runtime, __: object, *, work: Path, java: Java) -> str:
        assert java is NO_JAVA
        fill(work / "ivy" / "jars", runtime)
        (work / "ivy" / "cache").mkdir()
        return ""

    monkeypatch.setattr(jars, "_resolve", resolve)
    fetch_jars(runtime, CORE, into=tmp_path / "jars", java=NO_JAVA)
    assert {path.name for path in (tmp_path / "jars").iterdir()} == set(runtime.files(CORE))
    assert capfd.readouterr().err.count("\n") == 1


def test_a_failed_fetch_quotes_the_resolver(tmp_path: Path) -> None:
    """The error names the files, what was said, and the way without a network."""
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho unresolved dependency >&2\nexit 1\n", encoding="utf-8")
    java.chmod(0o755)
    broken = Java(home=tmp_path, version=17)
    with pytest.raises(ConfigError, match=r"(?s)could not fetch .*unresolved dependency.*LAKEHOUSE_JARS"):
        fetch_jars(find_runtime(), CORE, into=tmp_path / "jars", java=broken)


def test_the_command_is_content_with_a_full_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Run again, the command that fills a container image has nothing to do."""
    fill(tmp_path, find_runtime())
    assert jars.main(["--into", str(tmp_path)]) == 0
    assert capfd.readouterr().err == ""


def test_the_command_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A wrong set-up ends with a message and exit code 2, not with a traceback."""
    monkeypatch.setenv(JARS_FOLDER, str(tmp_path))
    assert jars.main([]) == 2
    assert capfd.readouterr().err.startswith(f"the folder {tmp_path} named by {JARS_FOLDER} lacks ")


def test_the_cache_is_where_the_desktop_says(tmp_path: Path) -> None:
    """XDG_CACHE_HOME decides; without it the cache is in the home folder."""
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "lakehouse"
    assert cache_folder({}) == Path.home() / ".cache" / "lakehouse"
