"""Names of landed files that Hadoop does not open."""

from __future__ import annotations

import pytest

from lakehouse.bronze.manifest import LandedFile
from lakehouse.runtime.landing import obstacle


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("file:///landing/a.csv", None),
        ("file:///landing/a%5B1%5D.csv", None),
        ("file:///landing/2026-01-01T00%3A00/a.csv", None),
        ("file:///landing/12:00.csv", "colon"),
        ("file:///landing/12%3A00.csv", "colon"),
        ("file:///landing/12:00/a%2A.csv", "colon and a letter of patterns"),
        ("s3://bucket/12:00.csv", None),
        ("s3://bucket/12:00,1.csv", "colon and a letter of patterns"),
    ],
)
def test_colons_keep_hadoop_from_opening_some_files(address: str, said: str | None) -> None:
    """A colon is a name's own on S3 and in folders, and in the way in a local name and beside a pattern."""
    found = obstacle(LandedFile(file=address, size=1, modified_at=0))
    assert found is None if said is None else said in (found or "")
