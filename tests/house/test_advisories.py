"""No pin is known to be vulnerable without a word on why it stays."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyspark
import pytest
from packaging.specifiers import SpecifierSet
from pins import FILES, read_pins

from lakehouse.runtime.jars import RUNTIMES

ANSWERS = {"fixed", "accepted"}
CARRIERS = re.compile(r"pyspark:|org\.apache\.iceberg:iceberg-spark-runtime")
"""Pins that hold other jars inside: what they carry has to be listed."""


@pytest.fixture(scope="module")
def file(root: Path) -> Mapping[str, Any]:
    """The file of advisories."""
    return tomllib.loads((root / "requirements" / "advisories.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pinned() -> set[str]:
    """Every pin of both runtimes, as name:version or group:artifact:version."""
    packages = {f"{name}:{version}" for spark in FILES for name, version in read_pins(spark).items()}
    bundles = [bundle for runtime in RUNTIMES.values() for bundle in runtime.bundles.values()]
    return packages | {coordinate for bundle in bundles for coordinate in (*bundle.asked, *bundle.brought)}


def unanswered(advisories: Iterable[Mapping[str, Any]], used: Iterable[str]) -> Iterator[str]:
    """Name the affected versions that are used and not accepted, and the advisories without one answer and a date."""
    for advisory in advisories:
        if len(ANSWERS & advisory.keys()) != 1 or not isinstance(advisory.get("noted"), date):
            yield f"{advisory['id']} needs a date `noted` and one of {', '.join(sorted(ANSWERS))}"
        for one in sorted(used):
            if is_affected(advisory, one) and "accepted" not in advisory:
                yield f"{one} is affected by {advisory['id']}: pin another version, or say why it is accepted"


def is_affected(advisory: Mapping[str, Any], coordinate: str) -> bool:
    """Whether an advisory speaks of a version; a suffix such as `.Final` is no part of it."""
    package, _, version = coordinate.rpartition(":")
    numbers = re.match(r"\d+(\.\d+)*", version)
    if package != advisory["package"] or numbers is None:
        return False
    return any(SpecifierSet(affected).contains(numbers[0]) for affected in advisory["affected"])


def test_every_affected_pin_is_accepted_with_a_reason(file: Mapping[str, Any], pinned: set[str]) -> None:
    """Neither a pin nor what it carries is affected, unless the file says why that is accepted."""
    carried = {one for inside in file["carried"].values() for one in inside}
    assert list(unanswered(file["advisory"], pinned | carried)) == []


def test_what_pins_carry_was_read_from_these_pins(file: Mapping[str, Any], pinned: set[str]) -> None:
    """The carriers listed are exactly those pinned, so that a new pin is looked into."""
    assert set(file["carried"]) == {one for one in pinned if CARRIERS.match(one)}


def test_the_jars_of_pyspark_are_those_listed(file: Mapping[str, Any]) -> None:
    """What the file says of the installed pyspark is what its jar files say."""
    listed = [coordinate.split(":") for coordinate in file["carried"][f"pyspark:{pyspark.__version__}"]]
    speaks_of = {advisory["package"].rpartition(":")[2] for advisory in file["advisory"]}
    jars = (re.fullmatch(r"(.+?)-(\d.*)\.jar", path.name) for path in Path(pyspark.__file__).parent.glob("jars/*.jar"))
    there = {(jar[1], jar[2]) for jar in jars if jar and jar[1] in speaks_of}
    assert there == {(artifact, version) for _, artifact, version in listed}


def test_the_page_tells_what_is_accepted(file: Mapping[str, Any], root: Path) -> None:
    """Whoever reads how the supply chain is kept finds each accepted advisory there."""
    page = (root / "docs" / "how-to" / "supply-chain.md").read_text(encoding="utf-8")
    accepted = [advisory["id"] for advisory in file["advisory"] if "accepted" in advisory]
    assert accepted
    assert [advisory for advisory in accepted if advisory not in page] == []


OLD = {"id": "CVE-1", "package": "g:a", "affected": ["<1.5", ">=2,<2.0.3"], "noted": date(2026, 1, 1), "fixed": "later"}


def test_affected_pins_are_found() -> None:
    """A version inside a range is named, one outside is not, and an accepted one may stay."""
    found = list(unanswered([OLD], ["g:a:1.4.9.Final", "g:a:1.5", "g:a:2.0.2", "g:b:1.0", "a:1.0"]))
    assert [text.partition(" is affected by CVE-1:")[0] for text in found] == ["g:a:1.4.9.Final", "g:a:2.0.2"]
    accepted = {key: value for key, value in OLD.items() if key != "fixed"} | {"accepted": "never called"}
    assert list(unanswered([accepted], ["g:a:1.0"])) == []


@pytest.mark.parametrize("changes", [{"accepted": "too"}, {"noted": "yesterday"}])
def test_advisories_without_an_answer_are_found(changes: dict[str, Any]) -> None:
    """Two answers, or no date, are named."""
    assert list(unanswered([OLD | changes], [])) == ["CVE-1 needs a date `noted` and one of accepted, fixed"]
