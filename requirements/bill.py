"""The bill of materials: what the wheel runs with on the Spark of this environment, as CycloneDX JSON.

`python requirements/bill.py dist` writes `dist/lakehouse-VERSION-sparkLINE.cdx.json`: the Python packages that the wheel's
extras bring, with all that these bring, and the jars that `lakehouse.runtime.jars` names. Development tools are left out.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pins import read_pins

from lakehouse.runtime.jars import Runtime, find_runtime

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
NOT_RUN = {"3.5": {"dev", "docs", "spark41"}, "4.1": {"dev", "docs", "spark35", "deequ"}}
"""The extras that do not run on a Spark; Deequ has no jar for 4.1."""


def read_project() -> Mapping[str, Any]:
    """Read the section `project` of pyproject.toml."""
    project: Mapping[str, Any] = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    return project


def runtime_requirements(project: Mapping[str, Any], spark: str) -> tuple[Requirement, ...]:
    """List what the wheel asks for itself on a Spark, in its dependencies and in each extra that runs there."""
    extras = project["optional-dependencies"]
    stated = [*project["dependencies"], *(one for name in extras if name not in NOT_RUN[spark] for one in extras[name])]
    asked = map(Requirement, stated)
    return tuple(one for one in asked if one.name != project["name"] and _applies(one, extras=()))


def close(asked: Iterable[Requirement]) -> dict[str, frozenset[str]]:
    """Follow requirements to all they bring in this environment: for each normalised name those it needs itself.

    One that is not installed, because the platform brings it, is listed and not followed.
    """
    needs: dict[str, frozenset[str]] = {}
    followed: set[tuple[str, frozenset[str]]] = set()
    waiting = list(asked)
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if (name, frozenset(one.extras)) in followed:
            continue
        followed.add((name, frozenset(one.extras)))
        brought = _brought(one)
        needs[name] = needs.get(name, frozenset()) | {canonicalize_name(other.name) for other in brought}
        waiting += brought
    return needs


def python_components(needs: Iterable[str], pins: Mapping[str, str]) -> dict[str, Component]:
    """Make a component of each package, by name; one that is not pinned has no version."""
    return {name: _component(PackageURL("pypi", name=name, version=pins.get(name))) for name in sorted(needs)}


def jar_components(runtime: Runtime) -> tuple[Component, ...]:
    """Make a component of each jar that a runtime may load, of every feature."""
    bundles = runtime.bundles.values()
    coordinates = (one.split(":") for bundle in bundles for one in (*bundle.asked, *bundle.brought))
    return tuple(_component(PackageURL("maven", group, name, version)) for group, name, version in coordinates)


def make_bill(project: Mapping[str, Any], runtime: Runtime) -> Bom:
    """Make the bill of a runtime, which must be that of this environment: its packages say what they need."""
    asked = runtime_requirements(project, runtime.spark)
    needs = close(asked)
    packages = python_components(needs, read_pins(runtime.spark))
    jars = jar_components(runtime)
    wheel = _component(PackageURL("pypi", name=project["name"], version=project["version"]))
    bill = Bom(components=[*packages.values(), *jars])
    bill.metadata.component = wheel
    direct = {canonicalize_name(one.name) for one in asked}
    bill.register_dependency(wheel, [*(packages[name] for name in sorted(direct)), *jars])
    for name, package in packages.items():
        bill.register_dependency(package, [packages[other] for other in sorted(needs[name])])
    return bill


def write_bill(bill: Bom) -> str:
    """Write a bill as CycloneDX 1.6 JSON."""
    return make_outputter(bill, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)


def main(arguments: Sequence[str]) -> int:
    """Write the bill of this environment into the folder that is named."""
    [folder] = arguments
    project, runtime = read_project(), find_runtime()
    file = Path(folder) / f"{project['name']}-{project['version']}-spark{runtime.spark.replace('.', '')}.cdx.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(write_bill(make_bill(project, runtime)) + "\n", encoding="utf-8")
    sys.stderr.write(f"wrote {file}\n")
    return 0


def _component(url: PackageURL) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        group=url.namespace,
        name=url.name,
        version=url.version,
        purl=url,
        bom_ref=url.to_string(),
    )


def _brought(requirement: Requirement) -> list[Requirement]:
    try:
        stated = metadata.requires(requirement.name) or []
    except metadata.PackageNotFoundError:
        return []
    return [one for one in map(Requirement, stated) if _applies(one, extras=requirement.extras)]


def _applies(requirement: Requirement, *, extras: Iterable[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
