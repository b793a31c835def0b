"""The bill of materials names all that runs, and nothing that only builds or tests."""

from __future__ import annotations

import json
import re

import pytest
from bill import close, jar_components, make_bill, read_project, write_bill
from packaging.requirements import Requirement
from pins import read_pins

from lakehouse.runtime.jars import RUNTIMES, find_runtime


@pytest.fixture(scope="module")
def packages() -> dict[str, str | None]:
    """The Python packages on the bill of this environment, with their versions."""
    listed = json.loads(write_bill(make_bill(read_project(), find_runtime())))["components"]
    return {one["name"]: one.get("version") for one in listed if one["purl"].startswith("pkg:pypi/")}


@pytest.mark.parametrize("spark", list(RUNTIMES))
def test_every_jar_is_on_the_bill(spark: str) -> None:
    """Each coordinate of each feature of a runtime is there, with its version."""
    runtime = RUNTIMES[spark]
    pinned = {one for bundle in runtime.bundles.values() for one in (*bundle.asked, *bundle.brought)}
    assert {f"{one.group}:{one.name}:{one.version}" for one in jar_components(runtime)} == pinned


def test_the_bill_holds_packages_and_jars() -> None:
    """What is written names the wheel, a package and a jar by their addresses."""
    runtime = find_runtime()
    written = json.loads(write_bill(make_bill(read_project(), runtime)))
    assert written["metadata"]["component"]["name"] == "lakehouse"
    addresses = {one["purl"] for one in written["components"]}
    group, artifact, version = runtime.bundles["core"].asked[0].split(":")
    pins = read_pins(runtime.spark)
    assert {f"pkg:maven/{group}/{artifact}@{version}", f"pkg:pypi/pyspark@{pins['pyspark']}"} <= addresses


def test_every_runtime_requirement_is_on_the_bill(packages: dict[str, str | None]) -> None:
    """Whatever an extra asks for is there, unless only developers or the other Spark do."""
    extras = read_project()["optional-dependencies"]
    of_spark = {"3.5": ["spark35", "deequ"], "4.1": ["spark41"]}[find_runtime().spark]
    asked = [
        one
        for name in ["config", "local", "aws", "iceberg", "crypto", "quality", "reports", *of_spark]
        for one in extras[name]
    ]
    everywhere = {re.split(r"[^\w-]", one)[0].lower() for one in asked if ";" not in one} - {"lakehouse"}
    assert {
        "pyspark",
        "delta-spark",
        "pydantic",
        "pyyaml",
        "rich",
        "boto3",
        "pyiceberg",
        "cryptography",
        "lark",
        "jinja2",
        "pygal",
    } <= everywhere
    assert everywhere <= set(packages)


def test_what_requirements_bring_is_on_the_bill(packages: dict[str, str | None]) -> None:
    """Transitive packages are there, those behind the extra of a requirement too; tools of developers are not."""
    assert {"py4j", "pydantic-core", "sqlalchemy", "cffi"} <= set(packages)
    assert {"pytest", "ruff", "mypy", "bandit", "cyclonedx-python-lib"}.isdisjoint(packages)


def test_versions_on_the_bill_are_the_pins(packages: dict[str, str | None]) -> None:
    """Each package has the version that is pinned; only what the platform brings has none."""
    pins = read_pins(find_runtime().spark)
    assert {name: version for name, version in packages.items() if name in pins} == {
        name: pins[name] for name in packages if name in pins
    }
    from_platform = {"boto3", *close([Requirement("boto3")])}
    assert {name for name, version in packages.items() if version is None} <= from_platform
