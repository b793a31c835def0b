"""Rules on files are asked of real ones, with checksums that hashlib made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha1, sha256
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.runtime.evaluation import evaluate

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LARGE = bytes(range(256)) * 10_000
"""More than is held at a time."""

CONTENTS = {
    "orders.csv": b"id\n1\n",
    "2026/ö & 1%20.csv": b"id\n1\n",
    "2026/large.bin": LARGE,
    "2026/empty": b"",
    "_SUCCESS": b"",
    ".orders.csv.crc": b"crc",
    "_temporary/0/part": b"half",
}


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    """What the files hold does not matter."""
    return spark.range(2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files in folders, each a minute older than the one before it."""
    for age, (name, content) in enumerate(CONTENTS.items(), start=1):
        path = tmp_path / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written = (NOON - timedelta(minutes=age)).timestamp()
        os.utime(path, (written, written))
    (tmp_path / "nothing").mkdir()
    return tmp_path / "landing"


def test_files_are_listed_and_read(frame: DataFrame, folder: Path) -> None:
    """Those in folders too, hidden ones left out unless they are named; each is read to its end."""
    checksums = [sha256(content).hexdigest() for content in (b"id\n1\n", LARGE, b"")]
    rules = {
        f'FileSize "{folder}" <= {len(LARGE)} B': "",
        f'FileSize "{folder}/2026/large.bin" = {len(LARGE)} B': "",
        f'FileSize "{folder}/_SUCCESS" = 0 B': "",
        f'FileSize "{folder.as_uri()}" > 0 B': "1 of 4 files do not pass",
        f'FileSize "{folder}" = 5 B with uriRegex = "/ö & 1%20\\\\.csv$"': "",
        f'FileFreshness "{folder}" >= (now() - 4 minutes)': "",
        f'FileFreshness "{folder}" > (now() - 4 minutes)': "1 of 4 files do not pass",
        f'FileFreshness "{folder}" = (now() - 1 minutes) with recentFiles = 1': "",
        f'FileUniqueness "{folder}" = 0.5': "",
        f'FileMatch "{folder}" in ["{checksums[0]}", "{checksums[1]}", "{checksums[2]}"]': "",
        f'FileMatch "{folder}/2026/large.bin" in ["{md5(LARGE, usedforsecurity=False).hexdigest()}"] with hashAlgorithm = "MD5"': "",
        f'FileMatch "{folder}/2026/large.bin" in ["{sha1(LARGE, usedforsecurity=False).hexdigest()}"] with hashAlgorithm = "SHA-1"': "",
        f'FileMatch "{folder}/orders.csv" "{folder}/2026/ö & 1%20.csv"': "",
        f'FileMatch "{folder}/orders.csv" "{folder}/2026"':
            "0 of 1 files have no equal at the second path, and 2 of 3 there none at the first",
        f'FileSize "{folder.parent}/nothing" >= 0 B': "there are no files",
        "FileSize = 5 B with threshold = 0.5": "",
        f'(FileSize "{folder}" > 0 B) or (RowCount = 2)': "",
        f'(FileSize "{folder}" > 0 B) and (RowCount = 2)': f'FileSize "{folder}" > 0 B: 1 of 4 files do not pass',
    }  # fmt: skip
    found = evaluate(frame, f"Rules = [{', '.join(rules)}]", as_of=NOON, files=str(folder))
    assert {one.rule: one.reason for one in found.outcomes} == rules
    assert [one.verdict for one in found.outcomes] == ["Failed" if reason else "Passed" for reason in rules.values()]
    assert found.metrics["Dataset.*.FileCount"] == 4
    assert found.metrics[f"Dataset.*.MaximumFileSize (files: {folder})"] == len(LARGE)
    assert found.rows.where("size(DataQualityRulesSkip) < 18").isEmpty()


def test_what_cannot_be_listed_or_read_is_an_error(frame: DataFrame, folder: Path) -> None:
    """It is told by its kind, without the names of files."""
    (folder / "12:00.csv").write_bytes(b"id\n1\n")  # Hadoop lists it, and does not open it
    rules: Mapping[str, str] = {
        f'FileSize "{folder}/gone" > 1 B': f"there is neither a file nor a folder {folder}/gone",
        'FileSize "ftps://b/x" > 1 B': "ftps://b/x cannot be listed: UnsupportedFileSystemException",
        f'FileUniqueness "{folder}" = 1': "a file cannot be read: URISyntaxException",
        "FileSize > 1 B": "it names no path: name one, or say by files= where the frame was read from",
    }
    found = evaluate(frame, f"Rules = [{', '.join(rules)}]", as_of=NOON)
    assert {one.rule: one.reason for one in found.outcomes} == rules
    assert {one.verdict for one in found.outcomes} == {"Error"}
